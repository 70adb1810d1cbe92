package harness

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A drill's length is all that it may take: people as long as they are given, there and back, and its own undo.
func TestPlannedLength(t *testing.T) {
	s := Scenario{SteadyState: SteadyState{For: Duration(time.Minute)}, Observe: Duration(10 * time.Minute), Settle: Duration(10 * time.Second),
		Faults: []FaultSpec{{Kind: FaultManual, ID: "loss"}}, Recovery: Recovery{Steps: []RecoveryStep{{Name: "decide", Do: "decide", Within: Duration(2 * time.Minute)}}}}
	person := func(within time.Duration) Action {
		return Action{Kind: PersonAct, Person: &PersonTask{Within: Duration(within)}}
	}
	plans := []Plan{{Fault: s.Faults[0], Steps: []Step{{Do: person(20 * time.Minute), Undo: person(5 * time.Minute)}}}}
	without, with := PlannedLength(s, nil), PlannedLength(s, plans)
	if without < 13*time.Minute || without > 14*time.Minute || with-without != 25*time.Minute+restoreLimit {
		t.Errorf("without people %s, with them %s", without, with)
	}
	for name, c := range map[string]struct {
		change  func(*Scenario)
		plans   []Plan
		longest time.Duration
		at      []any // nil: allowed
	}{
		"no bound":          {func(*Scenario) {}, plans, 0, nil},
		"short enough":      {func(*Scenario) {}, plans, with, nil},
		"people":            {func(*Scenario) {}, plans, with - time.Second, []any{"faults", 0}},
		"watching":          {func(*Scenario) {}, nil, without - time.Second, []any{"observe"}},
		"a step":            {func(s *Scenario) { s.Recovery.Steps[0].Within = Duration(time.Hour) }, plans, time.Hour, []any{"recovery", "steps", 0}},
		"the steady state":  {func(s *Scenario) { s.SteadyState.For = Duration(time.Hour) }, plans, time.Hour, []any{"steadyState", "for"}},
		"a default is long": {func(s *Scenario) { s.Recovery.Steps[0].Within, s.Observe = 0, 0 }, nil, time.Minute, []any{"recovery", "steps", 0}},
	} {
		changed := s
		changed.Recovery.Steps = slices.Clone(s.Recovery.Steps)
		c.change(&changed)
		refused := TooLong(changed, c.plans, c.longest)
		if c.at == nil && len(refused) == 0 {
			continue
		}
		if len(refused) != 1 || !slices.Equal(refused[0].At, c.at) || !strings.Contains(refused[0].Err.Error(), "limits.longestDrill of the target is") {
			t.Errorf("%s: %+v, want %v", name, refused, c.at)
		}
	}
}

// long is a driver whose target allows a drill of so many seconds.
type long struct {
	*rig
	longest time.Duration
}

func (l long) Description() Description {
	d := rigTarget()
	d.LongestNS = int64(l.longest)
	return d
}

// A drill that lasts longer than its target allows is stopped as by a guard, and undone, while there is time for that.
func TestADrillThatLastsTooLongIsStopped(t *testing.T) {
	for _, c := range []struct {
		longest time.Duration
		status  Status
	}{{time.Minute, Completed}, {10 * time.Second, Stopped}} {
		r := newRig()
		rec, err, _ := tell(t, r, func(p *Parts) { p.Driver = long{r, c.longest} })
		if err != nil || rec.Status != c.status || !rec.Undo.Complete || !slices.Contains(r.told, string(LinkHeal)) {
			t.Errorf("%s: %v, %s (%s), undo %+v", c.longest, err, rec.Status, rec.StatusReason, rec.Undo)
		}
		if lasted := rec.Ended.Sub(rec.Started); c.status == Stopped && (!strings.Contains(rec.StatusReason, "limits.longestDrill of the target it may last 10s") || lasted > c.longest+time.Second) {
			t.Errorf("it lasted %s: %s", lasted, rec.StatusReason)
		}
	}
	b := &byHands{rig: newRig(), people: &hands{takes: 40 * time.Second}}
	rec, err := b.drill(t, func(p *Parts) { p.Driver = long{b.rig, 3 * time.Minute} })
	if err != nil || rec.Status != Stopped || !rec.Undo.Complete || rec.Ended.Sub(rec.Started) > 3*time.Minute {
		t.Errorf("people who need two minutes to take it back: %v, %s (%s), undo %+v, %s", err, rec.Status, rec.StatusReason, rec.Undo, rec.Ended.Sub(rec.Started))
	}
}
