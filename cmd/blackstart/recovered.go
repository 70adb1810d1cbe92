package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"blackstart/evidence"
	"blackstart/harness"
	"blackstart/harness/targets/external"
	"blackstart/harness/targets/undostate"
)

// recoveredFile keeps, in a run's state directory, what an undo has already taken back: if the pack cannot be sealed then,
// the next undo finds nothing more to take back and still has it to tell.
const recoveredFile = "recovered.json"

// proofLimit bounds the proof that one fault of a killed run is over, on a target that is not ours.
const proofLimit = 20 * time.Second

// lookLimit bounds it where people are asked next.
const lookLimit = 5 * time.Second

// undoOutcome is what one undo did about a run.
type undoOutcome struct {
	undostate.Recovered
	Began  harness.Stamp          `json:"began"`
	Over   harness.Stamp          `json:"over"`
	People []harness.PersonRecord `json:"people,omitempty"` // what they were asked to take back, and said of it

	givenUp bool // nothing has shown that its faults are over, and somebody answers for that
}

// recover has every way to make a target take back and remove what it has left of the run. redact learns the secrets of a target
// that is attached to again.
func (l unfinishedRun) recover(ctx context.Context, redact *evidence.Redactor) (undoOutcome, error) {
	u := undoOutcome{Began: harness.NewClock().Anchor()} // another clock than the drill's: moments for people, never subtracted
	rec, _ := l.record()                                 // without one there are no faults to take back; sealing says why
	kept, there, err := external.Kept(l.dir, keptReader().Parse)
	if there {
		if err == nil {
			u.Recovered, u.People, err = l.reattached(ctx, kept, rec, redact)
		}
		u.Over = harness.NewClock().Anchor()
		return l.keepRecovered(u), err
	}
	var errs []error
	for _, r := range rehearsals { // each looks for what it has made, and finds nothing of the others
		done, err := r.recover(ctx, l.dir, rec)
		errs = append(errs, err)
		u.Over = harness.NewClock().Anchor()
		u.Ended = append(u.Ended, done.Ended...)
		u.Events = append(u.Events, done.Events...)
		u.Restored = append(u.Restored, done.Restored...)
		if done.Detail != "" {
			u.Detail = done.Detail
		}
	}
	u = l.keepRecovered(u)
	return u, errors.Join(errs...)
}

// reattached sees what a run on the target of a file has left in force. Where nothing was, nobody is asked; people are where the
// victim shows that something still is.
func (l unfinishedRun) reattached(ctx context.Context, kept external.File, rec *harness.Record, redact *evidence.Redactor) (done undostate.Recovered, asked []harness.PersonRecord, err error) {
	left := undostate.Read(l.dir, rec)
	begun := slices.ContainsFunc(left.Record.Faults, func(f harness.FaultRecord) bool { return f.Do.Lo != 0 && !f.Restored })
	if len(left.Open) == 0 && len(left.Events) == 0 && !begun {
		return undostate.Recovered{Detail: "the target is not ours, and was left running"}, nil, nil
	}
	if rec == nil {
		return left.Recovered, nil, errors.New("its record is gone, and with it what shows that its faults are over: see to them, and remove its directory")
	}
	if _, err := targetReader().Parse(kept.Path, kept.Bytes); err != nil { // addresses of a rehearsal may lead elsewhere by now
		return left.Recovered, nil, err
	}
	d := external.New(kept, redact.Text)
	if err := d.Reattach(ctx, harness.StartRequest{RunID: l.info.RunID, Dir: l.dir, Profile: rec.Profile, AddSecrets: redact.Add, Progress: func(string) {}}); err != nil {
		return left.Recovered, nil, err
	}
	within := proofLimit
	if slices.ContainsFunc(left.Open, byPerson) {
		within = lookLimit // whoever is asked to take it back is not kept waiting
	}
	done, err = d.Recover(ctx, left, within)
	if err == nil || within == proofLimit {
		return done, nil, err
	}
	asked, e := l.askPeople(ctx, left)
	if e == nil {
		done, err = d.Recover(ctx, undostate.Read(l.dir, rec), proofLimit)
	} else {
		err = fmt.Errorf("%w. %w", err, e)
	}
	for i := len(asked) - 1; i >= 0; i-- { // they were asked before it was seen to be over
		at := harness.Interval{Lo: asked[i].Asked, Hi: max(asked[i].Asked, asked[i].Begun, asked[i].Done)}
		done.Events = slices.Insert(done.Events, 0, harness.Event{Kind: "person.asked", At: at, Phase: harness.ActUndo, Text: asked[i].Words()})
	}
	return done, asked, err
}

