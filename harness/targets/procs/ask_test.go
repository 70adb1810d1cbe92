package procs_test

import (
	"context"
	"errors"
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

// A program behind a gate gets its input when a line of its stderr has opened it, and none where the gate stays shut.
func TestAskBehindAGate(t *testing.T) {
	for name, c := range map[string]struct {
		script, out string
		err         error
		seen        int
	}{
		"opened":        {`echo one >&2; echo ready >&2; read -r a; read -r b; echo "$a-$b"; echo after >&2`, "first-second\n", nil, 3},
		"refused":       {`echo ready >&2; read -r a || echo "no input"; echo after >&2`, "no input\n", errors.New("no"), 2},
		"never":         {`echo one >&2; echo done`, "done\n", nil, 1},
		"does not read": {`exec 0</dev/null; echo ready >&2; echo done`, "done\n", nil, 1},
	} {
		seen := 0
		a, err := procs.Ask(t.Context(), procs.Question{Argv: []string{"sh", "-c", c.script}, Most: 100, Gate: func(line string) (bool, []byte, error) {
			seen++
			return line == "ready", []byte("first\nsecond\n" + strings.Repeat("x", 1<<20)), c.err
		}})
		if err != nil || string(a.Stdout) != c.out || seen != c.seen {
			t.Errorf("%s: %q, %d lines, %v", name, a.Stdout, seen, err)
		}
	}
}
