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
	"slices"
	"strings"
	"syscall"
	"time"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/host"
	"blackstart/harness/target"
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
	log := &harness.DecisionLog{ClockNS: cmp.Or(t.Clocks.AtMost.D(), defaultOff).Nanoseconds(), Clock: clockOf(t)}
	for _, p := range d.Patterns() {
		*map[string]*string{target.Detected: &log.Detected, target.Declared: &log.Declared, target.Promoted: &log.Promoted,
			target.Refused: &log.Refused, target.Switched: &log.Switched, target.Done: &log.Done}[p.Word] = p.Word
	}
	return log
}

// clockOf is whose clock dates the log, as readings of it call it; "" if nobody says.
func clockOf(t *target.Target) string {
	d := t.Decisions
	name := d.Clock
	if of, ok := t.CallByName(d.Call); ok && name == "" {
		if kind, err := call.Make(of); err == nil {
			if r, ok := kind.(call.Running); ok {
				name, _ = r.Runs()
			}
		}
	}
	if h, ok := t.HostByName(name); ok && h.By != "" {
		if _, also := t.ComponentByName(name); !also {
			return host.Label(name)
		}
	}
	return name
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
