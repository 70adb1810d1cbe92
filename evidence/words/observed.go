package words

import (
	"strings"

	"blackstart/harness"
)

// observed says on the first page that nothing was broken, so that nobody takes the report of an observation for that of a drill.
func (r *Report) observed(rec *harness.Record) {
	r.Warnings = append([]string{"OBSERVED ONLY: nothing was broken. This is no drill and passes nothing; it shows no recovery, and has no RTO and no RPO."}, r.Warnings...)
	r.Summary, _, _ = strings.Cut(r.Summary, impactIntro)
	r.Summary += ". Every probe, alert channel and guard was asked as in a drill."
	var left []Field
	for _, l := range rec.ObserveOnly.LeftOut {
		left = append(left, Field{Name: spaced(l.What, orWord(l.Name, l.Kind)), Value: "left out: " + l.Why})
	}
	r.NotExecuted = left
}
