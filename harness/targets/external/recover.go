package external

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/target"
	"blackstart/harness/target/check"
	"blackstart/harness/targets/undostate"
	"blackstart/harness/victim"
)

// Kept reads the copy of the target file that a run has left in its state directory; false where it has none: no run on a target of
// a file, or one that had not begun.
func Kept(runDir string, parse func(name string, data []byte) (*target.Target, error)) (File, bool, error) {
	path := filepath.Join(runDir, KeptFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, false, nil
	}
	f := File{Path: path, Bytes: data}
	if err == nil {
		f.Target, err = parse(path, data)
	}
	if err != nil {
		return f, true, fmt.Errorf("read the target file that the run has kept: %w", err)
	}
	return f, true, nil
}

// Reattach is Attach for whoever takes something back: it asks who everything is, and nothing else of whoever is another. What does
// not answer, or has another role by now, is no error: it is what is to be mended.
func (d *Driver) Reattach(ctx context.Context, req harness.StartRequest) error {
	_, err := check.Attach(ctx, check.Request{Target: d.Target, Secrets: d.begin(req), Redact: d.redact, Now: time.Now()})
	if err != nil {
		return fmt.Errorf("attach to %s again: %w", d.Target.Metadata.Name, err)
	}
	return d.open(ctx, req, false)
}

// Recover sees, on a target that is attached to again, whether what a run that was killed may have left in force is over: from the
// victim's side, by the checks of each fault. What is not seen to be over is an error that says why, and what people must do. within
// bounds the proof of one fault.
func (d *Driver) Recover(ctx context.Context, l *undostate.State, within time.Duration) (undostate.Recovered, error) {
	var why []string
	if err := d.undoOpen(ctx, l); err != nil {
		why = append(why, err.Error())
	}
	l.Prove(func(harness.Plan) bool { return true }, func(p harness.Plan) (harness.Interval, string, string, error) {
		at, err := victim.Await(ctx, l.Record.Target, d, p.Restored, within, l.Clock)
		if err != nil {
			why = append(why, p.Fault.Kind+": "+err.Error())
		}
		return at, fmt.Sprintf("seen from the victim's side (%d checks)", len(p.Restored)), undostate.HowRestored, err
	})
	var open []string
	for _, e := range l.Open {
		if i := l.FaultOf(e); i < 0 || !over(l.Record.Faults[i], i, l.Restored) {
			open = append(open, e.Fault+": "+taskOf(e.Step.Undo))
		}
	}
	if len(open) > 0 || len(why) > 0 { // an undo log that cannot be read names no step, and the victim still shows the fault
		return l.Recovered, fmt.Errorf("target %s is not seen to be as it was (%s). What people must do: %s", l.Record.Target.Name, strings.Join(why, "; "), strings.Join(open, "; "))
	}
	l.Detail = "the target is not ours, and was left running; what had been in force is seen to be over"
	return l.Recovered, nil
}

// over tells whether the i-th fault was seen to be over, in the run or now.
func over(f harness.FaultRecord, i int, restored []int) bool {
	if f.Restored {
		return true
	}
	for _, r := range restored {
		if r == i {
			return true
		}
	}
	return false
}

// taskOf says what an action is, for whoever is to do it.
func taskOf(a harness.Action) string {
	if a.Person == nil {
		return strings.TrimSpace(string(a.Kind) + " " + strings.Join(append(append([]string{a.Call}, a.Components...), a.Links...), " "))
	}
	text := a.Person.What
	if a.Person.By != "" {
		text += " (" + a.Person.By + ")"
	}
	return text
}
