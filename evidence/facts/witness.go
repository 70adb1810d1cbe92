package facts

import (
	"slices"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// witness looks from outside for what the target's own log tells.
type witness struct {
	*Drill
	src      measure.Source
	beats    series
	writable harness.Interval // when the standby took its first write
}

// of looks for what a step did. entry is that of the log; its At is 0 where the log does not tell.
func (w witness) of(m Meaning, entry harness.Decision) Seen {
	logged := entry.At != 0
	switch m {
	case Lagging:
		if age, ok := ageAt(w.beats, entry.At); ok && logged {
			return Seen{At: entry.At, AgeNS: age, Happened: true}
		}
	case Detected:
		return w.impact()
	case Refused:
		if logged && w.writable.Never() {
			return Seen{Happened: true} // else the row of the promotion tells of writes
		}
	case Promoted:
		return outcome(!w.writable.Never(), w.writable.Hi, "")
	case Switched:
		return w.redirected()
	case Done:
		return w.recovered(logged)
	case Renewed:
		if logged {
			return w.accepted(entry.Region())
		}
	case Deployed:
		if logged {
			return w.build(entry)
		}
	}
	return Seen{}
}

func outcome(happened bool, at harness.Stamp, subject string) Seen {
	return Seen{Happened: happened, Missing: !happened, At: at, Subject: subject}
}

// impact is when clients began to miss answers.
func (w witness) impact() Seen {
	for _, m := range w.Findings.Measurements {
		if m.Name == measure.NameImpact && m.Cohort == Fresh && m.Known && !m.Unbounded {
			return outcome(true, w.Zero+harness.Stamp(m.Hi), m.Load)
		}
	}
	return Seen{}
}

// redirected is when the public name was first answered with the standby.
func (w witness) redirected() Seen {
	regions := w.Record.Target.Regions
	standby := slices.IndexFunc(regions, func(r harness.Region) bool { return r.Role == harness.Standby })
	for o := range seriesOf(w.Record, w.src, harness.ProbeDNS).all() {
		if standby >= 0 && o.Reached && o.OK && o.At.Lo >= w.FirstFault && o.Value == int64(standby) {
			return outcome(true, o.At.Hi, regions[standby].Name)
		}
	}
	return outcome(false, 0, "")
}

func (w witness) recovered(logged bool) Seen {
	switch {
	case w.Recovery.Load != "":
		return outcome(true, w.Recovery.Back.Hi, w.Recovery.Load)
	case logged && len(w.Recovery.Failed) > 0:
		return outcome(false, 0, w.Recovery.Failed[0].Load)
	}
	return Seen{}
}

// accepted is the first good answer of a component of the region after a bad one, to a probe that verifies certificates.
func (w witness) accepted(region string) Seen {
	refused := map[string]bool{}
	for o := range seriesOf(w.Record, w.src, harness.ProbeHealth).all() {
		if c, ok := w.Record.Target.ComponentByName(o.On); !ok || c.Region != region || o.At.Lo < w.FirstFault {
			continue
		}
		if refused[o.On] && o.OK {
			return outcome(true, o.At.Hi, o.On)
		}
		refused[o.On] = refused[o.On] || !o.OK
	}
	return Seen{}
}

// build is the first answer of the region's new build.
func (w witness) build(entry harness.Decision) Seen {
	for o := range seriesOf(w.Record, w.src, harness.ProbeAnswers).all() {
		if a := o.Answer; a != nil && o.OK && o.At.Hi >= entry.At && a.Region == entry.Region() && a.Build != "" {
			return outcome(true, o.At.Hi, a.Build)
		}
	}
	return Seen{}
}
