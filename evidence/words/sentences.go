package words

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"blackstart/evidence/facts"
	"blackstart/harness"
)

// each says something of every one of a list; nothing of an empty one.
func each[T, R any](list []T, say func(T) R) (all []R) {
	for _, one := range list {
		all = append(all, say(one))
	}
	return all
}

// spaced joins what is there.
func spaced(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// joined puts sep between two texts where both are there.
func joined(a, sep, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + sep + b
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// sentences joins statements, leaving out empty ones and those said before.
func sentences(all []string) string {
	var kept []string
	for _, s := range all {
		s = strings.TrimSuffix(strings.TrimSpace(s), ".")
		if s != "" && !strings.Contains(strings.ToLower(strings.Join(kept, ". ")), strings.ToLower(s)) {
			r, n := utf8.DecodeRuneInString(s)
			kept = append(kept, string(unicode.ToUpper(r))+s[n:])
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return strings.Join(kept, ". ") + "."
}

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + " …"
}

// share prints a part of a whole with one decimal; what is there is never printed as nothing, nor as all if it is not.
func share(n, of int) string {
	tenths := (n*1000 + of/2) / of
	switch {
	case n > 0 && tenths == 0:
		return "under 0.1 %"
	case n < of && tenths == 1000:
		return "over 99.9 %"
	}
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// bounds prints the exact ends of a measurement.
func bounds(m harness.Measurement) string {
	switch {
	case !m.Known:
		return ""
	case m.Unit != harness.UnitNS:
		return "exact"
	case m.Unbounded:
		return fmt.Sprintf("[%.3f s, ∞)", float64(m.Lo)/1e9)
	case m.Hi < 1e9:
		return fmt.Sprintf("[%.3f ms, %.3f ms]", float64(m.Lo)/1e6, float64(m.Hi)/1e6)
	}
	return fmt.Sprintf("[%.4f s, %.4f s]", float64(m.Lo)/1e9, float64(m.Hi)/1e9)
}

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
