package measure

import (
	"fmt"

	"blackstart/harness"
	"blackstart/loadgen"
)

// classWords are what people call the ways in which a request can fail.
var classWords = map[loadgen.Outcome]string{
	loadgen.OK:            "answers that came too late",
	loadgen.Timeout:       "no answer in time",
	loadgen.Refused:       "connection refused",
	loadgen.Reset:         "connection broken",
	loadgen.DNS:           "name not resolved",
	loadgen.TLS:           "TLS handshake failed",
	loadgen.TLSExpired:    "certificate expired",
	loadgen.TLSName:       "certificate for another name",
	loadgen.TLSIssuer:     "unknown issuer of the certificate",
	loadgen.HTTP5xx:       "server errors",
	loadgen.HTTP4xx:       "requests refused by the server",
	loadgen.WrongAnswer:   "wrong answers",
	loadgen.ForeignAnswer: "answers of another namespace",
	loadgen.NotReplicated: "commits that were not replicated, warned",
	loadgen.LocalShortage: "requests that this machine could not send",
	loadgen.Unsent:        "requests that were not sent",
	loadgen.Other:         "other errors",
}

// outcomeNames gives the names of outcomes by code, as a record has them; "" is one that it does not name.
type outcomeNames [loadgen.NumOutcomes]string

func namesOf(rec *harness.Record) *outcomeNames {
	var names outcomeNames
	for _, c := range rec.Outcomes {
		names[c.Code] = c.Name
	}
	return &names
}

// ClassWords is what people call an outcome, of OK, which is an error only where it came late, that it did; what only a workload
// knows is called as the record names it.
func ClassWords(rec *harness.Record, o loadgen.Outcome) string {
	if words, ok := classWords[o]; ok {
		return words
	}
	if name := namesOf(rec)[o]; name != "" {
		return name
	}
	return o.String()
}

// errorClasses counts, for every load and cohort, the outcomes that users call errors, due from T_f to the end of its
// window. Requests that were never sent, or not for want of something of ours, are the harness's own shortfall and not among them.
func (d *dataset) errorClasses(c clock) []harness.Measurement {
	if c.tf.Never() {
		return nil
	}
	var all []harness.Measurement
	for _, s := range d.series {
		for cohort, count := range s.in(max(0, d.number(c.tf))).errors {
			for outcome, n := range count {
				o := loadgen.Outcome(outcome) //nolint:gosec // below NumOutcomes
				if n == 0 || d.codes[o] == "" || o == loadgen.OK || o == loadgen.Unsent || o == loadgen.LocalShortage {
					continue
				}
				m := exact(NameErrors+d.codes[o], n, harness.UnitCount, "requests due after T_f that ended so")
				m.Load, m.Detail = s.Stream.Load, ClassWords(d.rec, o)
				if cohort < len(s.Stream.Cohorts) {
					m.Cohort = s.Stream.Cohorts[cohort]
				}
				all = append(all, m)
			}
		}
	}
	return all
}

// dominant finds the commonest way in which the requests of a cohort due in [from, to] were bad by the limit that counts as
// recovered, and how many of all of them were bad in that way. It is None if none was bad.
func (d *dataset) dominant(own cohortSamples, from, to int64) (class loadgen.Outcome, count, all int) {
	var counts [loadgen.NumOutcomes]int
	i, j := own.between(from, to+1)
	for s, err := range d.src.Samples(own.stream.ID, i) {
		if err != nil || i >= j {
			break
		}
		i++
		if own.has(s) {
			all++
			if bad(s, own.slo) {
				counts[s.Outcome]++
			}
		}
	}
	for o, n := range counts {
		if n > count {
			class, count = loadgen.Outcome(o), n //nolint:gosec // below NumOutcomes
		}
	}
	return class, count, all
}

// clientsSaw says what a cohort that did not recover saw in its last window: "certificate expired (98%)".
func (d *dataset) clientsSaw(s cohortOutage) string {
	limits := d.rec.Scenario.Recovered
	class, n, all := d.dominant(s.cohort.Own, s.end-int64(limits.Window), s.end)
	if n == 0 {
		return ""
	}
	said := fmt.Sprintf("%s (%s)", ClassWords(d.rec, class), percent(n, all))
	if back := d.anyAnswer(s); back.Recovered {
		lo, hi, _ := span(d.stamps(back.Restored), s.fault)
		said += ", though answers of any kind came again after " + Span(lo, hi)
	}
	return said
}

// percent prints a share, rounded down but for what would be none of it.
func percent(n, all int) string {
	if share := mulDiv(int64(n), 100, int64(all)); share > 0 {
		return fmt.Sprintf("%d%%", share)
	}
	return "less than 1%"
}

// anyAnswer is the outage as one sees it who asks only whether an answer came: a wrong one counts as good. It is only worked
// out for a cohort that was given wrong answers.
func (d *dataset) anyAnswer(s cohortOutage) Outage {
	fault := d.bounds(s.fault).there(s.cohort.Ahead)
	wrong := func(t cohortSamples) bool {
		from, to := t.between(fault.Lo, s.end+1)
		return t.forth(from, to, t.wrong.word) >= 0
	}
	if s.err != nil || !wrong(s.cohort.Own) && !wrong(s.cohort.Edges) {
		return Outage{}
	}
	c := s.cohort
	c.Own.lenient, c.Edges.lenient = true, true
	outage, err := Restored(c, d.rec.Scenario.Recovered, fault, s.end)
	if err != nil {
		return Outage{}
	}
	return outage.back(c.Ahead)
}

func answeredWrong(s loadgen.Sample) bool {
	return s.Outcome == loadgen.WrongAnswer || s.Outcome == loadgen.ForeignAnswer
}

// answering gives the time until answers of any kind came again, beside an RTO that counts right answers only. It is there
// only for a cohort that was given wrong ones.
func (d *dataset) answering(s cohortOutage) []harness.Measurement {
	back := d.anyAnswer(s)
	if !back.Recovered {
		return nil
	}
	m := between(NameRTOAnswering, "as RTO, with wrong answers counted as good: never judged", d.stamps(back.Restored), s.fault)
	m.Load, m.Cohort = s.cohort.Load, s.cohort.Name
	return []harness.Measurement{m}
}
