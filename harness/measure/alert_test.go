package measure

import (
	"strings"
	"testing"

	"blackstart/harness"
)

// lagging is the alert of a replication lag as it should be.
func lagging(ns int64) harness.Arrival {
	return harness.Arrival{
		Channel: "pagerduty", At: at(ns), Nonce: true, Accepted: true, Status: 202, Event: "trigger", Severity: "critical",
		Class: "replication.lagging", Component: "west.db", Group: "west", Summary: "the standby west is 3.2 s behind",
	}
}

func twoRegions(w *world) *world {
	w.rec.Target.Regions = []harness.Region{{Name: "east", Role: "primary"}, {Name: "west", Role: "standby"}}
	return w
}

var lagFields = map[string]string{"class": "replication.lagging", "severity": "critical", "region": "standby"}

func TestAlertCarries(t *testing.T) {
	other := lagging(faultLo + sec)
	other.Class, other.Group = "primary.unreachable", "east"
	with := func(change func(a *harness.Arrival)) []harness.Arrival {
		a := lagging(faultLo + 3*sec)
		change(&a)
		return []harness.Arrival{other, a}
	}
	for name, c := range map[string]struct {
		carries  map[string]string
		arrivals []harness.Arrival
		known    bool
		at       int64 // ns after the fault; 0: not received
		detail   string
	}{
		"all fields":                {lagFields, []harness.Arrival{other, lagging(faultLo + 3*sec)}, true, 3 * sec, "3.2 s behind"},
		"no fields":                 {nil, []harness.Arrival{other, lagging(faultLo + 3*sec)}, true, sec, ""},
		"the first that carries":    {lagFields, []harness.Arrival{lagging(faultLo + 5*sec), lagging(faultLo + 3*sec)}, true, 3 * sec, ""},
		"one before the fault":      {lagFields, []harness.Arrival{lagging(faultLo - ms), lagging(faultLo + 4*sec)}, true, 4 * sec, ""},
		"only before the fault":     {lagFields, []harness.Arrival{lagging(faultLo - ms)}, true, 0, "nothing of this drill"},
		"after the end":             {lagFields, []harness.Arrival{lagging(watchTo + ms)}, true, 0, "nothing of this drill"},
		"another class only":        {lagFields, []harness.Arrival{other}, true, 0, "class: wanted replication.lagging, got primary.unreachable"},
		"less severe":               {lagFields, with(func(a *harness.Arrival) { a.Severity = "warning" }), true, 0, ""},
		"another region":            {lagFields, with(func(a *harness.Arrival) { a.Group = "east" }), true, 0, ""},
		"no nonce":                  {lagFields, with(func(a *harness.Arrival) { a.Nonce = false }), true, 0, ""},
		"refused by us":             {lagFields, with(func(a *harness.Arrival) { a.Accepted = false }), true, 0, ""},
		"another channel":           {lagFields, with(func(a *harness.Arrival) { a.Channel = "slack" }), true, 0, ""},
		"resolved only":             {lagFields, with(func(a *harness.Arrival) { a.Event = "resolve" }), true, 0, ""},
		"resolved, asked for":       {map[string]string{"event": "resolve"}, with(func(a *harness.Arrival) { a.Event = "resolve" }), true, 3 * sec, ""},
		"words of the summary":      {map[string]string{"summary": "s behind"}, with(func(a *harness.Arrival) {}), true, sec, ""},
		"other words":               {map[string]string{"summary": "ahead"}, with(func(a *harness.Arrival) {}), true, 0, ""},
		"any component":             {map[string]string{"component": "*", "class": "replication.lagging"}, with(func(a *harness.Arrival) {}), true, 3 * sec, ""},
		"any component, none there": {map[string]string{"component": "*", "class": "replication.lagging"}, with(func(a *harness.Arrival) { a.Component = "" }), true, 0, ""},
		"no such field":             {map[string]string{"colour": "red"}, with(func(a *harness.Arrival) {}), false, 0, `no field "colour"`},
		"no value":                  {map[string]string{"class": ""}, with(func(a *harness.Arrival) { a.Class = "" }), false, 0, "what class must be"},
		"no such role":              {map[string]string{"region": "third"}, with(func(a *harness.Arrival) {}), false, 0, `role "third"`},
	} {
		w := twoRegions(build(usual()))
		w.rec.Arrivals = c.arrivals
		o := harness.Objective{ID: "page", Measure: MeasureAlert, Channel: "pagerduty", Carries: c.carries, AtMost: "10s", Source: "S"}
		w.rec.Scenario.Objectives = []harness.Objective{o}
		d := readDataset(w.rec, w)
		f := d.finding(o)
		m := f.Measured
		wantLo, verdict := max(0, c.at-(faultHi-faultLo)), harness.Pass
		switch {
		case !c.known:
			verdict = harness.Inconclusive
		case c.at == 0:
			wantLo, verdict = watchTo-faultHi, harness.Fail
		}
		if m.Known != c.known || m.Known && (m.Lo != wantLo || m.Unbounded != (c.at == 0) || c.at > 0 && m.Hi != c.at) || f.Verdict != verdict {
			t.Errorf("%s: %s %+v, want %d", name, f.Verdict, m, c.at)
		}
		if !strings.Contains(m.Detail, c.detail) {
			t.Errorf("%s: detail %q, want %q", name, m.Detail, c.detail)
		}
		if c.known && c.at == 0 && len(c.carries) > 0 && !strings.Contains(f.Reason, "not received with ") {
			t.Errorf("%s: %s", name, f.Reason)
		}
	}
}

