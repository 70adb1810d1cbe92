package evidence

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"blackstart/harness"
)

// FactsVersion names the list of keys in the block of facts on page 1 of every report. A version is never changed: every later
// build reads and compares it. Another list is another version, and this one stays.
const FactsVersion = "facts/1"

// factsWidth is the number of characters of a line of the block; a longer fact goes on in lines that begin with two spaces.
const factsWidth = 132

// FactLines are the lines of the block of facts of the report for a framework: a pure function of record, findings, the digest
// of record.json and the framework's name. Values are
// printed by rules that belong to the version and to nothing else, because words elsewhere may be improved.
//
// The keys of facts/1: facts, report, run, class, status, verdict; record_sha256; executor; observed_only, of a run that was no drill; then a line for each objective in the
// order of the findings: objective, verdict, measure, value, asked. A value is lowest..highest with its unit, or one word.
func FactLines(rec *harness.Record, f harness.Findings, recordSHA, framework string) []string {
	facts := []string{
		fact("facts", FactsVersion, "report", framework, "run", rec.RunID, "class", rec.Environment, "status", string(rec.Status), "verdict", f.Verdict.String()),
		fact("record_sha256", recordSHA),
		fact("executor", rec.Executor),
	}
	if rec.ObserveOnly != nil {
		facts = append(facts, fact("observed_only", "yes"))
	}
	for _, o := range f.Objectives {
		value := factValue(o.Measured)
		if rec.Status == harness.Interrupted {
			value = "unbound" // what was measured of it is not bound to the run
		}
		facts = append(facts, fact("objective", o.Objective.ID, "verdict", o.Verdict.String(), "measure", o.Objective.Measure, "value", value, "asked", factAsked(o.Objective)))
	}
	var lines []string
	for _, line := range facts {
		lines = append(lines, breakLines(line)...)
	}
	return lines
}

var plainFact = regexp.MustCompile(`^[A-Za-z0-9._:/+-]+$`)

// fact prints keys and values in turn; a value that is no plain word is quoted, in ASCII.
func fact(pairs ...string) string {
	words := make([]string, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		v := pairs[i+1]
		if !plainFact.MatchString(v) {
			v = quoted(v)
		}
		words = append(words, pairs[i]+"="+v)
	}
	return strings.Join(words, " ")
}

// quoted is a JSON string in ASCII, in the one form that has an escape for nothing but what needs one.
func quoted(s string) string {
	b := []byte{'"'}
	for _, u := range utf16.Encode([]rune(s)) {
		switch {
		case u == '"' || u == '\\':
			b = append(b, '\\', byte(u))
		case u >= ' ' && u <= '~':
			b = append(b, byte(u))
		default:
			b = fmt.Appendf(b, "\\u%04x", u)
		}
	}
	return string(append(b, '"'))
}

// factValue prints the bounds of a measurement.
func factValue(m harness.Measurement) string {
	one := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch {
	case !m.Known:
		return "unknown"
	case m.Unit == harness.UnitWord:
		return m.Text
	case m.Unit == harness.UnitNS:
		one = func(n int64) string { return scaled(n, 9) + "s" }
	case m.Unit == harness.UnitMinor:
		one = func(n int64) string { return harness.Amount{Minor: n, Exponent: m.Decimals()}.String() }
	}
	if m.Unbounded {
		return one(m.Lo) + "..unbounded"
	}
	return one(m.Lo) + ".." + one(m.Hi)
}

// scaled prints n × 10^−digits, with all digits.
func scaled(n int64, digits int) string {
	sign, u := "", uint64(n)
	if n < 0 {
		sign, u = "-", -uint64(n)
	}
	text := fmt.Sprintf("%0*d", digits+1, u)
	return sign + text[:len(text)-digits] + "." + text[len(text)-digits:]
}

func factAsked(o harness.Objective) string {
	if o.Is != "" {
		return o.Is
	}
	return o.AtMost
}

// breakLines breaks a fact into lines of the block's width.
func breakLines(line string) []string {
	var out []string
	for len(line) > factsWidth {
		out = append(out, line[:factsWidth])
		line = "  " + line[factsWidth:]
	}
	return append(out, line)
}
