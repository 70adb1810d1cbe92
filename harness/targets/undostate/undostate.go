// Package undostate is what a run that was killed has left to be taken back: the open steps of its undo log, what became of each, and
// the proof that its faults are over.
package undostate

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"

	"blackstart/harness"
)

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

// State is what a killed run has left to be taken back. Its events are collected in Recovered.
type State struct {
	Recovered
	Open   []harness.UndoEntry // steps that may be in force, latest first
	Clock  *harness.Clock
	Record *harness.Record // as it stood; never nil
	fails  map[int]bool    // faults that could not be taken back
}

// Read reads the undo log of a run. rec is its record as it stood; without one nothing can be taken back, because
// the undo log alone does not say what must be fenced first.
func Read(runDir string, rec *harness.Record) *State {
	l := &State{Record: rec, Clock: harness.NewClock(), fails: map[int]bool{}}
	if rec == nil {
		l.Record = &harness.Record{}
	}
	var err error
	if l.Open, err = harness.ReadUndoLog(filepath.Join(runDir, undoLog)); err != nil {
		l.Note("undo.failed", "nothing can be taken back step by step: "+err.Error(), "", "")
	}
	for _, e := range l.Open { // killed between the undo log and the record: it may have begun
		if i := l.FaultOf(e); i >= 0 && l.Record.Faults[i].Do.Lo == 0 {
			l.Record.Faults[i].Do.Lo = e.At
		}
	}
	return l
}

// Links are those on record that had an address, over TCP or not.
func (l *State) Links() []harness.Link {
	return slices.DeleteFunc(slices.Clone(l.Record.Target.Links), func(k harness.Link) bool { return k.Address == "" })
}

// FaultOf finds the fault that a step belongs to: its index in the record, or -1.
func (l *State) FaultOf(e harness.UndoEntry) int {
	for i := len(l.Record.Faults) - 1; i >= 0; i-- {
		p := l.Record.Faults[i].Plan
		if p.Fault.Kind == e.Fault && slices.ContainsFunc(p.Steps, func(s harness.Step) bool { return reflect.DeepEqual(s, *e.Step) }) {
			return i
		}
	}
	return -1
}

// Fences tells whether a step must not be taken back before something is fenced. Of one that belongs to no known
// fault it is not known, which is the same.
func (l *State) Fences(e harness.UndoEntry) bool {
	i := l.FaultOf(e)
	return i < 0 || len(l.Record.Faults[i].Plan.Fences) > 0
}

// Note tells of something that happened now: of which fault, and how it ended, where that is known.
func (l *State) Note(kind, text, fault, how string) {
	at := l.Clock.Now()
	l.Event(harness.Event{Kind: kind, At: harness.Interval{Lo: at, Hi: at}, Text: text}, fault, how)
}

// Event tells of something, of which fault, and how it ended.
func (l *State) Event(e harness.Event, fault, how string) {
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
func (l *State) Undone(e harness.UndoEntry, text, how string, err error) {
	text = fmt.Sprintf("%s: %s: %s", e.Fault, e.Step.Undo.Kind, text)
	if err != nil {
		l.fails[l.FaultOf(e)] = true
		l.Note("undo.failed", text+": "+err.Error(), e.Fault, "")
		return
	}
	l.Note("fault.undone", text, e.Fault, how)
}

// Lost notes that no step could be taken back that needs no fence: those faults are not known to be over.
func (l *State) Lost(text string) {
	for _, e := range l.Open {
		if !l.Fences(e) {
			l.fails[l.FaultOf(e)] = true
		}
	}
	l.Note("undo.failed", text, "", "")
}

// Unproven tells whether a fault that needs no fence may be in force or is not known to be over: one whose steps were all taken
// back before the run was killed is still to be seen to be over.
func (l *State) Unproven() bool {
	return slices.ContainsFunc(l.Open, func(e harness.UndoEntry) bool { return !l.Fences(e) }) ||
		slices.ContainsFunc(l.Record.Faults, func(f harness.FaultRecord) bool { return f.Do.Lo != 0 && !f.Restored && len(f.Plan.Fences) == 0 })
}

// Prove asks of every fault that may have been in force and is not yet known to be over whether it is. ask is told which
// fault, and returns when it was so, what was seen, and how the fault ended; or why it is not over. A fault of which a step
// could not be taken back is not asked.
func (l *State) Prove(wanted func(p harness.Plan) bool, ask func(p harness.Plan) (at harness.Interval, text, how string, err error)) {
	for i, f := range l.Record.Faults {
		if f.Do.Lo == 0 || f.Restored || l.fails[i] || slices.Contains(l.Restored, i) || !wanted(f.Plan) {
			continue
		}
		kind := f.Plan.Fault.Kind
		at, text, how, err := ask(f.Plan)
		if err != nil {
			l.fails[i] = true
			l.Note("undo.failed", kind+" is not known to be over: "+err.Error(), kind, "")
			continue
		}
		l.Restored = append(l.Restored, i)
		l.Event(harness.Event{Kind: "fault.restored", At: at, Text: kind + " is over: " + text}, kind, how)
	}
}

// Now is the present moment, as an interval.
func (l *State) Now() harness.Interval {
	return harness.Interval{Lo: l.Clock.Now(), Hi: l.Clock.Now()}
}
