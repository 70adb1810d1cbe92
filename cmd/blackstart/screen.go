package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/term"

	"blackstart/harness"
)

// plainEvery is how often a status line appears where the screen is not a terminal.
const plainEvery = 5 * time.Second

// screen shows a running drill on stderr: each event as it happens, and one status line that is redrawn on a terminal.
type screen struct {
	out   io.Writer
	tty   bool
	width int
	start time.Time
	quiet bool

	mu     sync.Mutex // guards what follows
	status bool       // a status line stands on the screen
	last   time.Time  // of the last status line, without a terminal
}

func newScreen(out io.Writer, quiet bool) *screen {
	s := &screen{out: out, width: 80, start: time.Now(), quiet: quiet}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.tty = true
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w >= 40 {
			s.width = w
		}
	}
	return s
}

// logOnly lists the events that are for the log, not for the eye.
var logOnly = map[string]bool{"act.started": true, "act.ended": true, "undo.logged": true, "fault.planned": true}

// show is the drill's Watch.
func (s *screen) show(p harness.Progress) {
	if s.quiet {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Event != nil {
		if !logOnly[p.Event.Kind] {
			s.line(p.Event.Text)
		}
		return
	}
	text := s.statusLine(p)
	switch {
	case s.tty:
		fmt.Fprintf(s.out, "\r\x1b[2K%s", truncate(text, s.width-1))
		s.status = true
	case time.Since(s.last) >= plainEvery:
		s.last = time.Now()
		fmt.Fprintln(s.out, truncate(text, s.width))
	}
}

// say prints a line of our own.
func (s *screen) say(format string, args ...any) {
	if s.quiet {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line(fmt.Sprintf(format, args...))
}

func (s *screen) line(text string) {
	if s.status {
		fmt.Fprint(s.out, "\r\x1b[2K")
		s.status = false
	}
	left := fmt.Sprintf("%6.1fs  ", time.Since(s.start).Seconds())
	for _, part := range wrap(text, s.width-len(left), 0) {
		fmt.Fprintln(s.out, left+part)
		left = strings.Repeat(" ", len(left))
	}
}

// statusLine says phase, time left, and how each load fares: share of successes and p99. Loads that do not fit are left out.
func (s *screen) statusLine(p harness.Progress) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%6.1fs  %s", time.Since(s.start).Seconds(), p.Phase)
	if p.Left >= 0 {
		fmt.Fprintf(&b, " %ds left", int(p.Left.Round(time.Second).Seconds()))
	}
	fmt.Fprintf(&b, ", drill ~%ds", int(p.DrillLeft.Round(time.Second).Seconds()))
	line := b.String()
	for i, g := range p.Loads {
		part := " " + g.Load + " –"
		if g.Results > 0 {
			part = fmt.Sprintf(" %s %.0f%%/%s", g.Load, g.Success*100, shortMS(g.P99))
		}
		if i == 0 {
			part = " | ok/p99:" + part
		}
		if len([]rune(line+part)) > s.width-1 {
			break
		}
		line += part
	}
	return line
}

func shortMS(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

// truncate cuts a line to the width, in runes.
func truncate(s string, width int) string {
	r := []rune(strings.Map(escapeControl, strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) && r != ' ' }), " ")))
	if len(r) <= width {
		return string(r)
	}
	return string(r[:width-1]) + "…"
}

// escapeControl shows what a terminal would obey instead: what a target or a foreign pack says is text, never a command.
func escapeControl(r rune) rune {
	if unicode.IsPrint(r) || unicode.IsSpace(r) && r != '\u0085' {
		return r
	}
	return unicode.ReplacementChar
}

// wrap breaks text at spaces into lines of at most width runes; lines after the first are indented. Spaces at the start stay.
func wrap(text string, width, indent int) []string {
	text = strings.Map(escapeControl, text)
	body := strings.TrimLeft(text, " ")
	line := []rune(text[:len(text)-len(body)])
	start := len(line)
	var lines []string
	for _, word := range strings.Fields(body) {
		w := []rune(word)
		if len(line) > start && len(line)+1+len(w) > width {
			lines = append(lines, string(line))
			line, start = []rune(strings.Repeat(" ", indent)), indent
		}
		if len(line) > start {
			line = append(line, ' ')
		}
		line = append(line, w...)
	}
	return append(lines, string(line))
}
