package people

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"blackstart/harness"
)

// terminal asks whoever sits at the run.
type terminal struct {
	out   io.Writer
	in    io.Reader
	once  sync.Once
	lines chan typed // closed at the end of what can be read
}

// typed is a line, and when it was read.
type typed struct {
	text string
	at   time.Time
}

// Terminal asks on out and hears on in. A line is heard by the task that is asked when it comes.
func Terminal(in io.Reader, out io.Writer) harness.People {
	return &terminal{in: in, out: out, lines: make(chan typed)}
}

// Ask implements harness.People.
func (t *terminal) Ask(ctx context.Context, task harness.PersonTask, begun func(string)) (string, error) {
	asked := time.Now()
	t.once.Do(func() {
		go func() { // it ends with what can be read, or with the process
			defer close(t.lines)
			for s := bufio.NewScanner(t.in); s.Scan(); {
				t.lines <- typed{s.Text(), time.Now()}
			}
		}()
	})
	fmt.Fprintf(t.out, "\nFOR PEOPLE  %s\n  write: begun YOUR NAME, then: done YOUR NAME; or: cannot WHY\n", words(task))
	for {
		var line typed
		var ok bool
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case line, ok = <-t.lines:
		}
		if !ok {
			return "", fmt.Errorf("nobody can answer any more: the terminal is closed")
		}
		if line.at.Before(asked) { // an answer to what was asked before
			continue
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(line.text), " ")
		if word == "cannot" {
			return "", &Cannot{rest}
		}
		who, err := named(rest)
		switch {
		case word != "begun" && word != "done":
			fmt.Fprintf(t.out, "  %.40q is none of begun, done and cannot\n", word)
		case err != nil:
			fmt.Fprintf(t.out, "  %v\n", err)
		case word == "begun":
			begun(who)
			fmt.Fprintf(t.out, "  begun, says %s\n", who)
		default:
			return who, nil
		}
	}
}
