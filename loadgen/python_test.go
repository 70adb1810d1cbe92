package loadgen

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The program in docs/formats.md reads our files.
func TestTheDocumentedReaderWorks(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	doc, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, found := strings.Cut(string(doc), "```python\n")
	program, _, ended := strings.Cut(program, "```")
	if !found || !ended {
		t.Fatal("docs/formats.md holds no Python program")
	}
	path := filepath.Join(t.TempDir(), "s.bin")
	if err := os.WriteFile(path, sampleFile(t, 12), 0o644); err != nil {
		t.Fatal(err)
	}
	program += "for r in records: print(*r)\n"
	read := func(path string) string {
		out, err := exec.Command(python, "-c", program, path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	want := "3 1700000000000000000 12\n"
	for n := range uint64(12) {
		s := goodSample(n)
		want += fmt.Sprintln(s.Seq, s.Due, s.Sent, s.Done, uint8(s.Outcome), s.Cohort, s.Status, s.Worker)
	}
	if got := read(path); got != want {
		t.Errorf("samples\n got %s\nwant %s", got, want)
	}
	want = "3 1 12\n"
	for n := range uint64(12) {
		a := goodAttempt(n)
		want += fmt.Sprintln(a.ID, a.RetryOf, a.Sent, a.Done, a.Amount, uint8(a.Outcome), uint8(a.Place), 0, a.Worker)
	}
	if got := read(attemptFile(t, 12).Name()); got != want {
		t.Errorf("ledger\n got %s\nwant %s", got, want)
	}
	if err := os.WriteFile(path, copiesFile(t, 0, 1, 254), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := read(path); got != "3 1 3\n0\n1\n254\n" {
		t.Errorf("copies\n got %s", got)
	}
	if err := os.WriteFile(path, append(mustHeader(KindCopies, 1), 255), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-c", program, path).CombinedOutput(); err == nil {
		t.Errorf("copies of 255 are read: %s", out)
	}
	bad := contents(t, attemptFile(t, 1))
	bad[HeaderSize+42] = 1
	if err := os.WriteFile(path, bad, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-c", program, path).CombinedOutput(); err == nil {
		t.Errorf("an attempt whose reserved bytes are not 0 is read: %s", out)
	}
}

// Each outcome stands in docs/formats.md under its number and name.
func TestTheDocumentNamesEveryOutcome(t *testing.T) {
	doc, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	for o := range Outcome(NumOutcomes) {
		if row := fmt.Sprintf("| %d | %s |", uint8(o), o); !strings.Contains(string(doc), row) {
			t.Errorf("docs/formats.md lacks %q", row)
		}
	}
}
