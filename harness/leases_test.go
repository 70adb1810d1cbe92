package harness

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// leasedRig is a target that a file describes: somebody near it undoes what is in force when the harness falls silent, and its file says
// what keeps two from leading.
type leasedRig struct {
	*rig
	fencing  string
	refuses  func() (bool, error)
	beside   string // who leads in place of east.db
	lapsed   func() string
	released []string
	armErr   error
}

func (l *leasedRig) Arm(_ context.Context, plans []Plan) ([]string, error) {
	l.say("arm %d", len(plans))
	return []string{"host router undoes"}, l.armErr
}

func (l *leasedRig) Lapsed() string {
	if l.lapsed == nil {
		return ""
	}
	return l.lapsed()
}

func (l *leasedRig) Released() []string {
	all := l.released
	l.released = nil
	return all
}

func (l *leasedRig) LeadsBeside(context.Context, string) (string, error) { return l.beside, nil }

func (l *leasedRig) RefusesWrites(context.Context, string) (bool, error) {
	l.say("refuses-writes?")
	return l.refuses()
}

func (l *leasedRig) Description() Description {
	d := rigTarget()
	d.Kind, d.Components[0].Fencing = External, l.fencing
	d.Means = []MeansOf{{Name: "cut", On: []string{"outside→east.db"}, Acts: []ActionKind{LinkCut}, Host: "router"}}
	return d
}

// run runs the drill of the rig on it.
func (l *leasedRig) run(t *testing.T) *Record {
	t.Helper()
	var rec *Record
	synctest.Test(t, func(t *testing.T) {
		p := l.parts(t.TempDir(), NewClock())
		p.Driver = l
		rec, _ = Run(t.Context(), p) //nolint:errcheck // what went wrong is on record
	})
	return rec
}

func refusing(t bool) func() (bool, error) { return func() (bool, error) { return t, nil } }

// The fence is a question first: a component that refuses writes by itself is not fenced, one that its own cluster manager looks after
// is waited for, and where it takes writes beside another nothing heals.
func TestTheFenceIsAQuestionFirst(t *testing.T) {
	late := 0
	for name, c := range map[string]struct {
		l        leasedRig
		by       string
		complete bool
		fenced   bool // by the harness
		event    string
	}{
		"it refuses by itself":                 {leasedRig{fencing: "self", refuses: refusing(true), beside: "west.db"}, "target", true, false, "primary.refuses"},
		"nobody else leads":                    {leasedRig{fencing: "self", refuses: refusing(false)}, "", true, false, "fence.unneeded"},
		"it refuses a little later":            {leasedRig{fencing: "self", beside: "west.db", refuses: func() (bool, error) { late++; return late > 3, nil }}, "target", true, false, "primary.refuses"},
		"it never does":                        {leasedRig{fencing: "self", refuses: refusing(false), beside: "west.db"}, "", false, false, "primary.two"},
		"nobody can ask it":                    {leasedRig{fencing: "self", beside: "west.db", refuses: func() (bool, error) { return false, errors.New("planted") }}, "", false, false, "undo.refused"},
		"it stays until people have lifted":    {leasedRig{fencing: "hold", refuses: refusing(false), beside: "west.db"}, "", false, false, "primary.two"},
		"a call fences what takes writes":      {leasedRig{fencing: "call fence-east", beside: "west.db", refuses: func() (bool, error) { late++; return late%2 == 0, nil }}, "harness", true, true, "primary.two"},
		"a call fences nobody who leads alone": {leasedRig{fencing: "call fence-east", refuses: refusing(false)}, "", true, false, "fence.unneeded"},
		"nothing is held that leads alone":     {leasedRig{fencing: "hold", refuses: refusing(false)}, "", true, false, "fence.unneeded"},
	} {
		t.Run(name, func(t *testing.T) {
			late = 0
			c.l.rig = newRig()
			rec := c.l.run(t)
			healed, fenced := slices.Contains(c.l.told, string(LinkHeal)), slices.Contains(c.l.told, string(ComponentFence))
			if rec.Undo.FencedBy != c.by || rec.Undo.Complete != c.complete || healed != c.complete || fenced != c.fenced || !slices.Contains(c.l.events, c.event) {
				t.Errorf("fenced by %q, complete %t (%s), healed %t, fenced %t, events %v", rec.Undo.FencedBy, rec.Undo.Complete, rec.Undo.Detail, healed, fenced, c.l.events)
			}
		})
	}
}

