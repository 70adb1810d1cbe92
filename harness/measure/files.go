package measure

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"blackstart/harness"
	"blackstart/loadgen"
)

// Files reads the files that rec names from fsys, whose root is the pack's (it holds data/…). A zip.Reader and an
// os.DirFS both do.
func Files(fsys fs.FS, rec *harness.Record) Source { return &fileSource{fsys, rec} }

type fileSource struct {
	fsys fs.FS
	rec  *harness.Record
}

func (f *fileSource) open(id int, kind string) (fs.File, harness.Stream, error) {
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

// Samples reads a file of samples from number from on.
func (f *fileSource) Samples(id, from int) iter.Seq2[loadgen.Sample, error] {
	return func(yield func(loadgen.Sample, error) bool) {
		file, s, err := f.open(id, kindSamples)
		if err != nil {
			yield(loadgen.Sample{}, err)
			return
		}
		defer file.Close() //nolint:errcheck // read only
		r, err := loadgen.OpenSamples(file)
		if err == nil {
			err = f.check(s, r.Header)
		}
		if err == nil && from > 0 {
			err = r.Skip(uint64(from))
		}
		for n := from; err == nil; n++ {
			var one loadgen.Sample
			if one, err = r.Next(); err == nil && !yield(one, nil) {
				return
			}
			err = ended(s, n, err)
		}
		if err != io.EOF { //nolint:errorlint // ended's own
			yield(loadgen.Sample{}, err)
		}
	}
}

// ended gives io.EOF, alone, at the end of a whole file, and what is wrong with another one.
func ended(s harness.Stream, n int, err error) error {
	switch {
	case err == nil || err == io.EOF: //nolint:errorlint // the reader's own
		return err
	case errors.Is(err, loadgen.ErrNotClosed) && s.Closed && s.Count == 0 && n == 0:
		return io.EOF // a closed stream without records looks like this
	}
	return fmt.Errorf("read %s: %w", s.File, err)
}

// check compares a file's header with the record that names it.
func (f *fileSource) check(s harness.Stream, h loadgen.Header) error {
	switch {
	case h.Anchor != int64(f.rec.Anchor):
		return fmt.Errorf("read %s: its anchor %s is not the record's %s", s.File, harness.Stamp(h.Anchor), f.rec.Anchor)
	case int(h.Stream) != s.ID:
		return fmt.Errorf("read %s: it holds stream %d, the record says %d", s.File, h.Stream, s.ID)
	case int(h.Place) != s.Place || int(h.Host) != s.Host:
		return fmt.Errorf("read %s: it is of place %d and host %d, the record says %d and %d", s.File, h.Place, h.Host, s.Place, s.Host)
	}
	return nil
}

// Attempts reads a ledger, and beside it the copies that were found.
func (f *fileSource) Attempts(id int) iter.Seq2[Attempt, error] {
	return func(yield func(Attempt, error) bool) {
		if err := f.attempts(id, yield); err != nil {
			yield(Attempt{}, err)
		}
	}
}

func (f *fileSource) attempts(id int, yield func(Attempt, error) bool) error {
	file, s, err := f.open(id, kindLedger)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	r, err := loadgen.OpenAttempts(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.File, err)
	}
	newer, err := f.copies(s, f.rec.Ledger.Primary)
	if err != nil {
		return err
	}
	defer newer.close()
	older, err := f.copies(s, f.rec.Ledger.OldPrimary)
	if err != nil {
		return err
	}
	defer older.close()
	if err := f.check(s, r.Header); err != nil {
		return err
	}
	for n := 0; ; n++ {
		a, err := r.Next()
		if err := ended(s, n, err); err == io.EOF { //nolint:errorlint // ended's own
			return errors.Join(newer.end(n), older.end(n))
		} else if err != nil {
			return err
		}
		all := Attempt{Attempt: a}
		if all.New, err = newer.next(); err != nil {
			return err
		}
		if all.Old, err = older.next(); err != nil {
			return err
		}
		if !yield(all, nil) {
			return nil
		}
	}
}

// copies are what was found on one node, in order of attempts. A nil one is of a node that was not read.
type copies struct {
	of   harness.CopiesFile
	file fs.File
	in   *loadgen.Reader[uint8]
}

// copies opens what was found on a node of the attempts of a ledger.
func (f *fileSource) copies(ledger harness.Stream, node string) (*copies, error) {
	of, found, err := CopiesOn(f.rec, ledger.ID, node, JudgedReading)
	if err != nil || !found {
		return nil, err
	}
	file, err := f.fsys.Open(of.File)
	if err != nil {
		return nil, fmt.Errorf("open copies of stream %d on %s: %w", ledger.ID, node, err)
	}
	c := &copies{of: of, file: file}
	if c.in, err = loadgen.OpenCopies(file); err != nil {
		err = fmt.Errorf("read %s: %w", of.File, err)
	} else {
		err = f.check(harness.Stream{ID: ledger.ID, File: of.File}, c.in.Header)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *copies) close() {
	if c != nil {
		c.file.Close() //nolint:errcheck // read only
	}
}

func (c *copies) next() (int, error) {
	if c == nil {
		return Unread, nil
	}
	n, err := c.in.Next()
	if err != nil {
		return 0, fmt.Errorf("read %s: there are fewer copies than attempts: %w", c.of.File, err)
	}
	return int(n), nil
}

// end demands that the copies end with the attempts, and that the record counts as many.
func (c *copies) end(attempts int) error {
	if c == nil {
		return nil
	}
	_, err := c.in.Next()
	if err = ended(harness.Stream{File: c.of.File, Count: c.of.Count, Closed: true}, attempts, err); err == nil || c.of.Count != attempts {
		return fmt.Errorf("read %s: it holds copies of other attempts than the ledger's %d, the record counts %d", c.of.File, attempts, c.of.Count)
	}
	if err != io.EOF { //nolint:errorlint // ended's own
		return err
	}
	return nil
}

// Observations reads the answers of a probe, one JSON object a line.
func (f *fileSource) Observations(of harness.ProbeSeries) iter.Seq2[harness.Observation, error] {
	return func(yield func(harness.Observation, error) bool) {
		file, err := f.fsys.Open(of.File)
		if err != nil {
			yield(harness.Observation{}, fmt.Errorf("open observations of %s on %s: %w", of.Probe, of.On, err))
			return
		}
		defer file.Close() //nolint:errcheck // read only
		readObservations(file, of.File, yield)
	}
}

func readObservations(r io.Reader, name string, yield func(harness.Observation, error) bool) {
	n := 0
	for line, err := range harness.ObservationLines(r) {
		if err != nil {
			yield(harness.Observation{}, fmt.Errorf("read %s: %w", name, err))
			return
		}
		n++
		var o harness.Observation
		if err := json.Unmarshal(line, &o); err != nil {
			yield(harness.Observation{}, fmt.Errorf("read %s line %d: %w", name, n, err))
			return
		}
		if !yield(o, nil) {
			return
		}
	}
}
