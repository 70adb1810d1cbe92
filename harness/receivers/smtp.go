package receivers

import (
	"bytes"
	"errors"
	"io"
	"log"
	"mime"
	"net/mail"
	"strings"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/emersion/go-smtp"
)

var _ = Channels.Add(registry.Kind[Channel]{
	Name: SMTP,
	Doc: "Mail over SMTP. Taken (250), and refused as a mail server does: 552 if it is too large, 554 without a readable header. The " +
		"drill's secret is the recipient.",
	Example: "{id: mailed, measure: alert.received, channel: smtp, atMost: 5m, source: BCP 4.2}",
	New: func() Channel {
		return Channel{Serve: mailServer, Protocol: "SMTP", Carries: map[string][]string{"event": message, "summary": nil},
			Secret: func(token string) string { return "oncall-" + token + "@" + mailDomain }, BadKey: badRecipient}
	},
})

const (
	mailDomain    = "drill.test"
	maxMail       = 1 << 20 // bytes of one mail
	maxRecipients = 50      // of one mail
)

// Answers to a mail, as they are recorded.
const (
	mailTaken     = 250
	mailTooLarge  = 552
	mailMalformed = 554
)

// errPlain refuses a sender that speaks in the clear to an end that has a certificate.
var errPlain = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "must issue a STARTTLS command first"}

var errMalformed = &smtp.SMTPError{Code: mailMalformed, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "message has no readable header"}

// mailServer takes mail for anybody, as a relay does: only mail to our recipient carries the nonce.
func mailServer(e *Endpoint) Server {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &mailSession{end: e, conn: c}, nil }))
	s.Domain = mailDomain
	s.MaxMessageBytes = maxMail
	s.MaxRecipients = maxRecipients
	s.ReadTimeout = ioTimeout
	s.WriteTimeout = ioTimeout
	s.ErrorLog = log.New(io.Discard, "", 0) // a broken session is the sender's matter
	s.TLSConfig = e.TLS()
	return s
}

// badRecipient says why a key is no address that mail could be sent to.
func badRecipient(key string) string {
	if a, err := mail.ParseAddress(key); err != nil || a.Address != key {
		return "the key of a mail channel is the address of its recipient, and this is none"
	}
	return ""
}

// mailSession is one SMTP session; its library runs it in one goroutine.
type mailSession struct {
	end  *Endpoint
	conn *smtp.Conn
	from string
	ours bool // our recipient is among those of the current mail
}

// Reset forgets the current mail.
func (s *mailSession) Reset() { s.from, s.ours = "", false }

// Logout ends the session.
func (s *mailSession) Logout() error { return nil }

// Mail begins a mail.
func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if _, secure := s.conn.TLSConnectionState(); s.end.TLS() != nil && !secure {
		return errPlain
	}
	s.from = from
	return nil
}

// Rcpt adds a recipient.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.ours = s.ours || same(strings.ToLower(to), strings.ToLower(s.end.secret))
	return nil
}

// Data reads the mail to its end, records it and answers.
func (s *mailSession) Data(body io.Reader) error {
	text, err := io.ReadAll(body)
	a := harness.Arrival{At: s.end.Now(), Event: "message", Source: s.from, Nonce: s.ours, Status: mailTaken}
	if err != nil && !errors.Is(err, smtp.ErrDataTooLarge) {
		return err // the mail never ended: no arrival
	}
	answer := err
	if err == nil {
		var from string
		if a.Summary, from, answer = headerOf(text); from != "" {
			a.Source = from
		}
	}
	var refusal *smtp.SMTPError
	if errors.As(answer, &refusal) {
		a.Status = refusal.Code
	}
	a.Accepted = answer == nil
	s.end.Record(a)
	return answer
}

// headerOf reads the subject, or else the first line, and the sender of a mail.
func headerOf(text []byte) (subject, from string, err error) {
	m, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil || len(m.Header) == 0 {
		return "", "", errMalformed
	}
	words := new(mime.WordDecoder)
	if subject, err = words.DecodeHeader(m.Header.Get("Subject")); err != nil {
		subject = m.Header.Get("Subject") // in a character set we do not know: as it stands
	}
	if blank(subject) {
		body, err := io.ReadAll(io.LimitReader(m.Body, maxText))
		if err != nil {
			return "", "", errMalformed
		}
		subject, _, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
	}
	return subject, m.Header.Get("From"), nil
}
