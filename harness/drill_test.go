package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// rig is a drill with a driver that records what it is told, in virtual time.
type rig struct {
	mu       sync.Mutex
	told     []string // what the driver was asked, in order
	events   []string
	fail     map[ActionKind]error
	writes   bool // the old primary still takes writes after its fence
	unseen   bool // the victim never sees the fault
	stuck    bool // the restoration is never seen
	success  float64
	health   func() bool
	panicAt  ActionKind
	startErr error
	bound    [][]Written // what each checkpoint of the loads covered
	bindErr  error
}

func newRig() *rig {
	return &rig{fail: map[ActionKind]error{}, success: 1, health: func() bool { return true }}
}

func (r *rig) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, fmt.Sprintf(format, args...))
}

func (r *rig) Check(context.Context, StartRequest) error      { return nil }
func (r *rig) Start(context.Context, StartRequest) error      { r.say("start"); return r.startErr }
func (r *rig) Outline(map[string]string) (Description, error) { return rigTarget(), nil }
func (r *rig) Description() Description                       { return rigTarget() }
func (r *rig) Access(string, string) (Access, error)          { return Access{}, nil }
func (r *rig) Running(context.Context, string) (bool, error)  { return true, nil }
func (r *rig) Logs(context.Context, string) error             { return nil }
func (r *rig) Stop(context.Context) error                     { r.say("stop"); return nil }
func (r *rig) Can() []ActionKind                              { return []ActionKind{LinkCut, LinkHeal, ComponentFence} }
func (r *rig) RefusesWrites(context.Context, string) (bool, error) {
	r.say("refuses-writes?")
	return !r.writes, nil
}

func (r *rig) Execute(_ context.Context, a Action) error {
	r.say("%s", a.Kind)
	if a.Kind == r.panicAt {
		panic("planted")
	}
	return r.fail[a.Kind]
}

func (r *rig) Deliveries() []Delivery  { return nil }
func (r *rig) Arrivals() []Arrival     { return nil }
func (r *rig) Checkpoint(string) error { return nil }
func (r *rig) LoadCheckpoint(w []Written) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bound = append(r.bound, w)
	return r.bindErr
}
func (r *rig) Append(e Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e.Kind)
	return nil
}

func (r *rig) Plan(_ context.Context, _ Description, f FaultSpec) (Plan, error) {
	var fences []string
	if f.For == 0 {
		fences = []string{"east.db"}
	}
	return Plan{Fault: f, Fences: fences,
		Steps:    []Step{step("outside→east.db")},
		InForce:  []Check{{Kind: LinkSilent, On: "outside→east.db"}},
		Restored: []Check{{Kind: LinkAnswers, On: "outside→east.api"}, {Kind: LinkAnswers, On: "outside→east.db"}}}, nil
}

func rigTarget() Description {
	return Description{Name: "rig", Environment: Rehearsal, Regions: []Region{{"east", Primary}, {"west", Standby}},
		Components: []Component{{Name: "east.db", Kind: "postgres", Region: "east", Role: Primary}, {Name: "east.api", Kind: "api", Region: "east"}},
		Links:      []Link{{Name: "outside→east.db", To: "east.db"}, {Name: "outside→east.api", To: "east.api"}}}
}

// rigLoad is a load that fares as the rig says.
type rigLoad struct{ r *rig }

func (l rigLoad) Start(context.Context) error { l.r.say("load on"); return nil }
func (l rigLoad) Stop()                       { l.r.say("load off") }
func (l rigLoad) Wait() ([]Stream, error)     { return []Stream{{ID: 1, Load: "queries"}}, nil }
func (l rigLoad) Flush() ([]Written, error) {
	return []Written{{File: "data/samples/queries.bin", Kind: "samples", Records: 7}}, nil
}
func (l rigLoad) Live() LoadSnapshot {
	return LoadSnapshot{Due: 100, Results: 100, Success: l.r.success}
}

