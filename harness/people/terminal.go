package people

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"blackstart/harness"
)

// terminal asks whoever sits at the run.
type terminal struct {
	out   io.Writer
	in    io.Reader
	once  sync.Once
	lines chan string // closed at the end of what can be read
}

// Terminal asks on out and hears on in. A line is heard by the task that is asked when it comes.
func Terminal(in io.Reader, out io.Writer) harness.People {
	return &terminal{in: in, out: out, lines: make(chan string)}
}

// Ask implements harness.People.
func (t *terminal) Ask(ctx context.Context, task harness.PersonTask, begun func(string)) (string, error) {
	t.once.Do(func() {
		go func() { // it ends with what can be read, or with the process
			defer close(t.lines)
			for s := bufio.NewScanner(t.in); s.Scan(); {
				t.lines <- s.Text()
			}
		}()
	})
	fmt.Fprintf(t.out, "\nFOR PEOPLE  %s\n  write: begun YOUR NAME, then: done YOUR NAME; or: cannot WHY\n", words(task))
	for {
		var line string
		var ok bool
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case line, ok = <-t.lines:
		}
		if !ok {
			return "", fmt.Errorf("nobody can answer any more: the terminal is closed")
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
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
