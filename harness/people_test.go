package harness

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// hands are people who do what they are asked to in virtual time.
type hands struct {
	takes  time.Duration
	cannot error
	never  bool
	asked  []PersonTask
	did    func(PersonTask)
}

func (h *hands) Ask(ctx context.Context, task PersonTask, begun func(string)) (string, error) {
	h.asked = append(h.asked, task)
	if h.cannot != nil {
		return "", h.cannot
	}
	if h.never {
		<-ctx.Done()
		return "", ctx.Err()
	}
	begun("Ann")
	time.Sleep(h.takes)
	if h.did != nil {
		h.did(task)
	}
	return "Ben", nil
}

// byHands makes the fault of the rig one of people's hands: in force is what the hands have done, at the moment they do it.
type byHands struct {
	rig    *rig
	people *hands

	mu      sync.Mutex // guards what follows: people and the victim are asked at the same time
	inForce bool
	since   Stamp
	after   time.Duration // the victim shows it so much later than it is said
	stays   bool          // what is undone stays in force, the first time
	blind   bool          // what shows that it is over holds while it is in force, too
}

func (b *byHands) Plan(_ context.Context, _ Description, f FaultSpec) (Plan, error) {
	do := PersonTask{What: "cut it off", By: "operator", Within: Duration(time.Minute)}
	undo := PersonTask{What: "let it be reached", By: "operator", Within: Duration(2 * time.Minute), Undoing: true}
	return Plan{Fault: f, Steps: []Step{{Do: Action{Kind: PersonAct, Person: &do}, Undo: Action{Kind: PersonAct, Person: &undo}}},
		InForce: []Check{{Kind: LinkSilent, On: "outside→east.db"}}, Restored: []Check{{Kind: LinkAnswers, On: "outside→east.db"}}}, nil
}

func (b *byHands) drill(t *testing.T, change func(*Parts)) (*Record, error) {
	t.Helper()
	rec, err, _ := tell(t, b.rig, func(p *Parts) {
		clock := p.Clock
		p.Scenario.Faults[0].Kind, p.Scenario.Faults[0].ConfirmWithin = FaultManual, Duration(5*time.Second)
		p.Injector = func(FaultSpec) (Injector, error) { return b, nil }
		p.People = b.people
		b.people.did = func(task PersonTask) {
			b.mu.Lock()
			defer b.mu.Unlock()
			switch {
			case !task.Undoing:
				b.inForce, b.since = true, clock.Now()
			case b.stays:
				b.stays = false
			default:
				b.inForce = false
			}
		}
		shown := func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.inForce && clock.Now() >= b.since.Add(b.after)
		}
		p.Witness = func(ctx context.Context, _ RunningTarget, _ []Check) (at Interval, err error) {
			for ctx.Err() == nil {
				if shown() {
					return Interval{at.Lo, clock.Now()}, nil
				}
				at.Lo = clock.Now()
				time.Sleep(100 * time.Millisecond)
			}
			return Interval{}, errors.New("it answers")
		}
		p.Await = func(_ context.Context, _ RunningTarget, checks []Check, within time.Duration) (Interval, error) {
			b.mu.Lock()
			inForce := b.inForce
			b.mu.Unlock()
			if inForce != (checks[0].Kind == LinkSilent) && (!b.blind || checks[0].Kind == LinkSilent) {
				time.Sleep(within)
				return Interval{}, errors.New("it is silent")
			}
			return Interval{clock.Now(), clock.Now()}, nil
		}
		if change != nil {
			change(p)
		}
	})
	return rec, err
}

// What people do is dated by the victim, and what follows waits for them: clients are watched as long as the scenario says after it.
func TestAFaultByPeopleIsDatedByTheVictim(t *testing.T) {
	b := &byHands{rig: newRig(), people: &hands{takes: 20 * time.Second}, after: 2 * time.Second}
	rec, err := b.drill(t, nil)
	if err != nil || rec.Status != Completed || rec.StatusReason != "" {
		t.Fatal(err, rec.Status, rec.StatusReason)
	}
	f := rec.Faults[0]
	if !f.Confirmed || f.InForce.Hi.Sub(f.InForce.Lo) > 150*time.Millisecond || f.InForce.Lo.Sub(b.since) < 1800*time.Millisecond {
		t.Errorf("in force %v, done at %v", f.InForce, b.since)
	}
	if rec.Observation.Hi.Sub(f.InForce.Hi) < 10*time.Second {
		t.Errorf("watched for %v after the fault", rec.Observation.Hi.Sub(f.InForce.Hi))
	}
	if !f.Restored || !rec.Undo.Complete || len(rec.People) != 2 || rec.People[0].BegunBy != "Ann" || rec.People[1].DoneBy != "Ben" || rec.People[1].Act != ActUndo {
		t.Errorf("undo %+v, people %+v", rec.Undo, rec.People)
	}
	i := slices.IndexFunc(rec.Acts, func(a Act) bool { return a.Kind == ActInject })
	if rec.Acts[i].By != ByPerson {
		t.Errorf("act %+v", rec.Acts[i])
	}
}