func (r *rig) parts(dir string, clock *Clock) Parts {
	s := Scenario{
		Load:        []LoadSpec{{ID: "queries"}},
		SteadyState: SteadyState{For: Duration(3 * time.Second), Require: []Requirement{{Load: "queries", SuccessAtLeast: 999_000}}},
		Faults:      []FaultSpec{{Kind: "region.partition", On: Primary, StartsClock: true}},
		Observe:     Duration(10 * time.Second), Settle: Duration(time.Second),
		Guards: []Guard{{Probe: "http.health", Region: Standby, FailingFor: Duration(2 * time.Second)}},
	}
	return Parts{
		Scenario: s, RunID: "run", Clock: clock, StateDir: dir, DataDir: filepath.Join(dir, "data"),
		Driver: r, Inbox: r, Journal: r, Watch: func(Progress) {},
		Injector: func(FaultSpec) (Injector, error) { return r, nil },
		OpenLoad: func(int, LoadSpec, RunningTarget) (Load, int, error) { return rigLoad{r}, 1, nil },
		OpenProbe: func(RunningTarget) []ProbeRun {
			return []ProbeRun{{Probe: "http.health", On: "west.api", Role: Standby, Every: time.Second, Run: r.probe(clock)}}
		},
		Await: func(_ context.Context, _ RunningTarget, checks []Check, within time.Duration) (Interval, error) {
			for _, c := range checks {
				r.say("%s %s", c.Kind, c.On)
				if (c.Kind == LinkSilent && r.unseen) || (c.Kind == LinkAnswers && r.stuck) {
					return Interval{}, errors.New("planted")
				}
			}
			return Interval{clock.Now(), clock.Now()}, nil
		},
		Follows:   func(k CheckKind) bool { return k == ReceiverStreams || k == HeartbeatFlows },
		Prepare:   func(context.Context, RunningTarget) error { return nil },
		Redact:    func(line []byte) []byte { return bytes.ReplaceAll(line, []byte("hunter-2"), []byte("[redacted]")) },
		Reconcile: func(context.Context, RunningTarget, *Record) error { r.say("reconcile"); return nil },
	}
}

