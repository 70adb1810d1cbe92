package loadgen

import (
	"encoding/binary"
	"fmt"
)

// Never is the offset of an instant that did not come: not sent, not done.
const Never int64 = -1

// Outcome says how one request ended. Its numbers stand in the files and never
// change; a new outcome of all workloads takes the next free number, one of a
// single workload a number of its range (Reserve).
type Outcome uint8

// The outcomes of a sample.
const (
	None        Outcome = 0  // nothing recorded; never in a closed file
	OK          Outcome = 1  // the right answer
	Timeout     Outcome = 2  // no complete answer within the timeout
	Refused     Outcome = 3  // connection refused, or no route
	Reset       Outcome = 4  // connection reset or closed before the answer
	DNS         Outcome = 5  // the name could not be resolved
	TLS         Outcome = 6  // handshake failed for another reason than below
	TLSExpired  Outcome = 7  // certificate expired or not yet valid
	TLSName     Outcome = 8  // certificate is for another name
	TLSIssuer   Outcome = 9  // certificate's issuer is not trusted
	HTTP5xx     Outcome = 10 // status 500–599, or the database's server-side errors
	HTTP4xx     Outcome = 11 // status 400–499, or a statement the database refused
	WrongAnswer Outcome = 12 // answered, but not with the right answer
	Unsent      Outcome = 13 // due but never sent: pool saturated or load stopped
	Other       Outcome = 14 // anything else

	ForeignAnswer Outcome = 15 // answered with what belongs to another namespace than was asked

	// LocalShortage is our own failure, not the target's: this machine was out of descriptors, ports, buffers or memory.
	LocalShortage Outcome = 16
	NotReplicated Outcome = 17 // a commit that was acknowledged with a warning: the standby did not confirm it

	// numCommon is one more than the last of them.
	numCommon Outcome = 18
)

var outcomeNames = [numCommon]string{
	"none", "ok", "timeout", "refused", "reset", "dns", "tls", "tls-expired", "tls-name",
	"tls-issuer", "http-5xx", "http-4xx", "wrong-answer", "unsent", "other", "foreign-answer",
	"local-shortage", "not-replicated",
}

// Possible tells whether a closed file can hold the outcome: whether a common one has its number, or a workload may.
func (o Outcome) Possible() bool { return o != None && (o < numCommon || o >= FirstReserved) }

func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome-%d", uint8(o))
}

// Sample is what became of one due request. Offsets are ns since the anchor.
type Sample struct {
	Seq     uint64 // position in the schedule, from 0 without gaps
	Due     int64  // when it had to be sent, by the schedule
	Sent    int64  // when a worker began it, or Never
	Done    int64  // when its outcome was known, or Never
	Outcome Outcome
	Cohort  uint8  // which kind of client, as the workload defines
	Status  uint16 // protocol's status (HTTP), 0 where there is none
	Worker  uint32 // which worker sent it, from 0
}

// Latency is Done − Due in ns: what a user who came on time has waited. It is
// Never for a sample that is not done.
func (s Sample) Latency() int64 {
	if s.Done < 0 {
		return Never
	}
	return s.Done - s.Due
}

func (s Sample) appendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, s.Seq)
	b = le.AppendUint64(b, uint64(s.Due))
	b = le.AppendUint64(b, uint64(s.Sent))
	b = le.AppendUint64(b, uint64(s.Done))
	b = append(b, byte(s.Outcome), s.Cohort)
	b = le.AppendUint16(b, s.Status)
	return le.AppendUint32(b, s.Worker)
}

// decodeSample reads record number n. It refuses what no writer can have
// written: a gap in seq, an unknown outcome, an order of times that cannot be.
func decodeSample(b []byte, n uint64, _ Header) (Sample, error) {
	le := binary.LittleEndian
	s := Sample{
		Seq:     le.Uint64(b),
		Due:     int64(le.Uint64(b[8:])),
		Sent:    int64(le.Uint64(b[16:])),
		Done:    int64(le.Uint64(b[24:])),
		Outcome: Outcome(b[32]),
		Cohort:  b[33],
		Status:  le.Uint16(b[34:]),
		Worker:  le.Uint32(b[36:]),
	}
	return s, s.check(n)
}

func (s Sample) check(n uint64) error {
	switch {
	case s.Seq != n:
		return fmt.Errorf("sample %d: %w: its seq is %d", n, ErrRecord, s.Seq)
	case !s.Outcome.Possible():
		return fmt.Errorf("sample %d: %w: outcome %d", n, ErrRecord, s.Outcome)
	case s.Due < 0 || s.Sent < Never || s.Done < Never:
		return fmt.Errorf("sample %d: %w: a time before the anchor", n, ErrRecord)
	case (s.Outcome == Unsent) != (s.Sent == Never):
		return fmt.Errorf("sample %d: %w: outcome %s, sent %d", n, ErrRecord, s.Outcome, s.Sent)
	case s.Sent != Never && (s.Sent < s.Due || s.Done < s.Sent):
		return fmt.Errorf("sample %d: %w: due %d, sent %d, done %d", n, ErrRecord, s.Due, s.Sent, s.Done)
	}
	return nil
}
