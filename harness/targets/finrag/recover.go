package finrag

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/victim"
)

// proofLimit bounds the proof that one fault of a killed run is over.
const proofLimit = 20 * time.Second

// undoLog is the undo log of a run in its state directory.
const undoLog = "undo.jsonl"

// How a fault of a killed run came to its end, in the detail of an event.
const (
	HowRestored = "restored" // it was taken back, and seen to be over, on what still ran or on disk
	HowGone     = "gone"     // what it had broken is gone; nothing was healed
)

// Recovered is what was done about a run that was killed.
type Recovered struct {
	Ended    []string        `json:"ended"`    // components that still ran and were ended
	Events   []harness.Event `json:"events"`   // component.gone, fault.undone, fault.restored, undo.failed, as they happened
	Restored []int           `json:"restored"` // faults, by their index in the record, that were seen to be over
	Detail   string          `json:"detail"`   // what became of the target, in words; "" if there was none
}

// UndoState is what a killed run has left to be taken back. Its events are collected in Recovered.
type UndoState struct {
	Recovered
	Open  []harness.UndoEntry // steps that may be in force, latest first
	rec   *harness.Record
	clock *harness.Clock
	fails map[int]bool // faults that could not be taken back
}

// ReadUndoState reads the undo log of a run. rec is its record as it stood; without one nothing can be taken back, because
// the undo log alone does not say what must be fenced first.
func ReadUndoState(runDir string, rec *harness.Record) *UndoState {
	l := &UndoState{rec: rec, clock: harness.NewClock(), fails: map[int]bool{}}
	if rec == nil {
		l.rec = &harness.Record{}
	}
	var err error
	if l.Open, err = harness.ReadUndoLog(filepath.Join(runDir, undoLog)); err != nil {
		l.note("undo.failed", "nothing can be taken back step by step: "+err.Error(), "", "")
	}
	return l
}

// Links are those on record that had an address, over TCP or not.
func (l *UndoState) Links() []harness.Link {
	return slices.DeleteFunc(slices.Clone(l.rec.Target.Links), func(k harness.Link) bool { return k.Address == "" })
}

// FaultOf finds the fault that a step belongs to: its index in the record, or -1.
func (l *UndoState) FaultOf(e harness.UndoEntry) int {
	for i := len(l.rec.Faults) - 1; i >= 0; i-- {
		p := l.rec.Faults[i].Plan
		if p.Fault.Kind == e.Fault && slices.ContainsFunc(p.Steps, func(s harness.Step) bool { return reflect.DeepEqual(s, *e.Step) }) {
			return i
		}
	}
	return -1
}

// Fences tells whether a step must not be taken back before something is fenced. Of one that belongs to no known
// fault it is not known, which is the same.
func (l *UndoState) Fences(e harness.UndoEntry) bool {
	i := l.FaultOf(e)
	return i < 0 || len(l.rec.Faults[i].Plan.Fences) > 0
}

func (l *UndoState) note(kind, text, fault, how string) {
	at := l.clock.Now()
	l.event(harness.Event{Kind: kind, At: harness.Interval{Lo: at, Hi: at}, Text: text}, fault, how)
}

func (l *UndoState) event(e harness.Event, fault, how string) {
	e.Phase, e.Detail = "undo", map[string]string{}
	if fault != "" {
		e.Detail["fault"] = fault
	}
	if how != "" {
		e.Detail["how"] = how
	}
	l.Events = append(l.Events, e)
}

// Undone notes what became of one step; err says why it could not be taken back.
func (l *UndoState) Undone(e harness.UndoEntry, text, how string, err error) {
	text = fmt.Sprintf("%s: %s: %s", e.Fault, e.Step.Undo.Kind, text)
	if err != nil {
		l.fails[l.FaultOf(e)] = true
		l.note("undo.failed", text+": "+err.Error(), e.Fault, "")
		return
	}
	l.note("fault.undone", text, e.Fault, how)
}

// Lost notes that no step could be taken back that needs no fence: those faults are not known to be over.
func (l *UndoState) Lost(text string) {
	for _, e := range l.Open {
		if !l.Fences(e) {
			l.fails[l.FaultOf(e)] = true
		}
	}
	l.note("undo.failed", text, "", "")
}

// Unproven tells whether a fault that needs no fence may be in force or is not known to be over: one whose steps were all taken
// back before the run was killed is still to be seen to be over.
func (l *UndoState) Unproven() bool {
	return slices.ContainsFunc(l.Open, func(e harness.UndoEntry) bool { return !l.Fences(e) }) ||
		slices.ContainsFunc(l.rec.Faults, func(f harness.FaultRecord) bool { return f.Do.Lo != 0 && !f.Restored && len(f.Plan.Fences) == 0 })
}

