package loadgen

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
)

// ErrNotClosed says that the header's count is 0: the writer was still at work,
// or died. The records that were read are good. A stream that offered nothing
// looks the same when closed (count 0, no records); the run's Stats, and the
// Record made from them, say that it was closed.
var ErrNotClosed = errors.New("file was not closed")

// TornError says that a file ends before its records do. Those that were read
// are good. Unwrap yields ErrNotClosed where the count is 0.
type TornError struct {
	Read uint64 // whole records before the tear
	Want uint64 // the header's count, 0 when not closed
	Tail int    // bytes of the last, incomplete record
}

func (e *TornError) Error() string {
	if e.Want == 0 {
		return fmt.Sprintf("torn after %d records: %d bytes of another, and the file was not closed", e.Read, e.Tail)
	}
	return fmt.Sprintf("torn after %d of %d records: %d bytes of another", e.Read, e.Want, e.Tail)
}

func (e *TornError) Unwrap() error {
	if e.Want == 0 {
		return ErrNotClosed
	}
	return nil
}

// ErrTrailing says that bytes follow the records the header counts.
var ErrTrailing = errors.New("bytes after the last record")

// readBuffer is the size of the readers' buffer in bytes.
const readBuffer = 1 << 16

// Reader reads the records of one file in order, without keeping them.
type Reader[T any] struct {
	Header Header

	file   io.Reader
	in     *bufio.Reader
	size   int
	next   uint64
	decode func([]byte, uint64, Header) (T, error)
}

// OpenSamples reads the header of r and returns a reader of its samples.
func OpenSamples(r io.Reader) (*Reader[Sample], error) { return open(r, KindSamples, decodeSample) }

// OpenAttempts is OpenSamples for a ledger.
func OpenAttempts(r io.Reader) (*Reader[Attempt], error) { return open(r, KindLedger, decodeAttempt) }

// OpenCopies is OpenSamples for a file of copies: record n is how many copies of
// attempt n were found, MaxCopies for so many or more.
func OpenCopies(r io.Reader) (*Reader[uint8], error) { return open(r, KindCopies, decodeCopies) }

// Samples reads the header of r and returns an iterator over its samples in
// order of seq. The iteration ends after the first error; ErrNotClosed, a
// *TornError and ErrTrailing come after the good records, anything else means
// that the file is not to be believed.
func Samples(r io.Reader) (Header, iter.Seq2[Sample, error], error) { return all(OpenSamples(r)) }

// Attempts is Samples for a ledger.
func Attempts(r io.Reader) (Header, iter.Seq2[Attempt, error], error) { return all(OpenAttempts(r)) }

// Copies is Samples for a file of copies.
func Copies(r io.Reader) (Header, iter.Seq2[uint8, error], error) { return all(OpenCopies(r)) }

func all[T any](r *Reader[T], err error) (Header, iter.Seq2[T, error], error) {
	if err != nil {
		return Header{}, nil, err
	}
	return r.Header, r.All(), nil
}

// ReadSamples reads a whole file of samples. With ErrNotClosed, a *TornError
// or ErrTrailing it also returns the good records.
func ReadSamples(r io.Reader) (Header, []Sample, error) {
	h, records, err := Samples(r)
	if err != nil {
		return h, nil, err
	}
	return collect(h, records)
}

// ReadAttempts is ReadSamples for a ledger.
func ReadAttempts(r io.Reader) (Header, []Attempt, error) {
	h, records, err := Attempts(r)
	if err != nil {
		return h, nil, err
	}
	return collect(h, records)
}

func open[T any](r io.Reader, kind FileKind, decode func([]byte, uint64, Header) (T, error)) (*Reader[T], error) {
	h, err := ReadHeader(r)
	if err != nil {
		return nil, err
	}
	if h.Kind != kind {
		return nil, fmt.Errorf("read %s: %w: it holds %s", kind, ErrKind, h.Kind)
	}
	return &Reader[T]{Header: h, file: r, in: bufio.NewReaderSize(r, readBuffer), size: kind.recordSize(), decode: decode}, nil
}

// Skip makes record n the next one. It must come before the first Next, and
// reads nothing of what is skipped where the file can seek.
func (r *Reader[T]) Skip(n uint64) error {
	if r.Header.Count > 0 && n > r.Header.Count {
		return fmt.Errorf("read %s: there is no record %d of %d", r.Header.Kind, n, r.Header.Count)
	}
	r.next = n
	f, ok := r.file.(io.Seeker)
	if !ok {
		_, err := io.CopyN(io.Discard, r.in, int64(n)*int64(r.size)) //nolint:gosec // a file's size
		if err != nil {
			return fmt.Errorf("read %s: record %d: %w", r.Header.Kind, n, err)
		}
		return nil
	}
	if _, err := f.Seek(HeaderSize+int64(n)*int64(r.size), io.SeekStart); err != nil { //nolint:gosec // a file's size
		return fmt.Errorf("read %s: record %d: %w", r.Header.Kind, n, err)
	}
	r.in.Reset(r.file)
	return nil
}

// All iterates over the records that are left. The iteration ends after the
// first error, of which a good end of the file is none.
func (r *Reader[T]) All() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) || !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Next returns the next record. Its error is io.EOF, alone and unwrapped, after
// the last record of a closed file; for the others see Samples.
func (r *Reader[T]) Next() (T, error) {
	var none T
	b, err := r.in.Peek(r.size)
	if end := r.end(len(b), err); end != nil {
		if end != io.EOF { //nolint:errorlint // our own
			end = fmt.Errorf("read %s: %w", r.Header.Kind, end)
		}
		return none, end
	}
	rec, err := r.decode(b, r.next, r.Header)
	if err != nil {
		return none, fmt.Errorf("read %s: %w", r.Header.Kind, err)
	}
	r.next++
	_, _ = r.in.Discard(r.size) // what was peeked at is there
	return rec, nil
}

// end tells why there is no whole record where got bytes were found, or nil.
func (r *Reader[T]) end(got int, err error) error {
	n, count := r.next, r.Header.Count
	switch {
	case count > 0 && n == count && got > 0:
		return fmt.Errorf("%w: the header counts %d", ErrTrailing, count)
	case err == nil:
		return nil
	case !errors.Is(err, io.EOF):
		return err
	case got == 0 && count > 0 && n == count:
		return io.EOF
	case got == 0 && count == 0:
		return ErrNotClosed
	}
	return &TornError{Read: n, Want: count, Tail: got}
}

// maxPrealloc bounds what a header's count may allocate before records are
// seen.
const maxPrealloc = 1 << 20

func collect[T any](h Header, records iter.Seq2[T, error]) (Header, []T, error) {
	all := make([]T, 0, min(h.Count, maxPrealloc))
	for rec, err := range records {
		if err != nil {
			return h, all, err
		}
		all = append(all, rec)
	}
	return h, all, nil
}
