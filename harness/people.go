package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// People carry out what the harness does not. One act at a time is asked of them.
type People interface {
	// Ask shows a task and returns who says that it is done. begun is called, at most once, with who says that it has begun. The
	// error says that somebody cannot do it, that nobody can be asked, or that ctx ended before anybody said it was done.
	Ask(ctx context.Context, task PersonTask, begun func(who string)) (who string, err error)
}

// defaultPatience is how long people may take for a step where the scenario does not say.
const defaultPatience = Duration(10 * time.Minute)

// Patience is how long is waited for people to take a step.
func (s RecoveryStep) Patience() Duration { return cmp.Or(s.Within, defaultPatience) }

// errNotDone ends the story of a drill in which people did not do what they were asked to.
var errNotDone = errors.New("people did not do what they were asked to")

// PersonRecord is one thing that people were asked to do, and what they said of it. It dates nothing: what they did is dated by
// those it was done to.
type PersonRecord struct {
	Act     string     `json:"act"`   // kind of act in which they were asked: inject, step, end or undo
	Fault   string     `json:"fault"` // id of the fault, "" if it has none, or none is meant
	Step    string     `json:"step"`  // name of the step of the runbook, "" of a fault
	Task    PersonTask `json:"task"`
	Asked   Stamp      `json:"asked"`
	Begun   Stamp      `json:"begun"` // when somebody said so; 0: nobody did
	BegunBy string     `json:"begun_by"`
	Done    Stamp      `json:"done"` // when somebody said so; 0: nobody did
	DoneBy  string     `json:"done_by"`
	Detail  string     `json:"detail"` // why nobody said that it was done
}

// Words say what was asked, and by whom it was done, or why not.
func (r *PersonRecord) Words() string {
	switch {
	case r.Done != 0:
		return fmt.Sprintf("%s: done, says %s", r.Task.What, r.DoneBy)
	case r.Begun != 0:
		return fmt.Sprintf("%s: begun, says %s; not done: %s", r.Task.What, r.BegunBy, r.Detail)
	}
	return fmt.Sprintf("%s: not done: %s", r.Task.What, r.Detail)
}

// askPeople asks people for one thing, at most for as long as it may take, and writes down what they say. It is called beside the
// goroutine of the drill, and touches nothing of it but its clock.
func (d *drill) askPeople(ctx context.Context, r *PersonRecord) error {
	ctx, cancel := context.WithTimeout(ctx, r.Task.Within.D())
	defer cancel()
	r.Asked = d.clock.Now()
	who, err := d.People.Ask(ctx, r.Task, func(who string) { r.Begun, r.BegunBy = d.clock.Now(), who })
	switch {
	case err == nil:
		r.Done, r.DoneBy = d.clock.Now(), who
	case errors.Is(err, context.DeadlineExceeded):
		r.Detail = fmt.Sprintf("nobody said so within %s", r.Task.Within)
	default:
		r.Detail = err.Error()
	}
	if err != nil {
		return fmt.Errorf("%w: %s", errNotDone, r.Words())
	}
	return nil
}

// notePerson puts what people were asked, and said, on record.
func (d *drill) notePerson(r PersonRecord) {
	d.rec.People = append(d.rec.People, r)
	d.event(Event{Kind: "person.asked", At: Interval{r.Asked, d.clock.Now()}, Text: r.Words()})
}

// askWhileGuarded asks people for one thing while guards and interrupts are heeded.
func (d *drill) askWhileGuarded(ctx context.Context, r PersonRecord) error {
	d.note("person.shown", "asked of "+r.Task.By+": "+r.Task.What, nil)
	err := d.whileGuarded(ctx, "a person's act", func(ctx context.Context) error { return d.askPeople(ctx, &r) })
	d.notePerson(r)
	if ctx.Err() != nil { // who is interrupted has done nothing wrong
		return ctx.Err()
	}
	return err
}

// injectByPerson has people put a fault in force. When it is, is told by the victim alone, who is asked all the while: before
// anybody says that it has begun, and for a time after somebody says that it is done.
func (d *drill) injectByPerson(ctx context.Context, f *FaultRecord, task PersonTask) error {
	r := PersonRecord{Act: ActInject, Fault: f.Plan.Fault.ID, Task: task}
	d.note("person.shown", "asked of "+task.By+": "+task.What, nil)
	var at Interval
	err := d.whileGuarded(ctx, "a person's act", func(ctx context.Context) (err error) {
		at, err = d.askAndWitness(ctx, &r, f)
		return err
	})
	f.Do = Interval{r.Asked, d.clock.Now()}
	d.notePerson(r)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f.Detail = err.Error()
		d.note("fault.unseen", f.Plan.Fault.Kind+" was not seen in force: "+err.Error(), nil)
		if errors.Is(err, errGuard) || errors.Is(err, errGap) {
			return err
		}
		return errUnconfirmed
	}
	f.InForce, f.Confirmed = at, true
	if late := at.Hi.Sub(d.due(f.Plan.Fault.At)); late > 0 { // people took that long: all that follows waits for them
		d.shift += Duration(late)
	}
	return nil
}

