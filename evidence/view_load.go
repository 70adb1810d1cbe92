package evidence

import (
	"fmt"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// load counts each stream's samples: intended, offered, answered well.
func (v *view) load() []reports.Stream {
	var rows []reports.Stream
	src := measure.Files(v.source, v.rec)
	for _, s := range v.rec.Streams {
		if s.Kind != "samples" {
			continue
		}
		row := reports.Stream{Name: s.Load + " (" + s.Workload + ")", Place: v.roleOf(s), Intended: fmt.Sprintf("%d/s", s.Freq)}
		counts, all, err := map[loadgen.Outcome]int{}, 0, error(nil)
		var one loadgen.Sample
		for one, err = range src.Samples(s.ID, 0) {
			if err == nil {
				counts[one.Outcome]++
				all++
			}
		}
		if err != nil {
			row.Outcomes = "file is not whole: " + err.Error()
			rows = append(rows, row)
			continue
		}
		offered := all - counts[loadgen.Unsent]
		row.Intended += ", " + measure.Count(int64(all))
		row.Offered, row.Achieved = measure.Count(int64(offered)), measure.Count(int64(counts[loadgen.OK]))
		row.Outcomes = v.outcomes(counts)
		rows = append(rows, row)
	}
	return rows
}

// roleOf is that of the place where the clients of a stream stand.
func (v *view) roleOf(s harness.Stream) string {
	p, _ := v.rec.Place(s.Place) // verify refuses a record that does not name it
	return p.Role
}

func (v *view) outcomes(counts map[loadgen.Outcome]int) string {
	var parts []string
	for _, o := range v.rec.Outcomes {
		if n := counts[o.Code]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", o.Name, measure.Count(int64(n))))
		}
	}
	return strings.Join(parts, ", ")
}

// meanings explain the ledger's classes.
var meanings = map[string]string{
	"durable": "acknowledged and there", "lost": "acknowledged and missing: the recovery point", "ghost": "never acknowledged, yet there: reconcile",
	"stranded": "committed on the old primary only, never acknowledged", "clean-failure": "never acknowledged and nowhere",
	"unresolved": "never acknowledged, absent; the old side was not read", "rejected": "certainly not taken (refused, or never sent), and nowhere",
	"contract-break": "refused, yet there: must be 0", "not-read": "no side was read", "duplicate": "there twice: must be 0",
}

func (v *view) ledger() []reports.LedgerClass {
	var rows []reports.LedgerClass
	for _, c := range v.f.Ledger {
		rows = append(rows, reports.LedgerClass{Class: c.Name, Count: measure.Count(int64(c.Count)), Amount: c.Amount.String(), Meaning: meanings[c.Name]})
	}
	return rows
}

// controlTotal is the sum of all amounts of a ledger stream, acknowledged or not; "" for samples, which carry none.
func (v *view) controlTotal(s harness.Stream) string {
	if s.Kind != "ledger" {
		return ""
	}
	sum := harness.Amount{Exponent: s.Traits().Exponent}
	for a, err := range measure.Files(v.source, v.rec).Attempts(s.ID) {
		if err != nil {
			return ""
		}
		sum.Minor += a.Amount
	}
	return sum.String()
}

// bounds prints the exact ends of a measurement.
func bounds(m harness.Measurement) string {
	if !m.Known {
		return ""
	}
	if m.Unit != harness.UnitNS {
		return "exact"
	}
	if m.Unbounded {
		return fmt.Sprintf("[%.3f s, ∞)", float64(m.Lo)/1e9)
	}
	if m.Hi < 1e9 {
		return fmt.Sprintf("[%.3f ms, %.3f ms]", float64(m.Lo)/1e6, float64(m.Hi)/1e6)
	}
	return fmt.Sprintf("[%.4f s, %.4f s]", float64(m.Lo)/1e9, float64(m.Hi)/1e9)
}
