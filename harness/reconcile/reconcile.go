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

	"github.com/google/uuid"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/loadgen/workloads"
)

// maxOnlyOldIDs bounds the ids listed in the Record; the files hold all of them.
const maxOnlyOldIDs = 1000

// Prepare makes what the ledgers of these loads need on the primary's node, by the private path, before the load starts. A
// target keeps nothing of ours that the scenario does not need. On one where nothing is made it looks whether it is there. Where
// writes are kept in a system's own way nothing is ever made: it is asked whether they can be looked up, wherever they will be.
func Prepare(all []harness.LoadSpec) func(context.Context, harness.RunningTarget) error {
	return func(ctx context.Context, s harness.RunningTarget) error {
		made := map[string]bool{}
		for _, l := range all {
			k, ok := loads.Keeper(l)
			if !ok || made[k.Traits().Table] {
				continue
			}
			table := k.Traits().Table
			made[table] = table != ""
			if err := prepareLoad(ctx, s, k, l); err != nil {
				return fmt.Errorf("prepare ledger of load %s: %w", l.ID, err)
			}
		}
		return nil
	}
}

func prepareLoad(ctx context.Context, s harness.RunningTarget, k workloads.Keeper, l harness.LoadSpec) error {
	if atEntry([]harness.LoadSpec{l}) {
		return askNode(opening(s), k, throughEntry, func(st workloads.LedgerStore) error { return st.Prepare(ctx) })
	}
	_, both, err := findKeeper([]harness.LoadSpec{l}, s.Target)
	nodes := []harness.Component{both.old}
	switch table := k.Traits().Table; {
	case err != nil:
		return err
	case table == "":
		nodes = append(nodes, both.other)
	case s.Allowed != nil:
		return s.Allowed.Writable(ctx, both.old.Name, table)
	}
	for _, node := range nodes {
		if err := prepare(ctx, s, node, k, opening(s)); err != nil {
			return fmt.Errorf("%s: %w", node.Name, err)
		}
	}
	return nil
}

func prepare(ctx context.Context, s harness.RunningTarget, node harness.Component, k workloads.Keeper, open opener) error {
	access, err := s.Access(node.Region, node.Name)
	if err != nil {
		return err
	}
	return askNode(open, k, access, func(l workloads.LedgerStore) error { return l.Prepare(ctx) })
}

// Ledger reads both ledgers and the old primary's log through the driver, fills rec.Ledger, and writes the copies beside the
// ledger files. What cannot be read is said in the Record and is no error; an error is a problem of ours.
func Ledger(driver harness.Driver) func(context.Context, harness.RunningTarget, *harness.Record) error {
	return func(ctx context.Context, s harness.RunningTarget, rec *harness.Record) error {
		run, err := uuid.Parse(s.RunID)
		if err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
		k, both, err := findKeeper(rec.Played().Load, s.Target)
		e := &examiner{driver: driver, keeper: k, open: opening(s), s: s, rec: rec, run: run}
		switch {
		case atEntry(rec.Played().Load):
			return e.write(e.readEntry(ctx, both, err))
		case err != nil:
			rec.Ledger.OldDetail = err.Error()
			return nil
		}
		return e.write(e.read(ctx, both))
	}
}

// examiner carries what one reconciliation needs.
type examiner struct {
	driver harness.Driver
	keeper workloads.Keeper // of nodes that say which of them serves; nil: there are none
	open   opener
	s      harness.RunningTarget
	rec    *harness.Record
	run    uuid.UUID
}

// copies holds what each side has; nil: not read.
type copies struct{ serving, old *workloads.Found }

// read finds out who serves and reads what can be read.
func (e *examiner) read(ctx context.Context, both nodePair) copies {
	l := &e.rec.Ledger
	promoted, frozen, err := e.promoted(ctx, both.other)
	if err != nil {
		l.OldDetail = fmt.Sprintf("%s did not answer: %v", both.other.Name, err)
		return copies{}
	}
	return e.serves(ctx, both, promoted, frozen)
}

// serves reads both nodes, knowing which of them serves.
func (e *examiner) serves(ctx context.Context, both nodePair, promoted bool, frozen harness.Stamp) (c copies) {
	l := &e.rec.Ledger
	var err error
	l.Promoted, l.ReplayFrozen = promoted, frozen
	l.Primary = both.old.Name
	if promoted {
		l.Primary, l.OldPrimary = both.other.Name, both.old.Name
	}
	switch {
	case !e.wrote():
		l.OldDetail = noLedger
		return copies{}
	case !promoted && !e.inPlace():
		l.OldDetail = "no failover took place: there is one ledger"
		return copies{serving: e.readOld(ctx, both, &l.Read, &l.OldDetail)}
	case !promoted:
		l.OldDetail = "no failover took place: there is one ledger"
		if c.serving, err = e.readServing(ctx, both.old); err != nil {
			l.OldDetail = err.Error()
			return c
		}
		l.Read = true
		return c
	}
	if c.serving, err = e.readServing(ctx, both.other); err != nil {
		l.OldDetail = err.Error()
		return c
	}
	l.Read = true
	l.BusinessTwice = int(c.serving.RepeatedKeys)
	c.old = e.readOld(ctx, both, &l.OldRead, &l.OldDetail)
	e.readWAL(ctx, both)
	return c
}