// undoCanBeShown asks, while nothing is broken, what is to show that a fault is over: what does not hold now would never show it, and people
// would be asked again and again for what they have done.
func (d *drill) undoCanBeShown(ctx context.Context, f *FaultRecord) error {
	if f.Plan.Task() == nil || len(d.inForce) > 0 || len(f.Plan.Restored) == 0 {
		return nil
	}
	_, err := d.Await(ctx, d.runningTarget(), f.Plan.Restored, restoreLimit)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	f.Detail = "nobody was asked to break anything, since what is to show that it is over does not hold while nothing is broken (mend it, or write another check under restored): " + err.Error()
	d.note("fault.unseen", f.Plan.Fault.Kind+": "+f.Detail, nil)
	return errUnconfirmed
}

// askAndWitness asks people and the victim at the same time, and returns when both have answered, or the time is over.
func (d *drill) askAndWitness(ctx context.Context, r *PersonRecord, f *FaultRecord) (at Interval, err error) {
	asking, stopAsking := context.WithCancel(ctx)
	watching, stopWatching := context.WithCancel(ctx)
	defer stopAsking()
	said, seen := make(chan error, 1), make(chan error, 1)
	go func() { said <- safely("ask people", func() error { return d.askPeople(asking, r) }) }()
	go func() {
		seen <- safely("ask the victim", func() (err error) {
			at, err = d.Witness(watching, d.runningTarget(), f.Plan.InForce)
			return err
		})
	}()
	if err := <-said; err != nil {
		stopWatching()
		<-seen //nolint:errcheck // what people say comes first: without their word nobody knows what they still do
		return Interval{}, err
	}
	end := time.AfterFunc(f.Plan.within(), stopWatching)
	defer end.Stop()
	if err := <-seen; err != nil {
		return Interval{}, fmt.Errorf("%s says that it is done, and within %s the victim did not: %w", r.DoneBy, f.Plan.within(), err)
	}
	stopWatching()
	if at.Lo == 0 {
		return Interval{}, errors.New("what shows the fault was never seen to be otherwise: it was so before anybody did anything, or could not be asked")
	}
	if _, err := d.Await(ctx, d.runningTarget(), f.Plan.InForce, f.Plan.within()); err != nil {
		return Interval{}, fmt.Errorf("%s says that it is done, and it is not so any more: %w", r.DoneBy, err)
	}
	if len(f.Plan.Follows) > 0 {
		_, err := d.Await(ctx, d.runningTarget(), f.Plan.Follows, f.Plan.within())
		return at, err
	}
	return at, nil
}

// stepByPerson has people take one step of the runbook.
func (d *drill) stepByPerson(ctx context.Context, step RecoveryStep) error {
	task := PersonTask{What: step.Do, By: step.By, Takes: step.Takes, Within: step.Patience()}
	from := d.clock.Now()
	if err := d.askWhileGuarded(ctx, PersonRecord{Act: ActStep, Step: step.Name, Task: task}); err != nil {
		return fmt.Errorf("runbook step %q: %w", step.Name, err)
	}
	d.event(Event{Kind: "runbook.step", At: Interval{from, d.clock.Now()}, Text: "runbook: " + step.Name + ", by people"})
	d.shift += max(0, Duration(d.clock.Now().Sub(from))-step.Takes)
	return nil
}

// undoByPerson has people take a fault back, and asks them again while the victim says otherwise and their time is not over.
func (d *drill) undoByPerson(ctx context.Context, act string, f *FaultRecord, task PersonTask) error {
	end := d.clock.Now().Add(task.Within.D())
	for {
		asked := d.askWhileGuarded(ctx, PersonRecord{Act: act, Fault: f.Plan.Fault.ID, Task: task})
		at, checks, err := d.awaitRestored(ctx, f)
		left := end.Sub(d.clock.Now())
		switch {
		case err == nil && checks > 0 && (asked == nil || f.Confirmed): // one that was never seen may still be under way, whatever the victim shows
			d.noteRestored(f, at, checks, "")
			return nil
		case asked != nil:
			return asked
		case err == nil: // nothing of the victim can show it
			return nil
		case ctx.Err() != nil || left < time.Second:
			return fmt.Errorf("%w: %s: somebody says that it is done, and the victim does not: %v", errNotDone, task.What, err)
		}
		d.note("undo.unproven", "said to be done, and not so: "+err.Error(), nil)
		task.Again, task.Within = err.Error(), Duration(left)
	}
}

// undoTime is how long people may take for what is still in force.
func (d *drill) undoTime() (total time.Duration) {
	for _, s := range d.inForce {
		if s.step.Undo.Person != nil {
			total += s.step.Undo.Person.Within.D() + restoreLimit
		}
	}
	return total
}

// due is the moment of a time in the scenario: people who took long have put off all that comes after them.
func (d *drill) due(at Duration) Stamp { return d.rec.Observation.Lo.Add((at + d.shift).D()) }
