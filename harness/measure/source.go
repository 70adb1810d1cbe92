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
	Attempts(stream int) ([]loadgen.Attempt, error)
	Observations(probe, on string) ([]harness.Observation, error)
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

// Attempts reads a whole ledger.
func (f *files) Attempts(id int) ([]loadgen.Attempt, error) {
	file, s, err := f.open(id, kindLedger)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	h, all, err := loadgen.ReadAttempts(file)
	return all, f.check(s, h, len(all), err)
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
