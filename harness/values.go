package harness

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Duration is a span of time, written "250ms", "10s", "1h30m" in YAML and as integer nanoseconds in JSON.
type Duration time.Duration

// D gives the span as a time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

func (d Duration) String() string { return time.Duration(d).String() }

// durationPattern has no sign, no bare number and no leading zero, which elsewhere is another base.
var durationPattern = regexp.MustCompile(`^(0|[1-9]\d*)(\.\d+)?(ns|us|µs|ms|s|m|h)(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))*$`)

var digits = regexp.MustCompile(`^\d+$`)

// ParseDuration reads "250ms", "10s", "1h30m"; a bare number is refused because it has no unit, 0 as well.
func ParseDuration(s string) (Duration, error) {
	v, err := time.ParseDuration(s)
	if digits.MatchString(s) {
		return 0, fmt.Errorf("%q has no unit: write one (ms, s, m, h), such as %ss", s, s)
	}
	if err != nil || !durationPattern.MatchString(s) {
		return 0, fmt.Errorf("%q is not a duration: write a number with a unit (ms, s, m, h), such as 250ms or 10s", s)
	}
	return Duration(v), nil
}

// UnmarshalYAML reads a span with its unit. By UnmarshalText JSON, too, would have it so.
func (d *Duration) UnmarshalYAML(n *yaml.Node) (err error) {
	*d, err = ParseDuration(n.Value)
	return err
}

// Size is a number of bytes, written "10MB" in YAML and as an integer in JSON. Units are decimal, or, with an i, binary.
type Size int64

var sizePattern = regexp.MustCompile(`^([1-9]\d{0,5})(B|kB|MB|GB|KiB|MiB|GiB)$`)

// sizeUnits are the units of a Size, the largest first.
var sizeUnits = []struct {
	name  string
	bytes Size
}{{"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}, {"B", 1}}

// ParseSize reads "10MB".
func ParseSize(s string) (Size, error) {
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is no number of bytes: write a whole number with a unit (B, kB, MB, GB, or KiB, MiB, GiB), such as 10MB", s)
	}
	n, _ := strconv.ParseInt(m[1], 10, 64) // the pattern allows six digits, which fit
	for _, u := range sizeUnits {
		if u.name == m[2] {
			return Size(n) * u.bytes, nil
		}
	}
	return 0, fmt.Errorf("%q has a unit that is none", s)
}

// String writes the largest unit of which it is a whole number, else bytes.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.bytes == 0 {
			return fmt.Sprintf("%d%s", s/u.bytes, u.name)
		}
	}
	return fmt.Sprintf("%dB", int64(s))
}

// UnmarshalYAML reads a size with its unit. By UnmarshalText JSON, too, would have it so.
func (s *Size) UnmarshalYAML(n *yaml.Node) (err error) {
	*s, err = ParseSize(n.Value)
	return err
}

// Rate is a number of operations per span, written "200/s".
type Rate struct {
	Count int
	Per   time.Duration
}

var ratePattern = regexp.MustCompile(`^(0|[1-9]\d{0,6})/(ms|s|m|h)$`)

var rateUnits = map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour}

// ParseRate reads "200/s".
func ParseRate(s string) (Rate, error) {
	m := ratePattern.FindStringSubmatch(s)
	if m == nil {
		return Rate{}, fmt.Errorf("%q is not a rate: write operations per unit of time, such as 200/s", s)
	}
	n, _ := strconv.Atoi(m[1]) // the pattern allows seven digits, which fit
	return Rate{Count: n, Per: rateUnits[m[2]]}, nil
}

func (r Rate) String() string {
	for name, per := range rateUnits {
		if per == r.Per {
			return fmt.Sprintf("%d/%s", r.Count, name)
		}
	}
	return fmt.Sprintf("%d/s", r.Count)
}

// PerSecond is the rate in operations a second.
func (r Rate) PerSecond() float64 {
	if r.Per == 0 {
		return 0
	}
	return float64(r.Count) * float64(time.Second) / float64(r.Per)
}

// WholePerSecond is the rate as a whole number of operations a second, which is all that a load can offer; false if it is none.
func (r Rate) WholePerSecond() (int, bool) {
	n := int(r.PerSecond())
	return n, float64(n) == r.PerSecond()
}

// MarshalText writes "200/s".
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads "200/s".
func (r *Rate) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRate(string(b))
	return err
}

// Ratio is a share in parts per million, written "99.9%". A million is all of it.
type Ratio int64

var ratioPattern = regexp.MustCompile(`^(0|[1-9]\d{0,2})(?:\.(\d{1,4}))?%$`)

// ParseRatio reads "99.9%".
func ParseRatio(s string) (Ratio, error) {
	m := ratioPattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is not a share: write a percentage with at most four decimals, such as 99.9%%", s)
	}
	whole, _ := strconv.ParseInt(m[1], 10, 64)
	part, _ := strconv.ParseInt((m[2] + "0000")[:4], 10, 64)
	if v := Ratio(whole*10_000 + part); v <= 1_000_000 {
		return v, nil
	}
	return 0, fmt.Errorf("%q is more than all of it: a share is at most 100%%", s)
}

func (r Ratio) String() string {
	s := fmt.Sprintf("%d.%04d", r/10_000, r%10_000)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "%"
}

// Of tells whether part is at least this share of all; nothing is never enough of nothing.
func (r Ratio) Of(part, all int) bool { return all > 0 && int64(part)*1_000_000 >= int64(r)*int64(all) }

// MarshalText writes "99.9%".
func (r Ratio) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads "99.9%".
func (r *Ratio) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRatio(string(b))
	return err
}
