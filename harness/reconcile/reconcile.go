// Package reconcile reads, after a drill, what is left of every write: the ledger of the database that serves now, the
// ledger of the one that was left behind (started alone), and the write-ahead log between them.
//
// It fills in the Record and writes the copies it found as files of their own: the ledgers are closed by then, and no byte of them
// changes. It classifies nothing and judges nothing: package measure does.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"blackstart/harness"
	"blackstart/loadgen/workloads"
)

const (
	connectLimit  = 5 * time.Second
	maxOnlyOldIDs = 1000 // ids listed in the Record; the files hold all of them
)

// Keeps tells whether the ledger of a load whose clients dial components of this kind can be looked up. Where it cannot, what was
// acknowledged would be counted as lost.
func Keeps(kind string) bool { return kind == "postgres" }

// Prepare makes the ledger's table on the primary, by the private path, before the load starts: where a load writes into it.
// A target keeps nothing of ours that the scenario does not need.
func Prepare(writes bool) func(context.Context, harness.Surroundings) error {
	if !writes {
		return func(context.Context, harness.Surroundings) error { return nil }
	}
	return func(ctx context.Context, s harness.Surroundings) error { return prepare(ctx, s, openPostgres) }
}

func prepare(ctx context.Context, s harness.Surroundings, open opener) error {
	region, _ := s.Target.RegionByRole(harness.Primary)
	c, ok := s.Target.ComponentOf(region.Name, "postgres")
	if !ok {
		return nil
	}
	access, err := s.Access(region.Name, c.Name)
	if err != nil {
		return err
	}
	db, err := open(ctx, access)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Prepare(ctx)
}

// sides are the two databases of a drill.
type sides struct {
	old, other harness.Component
}

func findSides(t harness.Description) (sides, bool) {
	primary, _ := t.RegionByRole(harness.Primary)
	standby, _ := t.RegionByRole(harness.Standby)
	old, ok1 := t.ComponentOf(primary.Name, "postgres")
	other, ok2 := t.ComponentOf(standby.Name, "postgres")
	return sides{old, other}, ok1 && ok2
}

// Ledger reads both ledgers and the old primary's log through the driver, fills rec.Ledger, and writes the copies beside the
// ledger files. What cannot be read is said in the Record and is no error; an error is a problem of ours.
func Ledger(driver harness.Driver) func(context.Context, harness.Surroundings, *harness.Record) error {
	return func(ctx context.Context, s harness.Surroundings, rec *harness.Record) error {
		both, ok := findSides(s.Target)
		if !ok {
			rec.Ledger.OldDetail = "the target has no pair of PostgreSQL databases"
			return nil
		}
		run, err := uuid.Parse(s.RunID)
		if err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
		e := &examiner{driver: driver, open: openPostgres, s: s, rec: rec, run: run}
		return e.write(e.read(ctx, both))
	}
}

// examiner carries what one reconciliation needs.
type examiner struct {
	driver harness.Driver
	open   opener
	s      harness.Surroundings
	rec    *harness.Record
	run    uuid.UUID
}

// copies holds what each side has; nil: not read.
type copies struct{ serving, old *workloads.Found }

// read finds out who serves and reads what can be read.
func (e *examiner) read(ctx context.Context, both sides) copies {
	l := &e.rec.Ledger
	promoted, frozen, err := e.promoted(ctx, both.other)
	if err != nil {
		l.OldDetail = fmt.Sprintf("%s did not answer: %v", both.other.Name, err)
		return copies{}
	}
	return e.serves(ctx, both, promoted, frozen)
}

// serves reads both sides, knowing which of them serves.
func (e *examiner) serves(ctx context.Context, both sides, promoted bool, frozen harness.Stamp) (c copies) {
	l := &e.rec.Ledger
	l.Promoted, l.ReplayFrozen = promoted, frozen
	l.Primary = both.old.Name
	if promoted {
		l.Primary, l.OldPrimary = both.other.Name, both.old.Name
	}
	switch {
	case !e.wrote():
		l.OldDetail = noLedger
		return copies{}
	case !promoted:
		l.OldDetail = "no failover took place: there is one ledger"
		return copies{serving: e.readOld(ctx, both.old, &l.Read, &l.OldDetail)}
	}
	var err error
	if c.serving, err = e.readServing(ctx, both.other); err != nil {
		l.OldDetail = err.Error()
		return c
	}
	l.Read = true
	l.BusinessTwice = int(c.serving.RepeatedKeys)
	c.old = e.readOld(ctx, both.old, &l.OldRead, &l.OldDetail)
	e.readWAL(ctx, both)
	return c
}

