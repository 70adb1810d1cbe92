package loadgen

import (
	"encoding/binary"
	"fmt"
)

// AttemptOutcome says what the client knows about one write. Its numbers stand
// in the files and never change.
type AttemptOutcome uint8

// The outcomes of a write attempt.
const (
	AttemptOK       AttemptOutcome = 1 // acknowledged
	AttemptDefinite AttemptOutcome = 2 // certainly not applied: never left, or rejected before commit
	AttemptUnknown  AttemptOutcome = 3 // may or may not be applied
)

func (o AttemptOutcome) String() string {
	switch o {
	case AttemptOK:
		return "ok"
	case AttemptDefinite:
		return "definite"
	case AttemptUnknown:
		return "unknown"
	}
	return fmt.Sprintf("attempt-%d", uint8(o))
}

// Place is an index into the places that the record of the drill names.
type Place uint8

const (
	// MaxLedgerStream is the largest stream id of a ledger: an attempt's id
	// holds it above 40 bits and must stay positive in a signed bigint.
	MaxLedgerStream = 1<<23 - 1

	attemptBits = 40
)

// AttemptID returns the id of write attempt number n (from 0) of a stream:
// stream × 2^40 + n + 1. No attempt has id 0.
func AttemptID(stream uint32, n uint64) uint64 { return uint64(stream)<<attemptBits | (n + 1) }

// SplitAttemptID is the inverse of AttemptID. It returns false for an id that
// no attempt has.
func SplitAttemptID(id uint64) (stream uint32, n uint64, ok bool) {
	low := id & (1<<attemptBits - 1)
	high := id >> attemptBits
	if low == 0 || high > MaxLedgerStream {
		return 0, 0, false
	}
	return uint32(high), low - 1, true
}

// Attempt is one write attempt, written once and never changed: what is found of
// it later stands in a file of copies. Offsets are ns since the anchor.
type Attempt struct {
	ID      uint64 // AttemptID(stream, number); numbers have no gaps
	RetryOf uint64 // id of the attempt this one repeats, 0 for a first attempt
	Sent    int64  // when it began
	Done    int64  // when its outcome was known
	Amount  int64  // minor units of the load's currency (Traits)
	Outcome AttemptOutcome
	Place   Place // where the client stood
	Worker  uint32
}

func (a Attempt) appendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, a.ID)
	b = le.AppendUint64(b, a.RetryOf)
	b = le.AppendUint64(b, uint64(a.Sent))
	b = le.AppendUint64(b, uint64(a.Done))
	b = le.AppendUint64(b, uint64(a.Amount))
	b = append(b, byte(a.Outcome), byte(a.Place), 0, 0)
	return le.AppendUint32(b, a.Worker)
}

func decodeAttempt(b []byte, n uint64, h Header) (Attempt, error) {
	le := binary.LittleEndian
	a := Attempt{
		ID:      le.Uint64(b),
		RetryOf: le.Uint64(b[8:]),
		Sent:    int64(le.Uint64(b[16:])),
		Done:    int64(le.Uint64(b[24:])),
		Amount:  int64(le.Uint64(b[32:])),
		Outcome: AttemptOutcome(b[40]),
		Place:   Place(b[41]),
		Worker:  le.Uint32(b[44:]),
	}
	if reserved := le.Uint16(b[42:]); reserved != 0 {
		return a, fmt.Errorf("attempt %d: %w: reserved bytes hold %d", n, ErrRecord, reserved)
	}
	return a, a.check(n, h.Stream)
}

func (a Attempt) check(n uint64, stream uint32) error {
	switch {
	case a.ID != AttemptID(stream, n):
		return fmt.Errorf("attempt %d: %w: its id is %d, want %d", n, ErrRecord, a.ID, AttemptID(stream, n))
	case a.RetryOf != 0 && a.RetryOf < AttemptID(stream, 0):
		return fmt.Errorf("attempt %d: %w: retry of %d, which is of another stream", n, ErrRecord, a.RetryOf)
	case a.RetryOf >= a.ID:
		return fmt.Errorf("attempt %d: %w: retry of %d, which does not come before it", n, ErrRecord, a.RetryOf)
	case a.Outcome < AttemptOK || a.Outcome > AttemptUnknown:
		return fmt.Errorf("attempt %d: %w: outcome %d", n, ErrRecord, a.Outcome)
	case a.Sent < 0 || a.Done < a.Sent:
		return fmt.Errorf("attempt %d: %w: sent %d, done %d", n, ErrRecord, a.Sent, a.Done)
	}
	return nil
}
