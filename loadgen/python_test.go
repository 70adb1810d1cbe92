package loadgen

import (
	"bytes"
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
	testDocumentedRule(t, python, program)
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

// testDocumentedRule holds the program against the one rule on files that are not closed: for every file of good records, cut
// anywhere, it reads what our reader reads and refuses what that refuses.
func testDocumentedRule(t *testing.T, python, program string) {
	t.Helper()
	whole := sampleFile(t, 3)
	open := append(bytes.Clone(whole[:countOffset]), make([]byte, 8)...)
	open = append(open, whole[HeaderSize:]...)
	for name, c := range map[string]struct {
		file   []byte
		closed bool
		want   string // "" refused
	}{
		"closed":                   {whole, true, "3 1700000000000000000 3"},
		"closed after all":         {whole, false, "3 1700000000000000000 3"},
		"closed and torn":          {whole[:len(whole)-1], true, ""},
		"counted and torn":         {whole[:len(whole)-1], false, ""},
		"closed and more":          {append(bytes.Clone(whole), 0), true, ""},
		"not closed":               {open, false, "3 1700000000000000000 3"},
		"not closed, torn":         {open[:len(open)-7], false, "3 1700000000000000000 2"},
		"not closed, no record":    {open[:HeaderSize], false, "3 1700000000000000000 0"},
		"not closed, half header":  {open[:HeaderSize/2], false, "None None 0"},
		"not closed, no byte":      {nil, false, "None None 0"},
		"closed, no record":        {open[:HeaderSize], true, "3 1700000000000000000 0"},
		"said closed, and was not": {open, true, ""},
		"half header":              {whole[:HeaderSize/2], true, ""},
		"a gap":                    {append(bytes.Clone(open[:HeaderSize]), open[HeaderSize+SampleSize:]...), false, ""},
	} {
		path := filepath.Join(t.TempDir(), "rule.bin")
		if err := os.WriteFile(path, c.file, 0o644); err != nil {
			t.Fatal(err)
		}
		args := []string{"-c", program, path}
		if !c.closed {
			args = append(args, "not-closed")
		}
		out, err := exec.Command(python, args...).CombinedOutput()
		first, _, _ := strings.Cut(string(out), "\n")
		if (err == nil) != (c.want != "") || c.want != "" && first != c.want {
			t.Errorf("%s: %q, %v, want %q", name, first, err, c.want)
		}
	}
}

// Each outcome stands in docs/formats.md under its number and name.
func TestTheDocumentNamesEveryOutcome(t *testing.T) {
	doc, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range CommonOutcomes() {
		if row := fmt.Sprintf("| %d | %s | %s |", o.Code, o.Name, o.Class); !strings.Contains(string(doc), row) {
			t.Errorf("docs/formats.md lacks %q", row)
		}
	}
}
