package facts

import (
	"testing"
	"time"

	"blackstart/harness"
)

// The row of an objective that counts by a later clock shows what was judged: what was told again of the first fault is not it.
func TestANotificationIsTheOneThatWasJudged(t *testing.T) {
	at := func(s int64) harness.Stamp { return harness.Stamp(s * int64(time.Second)) }
	fault := func(id string, s int64) harness.FaultRecord {
		return harness.FaultRecord{Confirmed: true, InForce: harness.Interval{Lo: at(s), Hi: at(s)},
			Plan: harness.Plan{Fault: harness.FaultSpec{ID: id, StartsClock: true, At: harness.Duration(at(s))}}}
	}
	page := func(s int64, key string) harness.Arrival {
		return harness.Arrival{Channel: "pagerduty", At: at(s), Nonce: true, Accepted: true, Event: "trigger", DedupKey: key}
	}
	rec := &harness.Record{Target: harness.Description{Channels: []harness.Channel{{Name: "pagerduty"}}},
		Faults: []harness.FaultRecord{fault("first", 10), fault("second", 20)}, Observation: harness.Interval{Lo: at(10), Hi: at(40)}, Ended: at(50),
		Arrivals: []harness.Arrival{page(12, "a"), page(21, "a"), page(23, "b")}}
	objective := func(after string) harness.Finding {
		return harness.Finding{Objective: harness.Objective{Measure: "alert.received", Channel: "pagerduty", After: after}}
	}
	all := notifications(rec, harness.Findings{Objectives: []harness.Finding{objective(""), objective("second")}}, at(10))
	if len(all) != 2 || all[0].First.At != at(12) || all[1].First.At != at(23) {
		t.Errorf("%+v", all)
	}
}
