package measure

import (
	"strconv"
	"strings"
	"time"

	"blackstart/harness"
)

// Span prints the interval [lo, hi], both in ns, with as many digits as its width deserves: its last digit is the second
// digit of the width, lo is rounded down and hi up. So 4.0123–4.1267 s is "4.01–4.13 s". An interval without width is
// rounded to the millisecond (microsecond below 10 ms).
func Span(lo, hi int64) string {
	if hi < lo {
		lo, hi = hi, lo
	}
	unit, name := int64(time.Second), "s"
	switch {
	case hi < int64(time.Millisecond) && hi > 0:
		unit, name = int64(time.Microsecond), "µs"
	case hi < int64(time.Second) && hi > 0:
		unit, name = int64(time.Millisecond), "ms"
	}
	step := resolution(hi-lo, hi)
	if lo == hi {
		return decimal(floorTo(lo+step/2, step), unit) + " " + name
	}
	from, to := floorTo(lo, step), -floorTo(-hi, step)
	if unit < int64(time.Second) && step >= int64(time.Second) {
		unit, name = int64(time.Second), "s"
	}
	d := decimals(step, unit)
	return fixed(from, unit, d) + "–" + fixed(to, unit, d) + " " + name
}

// AtLeast prints a bound from below in ns, rounded down to a tenth of a second: "at least 41.2 s".
func AtLeast(lo int64) string {
	return "at least " + decimal(floorTo(lo, int64(100*time.Millisecond)), int64(time.Second)) + " s"
}

// Length prints an exact span of time in ns, such as an objective: "20 s", "15 min", "1 h", "250 ms".
func Length(ns int64) string {
	switch {
	case ns >= int64(time.Hour) && ns%int64(time.Hour) == 0:
		return strconv.FormatInt(ns/int64(time.Hour), 10) + " h"
	case ns >= 2*int64(time.Minute) && ns%int64(time.Minute) == 0:
		return strconv.FormatInt(ns/int64(time.Minute), 10) + " min"
	case ns == 0 || ns >= int64(time.Second):
		return decimal(ns, int64(time.Second)) + " s"
	case ns >= int64(time.Millisecond):
		return decimal(ns, int64(time.Millisecond)) + " ms"
	}
	return decimal(ns, int64(time.Microsecond)) + " µs"
}

// Count prints a number in groups of three: "10 000".
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	head := len(s) % 3
	if strings.HasPrefix(s, "-") && head == 1 {
		head += 3
	}
	var b strings.Builder
	b.WriteString(s[:head])
	for i := head; i < len(s); i += 3 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s[i : i+3])
	}
	return b.String()
}

// Value prints what a measurement found, in its unit: "4.01–4.13 s", "at least 41.2 s", "12", "not measured".
func Value(m harness.Measurement) string {
	switch {
	case !m.Known:
		return "not measured"
	case m.Unit == harness.UnitWord:
		return m.Text
	case m.Unit == harness.UnitNS && m.Unbounded:
		return AtLeast(m.Lo)
	case m.Unit == harness.UnitNS:
		return Span(m.Lo, m.Hi)
	}
	print := Count
	if m.Unit == harness.UnitMinor {
		print = func(n int64) string { return harness.Amount{Minor: n, Exponent: m.Decimals()}.String() }
	}
	switch {
	case m.Unbounded:
		return "at least " + print(m.Lo)
	case m.Lo == m.Hi:
		return print(m.Lo)
	}
	return print(m.Lo) + "–" + print(m.Hi)
}

// resolution is the step, in ns, to which an interval of this width may be printed: a power of ten.
func resolution(width, hi int64) int64 {
	if width == 0 {
		if hi < int64(10*time.Millisecond) {
			return int64(time.Microsecond)
		}
		return int64(time.Millisecond)
	}
	step := finest(hi)
	for step <= width/100 {
		step *= 10
	}
	return step
}

// finest is the smallest step of which a person can make anything beside a value of this size.
func finest(hi int64) int64 {
	switch {
	case hi >= int64(time.Second):
		return int64(time.Millisecond)
	case hi >= int64(10*time.Millisecond):
		return int64(100 * time.Microsecond)
	case hi >= int64(time.Millisecond):
		return int64(time.Microsecond)
	}
	return 1
}

func floorTo(n, step int64) int64 {
	r := n % step
	if r < 0 {
		r += step
	}
	return n - r
}

// decimals is how many decimals of unit the step needs; both are powers of ten.
func decimals(step, unit int64) int {
	d := 0
	for step < unit {
		step *= 10
		d++
	}
	return d
}

// fixed writes n ÷ unit with d decimals; n is a multiple of unit ÷ 10^d.
func fixed(n, unit int64, d int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", max(-n, 0) // the least int64 has no counterpart
	}
	s := sign + strconv.FormatInt(n/unit, 10)
	if d == 0 {
		return s
	}
	part := strconv.FormatInt(n%unit, 10)
	part = strings.Repeat("0", decimals(1, unit)-len(part)) + part
	return s + "." + part[:d]
}

// decimal writes n ÷ unit exactly, without zeros at the end.
func decimal(n, unit int64) string {
	s := fixed(n, unit, decimals(1, unit))
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
