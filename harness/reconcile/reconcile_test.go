package reconcile

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"blackstart/harness"
	"blackstart/internal/registry"
	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

var errAsked = errors.New("the database was asked")

func surroundings(asked *int) harness.RunningTarget {
	return harness.RunningTarget{
		RunID: uuid.NewString(),
		Target: harness.Description{
			Regions: []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
			Components: []harness.Component{
				{Name: "east.db", Kind: "postgres", Region: "east", Role: harness.Primary},
				{Name: "west.db", Kind: "postgres", Region: "west", Role: harness.Standby},
			},
		},
		Access: func(string, string) (harness.Access, error) { *asked++; return harness.Access{}, errAsked },
	}
}

// A target gets a ledger where a load writes one, and nothing of ours where none does.
func TestOnlyALoadThatWritesMakesALedger(t *testing.T) {
	for _, writes := range []bool{false, true} {
		asked := 0
		all := []harness.LoadSpec{{ID: "a", Workload: "http.query"}, {ID: "b", Workload: "metronome"}}
		if writes {
			all = append(all, harness.LoadSpec{ID: "c", Workload: "postgres.ledger"})
		}
		err := Prepare(all)(context.Background(), surroundings(&asked))
		if (asked > 0) != writes || errors.Is(err, errAsked) != writes {
			t.Errorf("a load writes %v: asked %d times, %v", writes, asked, err)
		}
	}
}

// oracleDriver is a driver that must not be asked to stop a database.
type oracleDriver struct {
	harness.Driver
	harness.OracleReader
	alone int
}

func (a *oracleDriver) StartAlone(context.Context, string) (harness.Access, func(context.Context) error, error) {
	a.alone++
	return harness.Access{}, nil, errAsked
}

func TestNoDatabaseIsStoppedForALedgerThatIsNotThere(t *testing.T) {
	for _, c := range []struct {
		streams []harness.Stream
		alone   int
	}{
		{[]harness.Stream{{Kind: "samples"}}, 0},
		{[]harness.Stream{{Kind: "samples"}, {Kind: "ledger"}}, 1},
	} {
		asked, driver := 0, &oracleDriver{}
		rec := &harness.Record{Streams: c.streams}
		around := surroundings(&asked)
		k, both, _ := findKeeper(nil, around.Target)
		e := &examiner{driver: driver, keeper: k, open: opening(around), s: around, rec: rec}
		e.serves(context.Background(), both, false, 0)
		if driver.alone != c.alone || (c.alone == 0) != strings.Contains(rec.Ledger.OldDetail, "no load writes") {
			t.Errorf("%v: started alone %d times, %q", c.streams, driver.alone, rec.Ledger.OldDetail)
		}
		rec.Ledger = harness.LedgerRecord{}
		asked = 0
		e.serves(context.Background(), both, true, 0)
		if (asked > 0) != (c.alone > 0) {
			t.Errorf("%v: after a failover the database was asked %d times", c.streams, asked)
		}
	}
}

// diary is a workload whose ledger is on components that the rehearsal target does not pair.
type diary struct{}

var _ = workloads.Workloads.Add(registry.Kind[workloads.Workload]{Name: "diary.ledger", New: func() workloads.Workload { return diary{} }})

func (diary) Traits() loadgen.Traits { return loadgen.Traits{Ledger: true, Speaks: "diary"} }

func (diary) Open(workloads.Config, *loadgen.AttemptWriter) (loadgen.Op, error) { return nil, errAsked }

func (diary) Store(workloads.Config) (workloads.LedgerStore, error) { return nil, errAsked }

