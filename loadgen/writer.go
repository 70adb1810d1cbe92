package loadgen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

const (
	// MaxWindow bounds how far records may arrive out of order, in records
	// (10 MB of samples). A writer that would need more refuses the record: the
	// op did not keep its timeout.
	MaxWindow = 1 << 18

	firstWindow = 1 << 10 // records; the window doubles from here when it must
	autoDrain   = 1 << 12 // records in order that make Write flush by itself
	drainChunk  = 1 << 12 // records encoded at a time under the lock
)

// ErrWindow says that a record came too far ahead of one that is missing.
var ErrWindow = errors.New("record too far out of order")

// GapError says that a file was closed while records were missing. The records
// before the first gap are in the file, which stays marked as not closed.
type GapError struct {
	Missing uint64 // first missing record, from 0
	Held    int    // records after it that could not be written
}

func (e *GapError) Error() string {
	return fmt.Sprintf("record %d is missing and %d wait behind it", e.Missing, e.Held)
}

// record is what an orderedWriter can write: it knows its bytes.
type record interface{ appendTo([]byte) []byte }

// orderedWriter writes records in their order though they arrive in another.
//
// Records wait in a ring until all before them have come. What is in order goes
// to the file in whole records, so that a killed process leaves a readable
// prefix; nothing else is kept, so that memory does not grow with the file.
type orderedWriter[T record] struct {
	size int
	w    io.WriteSeeker

	io  sync.Mutex // held while writing; taken before mu
	buf []byte     // guarded by io

	mu     sync.Mutex // guards what follows
	ring   []T        // len is a power of two; record n is at n & (len−1)
	have   []bool     // which places of the ring are filled
	next   uint64     // first record not yet handed to the file
	ready  uint64     // records from next on that are in order
	held   int        // filled places of the ring
	err    error      // first write error; every later call returns it
	closed bool
}

func newOrderedWriter[T record](w io.WriteSeeker, h Header) (*orderedWriter[T], error) {
	h.Count = 0
	b, err := h.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	return &orderedWriter[T]{
		size: h.Kind.recordSize(), w: w,
		ring: make([]T, firstWindow), have: make([]bool, firstWindow),
	}, nil
}

// put accepts record n.
func (o *orderedWriter[T]) put(n uint64, rec T) error {
	o.mu.Lock()
	err := o.place(n, rec)
	full := o.ready >= autoDrain
	o.mu.Unlock()
	if err == nil && full {
		return o.Flush()
	}
	return err
}

func (o *orderedWriter[T]) place(n uint64, rec T) error {
	switch {
	case o.err != nil:
		return o.err
	case o.closed:
		return fmt.Errorf("write record %d: file is closed", n)
	case n < o.next:
		return fmt.Errorf("write record %d: written before", n)
	case n-o.next >= MaxWindow:
		return fmt.Errorf("write record %d: %w: record %d is still missing", n, ErrWindow, o.next+o.ready)
	}
	for n-o.next >= uint64(len(o.ring)) {
		o.grow()
	}
	mask := uint64(len(o.ring) - 1)
	if o.have[n&mask] {
		return fmt.Errorf("write record %d: written before", n)
	}
	o.ring[n&mask], o.have[n&mask] = rec, true
	o.held++
	for o.ready < uint64(len(o.ring)) && o.have[(o.next+o.ready)&mask] {
		o.ready++
	}
	return nil
}

func (o *orderedWriter[T]) grow() {
	ring, have := make([]T, 2*len(o.ring)), make([]bool, 2*len(o.ring))
	from, to := uint64(len(o.ring)-1), uint64(len(ring)-1)
	for i := range uint64(len(o.ring)) {
		n := o.next + i
		ring[n&to], have[n&to] = o.ring[n&from], o.have[n&from]
	}
	o.ring, o.have = ring, have
}

// Flush hands all records that are in order to the operating system.
func (o *orderedWriter[T]) Flush() error {
	o.io.Lock()
	defer o.io.Unlock()
	for {
		n, err := o.take()
		if err != nil || n == 0 {
			return err
		}
		if _, err := o.w.Write(o.buf); err != nil {
			return o.fail(fmt.Errorf("write records: %w", err))
		}
	}
}

