package measure

import (
	"fmt"

	"blackstart/harness"
	"blackstart/loadgen"
)

// Writes is what a ledger stream holds, as far as it is judged.
type Writes struct {
	Stream harness.Stream
	Err    error

	ledger ledger
	first  int    // attempts that repeat none
	fault  string // the first attempt that is not as the format says, "" if none
}

// ledger counts attempts, of one stream or of several.
type ledger struct {
	attempts, acked   int
	unread, unreadOld int
	counts            map[string]int           // by class
	amounts           map[string]int64         // by class, in minor units
	doubled           int                      // ids with two rows or more
	absent            int                      // unknown, and not on the new primary
	onOld             int                      // on the old primary only
	unattributed      int                      // lost by one of two clocks: by which is not known
	behind            func(loadgen.Place) bool // whether a place is in the region that was primary
	since             []faultLoss              // by the moments of faults, in the drill's order
	cuts              []cut                    // between the losses of several clocks; nil: there is one
}

// faultLoss counts what depends on when a fault came into force.
type faultLoss struct {
	fault     Bounds
	clock     int     // which clock it starts, -1: none
	recent    int     // acknowledged in the second before it
	lost      int     // by its clock; of a fault that starts none, all that are lost
	amount    int64   // of lost, in minor units
	firstLost *Bounds // the first acknowledgement that was lost, ns since the anchor; nil: none was
	diverged  int     // lost, of writers in the lost region, acknowledged after it was in force
	value     int64
	lastAck   Bounds
}

func newLedger(faults []Bounds, behind func(loadgen.Place) bool) ledger {
	l := ledger{counts: map[string]int{}, amounts: map[string]int64{}, behind: behind}
	for _, f := range faults {
		l.since = append(l.since, faultLoss{fault: f})
	}
	return l
}

func (l *ledger) add(a Attempt) {
	class := ClassOf(a)
	l.attempts++
	l.counts[class]++
	l.amounts[class] += a.Amount
	if a.New > 1 {
		l.doubled++
		l.amounts[Duplicate] += a.Amount
	}
	if a.New == Unread {
		l.unread++
	}
	if a.Old == Unread {
		l.unreadOld++
	}
	if a.New == 0 && a.Old > 0 {
		l.onOld++
	}
	if a.New == 0 && a.Outcome == loadgen.AttemptUnknown {
		l.absent++
	}
	if a.Outcome == loadgen.AttemptOK {
		l.acked++
		l.addAck(a, class == Lost)
	}
}

// addAck counts an acknowledged write by each fault that a loss counts from.
func (l *ledger) addAck(a Attempt, lost bool) {
	behind, clock, known := l.behind(a.Place), -1, true
	if lost && l.cuts != nil {
		clock, known = lostBy(l.cuts, a, behind)
	}
	if !known {
		l.unattributed++
	}
	for i := range l.since {
		s := &l.since[i]
		s.add(a, lost && (clock < 0 || s.clock < 0 || s.clock == clock), behind)
	}
}

// lose takes a lost acknowledgement into the first of them.
func (s *faultLoss) lose(at Bounds) {
	if s.firstLost == nil {
		s.firstLost = &at
		return
	}
	s.firstLost = &Bounds{min(s.firstLost.Lo, at.Lo), min(s.firstLost.Hi, at.Hi)}
}

// add counts an acknowledged write: lost is one that is missing by this fault, behind one of a writer in the lost region.
func (s *faultLoss) add(a Attempt, lost, behind bool) {
	at := a.done()
	if at.Lo >= s.fault.Lo-int64(ackWindow) && at.Hi < s.fault.Lo {
		s.recent++
	}
	if !lost {
		return
	}
	s.lost++
	s.amount += int64(a.Amount)
	s.lose(at)
	if behind && at.Lo > s.fault.Hi {
		s.diverged++
		s.value += a.Amount
		s.lastAck = s.lastAck.later(at)
	}
}

// later is the later of two moments.
func (b Bounds) later(o Bounds) Bounds { return Bounds{max(b.Lo, o.Lo), max(b.Hi, o.Hi)} }

// join adds what another ledger counted, by the same faults.
func (l *ledger) join(o ledger) {
	l.attempts, l.acked = l.attempts+o.attempts, l.acked+o.acked
	l.unread, l.unreadOld = l.unread+o.unread, l.unreadOld+o.unreadOld
	l.doubled, l.absent, l.onOld, l.unattributed = l.doubled+o.doubled, l.absent+o.absent, l.onOld+o.onOld, l.unattributed+o.unattributed
	for class, n := range o.counts {
		l.counts[class] += n
	}
	for class, amount := range o.amounts {
		l.amounts[class] += amount
	}
	for i := range l.since {
		s, other := &l.since[i], o.since[i]
		s.recent, s.diverged, s.value = s.recent+other.recent, s.diverged+other.diverged, s.value+other.value
		s.lost, s.amount = s.lost+other.lost, s.amount+other.amount
		if other.firstLost != nil {
			s.lose(*other.firstLost)
		}
		s.lastAck = s.lastAck.later(other.lastAck)
	}
}

// classes gives the counts of all classes in a fixed order. twice is the number of business keys with two rows or more.
func (l *ledger) classes(twice int, exponent uint8) []harness.Class {
	classes := make([]harness.Class, 0, len(classOrder))
	for _, name := range classOrder {
		n := l.counts[name]
		if name == Duplicate {
			n = max(twice, l.doubled)
		}
		classes = append(classes, harness.Class{Name: name, Count: n, Amount: harness.Amount{Minor: l.amounts[name], Exponent: exponent}})
	}
	return classes
}

// loss tells what is missing, after the fault that is the ledger's number i.
func (l *ledger) loss(i int) Loss {
	s := l.since[i]
	return Loss{
		Attempts: l.attempts, Acked: l.acked, Unread: l.unread, Lost: s.lost, Amount: s.amount,
		Diverged: s.diverged, Value: s.value, LastAck: s.lastAck,
	}
}

// readWrites reads a ledger once for all that can be counted.
func (d *dataset) readWrites(s harness.Stream, src Source) Writes {
	w := Writes{Stream: s, ledger: d.newLedger()}
	ahead := d.ahead(s)
	for a, err := range src.Attempts(s.ID) {
		if err != nil {
			w.Err = err
			break
		}
		a.Ahead = ahead
		if w.fault == "" {
			w.fault = w.faultOf(a)
		}
		if a.RetryOf == 0 {
			w.first++
		}
		w.ledger.add(a)
	}
	return w
}

// faultOf tells what is wrong with the next attempt, or "".
func (w *Writes) faultOf(a Attempt) string {
	switch n := w.ledger.attempts; {
	case a.ID != loadgen.AttemptID(uint32(w.Stream.ID), uint64(n)): //nolint:gosec // a stream's id is small
		return fmt.Sprintf("attempt %d has id %d: one is missing before it", n, a.ID)
	case a.Outcome < loadgen.AttemptOK || a.Outcome > loadgen.AttemptUnknown:
		return fmt.Sprintf("attempt %d has no outcome", n)
	case int(a.Place) != w.Stream.Place:
		return fmt.Sprintf("attempt %d was made at place %d, and the clients of its stream stand at place %d", n, a.Place, w.Stream.Place)
	case a.Done < a.Sent || a.Sent < 0:
		return fmt.Sprintf("attempt %d was sent and done in an order that cannot be", n)
	}
	return ""
}

// wasPrimary tells whether a place is in the region that was primary when the drill began.
func (d *dataset) wasPrimary(p loadgen.Place) bool {
	place, _ := d.rec.Place(int(p))
	return place.Role == harness.Primary
}
