package reconcile

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/measure"
)

// standing is a driver whose databases nobody may start: the old one is read where it stands, or why says why not.
type standing struct {
	harness.Driver
	why   error // why it cannot be read
	moved error // what has changed while it was
	asked []string
}

func (s *standing) LeftBehind(_ context.Context, component, serving string) (harness.Standing, error) {
	s.asked = append(s.asked, component+" behind "+serving)
	return harness.Standing{Access: harness.Access{Address: "alone"}, Basis: "its own word", Still: func(context.Context) error { return s.moved }}, s.why
}

// TestReadInPlace: what was left behind is read where it stands, or it is the client's side only, with the reason; its log is never.
func TestReadInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		why       error
		moved     error
		promotes  bool
		oldOnly   int
		detail    string
		lost      int
		oldIsRead bool
	}{
		"it refuses writes":             {promotes: true, oldOnly: 1, lost: 2, oldIsRead: true},
		"it takes writes":               {why: errors.New("east.db takes writes"), promotes: true, lost: 2, detail: "client side only: east.db takes writes"},
		"it takes one while it is read": {moved: errors.New("east.db takes writes"), promotes: true, lost: 2, detail: "client side only: east.db takes writes"},
		"no failover":                   {detail: "no failover took place"},
		"no failover, asked":            {why: errors.New("nobody asks"), detail: "no failover took place"},
	} {
		t.Run(name, func(t *testing.T) {
			e, r := honest(t)
			s := &standing{why: c.why, moved: c.moved}
			e.driver = s
			r.west.recovering = !c.promotes
			r.west.rows = found(0, 1, 2, 3)
			if !c.promotes { // the one way leads to whoever is asked: here the primary
				r.west.rows = found(0, 1, 2, 3, 4, 5)
			}
			e.tell(t)
			l := e.rec.Ledger
			if !l.Read || l.OldRead != c.oldIsRead || l.OldOnly != c.oldOnly || !strings.Contains(l.OldDetail, c.detail) || e.classes(t)[measure.Lost] != c.lost {
				t.Errorf("%+v, %v", l, e.classes(t))
			}
			if (l.OldBasis == "its own word") != c.oldIsRead || !c.oldIsRead && l.OldBasis != "" {
				t.Errorf("it rests on %q", l.OldBasis)
			}
			if c.promotes && (len(s.asked) != 1 || s.asked[0] != "east.db behind west.db" || !strings.Contains(l.WALDetail, "does not let the old primary's log be read")) {
				t.Errorf("asked %v, log %q", s.asked, l.WALDetail)
			}
			if !c.promotes && len(s.asked) > 0 || r.running != 0 || len(r.stopped) != 0 {
				t.Errorf("asked %v, %d run, stopped %v", s.asked, r.running, r.stopped)
			}
		})
	}
}

// allowing says what may be written, and is asked what is there.
type allowing map[string]error

func (a allowing) Allowed(string, string) error { return nil }
func (a allowing) Writable(_ context.Context, component, table string) error {
	return a[component+" "+table]
}

// On a target where nothing is made, a ledger that is not there is refused, and no store is opened to make it.
func TestNothingIsMadeWhereThatIsNotAllowed(t *testing.T) {
	asked := 0
	s := surroundings(&asked)
	all := []harness.LoadSpec{{ID: "ledger", Workload: "postgres.ledger"}}
	k, ok := loads.Keeper(all[0])
	if !ok {
		t.Fatal("it keeps no ledger")
	}
	why := errors.New("there is no table")
	for want, a := range map[error]allowing{nil: {}, why: {"east.db " + k.Traits().Table: why}} {
		s.Allowed = maps.Clone(a)
		if err := Prepare(all)(t.Context(), s); !errors.Is(err, want) || asked > 0 {
			t.Errorf("%v, want %v; %d ways were asked for", err, want, asked)
		}
	}
}
