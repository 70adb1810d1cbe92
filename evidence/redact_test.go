package evidence

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
)

func TestRedactorTakesOutTheLongestFirst(t *testing.T) {
	r := NewRedactor("secret", "secret-and-more", "ab")
	got := r.Text("a secret-and-more, a secret, ab")
	if got != "a [redacted], a [redacted], ab" {
		t.Errorf("got %q", got)
	}
	if string(r.Bytes([]byte("xsecretx"))) != "x[redacted]x" {
		t.Error("a secret inside a word stays")
	}
}

func TestCopyLogsRedactsAndBounds(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "logs")
	big := strings.Repeat("x", maxLogBytes) + "the end, key-123456\n"
	for name, text := range map[string]string{"a.log": "routing key-123456\n", "deep/b.log": big} {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n, err := NewRedactor("key-123456").CopyLogs(from, to)
	if err != nil || n != 2 {
		t.Fatalf("copied %d, %v", n, err)
	}
	a, err := os.ReadFile(filepath.Join(to, "a.log"))
	if err != nil || string(a) != "routing [redacted]\n" {
		t.Errorf("%q, %v", a, err)
	}
	b, err := os.ReadFile(filepath.Join(to, "deep", "b.log"))
	if err != nil || !strings.HasPrefix(string(b), "[the first 20 bytes were left out]") || !strings.HasSuffix(string(b), "the end, [redacted]\n") {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if n, err := NewRedactor().CopyLogs(filepath.Join(from, "none"), to); n != 0 || err != nil {
		t.Errorf("no logs: %d, %v", n, err)
	}
}

// TestReportsSayWhatThePackHolds: what the findings say of a secret is redacted before a report is made of them.
func TestReportsSayWhatThePackHolds(t *testing.T) {
	s := &Sealing{Dir: t.TempDir(), Redact: NewRedactor("hunter-2-hunter")}
	if _, err := writeJSON(s.Dir, FindingsFile, harness.Findings{Reason: "PASS: hunter-2-hunter"}, s.Redact); err != nil {
		t.Fatal(err)
	}
	f, err := readFindings(os.DirFS(s.Dir))
	if err != nil || f.Reason != "PASS: "+Redacted {
		t.Errorf("read %q, %v", f.Reason, err)
	}
}
