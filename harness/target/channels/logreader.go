package channels

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/receivers"
	"blackstart/harness/target"
	"blackstart/internal/jsonpointer"
)

// logReader finds decisions in a log.
type logReader struct {
	of       target.Decisions
	redact   func(string) string
	zone     *time.Location
	patterns []logPattern
	times    []time.Time // of all entries that have one
}

type logPattern struct {
	word string
	re   *regexp.Regexp
}

func newLogReader(d target.Decisions, redact func(string) string) (*logReader, error) {
	r := &logReader{of: d, redact: redact}
	r.of.Time, r.of.Event = cmp.Or(d.Time, "/at"), cmp.Or(d.Event, "/event")
	var err error
	if r.zone, err = time.LoadLocation(d.Zone); err != nil {
		return nil, err
	}
	for _, p := range d.Patterns() {
		text := p.Pattern
		if d.Lines == "json" {
			text = `^(?:` + text + `)$`
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("read the pattern of %s: %w", p.Word, err)
		}
		r.patterns = append(r.patterns, logPattern{p.Word, re})
	}
	return r, nil
}

func (r *logReader) read(text []byte) ([]harness.Decision, error) {
	if r.of.Lines == "json" {
		return r.readJSON(text)
	}
	return r.readText(string(text))
}

// readText holds every pattern against every line. A line that a pattern fits, and whose time cannot be read, is an error: it may be the
// decision that is looked for.
func (r *logReader) readText(text string) (all []harness.Decision, err error) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		for _, p := range r.patterns {
			m := p.re.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			group := func(name string) string {
				if i := p.re.SubexpIndex(name); i >= 0 {
					return m[i]
				}
				return ""
			}
			d, err := r.decision(p.word, group("time"), group("reason"), group("region"))
			if err != nil {
				return nil, fmt.Errorf("line %d, %s: %w", n, p.word, err)
			}
			all = append(all, d)
		}
		if at, ok := r.leading(line); ok {
			r.times = append(r.times, at)
		}
	}
	return all, nil
}

// leading reads the time that a line begins with, as most logs do: how far back a log goes is told by lines of any kind.
func (r *logReader) leading(line string) (time.Time, bool) {
	words := strings.Fields(strings.TrimLeft(line, "["))
	for _, n := range []int{2, 1} {
		if len(words) >= n {
			if at, err := r.when(strings.TrimRight(strings.Join(words[:n], " "), "]:,")); err == nil {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// readJSON reads values one after the other; a list is each of its entries.
func (r *logReader) readJSON(text []byte) (all []harness.Decision, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	n := 0
	for {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d is not JSON", n+1)
		}
		entries, list := v.([]any)
		if !list {
			entries = []any{v}
		}
		for _, e := range entries {
			n++
			found, err := r.entry(e)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", n, err)
			}
			all = append(all, found...)
		}
	}
}

func (r *logReader) entry(e any) (all []harness.Decision, err error) {
	text := func(p jsonpointer.Pointer) string {
		if p == "" {
			return ""
		}
		s, _ := p.Text(e) // what is missing is empty
		return s
	}
	word := text(r.of.Event)
	if at, err := r.when(text(r.of.Time)); err == nil {
		r.times = append(r.times, at)
	}
	for _, p := range r.patterns {
		if word == "" || !p.re.MatchString(word) {
			continue
		}
		d, err := r.decision(p.word, text(r.of.Time), text(r.of.Reason), text(r.of.Region))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.word, err)
		}
		all = append(all, d)
	}
	return all, nil
}

// decision makes one, with what is told of it, and no more of the line.
func (r *logReader) decision(word, at, reason, region string) (harness.Decision, error) {
	when, err := r.when(at)
	if err != nil {
		return harness.Decision{}, err
	}
	d := harness.Decision{At: harness.Stamp(when.UnixNano()), Event: word, Detail: map[string]string{}}
	for key, text := range map[string]string{"reason": reason, "region": region} {
		if text = receivers.OneLine(r.redact(text)); text != "" {
			d.Detail[key] = text
		}
	}
	return d, nil
}

// layouts are forms of time that logs have; the second ones of a pair have no zone.
var layouts = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 UTC", "2006-01-02T15:04:05", "2006-01-02 15:04:05"}

// when reads a time: one of layouts, with any decimals, or seconds, or milliseconds, since 1970.
func (r *logReader) when(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, text, r.zone); err == nil && inRange(at) {
			return at, nil
		}
	}
	whole, decimals, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err == nil && len(whole) == len("1700000000000") && decimals == "" {
		return time.UnixMilli(n), nil
	}
	if f, ferr := strconv.ParseUint((decimals + "000000000")[:9], 10, 32); err == nil && ferr == nil && len(whole) == len("1700000000") {
		return time.Unix(n, int64(f)), nil //nolint:gosec // nine digits
	}
	return time.Time{}, fmt.Errorf("%.40q is no time that can be read", r.redact(text))
}

// inRange tells whether a time can be a moment of a record.
func inRange(at time.Time) bool { return at.Year() >= 1970 && at.Year() < 2200 }
