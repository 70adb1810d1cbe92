package reconcile

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen/workloads"
)

// liar is a store that need not tell the truth.
type liar struct {
	rows       *workloads.Found
	err        error
	never      bool // it answers when nobody waits any more
	recovering bool
	recovery   error
	asked      int // how often its ledger was read
	prepared   int
}

func (l *liar) Prepare(context.Context) error { l.prepared++; return l.err }
func (l *liar) Close() error                  { return nil }

func (l *liar) Write(context.Context, workloads.LedgerEntry) (workloads.Fate, error) {
	panic("reconciliation writes nothing")
}

func (l *liar) Find(ctx context.Context, _ workloads.IDs) (*workloads.Found, error) {
	l.asked++
	if l.never {
		<-ctx.Done()
		return l.rows, ctx.Err()
	}
	return l.rows, l.err
}

func (l *liar) Serves(context.Context) (bool, int64, error) {
	return !l.recovering, 7, l.recovery
}

// region is a driver whose databases are liars: west's serves after the drill, east's is started alone. That fails with
// noStart, and stopping it with noStop.
type region struct {
	harness.Driver
	west, east      *liar
	noStart, noStop error
	running         int
	stopped         []error // the error of the context by which it was stopped
	commits         []harness.WALCommit
}

func (r *region) StartAlone(context.Context, string) (harness.Access, func(context.Context) error, error) {
	if r.noStart != nil {
		return harness.Access{}, nil, r.noStart
	}
	r.running++
	return harness.Access{Address: "alone"}, func(ctx context.Context) error {
		r.running--
		r.stopped = append(r.stopped, ctx.Err())
		return r.noStop
	}, nil
}

func (r *region) LedgerCommits(context.Context, string, string, string) (harness.WALReport, []harness.WALCommit, error) {
	return harness.WALReport{Tool: "pg_waldump", Commits: len(r.commits)}, r.commits, nil
}

func (r *region) open(_ workloads.Keeper, a harness.Access) (workloads.LedgerStore, error) {
	if a.Address == "alone" {
		return r.east, nil
	}
	return r.west, nil
}

// honest is a drill with six acknowledged writes, of which the promoted west has all and the old primary five.
func honest(t *testing.T) (*examiner, *region) {
	t.Helper()
	e := drill(t, 6)
	r := &region{west: &liar{rows: found(0, 1, 2, 3, 4, 5)}, east: &liar{rows: found(0, 1, 2, 3, 4)}}
	asked := 0
	e.s.RunID, e.s.Target = e.rec.RunID, surroundings(&asked).Target
	e.s.Access = func(string, string) (harness.Access, error) { return harness.Access{Address: "private"}, nil }
	e.driver, e.open = r, r.open
	return e, r
}

// classes counts what became of the writes, as the measures see it.
func (e *examiner) classes(t *testing.T) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, a := range e.attempts(t) {
		all[measure.ClassOf(a)]++
	}
	return all
}

// tell lets the examiner read both sides within a minute.
func (e *examiner) tell(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	both, _ := findNodePair(e.s.Target, "postgres")
	if err := e.write(e.read(ctx, both)); err != nil {
		t.Fatal(err)
	}
}

// strange makes answers that hold what nobody wrote.
func strange() map[string]*workloads.Found {
	foreign, later, other := found(0, 1, 2, 3, 4, 5), found(0, 1, 2, 3, 4, 5, 6), found(0, 1, 2, 3, 4, 5)
	foreign.Foreign = 1
	other.Streams[4] = found(0).Streams[3]
	return map[string]*workloads.Found{"an id of nobody": foreign, "an id behind the last attempt": later, "an id of another stream": other}
}

// TestAServingStoreThatLies: what the database that serves hides, is lost; what it does not tell in full, is not read. Neither
// is ever found.
func TestAServingStoreThatLies(t *testing.T) {
	lies := map[string]struct {
		west   liar
		class  map[string]int
		twice  int
		detail string // why nothing was read; "" if it was
	}{
		"the truth":   {liar{rows: found(0, 1, 2, 3, 4, 5)}, map[string]int{measure.Durable: 6}, 0, ""},
		"it forgets":  {liar{rows: found(0, 1, 3, 5)}, map[string]int{measure.Durable: 4, measure.Lost: 2}, 0, ""},
		"it has none": {liar{rows: found()}, map[string]int{measure.Lost: 6}, 0, ""},
		"it repeats": {liar{rows: &workloads.Found{Streams: found(0, 1, 1, 1, 2, 3, 4, 5).Streams, RepeatedKeys: 1}},
			map[string]int{measure.Durable: 6}, 1, ""},
		"it answers late":   {liar{rows: found(0, 1, 2, 3, 4, 5), never: true}, map[string]int{measure.NotRead: 6}, 0, "deadline exceeded"},
		"it fails half-way": {liar{rows: found(0, 1, 2), err: errors.New("connection reset")}, map[string]int{measure.NotRead: 6}, 0, "connection reset"},
		"it tells no role":  {liar{recovery: errors.New("no answer")}, map[string]int{measure.NotRead: 6}, 0, "did not answer: no answer"},
	}
	for name, rows := range strange() {
		lie := lies["it tells no role"]
		lie.west, lie.detail = liar{rows: rows}, "that no attempt of its loads wrote"
		lies[name] = lie
	}
	for name, c := range lies {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, r := honest(t)
				r.west = &c.west
				e.tell(t)
				l := e.rec.Ledger
				if got := e.classes(t); !maps.Equal(got, c.class) || l.BusinessTwice != c.twice {
					t.Errorf("the writes are %v, want %v; %d keys twice", got, c.class, l.BusinessTwice)
				}
				if l.Read != (c.detail == "") || !strings.Contains(l.OldDetail, c.detail) {
					t.Errorf("read %v, %q", l.Read, l.OldDetail)
				}
				if c.detail != "" && (!strings.HasPrefix(l.OldDetail, "west.db") || len(l.Copies) > 0 || l.OldRead) {
					t.Errorf("not read, and the record says %+v", l)
				}
			})
		})
	}
}