// Prove asks of every fault that may have been in force and is not yet known to be over whether it is. ask is told which
// fault, and returns when it was so, what was seen, and how the fault ended; or why it is not over. A fault of which a step
// could not be taken back is not asked.
func (l *UndoState) Prove(wanted func(p harness.Plan) bool, ask func(p harness.Plan) (at harness.Interval, text, how string, err error)) {
	for i, f := range l.rec.Faults {
		if f.Do.Lo == 0 || f.Restored || l.fails[i] || slices.Contains(l.Restored, i) || !wanted(f.Plan) {
			continue
		}
		kind := f.Plan.Fault.Kind
		at, text, how, err := ask(f.Plan)
		if err != nil {
			l.fails[i] = true
			l.note("undo.failed", kind+" is not known to be over: "+err.Error(), kind, "")
			continue
		}
		l.Restored = append(l.Restored, i)
		l.event(harness.Event{Kind: "fault.restored", At: at, Text: kind + " is over: " + text}, kind, how)
	}
}

// Now is the present moment, as an interval.
func (l *UndoState) Now() harness.Interval {
	return harness.Interval{Lo: l.clock.Now(), Hi: l.clock.Now()}
}

// Attach gives the driver a target that another process has started.
func (d *Driver) Attach(site *Site, ground Ground) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.site, d.ground = site, ground
}

// UndoOpenSteps carries out, on what still runs, the open steps that need no fence, latest first, and asks the checks of each
// fault's end. A link that a fault with a fence has cut too stays cut: healing it could make two primaries.
func (d *Driver) UndoOpenSteps(ctx context.Context, l *UndoState) {
	var stay []string
	for _, e := range l.Open {
		if l.Fences(e) {
			stay = append(stay, e.Step.Do.Links...)
		}
	}
	gone := d.missing(ctx, l)
	for _, e := range l.Open {
		if l.Fences(e) {
			continue
		}
		undo := e.Step.Undo
		if undo.Kind == harness.LinkHeal {
			undo.Links = slices.DeleteFunc(slices.Clone(undo.Links), func(n string) bool { return slices.Contains(stay, n) })
			if len(undo.Links) == 0 {
				l.Undone(e, "left as it was", "", errors.New("another fault has cut these links too, and its undo needs a fence"))
				continue
			}
		}
		d.undoOpenStep(ctx, l, e, undo, gone)
	}
	l.Prove(func(p harness.Plan) bool { return len(p.Fences) == 0 }, func(p harness.Plan) (harness.Interval, string, string, error) {
		ask := harness.ChecksThatCanHold(d.Description(), p.Restored, func(name string) bool { return gone[name] }, victim.Follows)
		if len(ask) == 0 {
			return l.Now(), "everything that could show it is gone, or needs a standby that follows what is gone", HowGone, nil
		}
		at, err := victim.Await(ctx, d.Description(), d, ask, proofLimit, l.clock)
		return at, fmt.Sprintf("seen from the victim's side on what still ran (%d checks of %d)", len(ask), len(p.Restored)), HowRestored, err
	})
}

// undoOpenStep carries out one undo. Of what is gone it says so, and adds it to gone.
func (d *Driver) undoOpenStep(ctx context.Context, l *UndoState, e harness.UndoEntry, undo harness.Action, gone map[string]bool) {
	on := strings.Join(append(slices.Clone(undo.Links), undo.Components...), ", ")
	missing, rest := harness.Gone(d.Execute(ctx, undo))
	if len(missing) == 0 || len(rest) > 0 {
		l.Undone(e, "carried out on "+on, HowRestored, errors.Join(rest...))
		return
	}
	var said []string
	for _, g := range missing {
		gone[g.Component] = true
		said = append(said, g.Error())
	}
	l.Undone(e, strings.Join(said, "; "), HowGone, nil)
}

// missing looks for every component, tells which are gone, and gives their names.
func (d *Driver) missing(ctx context.Context, l *UndoState) map[string]bool {
	found, rest := harness.Gone(d.MissingComponents(ctx))
	gone := map[string]bool{}
	for _, g := range found {
		gone[g.Component] = true
		l.event(harness.Event{Kind: "component.gone", At: l.Now(), Text: g.Error()}, "", "")
	}
	if err := errors.Join(rest...); err != nil {
		l.note("target.unasked", "it could not be asked whether every component is still there: "+err.Error(), "", "")
	}
	return gone
}

// Reopen makes the site of a target that another process has started, from what that has kept: its description, and the
// secrets in the state directory. It issues no certificates.
func Reopen(kind Kind, runDir string, about harness.Description) (*Site, error) {
	s := &Site{
		Kind: kind, Dir: TargetDir(runDir), Described: about, Secrets: map[string]string{}, Leaves: map[string]Leaf{}, Fenced: map[string]bool{},
		Request: harness.StartRequest{Dir: runDir, Settings: maps.Clone(about.Settings), Profile: about.Timings.Profile, Progress: func(string) {}},
	}
	var err error
	if s.Settings, s.All, err = ParseSettings(about.Settings); err != nil {
		return nil, err
	}
	if s.Profile, err = ProfileOf(about.Timings.Profile); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(filepath.Join(s.Dir, "secrets"))
	if err != nil {
		return nil, fmt.Errorf("find the secrets of the run: %w", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(s.Secret(f.Name()))
		if err != nil {
			return nil, fmt.Errorf("find the secrets of the run: %w", err)
		}
		s.Secrets[f.Name()] = strings.TrimSpace(string(b))
	}
	s.Password = s.Secrets[DatabasePassword]
	return s, nil
}
