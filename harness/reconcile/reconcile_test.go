package reconcile

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"blackstart/harness"
)

var errAsked = errors.New("the database was asked")

func surroundings(asked *int) harness.Surroundings {
	return harness.Surroundings{
		RunID: uuid.NewString(),
		Target: harness.Description{
			Regions: []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
			Components: []harness.Component{
				{Name: "east.db", Kind: "postgres", Region: "east"}, {Name: "west.db", Kind: "postgres", Region: "west"},
			},
		},
		Access: func(string, string) (harness.Access, error) { *asked++; return harness.Access{}, errAsked },
	}
}

// A target gets a ledger where a load writes one, and nothing of ours where none does.
func TestOnlyALoadThatWritesMakesALedger(t *testing.T) {
	for _, writes := range []bool{false, true} {
		asked := 0
		err := Prepare(writes)(context.Background(), surroundings(&asked))
		if (asked > 0) != writes || errors.Is(err, errAsked) != writes {
			t.Errorf("a load writes %v: asked %d times, %v", writes, asked, err)
		}
	}
}

// autopsy is a driver that must not be asked to stop a database.
type autopsy struct {
	harness.Driver
	harness.Autopsy
	alone int
}

func (a *autopsy) StartAlone(context.Context, string) (harness.Access, func(context.Context) error, error) {
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
		asked, driver := 0, &autopsy{}
		rec := &harness.Record{Streams: c.streams}
		e := &examiner{driver: driver, open: openPostgres, s: surroundings(&asked), rec: rec}
		both, _ := findSides(e.s.Target)
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
