package words

import (
	"fmt"
	"time"

	"blackstart/evidence/facts"
	"blackstart/harness"
)

// zero is moment 0, from which everything is counted.
type zero harness.Stamp

// since prints a moment in seconds since moment 0, "" for never.
func (z zero) since(at harness.Stamp) string {
	if at == 0 {
		return ""
	}
	const tenth = harness.Stamp(100 * time.Millisecond)
	away := at - harness.Stamp(z)
	if away > -tenth/2 && away < 0 {
		away = 0 // no "-0.0"
	}
	return fmt.Sprintf("%+.1f s", away.Sub(0).Seconds())
}

// span prints an interval in seconds since moment 0, "" for never.
func (z zero) span(at harness.Interval) string {
	if at.Never() {
		return ""
	}
	lo, hi := at.Lo.Sub(harness.Stamp(z)), at.Hi.Sub(harness.Stamp(z))
	if hi-lo < time.Millisecond {
		return fmt.Sprintf("%+.3f s", hi.Seconds())
	}
	return fmt.Sprintf("%+.3f to %+.3f s", lo.Seconds(), hi.Seconds())
}

// clock prints a moment of the day, in UTC.
func clock(s harness.Stamp) string {
	if s == 0 {
		return ""
	}
	return s.Time().Format("15:04:05.000")
}

// ZeroWords says what happened at moment 0.
func ZeroWords(rec *harness.Record) string {
	if f, ok := facts.ClockFault(rec); ok {
		return f.Plan.Fault.Kind + " began"
	}
	if rec.Observation.Lo != 0 {
		return "the observation began"
	}
	return "the drill began"
}
