package measure

import (
	"fmt"
	"time"

	"blackstart/harness"
	"blackstart/loadgen"
)

const (
	// offeredShare is the part of the due requests that must have been offered, and that must be in hand to call a window
	// steady, in parts per million.
	offeredShare harness.Ratio = 950_000
	// answeredShare is the part of a probe's questions that must have an answer.
	answeredShare harness.Ratio = 900_000
	// probeGap is the shortest time without an answer of a probe that counts as silence, and probeGaps the same in questions.
	probeGap  = 2 * time.Second
	probeGaps = 3
	// denseEvery bounds how many answers are expected: a probe that asks more often may keep only its changes and one
	// answer in this time.
	denseEvery = 200 * time.Millisecond
)

// Steady evaluates what the steady state requires over one window: one check per requirement, in its order. A window during
// which a load was under its schedule or a probe silent is not steady. A drill may use it on a window that has just
// passed: requests that are still out count as missing, of which a twentieth is tolerated. anchor is instant 0 of the
// samples; window is the one that the percentiles of loads were taken over.
func Steady(
	require []harness.Requirement, loads []Series, probes []Answers, anchor harness.Stamp, window harness.Interval,
) []harness.ValidityCheck {
	var checks []harness.ValidityCheck
	for _, r := range require {
		switch {
		case r.Load != "":
			checks = append(checks, steadyLoad(r, loads, anchor, window))
		case r.Probe != "":
			checks = append(checks, steadyProbe(r, probes, window))
		default:
			checks = append(checks, harness.ValidityCheck{Name: "baseline", Detail: "a requirement names neither load nor probe"})
		}
	}
	return checks
}

func steadyLoad(r harness.Requirement, loads []Series, anchor harness.Stamp, window harness.Interval) harness.ValidityCheck {
	check := harness.ValidityCheck{Name: "baseline.load." + r.Load}
	for _, l := range loads {
		if l.Stream.Load != r.Load {
			continue
		}
		span := Bounds{int64(window.Lo - anchor), int64(window.Hi - anchor)}.inner(l.ahead)
		from, to := span.Lo, span.Hi
		i, j := l.samples.between(from, to)
		seen := j - i
		expected := slotsBefore(l.Stream, to) - slotsBefore(l.Stream, from)
		ok, p99 := int(l.good), l.p99
		check.Detail = fmt.Sprintf("%s of %s due requests OK, p99 %s", Count(int64(ok)), Count(expected), latency(p99))
		switch {
		case l.Err != nil:
			check.Detail = l.Err.Error()
		case !offeredShare.Of(seen, int(expected)):
			check.Detail = fmt.Sprintf("%s of %s due requests are on record", Count(int64(seen)), Count(expected))
		case r.SuccessAtLeast > 0 && !r.SuccessAtLeast.Of(ok, seen):
			check.Detail += fmt.Sprintf("; %s of them must be OK", r.SuccessAtLeast)
		case !withinSLO(p99, r.P99AtMost):
			check.Detail += fmt.Sprintf("; p99 must be at most %s", Length(int64(r.P99AtMost)))
		case r.SuccessAtLeast == 0 && r.P99AtMost == 0:
			check.Detail = "nothing is required of the load"
		default:
			check.OK = true
		}
		return check
	}
	check.Detail = "there is no stream of this load"
	return check
}

func latency(ns int64) string {
	if ns == loadgen.Never {
		return "unknown"
	}
	return Span(ns, ns)
}

// slotsBefore is how many slots of a stream's schedule are due before the moment at, ns since the anchor.
func slotsBefore(s harness.Stream, at int64) int64 {
	schedule := loadgen.Schedule{Start: s.StartNS, Freq: s.Freq, Per: time.Duration(s.PerNS)}
	if at <= 0 {
		return 0
	}
	n := schedule.Count(at - 1)
	if n > maxSlots {
		return maxSlots
	}
	return int64(n)
}

// maxSlots bounds what one stream may hold, so that counts fit every integer.
const maxSlots = 1 << 40