func (r *rig) probe(clock *Clock) func(context.Context, func(Observation)) {
	return func(ctx context.Context, sink func(Observation)) {
		for ctx.Err() == nil {
			sink(Observation{Probe: "http.health", At: Interval{clock.Now(), clock.Now()}, OK: r.health()})
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

// tell runs the rig's drill in virtual time.
//
//lint:ignore ST1008 what the drill itself returned comes first, in its order
func tell(t *testing.T, r *rig, change func(*Parts)) (rec *Record, err error, dir string) { //nolint:staticcheck // as above
	t.Helper()
	dir = t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := r.parts(dir, NewClock())
		ctx := t.Context()
		if change != nil {
			change(&p)
		}
		rec, err = Run(ctx, p)
	})
	return rec, err, dir
}

func TestADrillDoesThingsInOrder(t *testing.T) {
	r := newRig()
	rec, err, dir := tell(t, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"start", "load on", "link.cut", "link.silent outside→east.db", "load off", "component.fence", "refuses-writes?",
		"link.heal", "link.answers outside→east.api", "reconcile", "stop"}
	if !slices.Equal(r.told, want) {
		t.Errorf("told %v\nwant %v", r.told, want)
	}
	f := rec.Faults[0]
	if rec.Status != Completed || !rec.Undo.Complete || !rec.Undo.FenceChecked || !f.Confirmed || !f.Restored {
		t.Errorf("status %s, undo %+v, fault %+v", rec.Status, rec.Undo, f)
	}
	if rec.Observation.Hi.Sub(rec.Observation.Lo) < 10*time.Second || rec.Baseline.Never() {
		t.Errorf("observation %+v, baseline %+v", rec.Observation, rec.Baseline)
	}
	if left, err := ReadUndoLog(filepath.Join(dir, "undo.jsonl")); err != nil || len(left) != 0 {
		t.Errorf("undo log says %v is in force, %v", left, err)
	}
}

func TestDrillsThatGoWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		rig    func(*rig)
		change func(*Parts)
		check  func(t *testing.T, r *rig, rec *Record, err error)
	}{
		{"the baseline is red: nothing is broken", func(r *rig) { r.success = 0.9 }, nil, func(t *testing.T, r *rig, rec *Record, err error) {
			if rec.Status != Unsteady || err != nil || slices.Contains(r.told, "link.cut") || !strings.Contains(rec.StatusReason, "90.00%") {
				t.Errorf("%s %q %v %v", rec.Status, rec.StatusReason, err, r.told)
			}
		}},
		{"the fault is not seen: undone at once", func(r *rig) { r.unseen = true }, nil, func(t *testing.T, r *rig, rec *Record, err error) {
			if rec.Faults[0].Confirmed || !rec.Undo.Complete || err != nil || !slices.Contains(r.told, "link.heal") {
				t.Errorf("%+v %v %v", rec.Faults[0], err, r.told)
			}
		}},
		{"a fence that does not hold leaves the fault in place", func(r *rig) { r.writes = true }, nil, func(t *testing.T, r *rig, rec *Record, err error) {
			if rec.Undo.Complete || slices.Contains(r.told, "link.heal") || err == nil {
				t.Errorf("undo %+v, told %v, %v", rec.Undo, r.told, err)
			}
		}},
		{"a fence that fails leaves the fault in place", func(r *rig) { r.fail[ComponentFence] = errors.New("planted") }, nil,
			func(t *testing.T, r *rig, rec *Record, err error) {
				if rec.Undo.Complete || slices.Contains(r.told, "link.heal") || err == nil {
					t.Errorf("undo %+v, told %v, %v", rec.Undo, r.told, err)
				}
			}},
		{"an undo that fails is said", func(r *rig) { r.fail[LinkHeal] = errors.New("planted") }, nil, func(t *testing.T, r *rig, rec *Record, err error) {
			if rec.Undo.Complete || !strings.Contains(rec.Undo.Detail, "planted") || rec.Faults[0].Restored {
				t.Errorf("%+v", rec.Undo)
			}
		}},
		{"a restoration nobody saw is not complete", func(r *rig) { r.stuck = true }, nil, func(t *testing.T, r *rig, rec *Record, err error) {
			if rec.Undo.Complete || rec.Faults[0].Restored {
				t.Errorf("%+v", rec.Undo)
			}
		}},
		{"a panic in the middle is undone", func(r *rig) { r.panicAt = LinkCut }, nil, func(t *testing.T, r *rig, rec *Record, err error) {
			if rec.Status != Broken || err == nil || !slices.Contains(r.told, "link.heal") || !slices.Contains(r.told, "stop") {
				t.Errorf("%s %v %v", rec.Status, err, r.told)
			}
		}},
		{"a target that does not start is stopped", func(r *rig) { r.startErr = errors.New("planted") }, nil, func(t *testing.T, r *rig, rec *Record, err error) {
			if rec.Status != Broken || err == nil || !slices.Contains(r.told, "stop") {
				t.Errorf("%s %v %v", rec.Status, err, r.told)
			}
		}},
		{"an action the target cannot carry out is refused before the load", nil, func(p *Parts) {
			p.Scenario.Target.Needs = []string{"redis.primary"}
		}, func(t *testing.T, r *rig, rec *Record, err error) {
			if err == nil || !strings.Contains(err.Error(), "redis.primary") || slices.Contains(r.told, "load on") {
				t.Errorf("%v %v", err, r.told)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig()
			if c.rig != nil {
				c.rig(r)
			}
			rec, err, _ := tell(t, r, c.change)
			c.check(t, r, rec, err)
		})
	}
}

func TestAGuardStopsTheDrillAndUndoes(t *testing.T) {
	r := newRig()
	var mu sync.Mutex
	broken := false
	r.health = func() bool { mu.Lock(); defer mu.Unlock(); return !broken }
	rec, err, _ := tell(t, r, func(p *Parts) {
		p.Watch = func(pr Progress) {
			if pr.Phase == "watch" {
				mu.Lock()
				broken = true
				mu.Unlock()
			}
		}
	})
	if err != nil || rec.Status != Stopped || !strings.Contains(rec.StatusReason, "http.health") || !rec.Undo.Complete {
		t.Errorf("%v %s %q %+v", err, rec.Status, rec.StatusReason, rec.Undo)
	}
	if span := rec.Observation.Hi.Sub(rec.Observation.Lo); span > 5*time.Second {
		t.Errorf("the guard let the drill run on for %s", span)
	}
}

func TestAnInterruptUndoes(t *testing.T) {
	r := newRig()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := r.parts(dir, NewClock())
		p.Watch = func(pr Progress) {
			if pr.Phase == "watch" {
				cancel()
			}
		}
		rec, err := Run(ctx, p)
		if err != nil || rec.Status != Stopped || !rec.Undo.Complete || !slices.Contains(r.told, "link.heal") {
			t.Errorf("%v %s %+v %v", err, rec.Status, rec.Undo, r.told)
		}
	})
}