// take encodes the next chunk into buf and returns how many records it holds.
func (o *orderedWriter[T]) take() (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n := min(o.ready, drainChunk)
	o.buf = o.buf[:0]
	mask := uint64(len(o.ring) - 1)
	for i := range n {
		at := (o.next + i) & mask
		o.buf = o.ring[at].appendTo(o.buf)
		o.have[at] = false
	}
	o.next += n
	o.ready -= n
	o.held -= int(n)
	return int(n), nil
}

func (o *orderedWriter[T]) fail(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	return o.err
}

// Written returns how many records were handed to the operating system, and how many wait for one before them that is
// still missing. It is exact after a Flush.
func (o *orderedWriter[T]) Written() (records uint64, waiting int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.next, o.held - int(o.ready) //nolint:gosec // at most the window's length
}

// Close writes what is in order, then the count, and syncs the file where it
// can be. It does not close the underlying file. Records that wait behind a gap
// make it fail with a *GapError, and the count stays 0.
func (o *orderedWriter[T]) Close() error {
	if err := o.Flush(); err != nil {
		return err
	}
	o.mu.Lock()
	already, count, held := o.closed, o.next, o.held
	o.closed = true
	o.mu.Unlock()
	if already {
		return nil
	}
	if held > 0 {
		return fmt.Errorf("close file: %w", &GapError{Missing: count, Held: held})
	}
	if err := o.patchCount(count); err != nil {
		return o.fail(err)
	}
	return nil
}

func (o *orderedWriter[T]) patchCount(count uint64) error {
	o.io.Lock()
	defer o.io.Unlock()
	// The records must be on disk before the count vouches for them.
	if err := syncFile(o.w); err != nil {
		return err
	}
	if _, err := o.w.Seek(countOffset, io.SeekStart); err != nil {
		return fmt.Errorf("close file: seek to count: %w", err)
	}
	if _, err := o.w.Write(binary.LittleEndian.AppendUint64(nil, count)); err != nil {
		return fmt.Errorf("close file: write count: %w", err)
	}
	if _, err := o.w.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("close file: seek to end: %w", err)
	}
	return syncFile(o.w)
}

func syncFile(w io.Writer) error {
	if s, ok := w.(interface{ Sync() error }); ok {
		if err := s.Sync(); err != nil {
			return fmt.Errorf("sync file: %w", err)
		}
	}
	return nil
}

// SampleWriter writes the samples of one stream. All methods may be called at
// the same time.
type SampleWriter struct{ *orderedWriter[Sample] }

// NewSampleWriter writes the header h (its Kind and Count are set here) at the
// current position of w, which must be its start, and returns a writer. w is an
// *os.File as a rule; a Sync method is used where there is one.
func NewSampleWriter(w io.WriteSeeker, h Header) (*SampleWriter, error) {
	h.Kind = KindSamples
	o, err := newOrderedWriter[Sample](w, h)
	if err != nil {
		return nil, err
	}
	return &SampleWriter{o}, nil
}

// Write accepts a sample, in any order within MaxWindow of the first missing
// one. It keeps it in memory until those before it have come.
func (w *SampleWriter) Write(s Sample) error { return w.put(s.Seq, s) }

// AttemptWriter writes the write attempts of one stream. All methods may be
// called at the same time.
type AttemptWriter struct {
	*orderedWriter[Attempt]
	stream uint32
}

// NewAttemptWriter is NewSampleWriter for a ledger. h.Stream must not exceed
// MaxLedgerStream.
func NewAttemptWriter(w io.WriteSeeker, h Header) (*AttemptWriter, error) {
	if h.Stream > MaxLedgerStream {
		return nil, fmt.Errorf("write header: ledger stream %d exceeds %d", h.Stream, MaxLedgerStream)
	}
	h.Kind = KindLedger
	o, err := newOrderedWriter[Attempt](w, h)
	if err != nil {
		return nil, err
	}
	return &AttemptWriter{orderedWriter: o, stream: h.Stream}, nil
}

// Write accepts an attempt, in any order within MaxWindow of the first missing
// one.
func (w *AttemptWriter) Write(a Attempt) error {
	stream, n, ok := SplitAttemptID(a.ID)
	if !ok || stream != w.stream {
		return fmt.Errorf("write attempt: id %d does not belong to stream %d", a.ID, w.stream)
	}
	return w.put(n, a)
}
