package measure

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/loadgen"
)

// Source gives the records of one drill's files, one after the other: no file is ever in memory as a whole. Streams are named
// by their ID in the Record, answers by the series in it. An iteration ends after its first error: a file that cannot
// be read in full is one, and the drill it belongs to is then inconclusive. Each may be iterated over as often as is needed.
type Source interface {
	// Samples gives those of a stream from number from on.
	Samples(stream, from int) iter.Seq2[loadgen.Sample, error]
	Attempts(stream int) iter.Seq2[Attempt, error]
	Observations(of harness.ProbeSeries) iter.Seq2[harness.Observation, error]
	// Commits gives what the Record's ledger.wal lists, one after the other, until yield returns an error.
	Commits(yield func(harness.WALCommit) error) error
}

// Unread stands for the number of copies on a database that was not read.
const Unread = -1

// Attempt is a write attempt with what was found of it when everything had been undone.
type Attempt struct {
	loadgen.Attempt
	New int // copies on the database that serves (ledger.primary); loadgen.MaxCopies: so many or more; or Unread
	Old int // the same of the one that was left behind (ledger.old_primary)

	Ahead Bounds // by how much the clock of Sent and Done is ahead of the drill's, in ns
}

// JudgedReading is the reading that losses are judged from: the databases as they were when everything had been undone.
const JudgedReading = harness.AfterHeal

// CopiesOn finds the file of what a reading of a node found of the attempts of a ledger. It is not found if there was no such reading, whatever others there were, and an error if the record names two: nobody could say which one counts.
func CopiesOn(rec *harness.Record, stream int, node, reading string) (harness.CopiesFile, bool, error) {
	var all []harness.CopiesFile
	for _, c := range rec.Ledger.Copies {
		if c.Stream == stream && c.Node == node && c.Reading == reading && node != "" {
			all = append(all, c)
		}
	}
	switch len(all) {
	case 0:
		return harness.CopiesFile{}, false, nil
	case 1:
		return all[0], true, nil
	}
	return harness.CopiesFile{}, false, fmt.Errorf("the record names %d files of what was found on %s of stream %d", len(all), node, stream)
}

// done bounds when the outcome of an attempt was known, on the drill's clock.
func (a Attempt) done() Bounds { return Bounds{a.Done - a.Ahead.Hi, a.Done - a.Ahead.Lo} }

// otherReadings names the readings of a node that are there although the one that is judged is not, "" if there are none.
func otherReadings(rec *harness.Record, node string) string {
	var others []string
	for _, c := range rec.Ledger.Copies {
		if c.Node == node && !slices.Contains(others, c.Reading) {
			others = append(others, c.Reading)
		}
	}
	if len(others) == 0 || slices.Contains(others, JudgedReading) {
		return ""
	}
	slices.Sort(others)
	return fmt.Sprintf(": it was read %s, and losses are judged from %s", strings.Join(others, ", "), JudgedReading)
}