// Whoever does not do what was asked, or says so too early, ends the story; what may be in force is still taken back.
func TestPeopleWhoDoNotDoWhatTheyAreAsked(t *testing.T) {
	for _, c := range []struct {
		name   string
		people hands
		after  time.Duration
		detail string
	}{
		{"nobody answers", hands{never: true}, 0, "nobody said so within"},
		{"they cannot", hands{cannot: errors.New("no key for the rack")}, 0, "no key for the rack"},
		{"they say done too early", hands{takes: time.Second}, time.Hour, "Ben says that it is done, and within 5s the victim did not: it answers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &byHands{rig: newRig(), people: &c.people, after: c.after}
			rec, err := b.drill(t, nil)
			f := rec.Faults[0]
			if err != nil || f.Confirmed || !strings.Contains(f.Detail, c.detail) || !strings.Contains(rec.StatusReason, errUnconfirmed.Error()) {
				t.Errorf("%v: fault %+v, %s", err, f, rec.StatusReason)
			}
			if n := len(b.people.asked); n < 2 || !b.people.asked[n-1].Undoing {
				t.Errorf("nobody was asked to take it back: %+v", b.people.asked)
			}
			if i := slices.Index(b.rig.told, "load off"); i < 0 || !slices.Contains(b.rig.told, "stop") {
				t.Errorf("told %v", b.rig.told)
			}
		})
	}
}

// Said to be undone and not so: they are asked again, with what the victim says; who still does not do it leaves the undo incomplete.
func TestAnUndoByPeopleIsProvenByTheVictim(t *testing.T) {
	b := &byHands{rig: newRig(), people: &hands{takes: time.Second}, stays: true}
	rec, err := b.drill(t, nil)
	if err != nil || !rec.Undo.Complete || !rec.Faults[0].Restored || len(b.people.asked) != 3 || b.people.asked[2].Again == "" {
		t.Errorf("%v: undo %+v, asked %+v", err, rec.Undo, b.people.asked)
	}
	b = &byHands{rig: newRig(), people: &hands{takes: time.Second}}
	rec, _ = b.drill(t, func(p *Parts) {
		did := b.people.did
		b.people.did = func(task PersonTask) {
			if !task.Undoing {
				did(task)
			}
		}
	})
	if rec.Undo.Complete || !strings.Contains(rec.Undo.Detail, "it is silent") {
		t.Errorf("undo %+v", rec.Undo)
	}
}

// A guard ends the wait for people.
func TestAGuardDoesNotWaitForPeople(t *testing.T) {
	b := &byHands{rig: newRig(), people: &hands{never: true}}
	n := 0
	b.rig.health = func() bool { n++; return n < 12 }
	rec, err := b.drill(t, nil)
	if err != nil || rec.Status != Stopped || rec.Ended.Sub(rec.Started) > 4*time.Minute {
		t.Errorf("%v: %s after %v", err, rec.Status, rec.Ended.Sub(rec.Started))
	}
}

// A step of the runbook that people take is theirs; one that nobody takes is never a pass.
func TestStepsOfPeople(t *testing.T) {
	for _, never := range []bool{false, true} {
		r, people := newRig(), &hands{never: never, takes: 3 * time.Second}
		rec, err, _ := tell(t, r, func(p *Parts) {
			p.People = people
			p.Scenario.Recovery = Recovery{By: "runbook", Steps: []RecoveryStep{{At: Duration(time.Second), Name: "ask them", Do: "promote it", By: "DBA", Within: Duration(30 * time.Second)}}}
		})
		if err != nil || len(rec.People) != 1 || (rec.People[0].Done == 0) != never || (rec.StatusReason == "") == never || !rec.Undo.Complete {
			t.Errorf("never %t: %v, people %+v, %q", never, err, rec.People, rec.StatusReason)
		}
	}
}

// What was so before anybody did anything is no fault of theirs.
func TestWhatWasSoBefore(t *testing.T) {
	b := &byHands{rig: newRig(), people: &hands{takes: time.Second}, inForce: true, blind: true}
	rec, err := b.drill(t, nil)
	if f := rec.Faults[0]; err != nil || f.Confirmed || !strings.Contains(f.Detail, "before anybody did anything") {
		t.Errorf("%v: %+v", err, f)
	}
}

// What does not hold while nothing is broken would never show that a fault is over: nobody is asked to break anything.
func TestWhatCouldNeverBeShown(t *testing.T) {
	b := &byHands{rig: newRig(), people: &hands{takes: time.Second}, inForce: true}
	rec, err := b.drill(t, nil)
	f := rec.Faults[0]
	if err != nil || f.Confirmed || f.Do != (Interval{}) || len(b.people.asked) > 0 || !rec.Undo.Complete || !strings.Contains(f.Detail, "does not hold while nothing is broken (mend it, or write another check under restored): it is silent") {
		t.Errorf("%v: %+v, asked %v, undo %+v", err, f, b.people.asked, rec.Undo)
	}
	if rec.Status != Completed || !strings.Contains(rec.StatusReason, "not seen in force") {
		t.Errorf("status %s, %q", rec.Status, rec.StatusReason)
	}
}

// A fault that people take long to end puts off what comes after its end.
func TestAnEndByPeopleShiftsWhatFollows(t *testing.T) {
	b := &byHands{rig: newRig(), people: &hands{takes: 30 * time.Second}}
	rec, err := b.drill(t, func(p *Parts) { p.Scenario.Faults[0].For = Duration(4 * time.Second) })
	f := rec.Faults[0]
	if watched := rec.Observation.Hi.Sub(f.Undone.Hi); err != nil || !f.Restored || watched < 5*time.Second {
		t.Errorf("%v: watched for %v after the end, fault %+v", err, watched, f)
	}
}
