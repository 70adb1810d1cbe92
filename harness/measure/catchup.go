package measure

import (
	"fmt"
	"iter"

	"blackstart/harness"
)

// MeasureCatchup is how long a standby needs to follow again.
const MeasureCatchup = "replication.catchup"

var _ = Add(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureCatchup, Title: "catch-up", Doc: "how long a standby needs to follow again after the end of a fault", Unit: harness.UnitNS,
		Fault: true, Lasting: true, Watched: true, Probes: []string{probeHeartbeat},
	},
	Formula: "catching up",
	Find:    func(d *Dataset, o TimedObjective) harness.Measurement { return d.catchup(originOf(o.Objective)) },
	Files:   func(d *Dataset, _ harness.Objective) []string { return d.probeFiles(probeHeartbeat) },
	Standby: true, InTable: "Caught up after the fault was taken back",
	Endless: "the standby has not caught up",
	Asking:  func(o harness.Objective) string { return "the standby caught up within " + o.AtMost + fromWords(o) },
	Missed:  func(f harness.Finding) string { return "the standby had not caught up within " + f.Objective.AtMost },
})

// ageLimit is how old the steady state lets the answers of a probe be, 0 if it requires nothing of it.
func ageLimit(s harness.Scenario, probe string) int64 {
	listed := map[string]string{}
	for _, p := range s.Probes {
		listed[p.ID] = p.Probe
	}
	for _, r := range s.SteadyState.Require {
		if r.AgeAtMost > 0 && (r.Probe == probe || listed[r.Probe] == probe) {
			return int64(r.AgeAtMost)
		}
	}
	return 0
}

// CaughtUp bounds when the standby caught up after from: not before the last answer that was certainly older than limit (ns),
// and by the first answer within it after which every answer is. answers are in order of time. It is never if the last answer
// is not within the limit, and asked tells whether there was any answer at all after from.
func CaughtUp(answers iter.Seq[harness.Observation], limit int64, from, end harness.Stamp) (at harness.Interval, asked bool) {
	at.Lo = from
	for o := range answers {
		if o.At.Hi < from || o.At.Hi > end {
			continue
		}
		switch {
		case !aged(o) || o.Value > limit:
			asked, at.Hi = true, 0
			if aged(o) && o.At.Lo > from && o.Value-int64(o.At.Hi-o.At.Lo) > limit {
				at.Lo = o.At.Lo
			}
		case o.At.Lo >= from && at.Hi == 0:
			asked, at.Hi = true, o.At.Hi
		}
	}
	if at.Hi == 0 {
		return harness.Interval{}, asked
	}
	return at, true
}

// catchup measures how long the standby took to be as young as the steady state asks, from when a fault was taken back while
// clients were watched.
func (d *dataset) catchup(from origin) harness.Measurement {
	m := harness.Measurement{Name: MeasureCatchup, Unit: harness.UnitNS,
		Method: "from the undo of the fault to the first heartbeat within the steady state's age, with all after it"}
	f, err := d.faultOf(from)
	answers, _, answersErr := d.observations(probeHeartbeat)
	limit, end := ageLimit(d.rec.Scenario, probeHeartbeat), d.end(f.InForce)
	undone := f.Undone
	switch {
	case err != nil:
		m.Detail = err.Error()
	case answersErr != nil:
		m.Detail = answersErr.Error()
	case limit <= 0:
		m.Detail = "the steady state does not say how old the heartbeat may be"
	case !undoneWhileWatched(f, d.rec.Observation):
		m.Detail = fmt.Sprintf("%s was not taken back while clients were watched", f.Plan.Fault.Kind)
	default:
		at, asked := CaughtUp(answers, limit, undone.Lo, end)
		switch {
		case !asked:
			m.Detail = "the standby was not asked after the fault was taken back"
		case at.Never():
			m.Known, m.Unbounded, m.Lo = true, true, max(0, int64(end-undone.Hi))
			m.Hi = m.Lo
			m.Detail = "the standby's data was older than " + Length(limit) + " at the end of observation, or it gave no answer"
		default:
			m.Lo, m.Hi, m.Known = span(at, undone)
			m.Detail = "heartbeat at most " + Length(limit) + " old from then on"
		}
	}
	return m
}

// undoneWhileWatched tells whether a fault was taken back within the time of observation.
func undoneWhileWatched(f harness.FaultRecord, watched harness.Interval) bool {
	return !f.Undone.Never() && f.Undone.Lo >= watched.Lo && f.Undone.Hi <= watched.Hi && f.Undone.Hi >= f.Undone.Lo
}
