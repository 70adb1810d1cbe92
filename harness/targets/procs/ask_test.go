package procs_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness/targets/procs"
)

func ask(t *testing.T, limit time.Duration, argv ...string) (procs.Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return procs.Ask(ctx, procs.Question{Argv: argv, Stdin: []byte("said on stdin"), Most: 20})
}

func TestAskTellsHowAProgramEnded(t *testing.T) {
	if a, err := ask(t, time.Minute, "sh", "-c", "cat; echo oops >&2; exit 3"); err != nil || !a.Exited || a.Code != 3 ||
		string(a.Stdout) != "said on stdin" || string(a.Stderr) != "oops\n" || a.Over {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := ask(t, time.Minute, "sh", "-c", "head -c 1000000 /dev/zero"); err != nil || !a.Over || len(a.Stdout) != 20 || a.Code != 0 {
		t.Errorf("a program that says much: %d bytes, %+v, %v", len(a.Stdout), a.Over, err)
	}
	if a, err := ask(t, time.Minute, "sh", "-c", "kill -9 $$"); err == nil || a.Exited || !a.Started {
		t.Errorf("a program that was killed: %+v, %v", a, err)
	}
	for _, name := range []string{"no-such-program", "/no/such/program", "./sh", ""} {
		if a, err := ask(t, time.Minute, name); err == nil || a.Started {
			t.Errorf("%q: %+v, %v", name, a, err)
		}
	}
}

// What does not end is killed, with what it has started; what it leaves behind is not waited for.
func TestAskEnds(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	begun := time.Now()
	a, err := ask(t, 200*time.Millisecond, "sh", "-c", "(sleep 3; touch "+mark+") & sleep 60")
	if err == nil || a.Exited || !a.Started || !strings.Contains(err.Error(), "had not ended in time") {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err = ask(t, time.Minute, "sh", "-c", "setsid sleep 4 & exit 0"); err == nil || a.Exited {
		t.Errorf("a program that leaves another: %+v, %v", a, err)
	}
	for time.Since(begun) < 3500*time.Millisecond { // the mark would be there by then
		time.Sleep(50 * time.Millisecond)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("what the program had started lived on")
	}
}

// A program sees the same however we were started.
func TestAskGivesNothingOfOurs(t *testing.T) {
	t.Setenv("PATH", "/planted")
	t.Setenv("HOME", "/planted")
	t.Setenv("PLANTED", "1")
	a, err := procs.Ask(t.Context(), procs.Question{Argv: []string{"env"}, Most: 4096})
	if text := string(a.Stdout); err != nil || strings.Contains(strings.ToLower(text), "planted") || !strings.Contains(text, "HOME=/") {
		t.Errorf("%s, %v", text, err)
	}
}
