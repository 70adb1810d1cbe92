package measure

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"blackstart/harness"
)

const (
	// inRecovery is what postgres.writable says of a standby that is one.
	inRecovery = "in recovery"
	// unansweredRow is how many questions in a row must go unanswered before they are held against clients who say that
	// they were served: one of a hundred requests may fail while the service counts as restored.
	unansweredRow = 5
)

// A witness is one account of a moment, with its bounds.
type witness struct {
	name string
	at   harness.Interval
}

// before tells whether a was certainly before b: the time between them is longer than the sum of the bounds of both.
func (a witness) before(b witness) bool {
	if a.at.Never() || b.at.Never() {
		return false
	}
	return b.at.Lo-a.at.Hi > a.width()+b.width()
}

func (a witness) width() harness.Stamp { return a.at.Hi - a.at.Lo }

// contradiction holds the witnesses of an objective against each other, and names two that cannot both be right, "" if there
// are none. A measurement that a second witness contradicts is worth nothing, however it came out.
func (d *dataset) contradiction(o harness.Objective) string {
	fault, err := d.moment(originOf(o))
	if d.null() || err != nil || d.later(fault) && !RowOf(o.Measure).Outage { // roles may have moved before: who is which is not known
		return ""
	}
	if o.From == fromDeclaration && !d.later(fault) {
		if why := d.declaredLate(fault); why != "" {
			return why
		}
	}
	if of := RowOf(o.Measure); of.Contradicted != nil {
		return of.Contradicted(d, o, fault)
	}
	return ""
}

// doubtContradicted takes the verdict from an objective whose witnesses contradict each other. A word that the outside
// contradicts has failed already, by what it measures.
func (d *dataset) doubtContradicted(f *harness.Finding) {
	if f.Verdict == harness.Inconclusive || f.Verdict == harness.Fail && RowOf(f.Objective.Measure).Unit == harness.UnitWord {
		return
	}
	if why := d.contradiction(f.Objective); why != "" {
		f.Verdict = harness.Inconclusive
		f.Reason = f.Objective.ID + ": cannot be judged: " + why
	}
}

// witnessWords gives a moment in words.
func witnessWords(w witness, fault harness.Interval) string {
	lo, hi, ok := span(w.at, fault)
	if !ok {
		return w.name + " before the fault"
	}
	return w.name + " " + Span(lo, hi) + " after the fault"
}

func disagree(first, second witness, fault harness.Interval) string {
	return "two witnesses disagree: " + witnessWords(first, fault) + ", yet " + witnessWords(second, fault)
}

// declaredLate: a failover is declared before the standby takes writes and before clients are sent there.
func (d *dataset) declaredLate(fault harness.Interval) string {
	declared, err := d.declared(fault)
	if err != nil {
		return ""
	}
	said := witness{"the target's log declares the failover", declared}
	for _, w := range []witness{{"the standby took a write (postgres.writable)", d.writable(fault)}, d.sentThere(fault)} {
		if w.at.Hi >= fault.Lo && w.before(said) {
			return disagree(w, said, fault)
		}
	}
	return ""
}

// loggedEarly: what the log says is done is seen from outside from then on.
func (d *dataset) loggedEarly(fault harness.Interval) string {
	log := d.rec.Target.Decisions
	if log == nil {
		return ""
	}
	if at, err := d.logged(log.Promoted, fault); err == nil {
		said := witness{"the target's log says the standby is promoted", at}
		if w := d.lastInRecovery(fault); said.before(w) {
			return disagree(said, w, fault)
		}
	}
	if at, err := d.logged(log.Switched, fault); err == nil {
		at.Hi += harness.Stamp(d.rec.Target.Timings.TTLNS) // an answer may be as old as the entry point allows
		said := witness{"the target's log says clients are sent to the standby", at}
		if w := d.lastSentElsewhere(fault); said.before(w) {
			return disagree(said, w, fault)
		}
	}
	return ""
}

// wroteEarly: nothing is acknowledged by a standby in recovery, and one that takes writes has left it.
func (d *dataset) wroteEarly(fault harness.Interval) string {
	if w := d.writable(fault); !d.rec.Ledger.Promoted && d.rec.Ledger.RoleKnown() && d.rec.Ledger.Read && !w.Never() && w.Lo > fault.Hi {
		took := witness{"the standby took a write (postgres.writable)", w}
		return "two witnesses disagree: " + witnessWords(took, fault) + ", yet its own word at the end was that it had never left recovery"
	}
	last := d.lastInRecovery(fault)
	if d.ledger("").err != nil || !d.rec.Ledger.Promoted || !d.rec.Ledger.OldRead || last.at.Never() {
		return ""
	}
	for a := range d.Attempts("") {
		if ClassOf(a) != Durable || a.Old != 0 || a.Sent-a.Ahead.Hi < d.sinceAnchor(fault.Hi) {
			continue
		}
		ack := witness{fmt.Sprintf("the client of write %d was told that it is kept", a.ID), d.stamps(Bounds{a.Sent - a.Ahead.Hi, a.Done - a.Ahead.Lo})}
		if ack.before(last) {
			return disagree(ack, last, fault) + ", and only there that write is found"
		}
	}
	return ""
}