func steadyProbe(r harness.Requirement, probes []Answers, window harness.Interval) harness.ValidityCheck {
	check := harness.ValidityCheck{Name: "baseline.probe." + r.Probe, Detail: "there is no such probe"}
	if r.AgeAtMost <= 0 && !r.Bounds().Some() {
		check.Detail = "nothing is required of the probe"
		return check
	}
	all := tally{of: r}
	for _, p := range probes {
		if !p.Series.Named(r.Probe) {
			continue
		}
		check.OK = true
		if why := silent(p, window, false); why != "" {
			check.OK, check.Detail = false, p.Series.On+": "+why
			return check
		}
		for o := range p.Each {
			if o.At.Lo < window.Lo || o.At.Hi > window.Hi {
				continue // only what lies in the window in full counts
			}
			if !all.take(o) {
				check.OK = false
				check.Detail = fmt.Sprintf("%s at %s: %s", p.Series.On, o.At.Lo, all.answer(o))
				return check
			}
		}
	}
	if check.OK {
		check.Detail = all.words()
	}
	return check
}

// tally is what the answers in a window were, as a requirement asks for them.
type tally struct {
	of           harness.Requirement
	count        int
	least, worst int64
	unit         string
}

// take counts an answer, and tells whether it is as required.
func (t *tally) take(o harness.Observation) bool {
	if t.count++; t.count == 1 {
		t.least, t.worst, t.unit = o.Value, o.Value, o.Unit
	}
	t.least, t.worst = min(t.least, o.Value), max(t.worst, o.Value)
	if !o.OK || !o.Reached || t.of.Bounds().Beyond(o) {
		return false
	}
	return t.of.AgeAtMost <= 0 || o.Unit == harness.UnitNS && o.Value <= int64(t.of.AgeAtMost)
}

func (t *tally) words() string {
	if !t.of.Bounds().Some() {
		oldest := max(0, t.worst)
		return fmt.Sprintf("greatest age %s in %s answers", Span(oldest, oldest), Count(int64(t.count)))
	}
	return fmt.Sprintf("%s to %s in %s answers", harness.ValueWords(t.unit, t.least), harness.ValueWords(t.unit, t.worst), Count(int64(t.count)))
}

// answer says what is wrong with an answer.
func (t *tally) answer(o harness.Observation) string {
	switch {
	case !o.Reached:
		return "unreachable"
	case !o.OK:
		return "not OK: " + orUnknown(o.Detail)
	case t.of.Bounds().Some():
		return fmt.Sprintf("%s, and it must be %s", harness.ValueWords(o.Unit, o.Value), t.of.Bounds())
	case o.Unit != harness.UnitNS:
		return fmt.Sprintf("its unit is %q, an age is in ns", o.Unit)
	}
	return "age " + Span(o.Value, o.Value)
}

// silent tells why a probe did not answer for its whole time, or "". An answer that took longer than the time between
// questions stands for all questions it covered. With strict, the share of questions counts too.
func silent(p Answers, window harness.Interval, strict bool) string {
	every := harness.Stamp(p.Series.EveryNS)
	if every <= 0 {
		return "it does not say how often it asks"
	}
	gap := max(probeGaps*every, harness.Stamp(probeGap))
	share := max(every, harness.Stamp(denseEvery))
	last, answered := window.Lo, int64(0)
	for o := range p.Each {
		if o.At.Hi < window.Lo || o.At.Lo > window.Hi {
			continue
		}
		if o.At.Hi < o.At.Lo || o.At.Lo == 0 {
			return "an answer has no time"
		}
		if o.At.Lo-last > gap {
			return fmt.Sprintf("no answer for %s from %s on", Length(roundUp(int64(o.At.Lo-last))), last)
		}
		last = max(last, o.At.Hi)
		answered += max(1, int64((o.At.Hi-o.At.Lo+share-1)/share))
	}
	asked := int64((window.Hi - window.Lo) / share)
	switch {
	case answered == 0:
		return "no answer at all"
	case window.Hi-last > gap:
		return fmt.Sprintf("no answer for %s from %s on", Length(roundUp(int64(window.Hi-last))), last)
	case strict && asked > 0 && !answeredShare.Of(int(answered), int(asked)):
		return fmt.Sprintf("%s answers to %s questions", Count(answered), Count(asked))
	}
	return ""
}
