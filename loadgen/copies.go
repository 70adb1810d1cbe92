package loadgen

import (
	"fmt"
	"io"
	"iter"
)

// MaxCopies is the largest number of copies a record can state; more are written
// as this.
const MaxCopies = 254

// copyCount is the record of a file of copies: how many copies of attempt n one
// reading of a database found. There is no number for "not looked up": a file
// that exists was read in full.
type copyCount uint8

func (c copyCount) appendTo(b []byte) []byte { return append(b, byte(c)) }

func decodeCopies(b []byte, n uint64, _ Header) (uint8, error) {
	if b[0] > MaxCopies {
		return 0, fmt.Errorf("copies of attempt %d: %w: %d, at most %d can be stated", n, ErrRecord, b[0], MaxCopies)
	}
	return b[0], nil
}

// WriteCopies writes a whole file of copies to w, which must be at its start:
// the header h (its Kind and Count are set here; Stream is the ledger's), then
// one record for each number that copies yields, in order of attempts. It closes
// and syncs the file as a SampleWriter does and returns the count.
func WriteCopies(w io.WriteSeeker, h Header, copies iter.Seq[int]) (uint64, error) {
	if h.Stream > MaxLedgerStream {
		return 0, fmt.Errorf("write copies: ledger stream %d exceeds %d", h.Stream, MaxLedgerStream)
	}
	h.Kind, h.Place, h.Host = KindCopies, 0, 0 // a database was read, by no client
	out, err := newOrderedWriter[copyCount](w, h)
	if err != nil {
		return 0, err
	}
	n := uint64(0)
	for c := range copies {
		if c < 0 {
			return n, fmt.Errorf("write copies: attempt %d has %d copies", n, c)
		}
		if err := out.put(n, copyCount(min(c, MaxCopies))); err != nil {
			return n, err
		}
		n++
	}
	return n, out.Close()
}
