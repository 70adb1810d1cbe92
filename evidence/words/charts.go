package words

import (
	"cmp"
	"fmt"
	"slices"

	"blackstart/evidence/facts"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// maxMarks bounds the moments that are marked in a chart.
const maxMarks = 18

// Mark is a moment that a chart names.
type Mark struct {
	At    harness.Interval
	Label string
}

// mark adds the first moment of its name.
func mark(all []Mark, at harness.Interval, label string) []Mark {
	if at.Hi == 0 || len(all) >= maxMarks || slices.ContainsFunc(all, func(m Mark) bool { return m.Label == label }) {
		return all
	}
	return append(all, Mark{at, label})
}

// Marks picks the moments to mark: the faults, what our receivers were told, and the target's own decisions.
func Marks(rec *harness.Record) []Mark {
	var all []Mark
	for _, f := range rec.Faults {
		all = mark(all, f.InForce, f.Plan.Label+" in force")
		if f.Plan.Fault.For > 0 {
			all = mark(all, f.Undone, f.Plan.Label+" over")
		}
	}
	for _, a := range facts.Alerts(rec) {
		if facts.Asked(rec, a.Channel) {
			all = mark(all, a.Came(), alertLabel(a))
		}
	}
	words := logWords(facts.EventsOf(rec.Target.Decisions))
	for _, d := range rec.Decisions {
		if text := words[d.Event]; text != "" {
			all = mark(all, harness.Interval{Lo: d.At, Hi: d.At}, "target: "+text)
		}
	}
	slices.SortStableFunc(all, func(a, b Mark) int { return cmp.Compare(a.At.Lo, b.At.Lo) })
	return all
}

// lateMarks name the events of the drill's own end, which only the chart of its phases reaches.
var lateMarks = map[string]string{"primary.fenced": "old primary fenced", "load.stopped": "load stopped"}

// LateMarks picks the events of the drill's own end.
func LateMarks(events []harness.Event) []Mark {
	var all []Mark
	for _, e := range events {
		if label := lateMarks[e.Kind]; label != "" {
			all = mark(all, e.At, label)
		}
	}
	return all
}

// ChartText is what stands above a chart, beside its axis and below it.
type ChartText struct{ Title, Axis, Caption string }

// ChartTexts are the texts of every chart, by its name.
func ChartTexts(c facts.Curves) map[string]ChartText {
	classes := ChartText{Title: "How clients' requests ended: no load", Caption: "No load of clients was read, so nothing can be shown."}
	if s := c.Outcomes; s.Known {
		classes = ChartText{Title: "How requests of load " + s.Load + " ended", Axis: "requests due in each " + measure.Length(s.WidthNS),
			Caption: fmt.Sprintf("Every due request of load %s, all cohorts, by how it ended. ok is the right answer; the table of clients counts all loads.", s.Load)}
	}
	return map[string]ChartText{
		"classes": classes,
		"latency": {Title: "Latency from due time, load " + orWord(c.P50.Of, "no load"), Axis: "milliseconds",
			Caption: "Latency of the requests due in each half second, counted from when they were due."},
		"success": {Title: "Success rate", Axis: "percent of due requests", Caption: "Share of the requests due in each half second that were answered well, by load."},
		"replication": {Title: "Age of the standby's data", Axis: "seconds",
			Caption: "Age of the primary's heartbeat row as the standby has it: what a failover at that moment would have lost. The line ends where the " +
				"standby was promoted or gave no answer."},
		"timeline": {Title: "Timeline", Caption: "Acts of the drill and what happened in them."},
	}
}

// ClassWords is what people call an outcome; measure's words of OK speak of lateness, which nobody judges here.
func ClassWords(rec *harness.Record, o loadgen.Outcome) string {
	if o == loadgen.OK {
		return "ok"
	}
	return measure.ClassWords(rec, o)
}