// readEntry reads the ledger where the public entry leads, and asks the nodes which of them serves; unpaired says why there are none
// that could be asked. What the old side holds is not seen from there.
func (e *examiner) readEntry(ctx context.Context, both nodePair, unpaired error) (c copies) {
	l := &e.rec.Ledger
	l.Primary, l.WALDetail = harness.EntryName, "the writes are in tables of the system's own, whose commits are not listed"
	if unpaired == nil {
		if l.Promoted, l.ReplayFrozen, unpaired = e.promoted(ctx, both.other); unpaired != nil {
			unpaired = fmt.Errorf("%s did not answer: %w", both.other.Name, unpaired)
		}
	}
	if l.OldDetail = "the writes were looked up at the public entry, which leads to whoever serves"; unpaired != nil {
		l.RoleDetail = unpaired.Error()
	}
	if l.Promoted {
		l.OldPrimary = both.old.Name
	}
	if !e.wrote() {
		l.OldDetail = noLedger
		return copies{}
	}
	found, err := e.find(ctx, throughEntry)
	if err != nil {
		l.OldDetail = fmt.Sprintf("the writes could not be looked up at the entry: %v", err)
		return copies{}
	}
	l.Read, l.BusinessTwice = true, int(found.RepeatedKeys) //nolint:gosec // at most one for each attempt
	if n := found.Nameless; n > 0 {
		l.OldDetail += fmt.Sprintf("; %d of them had been given no id, and could not be", n)
	}
	return copies{serving: found}
}

// noLedger is why no ledger is read where there is none.
const noLedger = "no load writes a ledger, so none was made and none is read"

// wrote tells whether a load of the drill keeps a ledger. Without one no table was made, and no database is stopped to read it.
func (e *examiner) wrote() bool {
	return slices.ContainsFunc(e.rec.Streams, func(st harness.Stream) bool { return st.Kind == "ledger" })
}

// promoted asks a former standby whether it takes writes now, and for the moment of the last one that it was sent.
func (e *examiner) promoted(ctx context.Context, node harness.Component) (promoted bool, frozen harness.Stamp, err error) {
	access, err := e.s.Access(node.Region, node.Name)
	if err != nil {
		return false, 0, err
	}
	err = askNode(e.open, e.keeper, access, func(s workloads.LedgerStore) error {
		serves, followed, err := s.Serves(ctx)
		promoted, frozen = serves, harness.Stamp(followed)
		return err
	})
	return promoted, frozen, err
}

// readServing reads the ledger of the node that serves.
func (e *examiner) readServing(ctx context.Context, node harness.Component) (*workloads.Found, error) {
	access, err := e.s.Access(node.Region, node.Name)
	if err != nil {
		return nil, fmt.Errorf("%s could not be read: %w", node.Name, err)
	}
	found, err := e.find(ctx, access)
	if err != nil {
		return nil, fmt.Errorf("%s could not be read: %w", node.Name, err)
	}
	return found, nil
}

// inPlace tells whether the databases are read where they stand, and none is started or stopped.
func (e *examiner) inPlace() bool {
	_, ok := e.driver.(harness.InPlace)
	return ok
}

// openOld makes the database that was left behind readable: where it stands, or alone; the function it gives takes that back.
func (e *examiner) openOld(ctx context.Context, both nodePair) (harness.Access, func(context.Context) error, error) {
	if in, ok := e.driver.(harness.InPlace); ok {
		there, err := in.LeftBehind(ctx, both.old.Name, both.other.Name)
		if err != nil {
			return there.Access, nil, fmt.Errorf("client side only: %w", err)
		}
		e.rec.Ledger.OldBasis = there.Basis
		return there.Access, func(ctx context.Context) error {
			if err := there.Still(ctx); err != nil {
				return fmt.Errorf("client side only: %w", err)
			}
			return nil
		}, nil
	}
	oracle, ok := e.driver.(harness.OracleReader)
	if !ok {
		return harness.Access{}, nil, errors.New("this target does not let the old primary be examined: client side only")
	}
	access, stop, err := oracle.StartAlone(ctx, both.old.Name)
	if err != nil {
		return access, nil, fmt.Errorf("%s could not be started alone: %w", both.old.Name, err)
	}
	return access, stop, nil
}

// readOld reads the ledger of the database that was left behind.
func (e *examiner) readOld(ctx context.Context, both nodePair, read *bool, detail *string) *workloads.Found {
	access, stop, err := e.openOld(ctx, both)
	if err != nil {
		*detail = err.Error()
		return nil
	}
	found, err := e.find(ctx, access)
	// Whoever ran out of time must stop what was started all the same.
	if err := errors.Join(err, stop(context.WithoutCancel(ctx))); err != nil {
		*detail, e.rec.Ledger.OldBasis = fmt.Sprintf("%s could not be read: %v", both.old.Name, err), ""
		return nil
	}
	*read = true
	return found
}

// readWAL reads what the old node's own log tells of the ledger, by the name that the log has for it.
func (e *examiner) readWAL(ctx context.Context, both nodePair) {
	l := &e.rec.Ledger
	oracle, ok := e.driver.(harness.LogReader)
	if !ok {
		l.WALDetail = "this target does not let the old primary's log be read"
		return
	}
	table, err := e.table()
	if err != nil {
		l.WALDetail = err.Error()
		return
	}
	report, commits, err := oracle.LedgerCommits(ctx, both.old.Name, both.other.Name, table)
	if err != nil {
		l.WALDetail = err.Error()
		return
	}
	report.Table = table
	l.WAL = report
	if err := e.writeWAL(commits); err != nil {
		l.WALDetail = err.Error()
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
	if len(all) == 1 && all[0] == "" {
		return "", errors.New("the writes are in tables of the system's own, whose commits are not listed")
	}
	if len(all) != 1 {
		return "", fmt.Errorf("the ledgers are in the tables %q: the commits of one can be listed", all)
	}
	return all[0], nil
}
