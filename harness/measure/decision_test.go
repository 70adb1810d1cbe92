package measure

import (
	"strings"
	"testing"

	"blackstart/harness"
)

// decidedWorld is one in which the target failed over, and log and outside say so.
func decidedWorld() *world {
	w := twoRegions(build(usual()))
	log := w.rec.Target.Decisions
	log.Promoted, log.Switched, log.Done, log.Refused = "promote.done", "dns.switched", "failover.done", "failover.refused"
	w.rec.Decisions = append(w.rec.Decisions,
		harness.Decision{At: at(faultLo + 3*sec), Event: "promote.done"},
		harness.Decision{At: at(faultLo + 3100*ms), Event: "dns.switched"},
		harness.Decision{At: at(faultLo + 3200*ms), Event: "failover.done"})
	w.addProbe(probeDNS, "outside.dns", 250*ms)
	for i := range w.answers[probeDNS+" outside.dns"] {
		o := &w.answers[probeDNS+" outside.dns"][i]
		o.Unit, o.Value = harness.UnitCount, 0
		if o.At.Lo > at(faultLo+3100*ms) {
			o.Value = 1
		}
	}
	return w
}

// stay takes a failover out of what is seen from outside.
func stay(w *world) {
	w.staysInRecovery()
	w.rec.Ledger.Promoted, w.rec.Ledger.Primary = false, "east.db"
	for i := range w.answers[probeDNS+" outside.dns"] {
		w.answers[probeDNS+" outside.dns"][i].Value = 0
	}
}

// say replaces what the log says after the declaration.
func say(w *world, events ...string) {
	w.rec.Decisions = w.rec.Decisions[:2]
	for i, e := range events {
		w.rec.Decisions = append(w.rec.Decisions, harness.Decision{
			At: at(faultLo + 3*sec + int64(i)*ms), Event: e, Detail: map[string]string{"reason": "the standby's data is 15.2 s old"}})
	}
}

func TestDecision(t *testing.T) {
	for name, c := range map[string]struct {
		spoil   func(w *world)
		is      string
		verdict harness.Verdict
		text    string
		reason  string
	}{
		"failed over":                {nil, "failed-over", harness.Pass, "failed-over", "it: decision failed-over, objective failed-over (S 1)"},
		"failed over, was to refuse": {nil, "refused", harness.Fail, "failed-over", "it: failed-over, objective refused (S 1): the log and the outside agree: the standby took a write"},
		"failed over, was to stay":   {nil, "none", harness.Fail, "failed-over", ""},
		"refused":                    {func(w *world) { stay(w); say(w, "failover.refused") }, "refused", harness.Pass, "refused", ""},
		"refused, was to fail over":  {func(w *world) { stay(w); say(w, "failover.refused") }, "failed-over", harness.Fail, "refused", "the log gives the reason: the standby's data is 15.2 s old"},
		"nothing":                    {func(w *world) { stay(w); say(w) }, "none", harness.Pass, "none", ""},
		"nothing, was to refuse":     {func(w *world) { stay(w); say(w) }, "refused", harness.Fail, "none", ""},
		"the log lies": {func(w *world) { say(w, "failover.refused") }, "refused", harness.Fail, "log refused, outside failed-over",
			"the log says refused, yet the standby took a write 2.985–3.005 s after the fault and the entry point was sent to west"},
		"the log boasts": {stay, "failed-over", harness.Fail, "log failed-over, outside stayed",
			"the log says failed over, yet the standby took no write and the entry point was never sent to the standby"},
		"promoted, not switched": {func(w *world) {
			say(w, "promote.done")
			for i := range w.answers[probeDNS+" outside.dns"] {
				w.answers[probeDNS+" outside.dns"][i].Value = 0
			}
		}, "failed-over", harness.Fail, "half", ""},
		"said to be whole, is half": {func(w *world) {
			for i := range w.answers[probeDNS+" outside.dns"] {
				w.answers[probeDNS+" outside.dns"][i].Value = 0
			}
		}, "failed-over", harness.Fail, "log failed-over, outside half", "yet the entry point was never sent"},
		"sent there before the fault only": {func(w *world) {
			stay(w)
			say(w, "failover.refused")
			w.answers[probeDNS+" outside.dns"][3].Value = 1
		}, "refused", harness.Pass, "refused", ""},
		"refused first, then done": {func(w *world) { say(w, "failover.refused", "failover.done") }, "failed-over", harness.Pass, "failed-over", ""},
		"refused before the fault": {func(w *world) {
			stay(w)
			say(w, "failover.refused")
			w.rec.Decisions[2].At = at(faultLo - sec)
		}, "refused", harness.Fail, "none", ""},
		"no log":        {func(w *world) { w.rec.DecisionsErr = "HTTP 500" }, "failed-over", harness.Inconclusive, "", "HTTP 500; from outside: the standby took a write"},
		"keeps no log":  {func(w *world) { w.rec.Target.Decisions = nil }, "failed-over", harness.Inconclusive, "", "keeps no log"},
		"says not what": {func(w *world) { l := w.rec.Target.Decisions; l.Done, l.Promoted, l.Switched = "", "", "" }, "none", harness.Inconclusive, "", "does not say which events"},
		"nobody looked": {func(w *world) { stay(w); say(w); w.rec.Probes, w.rec.Ledger.Primary = w.rec.Probes[:1], "" }, "none", harness.Inconclusive, "", "nothing was seen from outside"},
		"no such word":  {nil, "moved", harness.Inconclusive, "", `not "moved"`},
		"not confirmed": {func(w *world) { w.rec.Faults[0].Confirmed = false }, "failed-over", harness.Inconclusive, "", "not confirmed"},
	} {
		w := decidedWorld()
		w.objectives(harness.Objective{Measure: MeasureDecision, Is: c.is})
		if c.spoil != nil {
			c.spoil(w)
		}
		f := readDataset(w.rec, w).finding(w.rec.Scenario.Objectives[0])
		if f.Verdict != c.verdict || f.Verdict != harness.Inconclusive && f.Measured.Text != c.text || !strings.Contains(f.Reason, c.reason) {
			t.Errorf("%s: %s %+v\n%s\nwant %s %q %q", name, f.Verdict, f.Measured, f.Reason, c.verdict, c.text, c.reason)
		}
		if f.Verdict != harness.Inconclusive && (f.Measured.Unit != harness.UnitWord || Value(f.Measured) != c.text) {
			t.Errorf("%s: unit %q, value %q", name, f.Measured.Unit, Value(f.Measured))
		}
	}
}

// A log that disagrees with the outside is a finding, whether an objective asks or not.
func TestDisagreementIsAnException(t *testing.T) {
	w := decidedWorld()
	if got := strings.Join(mustJudge(t, w).Exceptions, "\n"); strings.Contains(got, "the log says") {
		t.Errorf("they agree, yet: %s", got)
	}
	say(w, "failover.refused")
	f := mustJudge(t, w)
	if got := strings.Join(f.Exceptions, "\n"); !strings.Contains(got, "the log says refused, yet the standby took a write") {
		t.Errorf("exceptions:\n%s", got)
	}
	if m := find(t, f, MeasureDecision, "", ""); m.Text != "log refused, outside failed-over" {
		t.Errorf("%+v", m)
	}
}
