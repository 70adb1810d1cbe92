package scenarios

import (
	"fmt"
	"strings"
	"time"

	"blackstart/harness"
)

// paces refuses what is asked more seldom than the scenario needs an answer: it would be found out under load, or never.
func (r *rules) paces() {
	if r.known.Pace == nil || r.known.Target == nil {
		return
	}
	target := r.known.Target(*r.s)
	for i, q := range r.s.SteadyState.Require {
		r.pacedRequirement(&target, q, i)
	}
	for i, g := range r.s.Guards {
		key, limit := "failingFor", g.FailingFor
		if g.ForLonger > 0 {
			key, limit = "forLonger", g.ForLonger
		}
		every, why := r.paceOf(&target, g.Probe)
		if r.has("guards", i, key) && limit.D() >= ofFailing.least && every > limit.D() {
			r.wrong(fmt.Sprintf("guard %d bears it for %s, and %s %s: one bad answer would stop the drill", i+1, brief(limit.D()), g.Probe, why),
				fmt.Sprintf("write %s: %s or more, or ask oftener", key, brief(every)), "guards", i, key)
		}
	}
	for i, o := range r.s.Objectives {
		r.pacedObjective(&target, o, i)
	}
}

// pacedRequirement refuses a steady state that may hold no question of a probe, and an age that is passed between two of them.
func (r *rules) pacedRequirement(target *harness.Description, q harness.Requirement, i int) {
	every, why := r.paceOf(target, q.Probe)
	steps := []any{"steadyState", "require", i, "probe"}
	if q.Probe == "" || !r.has(steps...) {
		return
	}
	if window := r.s.SteadyState.For.D(); r.has("steadyState", "for") && window >= ofBaseline.least && every > window {
		r.wrong(fmt.Sprintf("requirement %d: %s %s, and the steady state lasts %s: it may hold no answer", i+1, q.Probe, why, brief(window)),
			fmt.Sprintf("write steadyState.for: %s or more, or ask oftener", brief(every)), steps...)
	}
	traits := r.known.Probes[q.Probe]
	if beat := r.known.Pace(harness.ProbeSpec{Probe: q.Probe}); traits.Writes != "" && traits.Unit == harness.UnitNS && q.AgeAtMost.D() >= ofAge.least && q.AgeAtMost.D() < beat {
		r.wrong(fmt.Sprintf("requirement %d: %s writes every %s, and may be %s old: it is older before the next", i+1, q.Probe, brief(beat), brief(q.AgeAtMost.D())),
			fmt.Sprintf("write ageAtMost: %s or more", brief(2*beat)), "steadyState", "require", i, "ageAtMost")
	}
}

// pacedObjective refuses one whose value is never asked for while clients are watched.
func (r *rules) pacedObjective(target *harness.Description, o harness.Objective, i int) {
	spec, ok := r.measure(o.Measure)
	observe := r.s.Observe.D()
	if !ok || !r.has("observe") || observe < ofObserve.least {
		return
	}
	for _, kind := range spec.Probes {
		if every, why := r.paceOf(target, kind); every > observe {
			r.wrong(fmt.Sprintf("objective %s needs %s, which %s, and clients are watched for %s: it may have no answer", o.ID, kind, why, brief(observe)),
				fmt.Sprintf("write observe: %s or more, or let the target's file allow more", brief(every)), "objectives", i, "measure")
		}
	}
	for _, c := range target.Channels {
		if every := time.Duration(c.PolledNS); spec.Channel && c.Name == o.Channel && every > observe {
			r.wrong(fmt.Sprintf("objective %s: channel %s is asked for its state every %s, and clients are watched for %s", o.ID, c.Name, brief(every), brief(observe)),
				fmt.Sprintf("write observe: %s or more, or a shorter every: in the target's file", brief(every)), "objectives", i, "channel")
		}
	}
}

// paceOf is how seldom what a scenario calls by a name is asked, and that in words: of several the slowest; 0 if it is not known.
func (r *rules) paceOf(target *harness.Description, name string) (every time.Duration, why string) {
	listed := r.listedAs(name)
	if traits, kind := r.known.Probes[name]; kind && !traits.Listed {
		listed = append(listed, harness.ProbeSpec{Probe: name})
	}
	for _, p := range listed {
		wanted := r.known.Pace(p)
		if wanted == 0 {
			continue
		}
		paced, slowed := target.Paced(p.Probe, wanted)
		if paced <= every {
			continue
		}
		every, why = paced, "is asked every "+brief(paced)
		if slowed != "" {
			why, _, _ = strings.Cut(slowed, ";") // what follows from it for times is told by the run
		}
	}
	return every, why
}
