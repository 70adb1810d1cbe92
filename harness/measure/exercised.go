package measure

import (
	"slices"
	"strings"

	"blackstart/harness"
)

// notExercisedWord begins every reason why an objective was not put to the test.
const notExercisedWord = "not exercised: "

// Unexercised tells whether a measurement is unknown because the drill put nothing of its kind to the test.
func Unexercised(m harness.Measurement) bool {
	return !m.Known && strings.HasPrefix(m.Detail, notExercisedWord)
}

// notExercised says why a drill puts no recovery point to the test, "" if it does: where nothing failed over and no ledger of
// the load was written again after an impact, there was no recovery, and so no point to which anything was recovered. That
// nothing is missing is then no merit of the target's.
func (d *dataset) notExercised(measure, load string, from origin) string {
	if d.null() {
		if RowOf(measure).Unit == harness.UnitNS {
			return notExercisedWord + detailNoFault + ", so there was nothing to recover from"
		}
		return "" // a null drill must show that nothing is lost, and does
	}
	fault, err := d.moment(from)
	if err != nil {
		return ""
	}
	if d.promoted(fault) {
		return ""
	}
	hurt := ""
	for _, w := range d.writes {
		if load != "" && w.Stream.Load != load {
			continue
		}
		s, ok := d.seriesOf(w.Stream.Load)
		if !ok || s.Err != nil {
			continue
		}
		all := s.samples.all()
		ahead := d.ahead(s.Stream)
		at, to := all.between(d.sinceAnchor(fault.Lo)+ahead.Lo, d.sinceAnchor(d.judged(fault))+ahead.Hi+1)
		first := all.firstBad(at, to, byTimeout)
		if first < 0 {
			continue
		}
		if answer, err := firstAnswer(all, first, to, d.sinceAnchor(fault.Hi)+ahead.Hi, byTimeout); err == nil && !answer.Never() {
			return ""
		}
		hurt = w.Stream.Load
	}
	if hurt != "" {
		return notExercisedWord + d.noFailover() + ", and no write of load " + hurt + " was acknowledged again after the impact"
	}
	return notExercisedWord + d.noFailover() + ", and no write was impaired"
}

// noFailover says that none took place, or why nobody can know.
func (d *dataset) noFailover() string {
	if why := d.rec.Ledger.RoleDetail; why != "" {
		return detailUnseenFailover + ": " + why
	}
	return detailNoFailover
}

// promoted tells whether there was a failover in the window of a fault.
func (d *dataset) promoted(fault harness.Interval) bool {
	if len(d.clocks) < 2 {
		return d.rec.Ledger.Promoted
	}
	return !d.writable(fault).Never()
}

// unexercised takes the value from the measurement of an objective that was not put to the test, so that a loss of zero does
// not read as one that was achieved. A loss that was found is one, however it came about.
func (d *dataset) unexercised(m *harness.Measurement, o harness.Objective) {
	if !RowOf(o.Measure).Losses || !m.Known {
		return
	}
	if lost := d.lossMeasure(MeasureRPOLost, o.Load, originOf(o)); !lost.Known || lost.Hi > 0 {
		return
	}
	if why := d.notExercised(o.Measure, o.Load, originOf(o)); why != "" {
		m.Known, m.Lo, m.Hi = false, 0, 0
		m.Detail = why + " (no acknowledged write is missing)"
	}
}

// refusalObjectiveMet tells whether the target did not fail over because the scenario asks just that, and an objective on its
// decision was met. A recovery point cannot be put to the test then, and the drill is judged by its other objectives.
func refusalObjectiveMet(objectives []harness.Finding) bool {
	return slices.ContainsFunc(objectives, func(o harness.Finding) bool {
		is := o.Objective.Is
		return o.Objective.Measure == MeasureDecision && o.Verdict == harness.Pass && (is == DecidedRefused || is == DecidedNone)
	})
}
