package measure

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"blackstart/harness"
)

// judgeFunc derives the Findings of a drill by one version of the rules.
type judgeFunc func(rec *harness.Record, src Source) (harness.Findings, error)

// Erratum is a rule that is known to be wrong. Its version stays as it is, so that old packs keep their numbers; the
// corrected version gives the right ones beside them.
type Erratum struct {
	Rules     string // the version that holds the wrong rule: measure/N
	Wrong     string // what is wrong, in a sentence
	Since     string // the build that first knew it
	Corrected string // the version in which it is right
}

// rulebook is every version of the rules that this build knows. A change of a number is a new version; none is ever removed.
type rulebook struct {
	judges map[string]judgeFunc
	errata []Erratum
}

// book is what this build judges by.
var book = rulebook{judges: map[string]judgeFunc{harness.Rules: judgeOne}}

// Judge derives the Findings of a drill from its Record and files, by the version of the rules that the Record names. What is
// missing, torn or in contradiction makes the drill inconclusive, not Judge fail: its error says only that there is nothing
// to judge from, or that the rules are not known here (a *RulesError). Findings.Record is left for who knows the bytes of
// record.json.
func Judge(rec *harness.Record, src Source) (harness.Findings, error) { return book.judge(rec, src) }

func (b rulebook) judge(rec *harness.Record, src Source) (harness.Findings, error) {
	if rec == nil || src == nil {
		return harness.Findings{}, errors.New("judge drill: there is no record or no source of its files")
	}
	judge, ok := b.judges[rec.Rules]
	if !ok {
		return harness.Findings{}, fmt.Errorf("judge drill: %w", &RulesError{Rules: rec.Rules, Known: b.known()})
	}
	return judge(rec, src)
}

// known lists the versions of the rules in order.
func (b rulebook) known() []string {
	var all []string
	for rules := range b.judges {
		all = append(all, rules)
	}
	slices.SortFunc(all, func(x, y string) int { return number(x) - number(y) })
	return all
}

// RulesError says that a record was measured by rules which this build does not hold.
type RulesError struct {
	Rules string   // what the record names
	Known []string // what this build knows, oldest first
}

func (e *RulesError) Error() string {
	known := "none"
	if n := len(e.Known); n == 1 {
		known = e.Known[0]
	} else if n > 1 {
		known = e.Known[0] + " to " + e.Known[n-1]
	}
	switch {
	case number(e.Rules) <= 0:
		return fmt.Sprintf("the record names %q where the version of its measuring rules must stand (this build knows %s)", e.Rules, known)
	case len(e.Known) > 0 && number(e.Rules) > number(e.Known[len(e.Known)-1]):
		return fmt.Sprintf("the rules %s are newer than this build, which knows %s: every build from the one that made this pack on knows them",
			e.Rules, known)
	}
	return fmt.Sprintf("this build knows the rules %s and was made without %s: the build that made this pack knows them, and so must every later one",
		known, e.Rules)
}

// number is N of measure/N, 0 for anything else.
func number(rules string) int {
	digits, ok := strings.CutPrefix(rules, "measure/")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || digits != strconv.FormatUint(n, 10) {
		return 0
	}
	return int(n) //nolint:gosec // 16 bits
}

// wrongIn lists what is known to be wrong in a version of the rules.
func (b rulebook) wrongIn(rules string) []Erratum {
	var all []Erratum
	for _, e := range b.errata {
		if e.Rules == rules {
			all = append(all, e)
		}
	}
	return all
}

// Correction is what became of a drill's findings when a wrong rule was put right.
type Correction struct {
	Erratum  Erratum
	Findings harness.Findings // by the corrected rules
	Changes  []Change         // what they say otherwise than the rules of the record; none: the error did not matter here
}

// Change is one number or verdict before and after a correction.
type Change struct {
	What string // the objective's id, a measurement's name with load and cohort, or "verdict"
	Was  string
	Is   string
}

// Corrected judges a drill by the rules of its Record and again for every erratum of these, and gives both. Without an
// erratum there are no corrections.
func Corrected(rec *harness.Record, src Source) (harness.Findings, []Correction, error) {
	return book.corrected(rec, src)
}

func (b rulebook) corrected(rec *harness.Record, src Source) (harness.Findings, []Correction, error) {
	was, err := b.judge(rec, src)
	if err != nil {
		return was, nil, err
	}
	var all []Correction
	for _, e := range b.wrongIn(rec.Rules) {
		again := *rec
		again.Rules = e.Corrected
		is, err := b.judge(&again, src)
		if err != nil {
			return was, nil, fmt.Errorf("correct by %s: %w", e.Corrected, err)
		}
		all = append(all, Correction{e, is, changes(was, is)})
	}
	return was, all, nil
}

// changes lists what two judgements of one drill say otherwise.
func changes(was, is harness.Findings) []Change {
	var names []string
	said := func(f harness.Findings) map[string]string {
		values := map[string]string{}
		note := func(name, value string) {
			if _, ok := values[name]; !ok && !slices.Contains(names, name) {
				names = append(names, name)
			}
			values[name] = value
		}
		note("verdict", f.Verdict.String())
		for _, o := range f.Objectives {
			note(o.Objective.ID, Value(o.Measured)+", "+o.Verdict.String())
		}
		for _, m := range f.Measurements {
			note(strings.Join(strings.Fields(m.Name+" "+m.Load+" "+m.Cohort+" "+m.Channel+" "+m.After), " "), Value(m))
		}
		return values
	}
	before, after := said(was), said(is)
	var all []Change
	for _, n := range names {
		if before[n] != after[n] {
			all = append(all, Change{n, before[n], after[n]})
		}
	}
	return all
}
