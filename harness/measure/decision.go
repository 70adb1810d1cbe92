package measure

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
)

// MeasureDecision is what the target decided.
const MeasureDecision = "decision"

var _ = Add(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureDecision, Title: "decision", Doc: "what the target decided, by its own log and as seen from outside", Unit: harness.UnitWord,
		Words: []string{DecidedFailedOver, DecidedRefused, DecidedNone}, Fault: true,
	},
	Formula: "decision",
	Find:    func(d *Dataset, o TimedObjective) harness.Measurement { return d.decision(o.Is, o.InForce, o.Err) },
	Files: func(d *Dataset, _ harness.Objective) []string {
		return append(d.probeFiles(probeWritable), d.probeFiles(probeDNS)...)
	},
	Contradicted: func(d *Dataset, _ harness.Objective, fault harness.Interval) string { return d.loggedEarly(fault) },
	Explained:    true,
	Asking:       func(o harness.Objective) string { return "the target's decision: " + decisionWords(o.Is) },
	Missed: func(f harness.Finding) string {
		return "the target's decision was " + Value(f.Measured) + ", it must be " + decisionWords(f.Objective.Is)
	},
})

// What a target can have decided, and what it can be seen to have done.
const (
	DecidedFailedOver = "failed-over"
	DecidedRefused    = "refused"
	DecidedNone       = "none"
	decidedHalf       = "half" // the standby was promoted, or clients were sent there, but not both
	seenStayed        = "stayed"
)

// failoverSign is one thing by which a failover is seen from outside.
type failoverSign struct {
	known, moved bool
	words        string
}

// decision compares what the target's own log says it decided after a fault with what was seen from outside. With want, the
// value is 0 if both say that, and 1 if they do not; without, it is 1 if they disagree.
func (d *dataset) decision(want string, fault harness.Interval, faultErr error) harness.Measurement {
	m := harness.Measurement{Name: MeasureDecision, Unit: harness.UnitWord,
		Method: "from the target's own log, compared with writes on the standby, the entry point's address and the standby's role"}
	if faultErr != nil {
		m.Detail = faultErr.Error()
		return m
	}
	signs := d.failoverSigns(fault)
	outside := seenOutside(signs)
	logged, reason, err := d.decided(fault)
	switch {
	case err != nil:
		m.Detail = err.Error() + "; from outside: " + signWords(signs)
		return m
	case outside == "":
		m.Detail = "nothing was seen from outside that could be compared with the log, which says " + spoken(logged)
		return m
	}
	m.Known, m.Text = true, logged
	m.Detail = "the log and the outside agree: " + signWords(signs)
	if reason != "" {
		m.Detail = "the log gives the reason: " + reason + "; " + m.Detail
	}
	agree := logged == outside || outside == seenStayed && (logged == DecidedRefused || logged == DecidedNone)
	if !agree {
		m.Text = "log " + logged + ", outside " + outside
		m.Detail = "the log says " + spoken(logged) + ", yet " + against(signs, logged)
	}
	if !agree || want != "" && logged != want {
		m.Lo, m.Hi = 1, 1
	}
	return m
}

// decided reads the target's own log: its word, and the reason it gives for a refusal.
func (d *dataset) decided(fault harness.Interval) (word, reason string, err error) {
	log := d.rec.Target.Decisions
	switch {
	case log == nil:
		return "", "", fmt.Errorf("the target keeps no log that could be read")
	case d.rec.DecisionsErr != "":
		return "", "", fmt.Errorf("the target's log was not read: %s", d.rec.DecisionsErr)
	case log.Promoted == "" && log.Switched == "" && log.Done == "":
		return "", "", fmt.Errorf("the target does not say which events of its log mean a failover")
	}
	has := func(event string) bool { at, err := d.logged(event, fault); return err == nil && !at.Never() }
	promoted, switched := has(log.Promoted), has(log.Switched)
	switch {
	case has(log.Done), (promoted || log.Promoted == "") && (switched || log.Switched == "") && (promoted || switched):
		return DecidedFailedOver, "", nil
	case promoted || switched:
		return decidedHalf, "", nil
	case !has(log.Refused):
		return DecidedNone, "", nil
	}
	for _, dec := range d.rec.Decisions {
		if at := d.onDrillClock(dec.At); dec.Event == log.Refused && at.Hi >= fault.Lo && at.Lo < d.next(fault) {
			return DecidedRefused, dec.Detail["reason"], nil
		}
	}
	return DecidedRefused, "", nil
}

// failoverSigns looks at the standby and at the entry point from outside, up to when each was last looked at.
func (d *dataset) failoverSigns(fault harness.Interval) []failoverSign {
	after := func(at harness.Interval) string {
		lo, hi, ok := span(at, fault)
		if !ok {
			return "before the fault"
		}
		return Span(lo, hi) + " after the fault"
	}
	wrote := failoverSign{words: "the standby took no write"}
	on, _ := standbyProbe(d.rec)
	answers, _, _ := d.observations(probeWritable) // without a series the sign is not known
	for o := range answers {
		if o.On == on {
			wrote.known = true
			break
		}
	}
	if w := d.writable(fault); !w.Never() {
		wrote = failoverSign{true, true, "the standby took a write " + after(w)}
	}
	sent := failoverSign{words: "the entry point was never sent to the standby"}
	standby := slices.IndexFunc(d.rec.Target.Regions, func(r harness.Region) bool { return r.Role == harness.Standby })
	answers, _, _ = d.observations(probeDNS) // without a series the sign is not known
	for o := range answers {
		if !o.Reached || !o.OK || o.At.Hi < fault.Lo || o.At.Lo >= d.next(fault) || standby < 0 {
			continue
		}
		sent.known = true
		if o.Value == int64(standby) {
			sent.moved, sent.words = true, "the entry point was sent to "+d.rec.Target.Regions[standby].Name+" "+after(o.At)
			break
		}
	}
	role := failoverSign{known: d.rec.Ledger.RoleKnown() && len(d.clocks) < 2, words: "the standby was still in recovery at the end"}
	if d.rec.Ledger.Promoted && len(d.clocks) < 2 { // at the end, after all of them
		role = failoverSign{true, true, "the standby had left recovery at the end"}
	}
	return []failoverSign{wrote, sent, role}
}

// seenOutside is what the signs that are known come to, "" if none is.
func seenOutside(signs []failoverSign) string {
	known, moved := 0, 0
	for _, s := range signs {
		if s.known {
			known++
			if s.moved {
				moved++
			}
		}
	}
	switch {
	case known == 0:
		return ""
	case moved == known:
		return DecidedFailedOver
	case moved == 0:
		return seenStayed
	}
	return decidedHalf
}

func signWords(signs []failoverSign) string {
	var words []string
	for _, s := range signs {
		if s.known {
			words = append(words, s.words)
		}
	}
	if len(words) == 0 {
		return "nothing was seen"
	}
	return strings.Join(words, ", ")
}

// against lists the signs that speak against the log's word; half of anything is contradicted by all of them together.
func against(signs []failoverSign, logged string) string {
	if logged == decidedHalf {
		return signWords(signs)
	}
	var words []string
	for _, s := range signs {
		if s.known && s.moved != (logged == DecidedFailedOver) {
			words = append(words, s.words)
		}
	}
	return strings.Join(words, " and ")
}

// spoken is a word of a decision as part of a sentence.
func spoken(word string) string {
	switch word {
	case DecidedFailedOver:
		return "failed over"
	case decidedHalf:
		return "half failed over"
	case DecidedNone:
		return "nothing of a failover"
	}
	return word
}
