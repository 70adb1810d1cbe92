package evidence

import (
	"errors"
	"fmt"
	"slices"

	"blackstart/harness"
	"blackstart/loadgen"
)

// agreesWithTables holds the tables of places, hosts and outcomes against the target, and each index and code against them.
func (c *checker) agreesWithTables() error {
	rec := c.out.Record
	if err := errors.Join(rec.CheckTables(), knownOutcomes(rec)); err != nil {
		return err
	}
	for _, s := range rec.Streams {
		if err := agreesOnCurrency(rec, s); err != nil {
			return err
		}
	}
	return nil
}

// knownOutcomes holds the codes of the workloads that this build has against its own: a record cannot give them another meaning.
func knownOutcomes(rec *harness.Record) error {
	for _, want := range loadgen.OutcomesOf(rec.Scenario.Workloads()...) {
		if !slices.Contains(rec.Outcomes, want) {
			return fmt.Errorf("its table of outcomes does not say that %d is %s, %s", want.Code, want.Name, want.Class)
		}
	}
	return nil
}

// agreesOnCurrency holds what a stream says of its amounts against the other ones: a drill counts in one currency.
func agreesOnCurrency(rec *harness.Record, s harness.Stream) error {
	own := s.Traits()
	if err := loadgen.CheckCurrency(own.Currency, own.Exponent); err != nil && own.Valued {
		return fmt.Errorf("amounts of load %s: %w", s.Load, err)
	}
	for _, other := range rec.Streams {
		switch t := other.Traits(); {
		case other.Load == s.Load && (t.Currency != own.Currency || t.Exponent != own.Exponent || t.Table != own.Table):
			return fmt.Errorf("the streams of load %s differ in currency, decimals or table", s.Load)
		case own.Valued && t.Valued && (t.Currency != own.Currency || t.Exponent != own.Exponent):
			return fmt.Errorf("amounts of load %s and of load %s are not in one currency", s.Load, other.Load)
		}
	}
	return nil
}

// namedOutcomes tells of each outcome whether the record's table names it.
func namedOutcomes(rec *harness.Record) *[loadgen.NumOutcomes]bool {
	var all [loadgen.NumOutcomes]bool
	for _, o := range rec.Outcomes {
		all[o.Code] = true
	}
	return &all
}

// namedReadings demands of every file of copies that it is one reading of a ledger of the record on a database of the target.
func namedReadings(rec *harness.Record) error {
	seen := map[string]bool{}
	for _, c := range rec.Ledger.Copies {
		key := fmt.Sprintf("%d %s %s", c.Stream, c.Node, c.Reading)
		of := slices.IndexFunc(rec.Streams, func(s harness.Stream) bool { return s.Kind == "ledger" && s.ID == c.Stream })
		_, known := rec.Target.ComponentByName(c.Node)
		known = known || c.Node != "" && (c.Node == rec.Ledger.Primary || c.Node == rec.Ledger.OldPrimary)
		switch {
		case !slices.Contains(harness.Readings, c.Reading):
			return fmt.Errorf("%s is of a reading %.40q; one is %v", c.File, c.Reading, harness.Readings)
		case seen[key]:
			return fmt.Errorf("there are two files of what was found %s on %s of stream %d", c.Reading, c.Node, c.Stream)
		case of < 0 || rec.Streams[of].Load != c.Load:
			return fmt.Errorf("%s is of stream %d of load %.40q, which is no ledger of the record", c.File, c.Stream, c.Load)
		case !known:
			return fmt.Errorf("%s is of %.40q, which is no component of the target and no side of the ledger", c.File, c.Node)
		}
		seen[key] = true
	}
	return nil
}

// agreesOnTable demands that the commits listed from a log are those of the table that the ledgers were written to.
func agreesOnTable(rec *harness.Record) error {
	for _, s := range rec.Streams {
		switch t := s.Traits(); {
		case s.Kind != "ledger":
		case t.Table == "" && t.LookedUp == "":
			return fmt.Errorf("load %s keeps a ledger, and its table has no name", s.Load)
		case rec.Ledger.WAL.Tool != "" && t.Table != rec.Ledger.WAL.Table:
			return differs("table of load "+s.Load, t.Table, rec.Ledger.WAL.Table)
		}
	}
	return nil
}