// noLedger is why no ledger is read where there is none.
const noLedger = "no load writes a ledger, so none was made and none is read"

// wrote tells whether a load of the drill keeps a ledger. Without one no table was made, and no database is stopped to read it.
func (e *examiner) wrote() bool {
	return slices.ContainsFunc(e.rec.Streams, func(st harness.Stream) bool { return st.Kind == "ledger" })
}

// promoted asks a former standby whether it left recovery, and for the moment its replay froze.
func (e *examiner) promoted(ctx context.Context, db harness.Component) (bool, harness.Stamp, error) {
	s, err := e.private(ctx, db)
	if err != nil {
		return false, 0, err
	}
	defer s.Close()
	recovering, frozen, err := s.Recovery(ctx)
	return !recovering, frozen, err
}

func (e *examiner) private(ctx context.Context, db harness.Component) (store, error) {
	access, err := e.s.Access(db.Region, db.Name)
	if err != nil {
		return nil, err
	}
	return e.open(ctx, access)
}

// readServing reads the ledger of the database that serves.
func (e *examiner) readServing(ctx context.Context, db harness.Component) (*workloads.Found, error) {
	s, err := e.private(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("%s could not be read: %w", db.Name, err)
	}
	defer s.Close()
	found, err := find(ctx, s, e.run, e.rec.Streams)
	if err != nil {
		return nil, fmt.Errorf("%s could not be read: %w", db.Name, err)
	}
	return found, nil
}

// readOld starts a fenced database alone and reads its ledger.
func (e *examiner) readOld(ctx context.Context, db harness.Component, read *bool, detail *string) *workloads.Found {
	autopsy, ok := e.driver.(harness.Autopsy)
	if !ok {
		*detail = "this target does not let the old primary be examined: client side only"
		return nil
	}
	access, stop, err := autopsy.StartAlone(ctx, db.Name)
	if err != nil {
		*detail = fmt.Sprintf("%s could not be started alone: %v", db.Name, err)
		return nil
	}
	found, err := func() (*workloads.Found, error) {
		s, err := e.open(ctx, access)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		return find(ctx, s, e.run, e.rec.Streams)
	}()
	// Whoever ran out of time must stop what was started all the same.
	if err := errors.Join(err, stop(context.WithoutCancel(ctx))); err != nil {
		*detail = fmt.Sprintf("%s could not be read: %v", db.Name, err)
		return nil
	}
	*read = true
	return found
}

func (e *examiner) readWAL(ctx context.Context, both sides) {
	autopsy, ok := e.driver.(harness.Autopsy)
	if !ok {
		e.rec.Ledger.WALDetail = "this target does not let the old primary's log be read"
		return
	}
	table, err := e.table()
	if err != nil {
		e.rec.Ledger.WALDetail = err.Error()
		return
	}
	report, commits, err := autopsy.LedgerCommits(ctx, both.old.Name, both.other.Name, table)
	if err != nil {
		e.rec.Ledger.WALDetail = err.Error()
		return
	}
	report.Table = table
	e.rec.Ledger.WAL = report
	if err := e.writeWAL(commits); err != nil {
		e.rec.Ledger.WALDetail = err.Error()
	}
}

// table is where the loads of the drill wrote: the one table whose commits can be told from all others in a log.
func (e *examiner) table() (string, error) {
	var all []string
	for _, st := range e.rec.Streams {
		if name := st.Traits().Table; st.Kind == "ledger" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if len(all) != 1 || all[0] == "" {
		return "", fmt.Errorf("the ledgers are in the tables %q: the commits of one can be listed", all)
	}
	return all[0], nil
}
