package harness

import (
	"fmt"
	"time"
)

// recent is what the gate keeps of a probe: what its answers were like since the begin of the window, however long that is.
type recent struct {
	since    Stamp // answers to earlier questions do not count
	any, bad bool
	worst    int64 // the greatest value answered
	least    int64 // the least
	unit     string
	why      string // what the last bad answer says
}

func (r *recent) take(o Observation) {
	switch {
	case o.At.Lo < r.since:
	case !o.OK:
		r.bad, r.why = true, o.Detail
	default:
		if !r.any {
			r.least, r.worst, r.unit = o.Value, o.Value, o.Unit
		}
		r.any, r.worst, r.least = true, max(r.worst, o.Value), min(r.least, o.Value)
	}
}

// openWindow forgets what was answered before a window.
func (d *drill) openWindow(from Stamp) {
	for _, s := range d.series {
		s.mu.Lock()
		s.recent = recent{since: from}
		s.mu.Unlock()
	}
}

// sinceOpened is what a series was like in the window; false when there was no answer or a bad one.
func (s *series) sinceOpened() (recent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recent, s.recent.any && !s.recent.bad
}

// steadyStateViolation names the first requirement that does not hold, by what the last seconds looked like. The verdict on the
// baseline is made again from the samples; this gate only keeps a fault away from a system that is already ill.
func (d *drill) steadyStateViolation() string {
	for _, r := range d.Scenario.SteadyState.Require {
		for i, l := range d.loads {
			if r.Load == "" || d.loadIDs[i] != r.Load {
				continue
			}
			g := l.Live()
			switch {
			case g.Results == 0:
				return fmt.Sprintf("load %s: no request was answered (%d were due)", r.Load, g.Due)
			case g.Success*1e6 < float64(r.SuccessAtLeast):
				return fmt.Sprintf("load %s: %.2f%% succeeded, want at least %s", r.Load, g.Success*100, r.SuccessAtLeast)
			case r.P99AtMost > 0 && g.P99 > r.P99AtMost.D():
				return fmt.Sprintf("load %s: p99 %s, want at most %s", r.Load, g.P99.Round(time.Millisecond), r.P99AtMost)
			}
		}
		for _, s := range d.series {
			if !s.run.Named(r.Probe) {
				continue
			}
			if why := s.unsteady(r); why != "" {
				return fmt.Sprintf("probe %s on %s: %s", r.Probe, s.run.On, why)
			}
		}
	}
	return ""
}

// unsteady says why what a requirement asks of a probe did not hold in the window, "" if it did.
func (s *series) unsteady(r Requirement) string {
	seen, ok := s.sinceOpened()
	want, words := "at most "+r.AgeAtMost.String(), func(v int64) string { return time.Duration(v).Round(time.Millisecond).String() }
	if r.Bounds().Some() {
		want, words = r.Bounds().String(), func(v int64) string { return ValueWords(seen.unit, v) }
	}
	switch {
	case seen.bad && seen.why != "":
		return noGoodAnswer + " (" + seen.why + "), want " + want
	case seen.bad:
		return noGoodAnswer + ", want " + want
	case !ok:
		return fmt.Sprintf("%s: it is asked every %s, and the window is too short for that, or it does not answer; want %s", noAnswer, s.run.Every, want)
	}
	for _, v := range []int64{seen.worst, seen.least} {
		if r.Bounds().Some() && r.Bounds().Beyond(Observation{OK: true, Value: v, Unit: seen.unit}) {
			return words(v) + ", want " + want
		}
	}
	if r.AgeAtMost > 0 && seen.worst > int64(r.AgeAtMost) {
		return words(seen.worst) + ", want " + want
	}
	return ""
}

// Why a window says nothing good of a probe.
const (
	noGoodAnswer = "a question without a good answer"
	noAnswer     = "no answer in the window"
)