// A ledger that nobody could look up is refused, and says which one can be kept instead.
func TestALedgerIsLookedUpOrRefused(t *testing.T) {
	asked := 0
	target := surroundings(&asked).Target
	target.Name = "finrag"
	target.Components = append(target.Components, harness.Component{Name: "east.diary", Kind: "diary", Region: "east"},
		harness.Component{Name: "west.diary", Kind: "diary", Region: "west"})
	apart := target
	apart.Components = apart.Components[2:]
	both := target
	both.Components = slices.Clone(both.Components)
	both.Components[2].Role, both.Components[3].Role = harness.Primary, harness.Standby
	sql, diary := harness.LoadSpec{ID: "a", Workload: "postgres.ledger"}, harness.LoadSpec{ID: "b", Workload: "diary.ledger"}
	for name, c := range map[string]struct {
		loads  []harness.LoadSpec
		target harness.Description
		want   []string // of each refusal
	}{
		"it is kept":       {[]harness.LoadSpec{{ID: "q", Workload: "http.query"}, sql, sql}, target, nil},
		"unknown":          {[]harness.LoadSpec{{ID: "b", Workload: "nobody.ledger"}}, target, nil}, // refused by the reader
		"diaries apart":    {[]harness.LoadSpec{sql, diary}, target, []string{"load b keeps its ledger in diary, and target finrag has no two nodes"}},
		"nothing instead":  {[]harness.LoadSpec{diary}, apart, []string{"no ledger can be kept there; remove the load"}},
		"what instead":     {[]harness.LoadSpec{diary}, target, []string{"write workload: postgres.ledger"}},
		"two of two kinds": {[]harness.LoadSpec{sql, diary}, both, []string{"load b keeps its ledger by diary.ledger, and another load by postgres.ledger"}},
		"one of each node": {[]harness.LoadSpec{diary, diary}, both, nil},
	} {
		refused := Refusals(c.loads, c.target)
		if len(refused) != len(c.want) {
			t.Errorf("%s: refused %v", name, refused)
			continue
		}
		for i, r := range refused {
			at := slices.IndexFunc(c.loads, func(l harness.LoadSpec) bool { return strings.HasPrefix(r.Err.Error(), "load "+l.ID) })
			if !strings.Contains(r.Err.Error(), c.want[i]) || !reflect.DeepEqual(r.At, []any{"load", at, "workload"}) {
				t.Errorf("%s: refused at %v: %v", name, r.At, r.Err)
			}
		}
	}
}

// A ledger on a node that an undo does not fence, while it fences others, is refused: both of its nodes could take writes behind it.
func TestAnUnfencedLedgerIsRefused(t *testing.T) {
	asked := 0
	target := surroundings(&asked).Target
	target.Components = append(target.Components, harness.Component{Name: "east.diary", Kind: "diary", Region: "east", Role: harness.Primary},
		harness.Component{Name: "west.diary", Kind: "diary", Region: "west", Role: harness.Standby})
	all := []harness.LoadSpec{{ID: "q", Workload: "http.query"}, {ID: "a", Workload: "postgres.ledger"}, {ID: "b", Workload: "diary.ledger"}}
	for name, c := range map[string]struct {
		fences []string
		want   int // index of the load that is refused; 0: none
	}{
		"none is needed": {nil, 0}, "both": {[]string{"east.db", "east.diary"}, 0},
		"the database only": {[]string{"east.db"}, 2}, "the diary only": {[]string{"east.diary"}, 1},
	} {
		plans := []harness.Plan{{Label: "code.stale"}, {Label: "region.kill", Fences: c.fences}}
		refused := UnfencedLedgers(all, target, plans)
		if (len(refused) == 1) != (c.want > 0) || len(refused) > 1 {
			t.Errorf("%s: refused %v", name, refused)
		} else if c.want > 0 && (!reflect.DeepEqual(refused[0].At, []any{"load", c.want, "workload"}) ||
			!strings.Contains(refused[0].Err.Error(), "the undo of region.kill fences "+c.fences[0]+" only")) {
			t.Errorf("%s: refused at %v: %v", name, refused[0].At, refused[0].Err)
		}
	}
}

// Without a pair of nodes nothing is read, and the record says why.
func TestWithoutAPairNothingIsRead(t *testing.T) {
	asked := 0
	around := surroundings(&asked)
	around.Target.Components[1].Role = ""
	rec := &harness.Record{Scenario: harness.Scenario{Load: []harness.LoadSpec{{ID: "c", Workload: "postgres.ledger"}}}}
	if err := Ledger(nil)(t.Context(), around, rec); err != nil || !strings.Contains(rec.Ledger.OldDetail, "no pair of postgres nodes") || rec.Ledger.Read {
		t.Errorf("%+v, %v", rec.Ledger, err)
	}
	if err := Prepare(rec.Scenario.Load)(t.Context(), around); err == nil || asked > 0 {
		t.Errorf("prepared: %v", err)
	}
}
