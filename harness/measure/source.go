package measure

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"blackstart/harness"
	"blackstart/loadgen"
)

// Source gives the files of one drill. Streams are named by their ID in the Record, probes by name and what they ask. A
// file that cannot be read in full is an error; the drill it belongs to is then inconclusive.
type Source interface {
	Samples(stream int) ([]loadgen.Sample, error)
	Attempts(stream int) ([]Attempt, error)
	Observations(probe, on string) ([]harness.Observation, error)
}

// Unread stands for the number of copies on a database that was not read.
const Unread = -1

// Attempt is a write attempt with what was found of it when everything had been undone.
type Attempt struct {
	loadgen.Attempt
	New int // copies on the database that serves (ledger.primary); loadgen.MaxCopies: so many or more; or Unread
	Old int // the same of the one that was left behind (ledger.old_primary)
}

// maxObservationLine bounds one line of an observation file, in bytes.
const maxObservationLine = 64 << 10

// Files reads the files that rec names from fsys, whose root is the pack's (it holds data/…). A zip.Reader and an
// os.DirFS both do.
func Files(fsys fs.FS, rec *harness.Record) Source { return &files{fsys, rec} }

type files struct {
	fsys fs.FS
	rec  *harness.Record
}

func (f *files) open(id int, kind string) (fs.File, harness.Stream, error) {
	for _, s := range f.rec.Streams {
		if s.ID == id && s.Kind == kind {
			file, err := f.fsys.Open(s.File)
			if err != nil {
				return nil, s, fmt.Errorf("open stream %d: %w", id, err)
			}
			return file, s, nil
		}
	}
	return nil, harness.Stream{}, fmt.Errorf("open stream %d: the record names no such stream of %s", id, kind)
}

// Samples reads a whole file of samples.
func (f *files) Samples(id int) ([]loadgen.Sample, error) {
	file, s, err := f.open(id, kindSamples)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	h, all, err := loadgen.ReadSamples(file)
	return all, f.check(s, h, len(all), err)
}

// Attempts reads a whole ledger, and beside it the copies that were found.
func (f *files) Attempts(id int) ([]Attempt, error) {
	file, s, err := f.open(id, kindLedger)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	h, attempts, err := loadgen.ReadAttempts(file)
	if err := f.check(s, h, len(attempts), err); err != nil {
		return nil, err
	}
	newer, err := f.copies(s, f.rec.Ledger.Primary, len(attempts))
	if err != nil {
		return nil, err
	}
	older, err := f.copies(s, f.rec.Ledger.OldPrimary, len(attempts))
	if err != nil {
		return nil, err
	}
	all := make([]Attempt, len(attempts))
	for n, a := range attempts {
		all[n] = Attempt{Attempt: a, New: copiesOf(newer, n), Old: copiesOf(older, n)}
	}
	return all, nil
}

func copiesOf(found []uint8, n int) int {
	if found == nil {
		return Unread
	}
	return int(found[n])
}

// copies reads what was found on a node of the attempts of a ledger, nil if there is no file of that: it was not read.
func (f *files) copies(ledger harness.Stream, node string, attempts int) ([]uint8, error) {
	c, found, err := CopiesOn(f.rec, ledger.ID, node)
	if err != nil || !found {
		return nil, err
	}
	file, err := f.fsys.Open(c.File)
	if err != nil {
		return nil, fmt.Errorf("open copies of stream %d on %s: %w", ledger.ID, node, err)
	}
	defer file.Close() //nolint:errcheck // read only
	h, all, err := loadgen.ReadCopies(file)
	as := harness.Stream{ID: ledger.ID, File: c.File, Count: c.Count, Closed: true}
	if err := f.check(as, h, len(all), err); err != nil {
		return nil, err
	}
	if len(all) != attempts || c.Count != attempts {
		return nil, fmt.Errorf("read %s: it holds copies of %d attempts, the record counts %d, the ledger has %d", c.File, len(all), c.Count, attempts)
	}
	if all == nil {
		all = []uint8{}
	}
	return all, nil
}

// CopiesOn finds the file of the copies that were found on a node, when everything had been undone, of the attempts of a
// ledger. It is not found if the node was not read, and an error if the record names two: nobody could say which one counts.
func CopiesOn(rec *harness.Record, stream int, node string) (harness.CopiesFile, bool, error) {
	var all []harness.CopiesFile
	for _, c := range rec.Ledger.Copies {
		if c.Stream == stream && c.Node == node && c.Reading == harness.AfterUndo && node != "" {
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

// check compares a file's header with the record that names it.
func (f *files) check(s harness.Stream, h loadgen.Header, n int, err error) error {
	if errors.Is(err, loadgen.ErrNotClosed) && s.Closed && s.Count == 0 && n == 0 {
		err = nil // a closed stream without records looks like this
	}
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", s.File, err)
	case h.Anchor != int64(f.rec.Anchor):
		return fmt.Errorf("read %s: its anchor %s is not the record's %s", s.File, harness.Stamp(h.Anchor), f.rec.Anchor)
	case int(h.Stream) != s.ID:
		return fmt.Errorf("read %s: it holds stream %d, the record says %d", s.File, h.Stream, s.ID)
	}
	return nil
}

// Observations reads the answers of a probe, one JSON object a line.
func (f *files) Observations(probe, on string) ([]harness.Observation, error) {
	for _, p := range f.rec.Probes {
		if p.Probe == probe && p.On == on {
			file, err := f.fsys.Open(p.File)
			if err != nil {
				return nil, fmt.Errorf("open observations of %s on %s: %w", probe, on, err)
			}
			defer file.Close() //nolint:errcheck // read only
			return readObservations(file, p.File)
		}
	}
	return nil, fmt.Errorf("open observations: the record names no probe %s on %s", probe, on)
}

func readObservations(r io.Reader, name string) ([]harness.Observation, error) {
	var all []harness.Observation
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxObservationLine)
	for n := 1; lines.Scan(); n++ {
		var o harness.Observation
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return nil, fmt.Errorf("read %s line %d: %w", name, n, err)
		}
		all = append(all, o)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return all, nil
}
