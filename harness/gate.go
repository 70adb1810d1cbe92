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
}

func (r *recent) take(o Observation) {
	switch {
	case o.At.Lo < r.since:
	case !o.OK:
		r.bad = true
	default:
		r.any, r.worst = true, max(r.worst, o.Value)
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

// worst is the greatest value answered in the window; false when there was no answer or a bad one.
func (s *series) worst() (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recent.worst, s.recent.any && !s.recent.bad
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
			if r.Probe != "" && s.run.Probe == r.Probe {
				if worst, ok := s.worst(); !ok || (r.AgeAtMost > 0 && worst > int64(r.AgeAtMost)) {
					return fmt.Sprintf("probe %s on %s: %s, want at most %s", r.Probe, s.run.On, ageWords(worst, ok), r.AgeAtMost)
				}
			}
		}
	}
	return ""
}

func ageWords(worst int64, ok bool) string {
	if !ok {
		return "a question without a good answer"
	}
	return time.Duration(worst).Round(time.Millisecond).String()
}
