package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"blackstart/harness"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text          string
		width, indent int
		want          []string
	}{
		{"", 10, 2, []string{""}},
		{"one two", 10, 2, []string{"one two"}},
		{"one two three", 7, 2, []string{"one two", "  three"}},
		{"  one two three", 9, 4, []string{"  one two", "    three"}},
		{"a /path/that/is/longer/than/the/line b", 12, 1, []string{"a", " /path/that/is/longer/than/the/line", " b"}},
		{"größer größer", 6, 0, []string{"größer", "größer"}},
		{"one\ntwo\tthree", 20, 0, []string{"one two three"}},
		{"red \x1b[31mtext\a\u202e", 40, 0, []string{"red \ufffd[31mtext\ufffd\ufffd"}},
	} {
		got := wrap(c.text, c.width, c.indent)
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("wrap(%q, %d, %d) = %q, want %q", c.text, c.width, c.indent, got, c.want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 5, ""}, {"12345", 5, "12345"}, {"123456", 5, "1234…"}, {"äöüßé", 5, "äöüßé"}, {"äöüßéx", 5, "äöüß…"},
		{"a\nb", 5, "a b"}, {"a\x1b[2Jb", 8, "a\ufffd[2Jb"},
	} {
		if got := truncate(c.text, c.width); got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// busy is a status with more loads than fit on a line.
func busy() harness.Progress {
	p := harness.Progress{Phase: "baseline", Left: 59600 * time.Millisecond, DrillLeft: 25 * time.Minute}
	for i := range 6 {
		p.Loads = append(p.Loads, harness.LoadSnapshot{Load: fmt.Sprintf("a-load-%d", i), Results: 100 * i, Success: 0.999, P99: 1234 * time.Millisecond})
	}
	return p
}

func TestStatusLineSaysPhaseAndLoads(t *testing.T) {
	s := newScreen(&bytes.Buffer{}, false)
	got := s.statusLine(busy())
	for _, want := range []string{"baseline 60s left", "drill ~1500s", "| ok/p99: a-load-0 –"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if strings.Contains(got, "a-load-5") || len([]rune(got)) > 79 {
		t.Errorf("loads that do not fit are left out whole: %q", got)
	}
	got = s.statusLine(harness.Progress{Phase: "setup", Left: -1, Loads: []harness.LoadSnapshot{{Load: "q", Results: 1, Success: 0.5, P99: 45 * time.Millisecond}}})
	if strings.Contains(got, "left") || !strings.Contains(got, "q 50%/45ms") {
		t.Errorf("unknown time left: %q", got)
	}
}

func TestScreenWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, false)
	s.show(busy())
	s.show(busy()) // too soon after the first: not shown
	s.show(harness.Progress{Event: &harness.Event{Kind: "act.started", Text: "soak began"}})
	s.show(harness.Progress{Event: &harness.Event{Kind: "alert.received", Text: "pagerduty received " + strings.Repeat("words ", 30) + "\x1b]0;title\a"}})
	s.say("sealing %s", "now")
	text := out.String()
	if strings.Contains(text, "\x1b") || strings.Contains(text, "\r") {
		t.Errorf("control characters where there is no terminal:\n%q", text)
	}
	if n := strings.Count(text, "baseline"); n != 1 {
		t.Errorf("%d status lines, want 1\n%s", n, text)
	}
	if !strings.Contains(text, "0.0s  pagerduty received words") || !strings.Contains(text, "\n         words") {
		t.Errorf("the times do not stand in a column of their own:\n%s", text)
	}
	if strings.Contains(text, "soak began") || !strings.Contains(text, "alert") && !strings.Contains(text, "pagerduty received") || !strings.Contains(text, "sealing now") {
		t.Errorf("events:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestScreenOnTerminalRedrawsOneLine(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, false)
	s.tty, s.width = true, 60
	s.show(busy())
	s.show(busy())
	s.say("an event")
	const clear = "\r\x1b[2K"
	parts := strings.Split(out.String(), clear)
	if len(parts) != 4 || parts[0] != "" {
		t.Fatalf("%d redraws, want 3: %q", len(parts)-1, out.String())
	}
	for _, status := range parts[1:3] {
		if n := utf8.RuneCountInString(status); n > 59 || strings.Contains(status, "\n") {
			t.Errorf("status of %d columns on a screen of 60: the last column stays free: %q", n, status)
		}
	}
	if !strings.HasSuffix(parts[3], "an event\n") {
		t.Errorf("the event does not stand on a line of its own: %q", parts[3])
	}
	before := out.Len()
	s.say("another")
	if strings.Contains(out.String()[before:], clear) {
		t.Error("a line was cleared on which no status stood")
	}
}

func TestQuietScreenSaysNothing(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, true)
	s.show(busy())
	s.show(harness.Progress{Event: &harness.Event{Kind: "x", Text: "y"}})
	s.say("z")
	if out.Len() != 0 {
		t.Errorf("quiet, but: %q", out.String())
	}
}

func TestFileIsNoTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if s := newScreen(f, false); s.tty || s.width != 80 {
		t.Errorf("a file is taken for a terminal of %d columns", s.width)
	}
}