// servedEarly: clients of a region that is gone are served when the entry point sends them elsewhere, and the known questions
// are answered again when the service is restored.
func (d *dataset) servedEarly(o harness.Objective, fault harness.Interval) string {
	s := d.cohortOutage(o.Load, o.Cohort, fault)
	if s.err != nil || !s.outage.Recovered {
		return ""
	}
	served := witness{"the clients of load " + o.Load + " were served again", d.stamps(s.outage.Restored)}
	if !d.later(fault) && d.regionGone(originOf(o), served.at) {
		sent := d.sentThere(fault)
		if served.before(sent) {
			return disagree(served, sent, fault)
		}
		if last := d.lastSentElsewhere(fault); sent.at.Never() && served.before(last) {
			return disagree(served, last, fault) + ", to the region that was gone"
		}
	}
	if s.cohort.Name != cohortFresh && s.cohort.Name != "" {
		return "" // the probe asks as a new client does
	}
	if silent := d.unanswered(served.at.Hi, d.end(fault)); served.before(silent) {
		return disagree(served, silent, fault)
	}
	return ""
}

// regionGone tells whether the fault took the whole primary region away, and had not been taken back by then.
func (d *dataset) regionGone(from origin, by harness.Interval) bool {
	f, err := d.faultOf(from)
	if err != nil {
		return false
	}
	return f.Plan.Isolates && f.Plan.Fault.On == harness.Primary && (f.Undone.Never() || f.Undone.Lo > by.Hi)
}

// directed gives the answers of the entry point that name a region, in order of time, and the index of the standby's.
func (d *dataset) directed() (iter.Seq[harness.Observation], int64) {
	standby := slices.IndexFunc(d.rec.Target.Regions, func(r harness.Region) bool { return r.Role == harness.Standby })
	answers, _, _ := d.observations(probeDNS) // without a series nothing is known
	return func(yield func(harness.Observation) bool) {
		for o := range answers {
			if o.Reached && o.OK && o.At.Lo > 0 && o.At.Hi >= o.At.Lo && standby >= 0 && !yield(o) {
				return
			}
		}
	}, int64(standby)
}

// sentThere is when the entry point was first seen to send clients to the standby after a fault.
func (d *dataset) sentThere(fault harness.Interval) witness {
	answers, standby := d.directed()
	w := witness{name: "the entry point first sent clients to the standby (dns.answer)"}
	before := harness.Stamp(0) // when the last answer was asked for that named another region
	for o := range answers {
		if o.Value == standby {
			if before > 0 && o.At.Hi >= fault.Lo && o.At.Lo < d.next(fault) { // else it was sent there all along
				w.at = harness.Interval{Lo: before, Hi: o.At.Hi}
			}
			return w
		}
		before = o.At.Lo
	}
	return w
}

// lastSentElsewhere is the last answer with which the entry point sent clients to another region, before it first sent them to
// the standby.
func (d *dataset) lastSentElsewhere(fault harness.Interval) witness {
	answers, standby := d.directed()
	w := witness{name: "the entry point still sent clients elsewhere (dns.answer)"}
	for o := range answers {
		if o.Value == standby {
			break
		}
		if o.At.Hi <= d.end(fault) {
			w.at = o.At
		}
	}
	return w
}

// lastInRecovery is the last answer with which the standby said that it was in recovery, before its first write.
func (d *dataset) lastInRecovery(fault harness.Interval) witness {
	w := witness{name: "the standby was still in recovery (postgres.writable)"}
	on, _ := standbyProbe(d.rec)
	answers, _, _ := d.observations(probeWritable) // without a series nothing is known
	for o := range answers {
		if o.On != on || !o.Reached {
			continue
		}
		if o.OK {
			break
		}
		if strings.HasPrefix(o.Detail, inRecovery) && o.At.Hi <= d.end(fault) {
			w.at = o.At
		}
	}
	return w
}

// unanswered is the last of the known questions, asked in a row from a moment on, that got no answer. It is never if fewer
// than unansweredRow did.
func (d *dataset) unanswered(from, end harness.Stamp) witness {
	w := witness{name: "the known questions still went unanswered (answers.known)"}
	answers, _, _ := d.observations(probeAnswers) // without a series nothing is known
	n := 0
	for o := range answers {
		if o.At.Lo <= from || o.At.Lo > end || o.Answer == nil || o.Answer.Wrote {
			continue
		}
		if o.OK {
			break
		}
		n++
		w.at = harness.Interval{Lo: o.At.Lo, Hi: o.At.Lo} // when it was asked: how long it waited is another matter
	}
	if n < unansweredRow {
		w.at = harness.Interval{}
	}
	return w
}