// byPerson tells whether a step is one that people take back.
func byPerson(e harness.UndoEntry) bool { return e.Step.Undo.Person != nil }

// askPeople asks people to take back what they did, latest first, each for as long as their scenario gives them, and gives what they said.
func (l unfinishedRun) askPeople(ctx context.Context, left *undostate.State) (asked []harness.PersonRecord, err error) {
	who, stop, err := openPeople(l.people, true, l.notify)
	if err != nil {
		return nil, err
	}
	defer stop()
	for _, e := range left.Open {
		if !byPerson(e) {
			continue
		}
		r := harness.PersonRecord{Act: harness.ActUndo, Task: *e.Step.Undo.Person, Asked: left.Clock.Now()}
		if i := left.FaultOf(e); i >= 0 {
			r.Fault = left.Record.Faults[i].Plan.Fault.ID
		}
		l.notify("asked of " + r.Task.By + ": " + r.Task.What)
		ctx, cancel := context.WithTimeout(ctx, r.Task.Within.D())
		name, err := who.Ask(ctx, r.Task, func(who string) { r.Begun, r.BegunBy = left.Clock.Now(), who })
		cancel()
		if err != nil {
			r.Detail = err.Error()
			return append(asked, r), fmt.Errorf("nobody said that it is done: %w", err)
		}
		r.Done, r.DoneBy = left.Clock.Now(), name
		asked = append(asked, r)
		l.notify("done, says " + name)
	}
	return asked, nil
}

// keepRecovered keeps what was done now, or adds what an undo before this one did.
func (l unfinishedRun) keepRecovered(now undoOutcome) undoOutcome {
	path := filepath.Join(l.dir, recoveredFile)
	var before undoOutcome
	data, err := os.ReadFile(path)
	there := err == nil && json.Unmarshal(data, &before) == nil
	people := slices.Concat(before.People, now.People)
	if there && before.Detail != "" {
		before.Ended = append(before.Ended, now.Ended...)
		before.Events = append(before.Events, now.Events...)
		for _, i := range now.Restored {
			if !slices.Contains(before.Restored, i) {
				before.Restored = append(before.Restored, i)
			}
		}
		before.Over = now.Over
		now = before
	}
	now.People = people
	if data, err := json.Marshal(now); err == nil {
		_ = writeAtomic(path, data) // its loss costs words, nothing else
	}
	return now
}

// apply writes what was done into the record: a fault counts as restored only where it was seen to be over.
func (u undoOutcome) apply(rec *harness.Record) {
	rec.Ended = u.Over
	rec.People = append(rec.People, u.People...)
	rec.Undo = harness.UndoRecord{At: harness.Interval{Lo: u.Began, Hi: u.Over}, Complete: !u.givenUp, Detail: "finished by `blackstart undo`: " + u.end()}
	var open []string
	for i := range rec.Faults {
		f := &rec.Faults[i]
		if f.Do.Lo == 0 || f.Restored {
			continue
		}
		f.Undone, f.Restored = rec.Undo.At, slices.Contains(u.Restored, i)
		if !f.Restored {
			open = append(open, f.Plan.Fault.Kind)
		}
	}
	if len(open) > 0 {
		rec.Undo.Detail += "; not seen to be over before that: " + strings.Join(open, ", ")
	}
}

// end says what became of the target.
func (u undoOutcome) end() string {
	if u.Detail == "" {
		return "nothing that a rehearsal target leaves was found"
	}
	return u.Detail
}

// report says what was found and done.
func (u undoOutcome) report(say func(string), inForce []string, logErr error) {
	switch {
	case logErr != nil:
		say(fmt.Sprintf("its undo log cannot be read (%v); %s", logErr, u.end()))
	case len(inForce) > 0:
		say(fmt.Sprintf("%s may have been in force; %s", strings.Join(inForce, ", "), u.end()))
	default:
		say("no fault was in force")
	}
	for _, e := range u.Events {
		say("  " + e.Text)
	}
	if n := len(u.Ended); n > 0 {
		say(fmt.Sprintf("ended %d components that still ran: %s", n, strings.Join(u.Ended, ", ")))
	}
}

// record reads the record of the run as it stood; nil if the run had not got that far.
func (l unfinishedRun) record() (*harness.Record, error) {
	data, err := os.ReadFile(filepath.Join(l.dir, "record.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rec harness.Record
	if err := json.Unmarshal(data, &rec); err != nil {
		return nil, fmt.Errorf("read what was recorded: %w", err)
	}
	return &rec, nil
}
