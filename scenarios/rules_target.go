package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
)

// target refuses what the target cannot do of what is asked: the same refusals that a plan and a run end with.
func (r *rules) target() {
	if r.known.Refuses == nil {
		return
	}
	for _, refused := range r.known.Refuses(*r.s) {
		if r.unsound(refused.At) {
			continue
		}
		message, hint := r.told(refused)
		r.wrong(message, hint, r.nearest(refused)...)
	}
}

// unsound tells whether what was refused holds a value that could not be read, or a kind that does not exist: that has been
// reported, and what follows from it is nobody's mistake.
func (r *rules) unsound(at []any) bool {
	n, near := r.at(at...)
	if n == nil {
		n = near
	}
	var broken func(n *node) bool
	broken = func(n *node) bool {
		return r.bad[n] || slices.ContainsFunc(n.items, broken) || slices.ContainsFunc(n.entries, func(e entry) bool { return broken(e.value) })
	}
	if n == r.root || broken(n) {
		return true
	}
	i, ok := at[1].(int)
	if at[0] != "faults" || !ok {
		return false
	}
	return !r.has("faults", i, "region") || !r.has("faults", i, "kind") || r.known.Faults != nil && !slices.Contains(r.known.Faults, r.s.Faults[i].Kind)
}

var writtenKey = regexp.MustCompile("`([A-Za-z]+):")

// nearest is where the refusal is shown: at the key of the fault that it names, if it names one.
func (r *rules) nearest(refused harness.Refusal) []any {
	if m := writtenKey.FindStringSubmatch(refused.Err.Error()); m != nil && refused.At[0] == "faults" && len(refused.At) == 2 {
		if steps := append(slices.Clone(refused.At), m[1]); r.has(steps...) {
			return steps
		}
	}
	return refused.At
}

// told parts the text of a refusal into what is wrong and what to write instead.
func (r *rules) told(refused harness.Refusal) (message, hint string) {
	message = refused.Err.Error()
	if i, ok := refused.At[1].(int); ok && refused.At[0] == "faults" {
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

// uncarried refuses a field, or a word in it, that no alert on the channel can carry: it would fail the target for a slip.
func (r *rules) uncarried(o harness.Objective, e entry, what string) bool {
	fields := r.known.Carried[o.Channel]
	if fields == nil || !slices.Contains(carried, e.key) {
		return false
	}
	allowed, can := fields[e.key]
	value := o.Carries[e.key]
	switch {
	case !can:
		var names []string
		for _, name := range carried {
			if _, ok := fields[name]; ok {
				names = append(names, name)
			}
		}
		r.out.add(e.pos, "write one of "+words(names)+", or channel: pagerduty", "%s wants %s of an alert on %s, which has no such field", what, e.key, o.Channel)
	case allowed != nil && value != "*" && !slices.Contains(allowed, value):
		r.out.add(e.value.pos, suggest(value, allowed), "%s wants the %s %q, which no alert on %s carries", what, e.key, value, o.Channel)
	default:
		return false
	}
	return true
}

// silences are the probes that get no good answer any more of the region that a fault breaks. The others ask by a path that the
// fault leaves alone.
var silences = map[string][]string{
	"region.partition":   {"http.health"},
	"region.kill":        {"http.health", "postgres.writable", "replication.heartbeat", "replication.lag"},
	"certificate.expire": {"http.health"},
	"replication.break":  {},
	"replication.pause":  {},
	"code.stale":         {},
}

// ofFollower are the probes that have an answer only as long as the standby follows the primary.
var ofFollower = []string{"replication.heartbeat", "replication.lag"}

// guard refuses one that would stop every drill of the scenario, and one that never could.
func (r *rules) guard(g harness.Guard, i int) {
	if !r.has("guards", i, "probe") || !r.has("guards", i, "region") || r.known.Probes != nil && !slices.Contains(r.known.Probes, g.Probe) {
		return
	}
	what := fmt.Sprintf("guard %d", i+1)
	if r.known.Asked != nil && !slices.Contains(r.known.Asked(g.Probe), g.Region) {
		hint := "write another probe: this one is asked about no region"
		if roles := r.known.Asked(g.Probe); slices.Contains(roles, harness.Primary) || slices.Contains(roles, harness.Standby) {
			hint = "write region: " + words(roles)
		}
		r.wrong(fmt.Sprintf("%s watches %s of the %s region, which is not asked there, and could never stop anything", what, g.Probe, g.Region),
			hint, "guards", i, "region")
		return
	}
	if g.Probe == "postgres.writable" && g.Region == harness.Standby {
		r.wrong(what+" watches whether the standby takes writes, which it does not until it is promoted: it would stop every drill",
			"write another probe, such as http.health", "guards", i, "probe")
		return
	}
	for j, f := range r.s.Faults {
		if !r.silenced(g, f) || r.unsound([]any{"faults", j}) || !r.has("observe") || !r.has("guards", i, "failingFor") {
			continue
		}
		lasts := r.s.Observe.D() - f.At.D()
		if f.For > 0 {
			lasts = min(lasts, f.For.D())
		}
		if lasts >= g.FailingFor.D() {
			r.wrong(fmt.Sprintf("%s watches %s of the %s region, which fault %d (%s) takes away for as long: it would stop every drill",
				what, g.Probe, g.Region, j+1, f.Kind), "guard the other region, or write a longer failingFor", "guards", i)
			return
		}
	}
}

// silenced tells whether a fault takes away what a guard watches: in the region it breaks, or, where the loss of the primary
// makes the target promote the standby, in the standby as a follower.
func (r *rules) silenced(g harness.Guard, f harness.FaultSpec) bool {
	if f.Kind == "certificate.expire" && f.Certificate == harness.CertificateExpiring {
		return false
	}
	if f.Region == g.Region {
		return slices.Contains(silences[f.Kind], g.Probe)
	}
	promoted := r.s.Recovery.By == "target" && slices.Contains([]string{"", "enabled"}, r.s.Target.Settings["controller.failover"])
	return f.Region == harness.Primary && slices.Contains(ofFollower, g.Probe) && (f.Kind == "region.kill" || f.Kind == "region.partition" && promoted)
}

// cannotFail refuses bounds that hold whatever happens: they would prove nothing.
func (r *rules) cannotFail() {
	for i, q := range r.s.SteadyState.Require {
		r.aboveTimeout(fmt.Sprintf("p99AtMost of requirement %d", i+1), q.P99AtMost.D(), q.Load, "steadyState", "require", i, "p99AtMost")
	}
	for i, o := range r.s.Objectives {
		what := place("objective", o.ID, i)
		switch o.Measure {
		case "rto":
			r.aboveTimeout("recovered.p99AtMost", r.s.Recovered.P99AtMost.D(), o.Load, "recovered", "p99AtMost")
		case "alert.content":
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
