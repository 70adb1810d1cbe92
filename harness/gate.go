package harness

import (
	"fmt"
	"time"
)

// recentKept bounds what the gate keeps of a probe: a window of 60 s at 10 answers a second.
const recentKept = 600

// recent is what the gate keeps of a probe: its last answers.
type recent struct{ answers []Observation }

func (r *recent) take(o Observation) {
	r.answers = append(r.answers, o)
	if len(r.answers) > recentKept {
		r.answers = r.answers[len(r.answers)-recentKept:]
	}
}

// worstSince is the greatest value answered since from; false when there was no answer or a bad one.
func (s *series) worstSince(from Stamp) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	worst, any := int64(0), false
	for _, o := range s.recent.answers {
		if o.At.Lo < from {
			continue
		}
		if !o.OK {
			return 0, false
		}
		any, worst = true, max(worst, o.Value)
	}
	return worst, any
}

// steadyStateViolation names the first requirement that does not hold, by what the last seconds looked like. The verdict on the
// baseline is made again from the samples; this gate only keeps a fault away from a system that is already ill.
func (d *drill) steadyStateViolation(window Interval) string {
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
				if worst, ok := s.worstSince(window.Lo); !ok || (r.AgeAtMost > 0 && worst > int64(r.AgeAtMost)) {
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
