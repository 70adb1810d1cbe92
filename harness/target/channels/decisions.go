package channels

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/receivers"
	"blackstart/harness/target"
	"blackstart/internal/jsonpointer"
)

// Limits of a log of decisions.
const (
	MaxLog       = call.MaxOutput // bytes that are read of it
	MaxDecisions = 2000           // that are kept
	fileTime     = 10 * time.Second
)

// describeLog is which words of the record mean what: those for which the file has a pattern.
func describeLog(t *target.Target) *harness.DecisionLog {
	d := t.Decisions
	if d == nil {
		return nil
	}
	log := &harness.DecisionLog{ClockNS: cmp.Or(t.Clocks.AtMost.D(), defaultOff).Nanoseconds()}
	for _, p := range d.Patterns() {
		*map[string]*string{target.Detected: &log.Detected, target.Declared: &log.Declared, target.Promoted: &log.Promoted,
			target.Refused: &log.Refused, target.Switched: &log.Switched, target.Done: &log.Done}[p.Word] = p.Word
	}
	return log
}

// defaultOff is how far a clock may be off ours where the file does not say.
const defaultOff = time.Second

// Log reads the target's own account of a failover, as far as it is of a time from since on, in order of time. What cannot be read, or not
// as far back as that, is an error that says so.
func Log(ctx context.Context, t *target.Target, around Around, since time.Time) ([]harness.Decision, error) {
	d := t.Decisions
	if d == nil {
		return nil, errors.New("not available: the target file has no decisions")
	}
	text, cut, err := logText(ctx, t, around)
	if err != nil {
		return nil, fmt.Errorf("not available: %w", err)
	}
	r, err := newLogReader(*d, around.Redact)
	if err != nil {
		return nil, err
	}
	all, err := r.read(text)
	if err != nil {
		return nil, fmt.Errorf("not available: %w", err)
	}
	if cut && (len(r.times) == 0 || slices.MinFunc(r.times, time.Time.Compare).After(since)) {
		return nil, fmt.Errorf("not available: more than %d bytes were written to the log during the drill, and its end is all that is read", MaxLog)
	}
	all = slices.DeleteFunc(all, func(d harness.Decision) bool { return d.At.Time().Before(since) })
	slices.SortStableFunc(all, func(a, b harness.Decision) int { return cmp.Compare(a.At, b.At) })
	if len(all) > MaxDecisions {
		return nil, fmt.Errorf("not available: the log has %d decisions, and %d are kept at most", len(all), MaxDecisions)
	}
	return all, nil
}

// TryLog finds out whether the log can be read, and how much of it means anything.
func TryLog(ctx context.Context, t *target.Target, around Around) (string, error) {
	all, err := Log(ctx, t, around, time.Time{})
	if err != nil {
		return "", err
	}
	count := map[string]int{}
	for _, d := range all {
		count[d.Event]++
	}
	var parts []string
	for _, p := range t.Decisions.Patterns() {
		parts = append(parts, fmt.Sprintf("%d %s", count[p.Word], p.Word))
	}
	return "it can be read; so far it tells of " + strings.Join(parts, ", "), nil
}

// logText gets the text of the log, and whether it is only its end.
func logText(ctx context.Context, t *target.Target, around Around) ([]byte, bool, error) {
	if t.Decisions.File != "" {
		return tail(t.Decisions.File)
	}
	of, ok := t.CallByName(t.Decisions.Call)
	if !ok || !of.Reads {
		return nil, false, fmt.Errorf("no call %s that reads", t.Decisions.Call)
	}
	kind, err := call.Make(of)
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(of.Timeout.D(), fileTime))
	defer cancel()
	switch said := kind.Call(ctx, around.call(), true); {
	case said.Outcome != call.Done:
		return nil, false, fmt.Errorf("call %s: %s", of.Name, around.Redact(said.Why))
	case said.Over:
		return nil, false, fmt.Errorf("call %s says more than %d bytes", of.Name, MaxLog)
	default:
		return said.Output, false, nil
	}
}

// tail reads the end of a file, from the begin of a line, and whether there is more before it.
func tail(path string) ([]byte, bool, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe that nobody writes to is not waited for
	if err != nil {
		return nil, false, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, false, err
	case !info.Mode().IsRegular():
		return nil, false, fmt.Errorf("%s is not a file", path)
	}
	from := max(0, info.Size()-MaxLog)
	text, err := io.ReadAll(io.NewSectionReader(f, from, MaxLog))
	if err != nil {
		return nil, false, err
	}
	if from > 0 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text, from > 0, nil
}

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

// CopyLog leaves what was read of the log where the logs of a drill are: each decision, in the form in which a pack keeps them.
func CopyLog(dir string, all []harness.Decision) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, d := range all {
		line := struct {
			At     time.Time         `json:"at"`
			Event  string            `json:"event"`
			Detail map[string]string `json:"detail"`
		}{d.At.Time(), d.Event, d.Detail}
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("copy the target's own log: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("copy the target's own log: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "decisions.audit.jsonl"), b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("copy the target's own log: %w", err)
	}
	return nil
}