func TestAlertContent(t *testing.T) {
	poor := lagging(faultLo + 3*sec)
	poor.Severity, poor.Group = "", "east"
	for name, c := range map[string]struct {
		carries  map[string]string
		arrivals []harness.Arrival
		lacks    int64 // -1: not known
		detail   string
	}{
		"whole":                  {lagFields, []harness.Arrival{lagging(faultLo + 3*sec)}, 0, "it carries all 3 fields"},
		"two lacking":            {lagFields, []harness.Arrival{poor}, 2, "region: wanted west, got east; severity: wanted critical, got nothing"},
		"the first counts":       {lagFields, []harness.Arrival{lagging(faultLo + 4*sec), poor}, 2, ""},
		"of its class":           {lagFields, []harness.Arrival{{Channel: "pagerduty", At: at(faultLo + sec), Nonce: true, Accepted: true, Event: "trigger"}, lagging(faultLo + 3*sec)}, 0, ""},
		"of any class":           {map[string]string{"class": "*", "severity": "critical"}, []harness.Arrival{{Channel: "pagerduty", At: at(faultLo + sec), Nonce: true, Accepted: true, Event: "trigger"}, lagging(faultLo + 3*sec)}, 2, ""},
		"nothing came":           {lagFields, nil, -1, "nothing of class replication.lagging was received, so there is nothing to read"},
		"only before the fault":  {lagFields, []harness.Arrival{lagging(faultLo - ms)}, -1, "nothing to read"},
		"nothing is asked for":   {nil, []harness.Arrival{poor}, -1, "names no field"},
		"something else came":    {lagFields, []harness.Arrival{{Channel: "pagerduty", At: at(faultLo + sec), Nonce: true, Accepted: true, Event: "trigger", Class: "x"}}, -1, "nothing to read"},
		"a field no alert has":   {map[string]string{"colour": "*"}, []harness.Arrival{poor}, -1, "no field"},
		"a summary without word": {map[string]string{"summary": "ahead"}, []harness.Arrival{poor}, 1, "summary: wanted ahead, got the standby"},
	} {
		w := twoRegions(build(usual()))
		w.rec.Arrivals = c.arrivals
		o := harness.Objective{ID: "content", Measure: MeasureContent, Channel: "pagerduty", Carries: c.carries, AtMost: "0", Source: "S"}
		f := readDataset(w.rec, w).finding(o)
		m := f.Measured
		want := map[bool]harness.Verdict{true: harness.Pass, false: harness.Fail}[c.lacks == 0]
		if c.lacks < 0 {
			want = harness.Inconclusive
		}
		if m.Known != (c.lacks >= 0) || m.Known && (m.Lo != c.lacks || m.Hi != c.lacks) || f.Verdict != want || m.Unit != harness.UnitCount {
			t.Errorf("%s: %s %+v, want %d", name, f.Verdict, m, c.lacks)
		}
		if !strings.Contains(m.Detail, c.detail) || f.Verdict == harness.Fail && !strings.Contains(f.Reason, "wanted") {
			t.Errorf("%s: %q, %q", name, m.Detail, f.Reason)
		}
	}
}
