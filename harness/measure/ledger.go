package measure

import (
	"fmt"
	"iter"
	"time"

	"blackstart/harness"
	"blackstart/loadgen"
)

// Names of the classes of a ledger, in the order in which Findings hold them. Every attempt is in exactly one of them but
// duplicate, which counts business keys and comes on top.
const (
	Durable       = "durable"        // ok, on the new primary
	Lost          = "lost"           // ok, not on the new primary
	Ghost         = "ghost"          // unknown, on the new primary
	Stranded      = "stranded"       // unknown, on the old primary only
	CleanFailure  = "clean-failure"  // unknown, on neither
	Unresolved    = "unresolved"     // unknown, not on the new primary, and the old one was not read
	Rejected      = "rejected"       // definite failure, on neither
	ContractBreak = "contract-break" // definite failure, yet on one of them
	NotRead       = "not-read"       // the new primary was not read for it
	Duplicate     = "duplicate"      // a business key with two rows or more
)

var classOrder = []string{
	Durable, Lost, Ghost, Stranded, CleanFailure, Unresolved, Rejected, ContractBreak, NotRead, Duplicate,
}

// meanings say what a class comes to.
var meanings = map[string]string{
	Durable: "acknowledged and there", Lost: "acknowledged and missing: the recovery point", Ghost: "never acknowledged, yet there: reconcile",
	Stranded: "committed on the old primary only, never acknowledged", CleanFailure: "never acknowledged and nowhere",
	Unresolved: "never acknowledged, absent; the old side was not read", Rejected: "certainly not taken (refused, or never sent), and nowhere",
	ContractBreak: "refused, yet there: must be 0", NotRead: "no side was read", Duplicate: "there twice: must be 0",
}

// Meaning says what a class of the ledger comes to, "" of one that does not exist.
func Meaning(class string) string { return meanings[class] }

const (
	// ackWindow is the time before the fault in which acknowledgements are counted, and ackInterval the longest mean time
	// between two of them with which rpo.time may be judged.
	ackWindow   = time.Second
	ackInterval = 5 * time.Millisecond
)

// ClassOf classifies one write attempt.
func ClassOf(a Attempt) string {
	if a.New == Unread {
		return NotRead
	}
	onOld := a.Old > 0
	switch here := a.New > 0; {
	case a.Outcome == loadgen.AttemptOK && here:
		return Durable
	case a.Outcome == loadgen.AttemptOK:
		return Lost
	case a.Outcome == loadgen.AttemptDefinite && (here || onOld):
		return ContractBreak
	case a.Outcome == loadgen.AttemptDefinite:
		return Rejected
	case here:
		return Ghost
	case onOld:
		return Stranded
	case a.Old == Unread:
		return Unresolved
	}
	return CleanFailure
}

// tallied counts attempts, after faults; behind tells which places are in the lost region.
func tallied(attempts iter.Seq[Attempt], behind func(loadgen.Place) bool, faults ...Bounds) ledger {
	if behind == nil {
		behind = func(loadgen.Place) bool { return false }
	}
	l := newLedger(faults, behind)
	for a := range attempts {
		l.add(a)
	}
	return l
}

// countOf finds the count of a class.
func countOf(classes []harness.Class, name string) int {
	for _, c := range classes {
		if c.Name == name {
			return c.Count
		}
	}
	return 0
}

// Loss is what was acknowledged and is missing.
type Loss struct {
	Attempts int    // all attempts looked at
	Acked    int    // those that were acknowledged
	Unread   int    // those whose copies on the new primary are not known
	Lost     int    // acknowledged, not there
	Amount   int64  // of Lost, in minor units
	Diverged int    // of Lost: by writers in the lost region, acknowledged after the fault was in force
	Value    int64  // of Diverged, in minor units
	LastAck  Bounds // ns since the anchor: when the last of Diverged was acknowledged
}

// LossOf counts what is missing of attempts, after a fault that was certainly in force at inForce (ns since the anchor); behind
// tells which places are in the lost region.
func LossOf(attempts iter.Seq[Attempt], inForce int64, behind func(loadgen.Place) bool) Loss {
	l := tallied(attempts, behind, Bounds{Lo: inForce, Hi: inForce})
	return l.loss(0)
}

// LossTime is rpo.time in ns: [Lo, Hi], or from Lo on.
type LossTime struct {
	Lo, Hi    int64
	Unbounded bool   // no acknowledged write before the first lost one is there
	Unknown   string // why there is no such time, "" if there is
}

// RPOTime finds how far back the first lost write lies: [T_f.Lo − a_L, T_f.Hi − a_D], clamped at 0, where a_L is the first
// lost acknowledgement and a_D the last durable one before it. It is 0 if nothing was lost although writes were
// acknowledged, and unknown if there was nothing to lose or too little to time the loss by.
func RPOTime(attempts iter.Seq[Attempt], fault Bounds) LossTime {
	l := tallied(attempts, nil, fault)
	return l.lossTime(0, func() int64 { return lastDurable(attempts, *l.since[0].firstLost) })
}

// lastDurable is the earliest that the last write can have been acknowledged that is there and certainly came before a moment;
// -1 if there is none.
func lastDurable(attempts iter.Seq[Attempt], before Bounds) int64 {
	last := int64(-1)
	for a := range attempts {
		if at := a.done(); at.Hi < before.Lo && ClassOf(a) == Durable {
			last = max(last, at.Lo)
		}
	}
	return last
}

// lossTime is rpo.time after the fault that is the ledger's number i. durable is asked only if something was lost.
func (l *ledger) lossTime(i int, durable func() int64) LossTime {
	s := l.since[i]
	if s.recent == 0 {
		return LossTime{Unknown: "no write was acknowledged in the second before the fault"}
	}
	if s.firstLost == nil {
		return LossTime{}
	}
	last := durable()
	t := LossTime{Lo: max(0, s.fault.Lo-s.firstLost.Hi), Hi: max(0, s.fault.Hi-last), Unbounded: last < 0}
	if t.Unbounded {
		t.Hi = t.Lo
	}
	if s.recent < int(ackWindow/ackInterval) {
		t.Unknown = fmt.Sprintf("only %d writes were acknowledged in the second before the fault: %d are needed to time a loss",
			s.recent, int(ackWindow/ackInterval))
	}
	return t
}

// oracle compares what the old primary holds and the new one lacks with what the clients say was lost. It returns why the
// measurement cannot be right, or "".
func (l *ledger) oracle(missing int) string {
	lost := l.counts[Lost]
	switch surplus := missing - lost; {
	case surplus < 0:
		return fmt.Sprintf("clients miss %d acknowledged writes, but the old primary holds only %d that the new one lacks",
			lost, missing)
	case surplus > l.absent:
		return fmt.Sprintf("the old primary holds %d ids that the new one lacks: %d lost and %d unknown writes do not explain them",
			missing, lost, l.absent)
	case missing != l.onOld:
		return fmt.Sprintf("the old primary was said to hold %d ids that the new one lacks, the ledger files say %d", missing, l.onOld)
	}
	return ""
}
