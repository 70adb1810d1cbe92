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

// Samples reads the header of r and returns an iterator over its samples in
// order of seq. The iteration ends after the first error; ErrNotClosed, a
// *TornError and ErrTrailing come after the good records, anything else means
// that the file is not to be believed.
func Samples(r io.Reader) (Header, iter.Seq2[Sample, error], error) {
	return open(r, KindSamples, decodeSample)
}

// Attempts is Samples for a ledger.
func Attempts(r io.Reader) (Header, iter.Seq2[Attempt, error], error) {
	return open(r, KindLedger, decodeAttempt)
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

func open[T any](r io.Reader, kind FileKind, decode func([]byte, uint64, Header) (T, error)) (
	Header, iter.Seq2[T, error], error,
) {
	h, err := ReadHeader(r)
	if err != nil {
		return Header{}, nil, err
	}
	if h.Kind != kind {
		return h, nil, fmt.Errorf("read %s: %w: it holds %s", kind, ErrKind, h.Kind)
	}
	return h, func(yield func(T, error) bool) { scan(r, h, decode, yield) }, nil
}

func scan[T any](r io.Reader, h Header, decode func([]byte, uint64, Header) (T, error), yield func(T, error) bool) {
	var zero T
	fail := func(err error) { yield(zero, fmt.Errorf("read %s: %w", h.Kind, err)) }
	in := bufio.NewReaderSize(r, readBuffer)
	b := make([]byte, h.Kind.recordSize())
	for n := uint64(0); ; n++ {
		got, err := io.ReadFull(in, b)
		switch {
		case errors.Is(err, io.EOF) && n == h.Count && n > 0:
			return
		case errors.Is(err, io.EOF) && h.Count == 0:
			fail(ErrNotClosed)
			return
		case h.Count > 0 && n == h.Count && got > 0:
			fail(fmt.Errorf("%w: the header counts %d", ErrTrailing, h.Count))
			return
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			fail(&TornError{Read: n, Want: h.Count, Tail: got})
			return
		case err != nil:
			fail(err)
			return
		}
		rec, err := decode(b, n, h)
		if err != nil {
			fail(err)
			return
		}
		if !yield(rec, nil) {
			return
		}
	}
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

// SetCopies reads the closed ledger f and writes the copies that found(id)
// returns for each attempt into it, in place; CopiesNotRead leaves a node as
// not read, more than MaxCopies are written as MaxCopies. It returns the
// attempts as they now stand, and syncs f where it can be.
func SetCopies(f io.ReadWriteSeeker, found func(id uint64) (copiesNew, copiesOld int)) ([]Attempt, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("set copies: %w", err)
	}
	h, attempts, err := ReadAttempts(f)
	if err != nil {
		return nil, fmt.Errorf("set copies: %w", err)
	}
	if _, err := f.Seek(HeaderSize, io.SeekStart); err != nil {
		return nil, fmt.Errorf("set copies: %w", err)
	}
	buf := make([]byte, 0, readBuffer+AttemptSize)
	for i := range attempts {
		a := &attempts[i]
		copiesNew, copiesOld := found(a.ID)
		a.CopiesNew, a.CopiesOld = clampCopies(copiesNew), clampCopies(copiesOld)
		buf = a.appendTo(buf)
		if len(buf) < readBuffer && i < len(attempts)-1 {
			continue
		}
		if _, err := f.Write(buf); err != nil {
			return nil, fmt.Errorf("set copies: stream %d: %w", h.Stream, err)
		}
		buf = buf[:0]
	}
	return attempts, syncFile(f)
}

func clampCopies(n int) uint8 {
	if n == CopiesNotRead {
		return CopiesNotRead
	}
	return uint8(min(max(n, 0), MaxCopies))
}
