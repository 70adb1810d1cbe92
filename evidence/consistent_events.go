package evidence

import (
	"errors"
	"fmt"
	"slices"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// Limits of what a drill can tell.
const (
	maxToldAlerts  = 10_000
	maxToldMoments = 1_000 // of one kind
)

// recordedEvents is what of the event log is held against the record.
type recordedEvents struct {
	at     map[string][]harness.Interval // of the kinds that tell of a moment in the record
	begun  []harness.Act                 // At is when each began
	ended  []harness.Interval            // of each act that ended
	alerts []harness.Event
	gone   []string        // what the undo found gone, in words
	kept   []string        // what the undo left as it was on purpose, in words
	undone []string        // what somebody else has undone, in words
	back   []harness.Event // what brought redundancy back, or did not
	twoLed []string        // what took writes beside another, in words
	left   []harness.LeftOut
	guards []harness.Event
	gaps   []harness.Event // over which the harness could not measure
}

func (t *recordedEvents) add(seq int64, e harness.Event) error {
	switch e.Kind {
	case "act.started":
		t.begun = append(t.begun, harness.Act{Kind: e.Detail["kind"], Name: e.Detail["name"], Fault: e.Detail["fault"], By: e.Detail["by"], At: e.At})
	case "act.ended":
		t.ended = append(t.ended, e.At)
	case alertReceived, alertRefused, alertSeen:
		t.alerts = append(t.alerts, e)
	case "observe.left-out":
		t.left = append(t.left, harness.LeftOutOf(e.Detail))
	case "guard.fired":
		t.guards = append(t.guards, e)
	case "harness." + harness.GapSuspended, "harness." + harness.GapNetwork:
		t.gaps = append(t.gaps, e)
	case "component.gone":
		t.gone = append(t.gone, e.Text)
	case "component.left":
		t.kept = append(t.kept, e.Text)
	case "restore.shown", "restore.failed":
		t.back = append(t.back, e)
	case "primary.two":
		t.twoLed = append(t.twoLed, e.Text)
	case "fault.released":
		t.undone = append(t.undone, e.Text)
	case "steady.held", "fault.done", "fault.in-force", "fault.undone", "fault.restored", "person.asked", "primary.fenced", "primary.refuses", "undo.complete",
		"drill.stopped", "drill.left", "drill.unsteady", "drill.error", "drill.interrupted":
		t.at[e.Kind] = append(t.at[e.Kind], e.At)
	}
	if max(len(t.begun), len(t.ended)) > maxToldMoments || len(t.alerts) > maxToldAlerts || len(t.at[e.Kind]) > maxToldMoments ||
		max(len(t.gone), len(t.kept), len(t.undone), len(t.twoLed), len(t.back), len(t.guards), len(t.left), len(t.gaps)) > maxToldMoments {
		return fmt.Errorf("event %d: more of kind %s than a drill can have", seq, e.Kind)
	}
	return nil
}

// happened demands an event of a kind at the moment that the record tells.
func (t *recordedEvents) happened(what, kind string, i harness.Interval) error {
	if i.Never() || slices.Contains(t.at[kind], i) {
		return nil
	}
	return fmt.Errorf("%s: no event %s at %s", what, kind, i.Lo)
}

// agreesWithEvents holds the record against the event log, in both directions: what one tells, the other has.
func (c *checker) agreesWithEvents() error {
	told := &recordedEvents{at: map[string][]harness.Interval{}}
	log, err := c.pack.Open(seal.EventsFile)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := eachEvent(log, told.add); err != nil {
		return err
	}
	rec := c.out.Record
	return errors.Join(told.actsOf(rec), followsScenario(rec), told.statusOf(rec), told.faultsOf(rec), told.peopleOf(rec), told.undoOf(rec), told.observedOf(rec), told.gapsOf(rec), told.restoresOf(rec),
		arrivalsRecorded(rec, told.alerts), told.guardsOf(rec, measure.Files(packFS{c.pack}, rec)))
}

// actsOf demands the acts in their order, each when and by whom the events say; a run that was killed may have begun, and even
// ended, one that its record does not have.
func (t *recordedEvents) actsOf(rec *harness.Record) error {
	if n := len(rec.Acts); n > len(t.begun) || n > len(t.ended) || rec.Status != harness.Interrupted && (n != len(t.begun) || n != len(t.ended)) {
		return fmt.Errorf("%d acts, the events tell of %d that began and %d that ended", n, len(t.begun), len(t.ended))
	}
	for i, a := range rec.Acts {
		told := t.begun[i]
		told.At.Hi = t.ended[i].Hi
		if a != told || t.ended[i].Lo != told.At.Lo {
			return fmt.Errorf("act %d, %s %s by %s at %s, is not what the events tell in its place", i+1, a.Kind, a.Name, a.By, a.At.Lo)
		}
	}
	return nil
}

// followsScenario demands that the acts are those of the scenario, in its order: all of them where the drill ended as it was to.
func followsScenario(rec *harness.Record) error {
	planned := harness.Acts(rec.Played())
	next := 0
	for i, a := range rec.Acts {
		a.At = harness.Interval{}
		at := slices.IndexFunc(planned[next:], func(p harness.PlannedAct) bool { return p.Act == a })
		if at < 0 {
			return fmt.Errorf("act %d, %s %s by %s, is not one that the scenario asks for in its place", i+1, a.Kind, a.Name, a.By)
		}
		next += at + 1
	}
	if rec.Status == harness.Completed && rec.StatusReason == "" && rec.Undo.Complete && len(rec.Acts) != len(planned) {
		return fmt.Errorf("%d acts, the scenario asks for %d", len(rec.Acts), len(planned))
	}
	return nil
}

// statusOf holds the way in which the drill ended against the events that say so.
func (t *recordedEvents) statusOf(rec *harness.Record) error {
	any := func(kinds ...string) bool {
		return slices.ContainsFunc(kinds, func(k string) bool { return len(t.at[k]) > 0 })
	}
	fine := true
	switch rec.Status {
	case harness.Completed:
		fine = !any("drill.stopped", "drill.left", "drill.unsteady", "drill.error", "drill.interrupted")
	case harness.Stopped:
		fine = any("drill.stopped", "drill.left") && !any("drill.interrupted")
	case harness.Unsteady:
		fine = any("drill.unsteady") && !anyInjected(rec)
	case harness.Interrupted:
		fine = any("drill.interrupted")
	}
	if !fine {
		return fmt.Errorf("status %s is not how the events say that the drill ended", rec.Status)
	}
	full := harness.Stamp(rec.Played().Observe)
	if short := rec.Observation.Hi - rec.Observation.Lo; rec.Status == harness.Completed && rec.StatusReason == "" && short < full {
		return fmt.Errorf("the observation ends %s before the %s of the scenario are over", (full - short).Sub(0), rec.Played().Observe)
	}
	return nil
}

func anyInjected(rec *harness.Record) bool {
	return slices.ContainsFunc(rec.Faults, func(f harness.FaultRecord) bool { return f.Do.Lo != 0 })
}

// faultsOf holds baseline and faults against the events. The record of a run that was killed may lag behind them.
func (t *recordedEvents) faultsOf(rec *harness.Record) error {
	var errs []error
	if anyInjected(rec) || rec.Status == harness.Completed || len(t.at["steady.held"]) > 0 {
		errs = append(errs, t.happened("baseline", "steady.held", rec.Baseline))
	}
	confirmed, restored := 0, 0
	for _, f := range rec.Faults {
		if f.Confirmed {
			confirmed++
			errs = append(errs, t.happened("fault in force", "fault.in-force", f.InForce))
		}
		if f.Restored {
			restored++
		}
		if rec.Status == harness.Interrupted {
			continue
		}
		if f.Do.Hi != 0 {
			errs = append(errs, t.happened("fault carried out", "fault.done", f.Do))
		}
		errs = append(errs, t.happened("fault undone", "fault.undone", f.Undone))
	}
	if rec.Status != harness.Interrupted {
		errs = append(errs, differs("faults confirmed in force", confirmed, len(t.at["fault.in-force"])),
			differs("faults restored", restored, len(t.at["fault.restored"])))
	}
	return errors.Join(errs...)
}

// peopleOf holds what people were asked to do against the events.
func (t *recordedEvents) peopleOf(rec *harness.Record) error {
	if rec.Status == harness.Interrupted { // its record may lag behind
		return nil
	}
	asked := t.at["person.asked"]
	if err := differs("things asked of people", len(rec.People), len(asked)); err != nil {
		return err
	}
	for i, p := range rec.People {
		if asked[i].Lo != p.Asked || max(p.Begun, p.Done) > asked[i].Hi {
			return fmt.Errorf("what people were asked at %s is not what the events tell in its place", p.Asked)
		}
	}
	return nil
}

// undoOf holds the undo against the events.
func (t *recordedEvents) undoOf(rec *harness.Record) error {
	var errs []error
	fenced, refuses := len(t.at["primary.fenced"]), len(t.at["primary.refuses"])
	by := map[bool]string{true: "harness"}[fenced > 0]
	if by == "" && refuses > 0 {
		by = "target"
	}
	if rec.Undo.FencedBy != by && rec.Status != harness.Interrupted {
		errs = append(errs, fmt.Errorf("fenced by %q, and %d events primary.fenced, %d primary.refuses", rec.Undo.FencedBy, fenced, refuses))
	}
	if complete := len(t.at["undo.complete"]); anyInjected(rec) && rec.Undo.Complete != (complete > 0) {
		errs = append(errs, fmt.Errorf("undo.complete is %t, and %d events say so", rec.Undo.Complete, complete))
	}
	errs = append(errs, watchedUndo(rec))
	if !slices.Equal(rec.Undo.Gone, t.gone) && rec.Status != harness.Interrupted {
		errs = append(errs, fmt.Errorf("the record tells of %d components that are gone, the events of %d, or of others", len(rec.Undo.Gone), len(t.gone)))
	}
	if rec.Status != harness.Interrupted && (!slices.Equal(rec.Undo.Left, t.kept) || !slices.Equal(rec.Released, t.undone) || !slices.Equal(rec.Undo.TwoLed, t.twoLed)) {
		errs = append(errs, fmt.Errorf("the record tells of %d components left as they are, %d acts undone by others and %d that led beside another, the events of %d, %d and %d, or of others",
			len(rec.Undo.Left), len(rec.Released), len(rec.Undo.TwoLed), len(t.kept), len(t.undone), len(t.twoLed)))
	}
	return errors.Join(errs...)
}

// watchedUndo holds the window of the undo against the acts that it goes from and to.
func watchedUndo(rec *harness.Record) error {
	at := func(kind string) harness.Interval {
		i := slices.IndexFunc(rec.Acts, func(a harness.Act) bool { return a.Kind == kind })
		if i < 0 {
			return harness.Interval{}
		}
		return rec.Acts[i].At
	}
	undo, watch, w := at(harness.ActUndo), at(harness.ActWatchUndo), rec.Undo.Watched
	switch {
	case rec.Status == harness.Interrupted && w.Never():
	case w.Never() != watch.Never():
		return errors.New("the undo was watched, or there is an act watch-undo, but not both")
	case !w.Never() && (w.Lo < undo.Lo || w.Lo > undo.Hi || w.Hi < watch.Lo || w.Hi > watch.Hi):
		return errors.New("the watch of the undo does not go from the act undo to the act watch-undo")
	}
	return nil
}