// A drill that nobody would undo if the harness fell silent is not begun, and ends when that comes to be so.
func TestALeaseThatLapses(t *testing.T) {
	l := &leasedRig{rig: newRig(), fencing: "self", refuses: refusing(true), armErr: errors.New("planted")}
	if rec := l.run(t); rec.Status != Broken || slices.Contains(l.told, string(LinkCut)) || slices.Contains(l.told, "load on") {
		t.Errorf("without a lease: %s, %v", rec.Status, l.told)
	}
	l = &leasedRig{rig: newRig(), fencing: "self", refuses: refusing(true)}
	begun := time.Time{}
	l.lapsed = func() string {
		if !slices.Contains(l.told, string(LinkCut)) {
			return ""
		}
		if begun.IsZero() {
			begun = time.Now()
		}
		if time.Since(begun) > 3*time.Second {
			return "planted"
		}
		return ""
	}
	rec := l.run(t)
	if rec.Status != Stopped || !rec.Undo.Complete || !slices.Contains(l.events, "lease.lapsed") || !slices.Contains(l.told, string(LinkHeal)) {
		t.Errorf("a lease that lapses: %s (%s), undo %+v", rec.Status, rec.StatusReason, rec.Undo)
	}
}

// What somebody else undoes while it is to be in force is on record, in the words of the event.
func TestWhatOthersUndoIsOnRecord(t *testing.T) {
	l := &leasedRig{rig: newRig(), fencing: "self", refuses: refusing(true), released: []string{"clients is free again"}}
	if rec := l.run(t); !slices.Equal(rec.Released, []string{"clients is free again"}) || !slices.Contains(l.events, "fault.released") {
		t.Errorf("released %v, events %v", rec.Released, l.events)
	}
}

// What an undo leaves as it is on purpose is no failure of it, is on record once, and is not asked whether it is restored.
func TestWhatIsLeftOnPurpose(t *testing.T) {
	l := &leasedRig{rig: newRig(), fencing: "self", refuses: refusing(true)}
	l.fail[LinkHeal] = errors.Join(&LeftError{"east.db", "west.db leads by now"}, &LeftError{"east.db", "west.db leads by now"})
	rec := l.run(t)
	if !rec.Undo.Complete || len(rec.Undo.Left) != 1 || !strings.Contains(rec.Undo.Left[0], "west.db leads by now") || slices.Contains(l.told, "link.answers outside→east.db") {
		t.Errorf("undo %+v, told %v", rec.Undo, l.told)
	}
}

// A plan for which the file of a target has no means, or that could end with two in the lead, is refused before anything is touched.
func TestCovered(t *testing.T) {
	l := &leasedRig{rig: newRig(), fencing: "self"}
	target := l.Description()
	p := Plan{Fault: FaultSpec{Kind: "link.cut"}, Steps: []Step{step("outside→east.db")}, Fences: []string{"east.db"}}
	if err := covered(p, target); err != nil {
		t.Error(err)
	}
	other := p
	other.Steps = []Step{step("outside→east.api")}
	if err := covered(other, target); err == nil || !strings.Contains(err.Error(), "no means of link.cut for outside→east.api") {
		t.Error(err)
	}
	l.fencing = ""
	if err := covered(p, l.Description()); err == nil || !strings.Contains(err.Error(), "does not say how") {
		t.Error(err)
	}
	target.Means[0] = MeansOf{Name: "stop", On: []string{"east.db"}, Acts: []ActionKind{ComponentPause}, Host: "router"}
	frozen := Plan{Fault: FaultSpec{Kind: "component.pause"}, Steps: []Step{{Do: Action{Kind: ComponentPause, Components: []string{"east.db"}}}}, Fences: []string{"east.db"}}
	for fencing, want := range map[string]string{"self": "", "hold": "can neither be asked nor fenced", "call fence-east": "can neither be asked nor fenced"} {
		target.Components[0].Fencing = fencing
		if err := covered(frozen, target); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("frozen, fencing %s: %v", fencing, err)
		}
	}
	target.Kind, target.Means = "processes", nil
	if err := covered(p, target); err != nil {
		t.Error(err)
	}
}
