package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// target refuses what the target cannot do of what is asked: the same refusals that a plan and a run end with.
func (r *rules) target() {
	if r.known.Refuses == nil {
		return
	}
	for _, refused := range r.known.Refuses(*r.s) {
		if r.alreadyReported(refused.At) {
			continue
		}
		message, hint := r.refusalText(refused)
		r.wrong(message, hint, r.nearest(refused)...)
	}
}

// alreadyReported tells whether what was refused holds a value that could not be read, or a kind that does not exist: that has
// been reported, and what follows from it is nobody's mistake.
func (r *rules) alreadyReported(at []any) bool {
	n, near := r.at(at...)
	if n == nil {
		n = near
	}
	var broken func(n *strictyaml.Node) bool
	broken = func(n *strictyaml.Node) bool {
		return r.bad[n] || slices.ContainsFunc(n.Items, broken) || slices.ContainsFunc(n.Entries, func(e strictyaml.Entry) bool { return broken(e.Value) })
	}
	if n == r.root || broken(n) {
		return true
	}
	i, ok := faultOf(at)
	if !ok {
		return false
	}
	return !r.has("faults", i, "on") || !r.has("faults", i, "kind") || r.unread([]any{"faults", i, "with"}) ||
		r.known.Faults != nil && !slices.Contains(names(r.known.Faults), r.s.Faults[i].Kind)
}

// faultOf is the number of the fault that a refusal is at, false if it is at none.
func faultOf(at []any) (i int, ok bool) {
	if len(at) < 2 || at[0] != "faults" {
		return 0, false
	}
	i, ok = at[1].(int)
	return i, ok
}

var writtenKey = regexp.MustCompile("`([A-Za-z]+):")

// nearest is where the refusal is shown: at the key of the fault that it names, if it names one.
func (r *rules) nearest(refused harness.Refusal) []any {
	if m := writtenKey.FindStringSubmatch(refused.Err.Error()); m != nil && refused.At[0] == "faults" && len(refused.At) == 2 {
		for _, key := range [][]any{{m[1]}, {"with", m[1]}} {
			if steps := append(slices.Clone(refused.At), key...); r.has(steps...) {
				return steps
			}
		}
	}
	return refused.At
}

// refusalText parts the text of a refusal into what is wrong and what to write instead.
func (r *rules) refusalText(refused harness.Refusal) (message, hint string) {
	message = refused.Err.Error()
	if i, ok := faultOf(refused.At); ok {
		f := r.s.Faults[i]
		message = fmt.Sprintf("fault %d (%s): %s", i+1, f.Kind, strings.TrimPrefix(message, "plan "+f.Kind+": "))
	}
	for _, sep := range []string{"; it provides: ", "; it has: "} {
		if wrong, names, ok := strings.Cut(message, sep); ok {
			return wrong, "write one of " + names
		}
	}
	for _, sep := range []string{": remove ", ": write ", ": add ", ": let ", "; remove "} {
		if at := strings.LastIndex(message, sep); at >= 0 {
			return message[:at], strings.TrimLeft(message[at:], ":; ")
		}
	}
	return message, "`blackstart list faults` shows how each fault is written"
}

// unsupportedField refuses a field, or a word in it, that no alert on the channel can carry: it would fail the target for a slip.
func (r *rules) unsupportedField(o harness.Objective, e strictyaml.Entry, what string) bool {
	fields := r.known.Carried[o.Channel]
	if fields == nil || !slices.Contains(alertFields, e.Key) {
		return false
	}
	allowed, can := fields[e.Key]
	value := o.Carries[e.Key]
	switch {
	case !can:
		var names []string
		for _, name := range alertFields {
			if _, ok := fields[name]; ok {
				names = append(names, name)
			}
		}
		r.out.Add(e.Pos, "write one of "+strictyaml.Words(names)+", or channel: pagerduty", "%s wants %s of an alert on %s, which has no such field", what, e.Key, o.Channel)
	case allowed != nil && value != "*" && !slices.Contains(allowed, value):
		r.out.Add(e.Value.Pos, strictyaml.Suggest(value, allowed), "%s wants the %s %q, which no alert on %s carries", what, e.Key, value, o.Channel)
	default:
		return false
	}
	return true
}

// silenced tells whether a fault takes away what a guard watches, by what its plan does. One that is refused does nothing.
func (r *rules) silenced(traits harness.ProbeTraits, of harness.Subject, target *harness.Description, f harness.FaultSpec) bool {
	plan, err := r.known.Plan(*target, f)
	promotes := r.s.Recovery.By == "target" && slices.Contains([]string{"", "enabled"}, r.s.Target.Settings["controller.failover"])
	return err == nil && plan.Silences(traits, of, target, promotes)
}

// cannotFail refuses bounds that hold whatever happens: they would prove nothing.
func (r *rules) cannotFail() {
	for i, q := range r.s.SteadyState.Require {
		r.aboveTimeout(fmt.Sprintf("p99AtMost of requirement %d", i+1), q.P99AtMost.D(), q.Load, "steadyState", "require", i, "p99AtMost")
	}
	for i, o := range r.s.Objectives {
		what := entryName("objective", o.ID, i)
		switch m, _ := r.measure(o.Measure); {
		case m.Outage:
			r.aboveTimeout("recovered.p99AtMost", r.s.Recovered.P99AtMost.D(), o.Load, "recovered", "p99AtMost")
		case m.Carries && m.Unit == harness.UnitCount:
			if n := len(o.Carries); n > 0 && countPattern.MatchString(o.AtMost) && o.AtMost != "0" && r.has("objectives", i, "atMost") && !r.fewer(o.AtMost, n) {
				r.wrong(fmt.Sprintf("atMost of %s is %s, and the alert must carry %d fields: it can never fail", what, o.AtMost, n),
					fmt.Sprintf("write less than %d, such as 0", n), "objectives", i, "atMost")
			}
		}
		r.within("staleAfter of "+what, o.StaleAfter, ofStale, "objectives", i, "staleAfter")
	}
}

// fewer tells whether a count is less than n.
func (r *rules) fewer(count string, n int) bool {
	var got int
	_, err := fmt.Sscan(count, &got)
	return err == nil && got < n
}

// aboveTimeout refuses a bound on the p99 of a load's good answers that is not below the load's timeout: what takes that long is
// no good answer.
func (r *rules) aboveTimeout(what string, p99 time.Duration, load string, steps ...any) {
	at := slices.Index(r.loadIDs(), load)
	if at < 0 || !r.has(steps...) || !r.has("load", at, "timeout") || p99 > MaxTimeout {
		return
	}
	if timeout := r.s.Load[at].Timeout.D(); p99 >= timeout && timeout >= ofTimeout.least {
		r.wrong(fmt.Sprintf("%s is %s, and load %s gives up after %s: it can never fail", what, brief(p99), load, brief(timeout)),
			"write less than "+brief(timeout)+", the timeout of the load", steps...)
	}
}