// TestAnOldStoreThatLies: what the old primary hides only takes from what is known beside the client's side, and it is stopped
// whatever it answers.
func TestAnOldStoreThatLies(t *testing.T) {
	type lie struct {
		east    liar
		noStop  error
		missing int    // ids that only the old one has
		detail  string // why it was not read; "" if it was
	}
	lies := map[string]lie{
		"the truth":         {east: liar{rows: found(0, 1, 2, 3, 4, 5)}, missing: 2},
		"it forgets":        {east: liar{rows: found(0, 1, 2)}},
		"it repeats":        {east: liar{rows: found(0, 4, 4, 4)}, missing: 1},
		"it answers late":   {east: liar{rows: found(0), never: true}, detail: "deadline exceeded"},
		"it fails half-way": {east: liar{rows: found(0, 4), err: errors.New("connection reset")}, detail: "connection reset"},
		"it does not stop":  {east: liar{rows: found(0, 4)}, noStop: errors.New("it still runs"), detail: "it still runs"},
	}
	for name, rows := range strange() {
		lies[name] = lie{east: liar{rows: rows}, detail: "that no attempt of its loads wrote"}
	}
	for name, c := range lies {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, r := honest(t)
				r.west.rows, r.east, r.noStop = found(0, 1, 2, 3), &c.east, c.noStop
				e.tell(t)
				l := e.rec.Ledger
				if want := map[string]int{measure.Durable: 4, measure.Lost: 2}; !maps.Equal(e.classes(t), want) || !l.Read {
					t.Errorf("the writes are %v, want %v, read %v", e.classes(t), want, l.Read)
				}
				if l.OldOnly != c.missing || l.OldRead != (c.detail == "") || !strings.Contains(l.OldDetail, c.detail) {
					t.Errorf("%d missing, want %d; read %v, %q", l.OldOnly, c.missing, l.OldRead, l.OldDetail)
				}
				if unread := e.attempts(t)[0].Old == measure.Unread; unread != (c.detail != "") {
					t.Errorf("copies on the old one unread: %v", unread)
				}
				if r.running != 0 || len(r.stopped) != 1 || r.stopped[0] != nil {
					t.Errorf("%d run, stopped with %v", r.running, r.stopped)
				}
			})
		})
	}
}

// TestNoOldStore: neither a driver that cannot start it nor one that cannot examine at all makes up a reading.
func TestNoOldStore(t *testing.T) {
	e, r := honest(t)
	r.noStart = errors.New("its volume is gone")
	e.tell(t)
	if l := e.rec.Ledger; l.OldRead || r.east.asked > 0 || !strings.Contains(l.OldDetail, "could not be started alone: its volume is gone") {
		t.Errorf("%+v", l)
	}
	e, _ = honest(t)
	e.driver = struct{ harness.Driver }{}
	e.tell(t)
	if l := e.rec.Ledger; l.OldRead || l.WAL.Tool != "" || !strings.Contains(l.OldDetail, "client side only") || l.WALDetail == "" {
		t.Errorf("%+v", l)
	}
	// Without a failover the old primary is the one that serves: then nothing was read at all.
	e, r = honest(t)
	r.west.recovering, r.noStart = true, errors.New("its volume is gone")
	e.tell(t)
	if l := e.rec.Ledger; l.Read || l.Promoted || !maps.Equal(e.classes(t), map[string]int{measure.NotRead: 6}) {
		t.Errorf("%+v, %v", l, e.classes(t))
	}
}

// TestAStoreThatChangesItsMind: each side is read once, by one answer; a second reading changes nothing of the first, and what
// the log lists stands as it was listed, whether the rows agree or not.
func TestAStoreThatChangesItsMind(t *testing.T) {
	e, r := honest(t)
	r.west.rows = found(0, 1, 2, 3)
	r.commits = []harness.WALCommit{{ID: attemptID(e.rec.Streams[1], 5), XID: 740, LSN: "0/1A"}}
	e.tell(t)
	before := e.classes(t)
	if r.west.asked != 1 || r.east.asked != 1 {
		t.Errorf("read %d and %d times", r.west.asked, r.east.asked)
	}
	if l := e.rec.Ledger; l.WAL.Listed != 1 || l.OldOnly != 1 { // measure holds the one against the other
		t.Errorf("%+v", l)
	}
	r.west.rows = found(0, 1, 2, 3, 4, 5)
	both, _ := findNodePair(e.s.Target, "postgres")
	if err := e.write(e.read(t.Context(), both)); err == nil {
		t.Error("a second reading was taken for the first")
	}
	if after := e.classes(t); !maps.Equal(before, after) {
		t.Errorf("the writes were %v, and are %v", before, after)
	}
}

// TestPrepareAsksTheStore: a ledger that could not be made is an error before the load starts.
func TestPrepareAsksTheStore(t *testing.T) {
	e, r := honest(t)
	if err := prepare(t.Context(), e.s, e.s.Target.Components[0], nil, r.open); err != nil || r.west.prepared != 1 {
		t.Errorf("prepared %d times, %v", r.west.prepared, err)
	}
	r.west.err = errors.New("read only")
	if err := prepare(t.Context(), e.s, e.s.Target.Components[0], nil, r.open); !errors.Is(err, r.west.err) {
		t.Errorf("%v", err)
	}
}
