package reconcile

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"blackstart/harness"
	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

// write makes a file of copies for every ledger and every database that was read, and counts what only the old one has.
func (e *examiner) write(c copies) error {
	for _, st := range e.rec.Streams {
		if st.Kind != "ledger" {
			continue
		}
		if err := errors.Join(e.writeCopies(st, e.rec.Ledger.Primary, c.serving), e.writeCopies(st, e.rec.Ledger.OldPrimary, c.old)); err != nil {
			return fmt.Errorf("reconcile %s: %w", st.File, err)
		}
		if c.serving != nil && c.old != nil {
			e.countStranded(st, c)
		}
	}
	return nil
}

// copiesFile is the path in the pack of what one reading of one node found of a load's writes.
func copiesFile(load, node, reading string) string {
	return fmt.Sprintf("data/ledger/%s.copies-%s-%s.bin", load, node, reading)
}

// writeCopies writes what was found on a node of the attempts of a ledger, and names the file in the Record. Of a node that was
// not read there is no file: that is what says so.
func (e *examiner) writeCopies(st harness.Stream, node string, found *workloads.Found) error {
	if found == nil {
		return nil
	}
	name := copiesFile(st.Load, node, harness.AfterHeal)
	// O_EXCL: a reading is written once. A second one has a name of its own.
	f, err := os.OpenFile(filepath.Join(e.s.DataDir, filepath.FromSlash(strings.TrimPrefix(name, "data/"))), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	h := loadgen.Header{Run: e.run, Stream: uint32(st.ID), Anchor: int64(e.rec.Anchor)} //nolint:gosec // a stream's id is small
	n, err := loadgen.WriteCopies(f, h, copiesOf(st, found))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	e.rec.Ledger.Copies = append(e.rec.Ledger.Copies, harness.CopiesFile{
		Stream: st.ID, Load: st.Load, Node: node, Reading: harness.AfterHeal, File: name, Count: int(n), //nolint:gosec // n is st.Count
	})
	return nil
}

// copiesOf gives the copies found of each attempt of a ledger, in order.
func copiesOf(st harness.Stream, found *workloads.Found) iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := range st.Count {
			if !yield(found.Copies(attemptID(st, n))) {
				return
			}
		}
	}
}

func attemptID(st harness.Stream, n int) uint64 {
	return loadgen.AttemptID(uint32(st.ID), uint64(n)) //nolint:gosec // both are small and positive
}

// countStranded counts, and lists the first of, the ids that the old node has and the serving one lacks.
func (e *examiner) countStranded(st harness.Stream, c copies) {
	l := &e.rec.Ledger
	for n := range st.Count {
		id := attemptID(st, n)
		if c.old.Copies(id) == 0 || c.serving.Copies(id) > 0 {
			continue
		}
		l.OldOnly++
		if len(l.OldOnlyIDs) < maxOnlyOldIDs {
			l.OldOnlyIDs = append(l.OldOnlyIDs, id)
		}
	}
}
