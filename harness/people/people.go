// Package people asks people to do what a drill does not do itself, and hears from them that it has begun and that it is done:
// in the terminal of the run, through a directory, or on a page for a room with a screen.
//
// It believes nobody: when something happened is told by those it happened to. A name is what somebody gave, and no proof of who it
// was. It asks one thing at a time, and each way of asking is one file.
package people

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"blackstart/harness"
)

const (
	maxName = 100 // bytes of the name that somebody gives
	maxWhy  = 300 // bytes of why somebody cannot
)

// Open makes the way that is written: "terminal", "dir:PATH", or "http://ADDRESS:PORT". say tells where the page is. The caller
// closes it.
func Open(way string, terminal *os.File, say func(string)) (harness.People, func(), error) {
	switch {
	case way == "terminal":
		return Terminal(terminal, os.Stderr), func() {}, nil
	case strings.HasPrefix(way, "dir:") && len(way) > len("dir:"):
		dir := filepath.Clean(strings.TrimPrefix(way, "dir:"))
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no directory", dir)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("ask people through a directory: %w", err)
		}
		return &Directory{Path: dir}, func() {}, nil
	case strings.HasPrefix(way, "http://"):
		address := strings.TrimSuffix(strings.TrimPrefix(way, "http://"), "/")
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, nil, fmt.Errorf("ask people on a page: %w", err)
		}
		p, err := ServePage(address)
		if err != nil {
			return nil, nil, fmt.Errorf("ask people on a page: %w", err)
		}
		say("people are asked at " + p.URL())
		return p, p.Close, nil
	}
	return nil, nil, fmt.Errorf("there is no way %q to ask people: write terminal, dir:PATH, or http://ADDRESS:PORT", way)
}

// named is a name that can stand on record: one line of printable text.
func named(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", fmt.Errorf("no name is given: write who says so")
	case len(name) > maxName:
		return "", fmt.Errorf("a name of %d bytes: at most %d", len(name), maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }):
		return "", fmt.Errorf("the name %q is not one line of text", name)
	}
	return name, nil
}

// Cannot is what somebody answers who cannot do what was asked.
type Cannot struct{ Why string }

// Error says why, as far as somebody said.
func (c *Cannot) Error() string {
	why := strings.Join(strings.Fields(strings.ToValidUTF8(c.Why, "?")), " ")
	if len(why) > maxWhy {
		why = strings.ToValidUTF8(why[:maxWhy], "")
	}
	return "somebody says that it cannot be done: " + why
}

// words are the task as people read it.
func words(t harness.PersonTask) string {
	text := t.By + ": " + t.What
	if t.Undoing {
		text = "to take it back, " + text
	}
	if t.Takes > 0 {
		text += fmt.Sprintf(" (planned: %s)", t.Takes.D().Round(time.Second))
	}
	if t.Within > 0 {
		text += fmt.Sprintf(", within %s (until %s UTC)", t.Within.D().Round(time.Second), time.Now().Add(t.Within.D()).UTC().Format(time.TimeOnly))
	}
	if t.Again != "" {
		text += "\nonce more, since it is not so: " + t.Again
	}
	return text
}
