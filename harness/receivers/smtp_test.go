package receivers

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
)

// sendMail sends one mail by a real session and gives the server's refusal, if any.
func sendMail(t testing.TB, r *Receivers, to []string, letter string) error {
	t.Helper()
	return smtp.SendMail(delivery(t, r, SMTP).URL, nil, "dr@finrag.test", to, []byte(letter))
}

func TestMail(t *testing.T) {
	r := start(t, nil)
	ours := delivery(t, r, SMTP).Secret
	for _, tc := range []struct {
		name    string
		to      []string
		letter  string
		status  int
		nonce   bool
		summary string
	}{
		{"plain", []string{ours}, "Subject: east is down\r\nFrom: dr@finrag.test\r\n\r\nbody\r\n", 250, true, "east is down"},
		{"upper case recipient", []string{strings.ToUpper(ours)}, "Subject: x\r\n\r\n", 250, true, "x"},
		{"one of several", []string{"other@finrag.test", ours}, "Subject: x\r\n\r\n", 250, true, "x"},
		{"encoded subject", []string{ours}, "Subject: =?utf-8?q?caf=C3=A9?=\r\n\r\n", 250, true, "café"},
		{"unknown character set", []string{ours}, "Subject: =?x-none?q?a?=\r\n\r\n", 250, true, "=?x-none?q?a?="},
		{"no subject", []string{ours}, "From: a@b\r\n\r\nfirst line\r\nsecond\r\n", 250, true, "first line"},
		{"another drill's recipient", []string{"oncall-0000@drill.test"}, "Subject: x\r\n\r\n", 250, false, "x"},
		{"no header", []string{ours}, "just words without a header\r\n", 554, true, ""},
		{"too large", []string{ours}, "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("y", 78)+"\r\n", maxMail/80+1), 552, true, ""},
	} {
		err := sendMail(t, r, tc.to, tc.letter)
		var refusal *textproto.Error
		if tc.status == 250 && err != nil || tc.status != 250 && (!errors.As(err, &refusal) || refusal.Code != tc.status) {
			t.Errorf("%s: answered %v, want %d", tc.name, err, tc.status)
		}
		a := last(t, r)
		if a.Channel != SMTP || a.Status != tc.status || a.Accepted != (tc.status == 250) || a.Nonce != tc.nonce || a.Summary != tc.summary {
			t.Errorf("%s: recorded %+v", tc.name, a)
		}
	}
}

func TestRecipientsDoNotCarryOverToTheNextMail(t *testing.T) {
	r := start(t, nil)
	c, err := smtp.Dial(delivery(t, r, SMTP).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for i, to := range []string{delivery(t, r, SMTP).Secret, "other@finrag.test"} {
		if err := errors.Join(c.Mail("dr@finrag.test"), c.Rcpt(to)); err != nil {
			t.Fatal(err)
		}
		body, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(body, "Subject: mail %d\r\n\r\n", i)
		if err := body.Close(); err != nil {
			t.Fatal(err)
		}
		if a := last(t, r); a.Nonce != (i == 0) {
			t.Errorf("mail %d: nonce %v", i, a.Nonce)
		}
	}
	_ = c.Quit()
}

func TestHalfAMailIsNoArrival(t *testing.T) {
	r := start(t, nil)
	conn, err := net.Dial("tcp", delivery(t, r, SMTP).URL)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for _, line := range []string{"", "HELO x", "MAIL FROM:<a@b>", "RCPT TO:<" + delivery(t, r, SMTP).Secret + ">", "DATA"} {
		if line != "" {
			_, _ = fmt.Fprintf(conn, "%s\r\n", line)
		}
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = fmt.Fprint(conn, "Subject: cut o")
	_ = conn.Close()
	r.Close() // waits for the session
	if n := len(r.Arrivals()); n != 0 {
		t.Errorf("%d arrivals, want none", n)
	}
}

// FuzzLetters reads foreign mail: it has a header or it is refused, and never both.
func FuzzLetters(f *testing.F) {
	f.Add([]byte("Subject: =?utf-8?q?x?=\r\nFrom: a@b\r\n\r\nbody"))
	f.Add([]byte("\r\n\r\n"))
	f.Add([]byte("Subject:\r\n\r\n\xff\xfe"))
	f.Add([]byte("a"))
	f.Fuzz(func(t *testing.T, letter []byte) {
		subject, from, err := headerOf(letter)
		if err != nil && subject+from != "" {
			t.Errorf("refused, yet it says %q from %q", subject, from)
		}
	})
}
