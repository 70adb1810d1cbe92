package evidence

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"blackstart/harness"
)

// Alerts that come while the evidence is bound do not get behind the record's event: they are told before it, or not at all.
func TestAlertsWhileTheEvidenceIsBound(t *testing.T) {
	dir := t.TempDir()
	h, j := recorded(t, dir, func(*Inputs) {})
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = j.Append(j.now(alertReceived, "pagerduty received (trigger) hunter-2-hunter", map[string]string{"channel": "pagerduty"})) // refused once the log has ended
				}
			}
		})
	}
	redact := j.redact
	go redact.Add("hunter-2-hunter")
	err := Bind(t.Context(), Binding{Dir: h.dir, Journal: j, Record: h.rec, Redact: redact, UndoLog: filepath.Join(dir, "none"), Formats: []byte("formats\n")})
	close(stop)
	senders.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if bound, err := Bound(h.dir); err != nil || !bound {
		t.Errorf("bound %t, %v", bound, err)
	}
	if err := j.Append(harness.Event{Kind: alertReceived}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("an event got into a log that has ended: %v", err)
	}
}

// Secrets are taken out in every form in which they may come to be written.
func TestSecretsInEveryForm(t *testing.T) {
	r := NewRedactor("pa\"ss<w>ord", "-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\nsecondlineofthekey==\n-----END KEY-----")
	for _, s := range []string{`pa"ss<w>ord`, `{"p":"pa\"ss<w>ord"}`, `{"p":"pa\"ss\u003cw\u003eord"}`, "MC4CAQAwBQYDK2VwBCIEIJ", "x secondlineofthekey== y"} {
		if got := r.Text(s); !strings.Contains(got, Redacted) || strings.Contains(got, "ord") && strings.Contains(got, "ss") {
			t.Errorf("%s stays as %s", s, got)
		}
	}
	if got := r.Text("-----BEGIN KEY-----"); got != "-----BEGIN KEY-----" {
		t.Errorf("a line that is no secret is taken out: %s", got)
	}
}
