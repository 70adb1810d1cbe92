package evidence

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

// told writes observations of answers.known into the bag and names them in the record.
func (h *honest) told(t *testing.T, change func(*harness.Observation)) {
	t.Helper()
	const file = "data/observations/answers.known-entry.jsonl"
	at := h.rec.Started
	h.rec.Target.Questions = []harness.Question{{ID: "q", Namespace: "public", Text: "which?", Right: "this"}}
	o := harness.Observation{Probe: harness.ProbeAnswers, On: "entry", At: harness.Interval{Lo: at, Hi: at + 1}, Reached: true, OK: true, Value: 1, Unit: "bool",
		Answer: &harness.Answer{Question: "q", Namespace: "public", Text: "which?", Right: "this", First: "that", Region: "east", Build: "1", DataAsOf: at}}
	change(&o)
	line, err := json.Marshal(o)
	if err == nil {
		err = writeFile(h.dir, file, append(line, '\n'))
	}
	if err != nil {
		t.Fatal(err)
	}
	h.rec.Probes = []harness.ProbeSeries{{Probe: harness.ProbeAnswers, On: "entry", File: file, Count: 1, Ran: harness.Interval{Lo: at, Hi: at.Add(time.Second)}}}
}

// TestWhatWasToldIsHeldAgainstTheOtherFiles covers answers, decisions and alerts, of which a report speaks on its first page.
func TestWhatWasToldIsHeldAgainstTheOtherFiles(t *testing.T) {
	const answersFile = "data/observations/answers.known-entry.jsonl"
	for name, c := range map[string]struct {
		forge func(t *testing.T, h *honest)
		named string // file of the failed check
		words string // in its detail
	}{
		"another right answer": {func(t *testing.T, h *honest) {
			h.told(t, func(o *harness.Observation) { o.Answer.Right = "that" })
		}, answersFile, "right answer to question q"},
		"a question that nobody fixed": {func(t *testing.T, h *honest) {
			h.told(t, func(o *harness.Observation) { o.Answer.Question = "r" })
		}, answersFile, `no known question "r"`},
		"an answer after the probe had ended": {func(t *testing.T, h *honest) {
			h.told(t, func(o *harness.Observation) { o.At.Hi = o.At.Hi.Add(time.Hour) })
		}, answersFile, "the probe ran from"},
		"an answer that nobody gave": {func(t *testing.T, h *honest) {
			h.told(t, func(o *harness.Observation) { o.Answer.Build = "" })
		}, answersFile, "does not say who gave it"},
		"an answer without what was asked": {func(t *testing.T, h *honest) {
			h.told(t, func(o *harness.Observation) { o.Answer = nil })
		}, answersFile, "and no other does"},
		"questions made up after the drill": {func(t *testing.T, h *honest) {
			h.told(t, func(*harness.Observation) {})
		}, RecordFile, "known questions"},
		"another build": {func(t *testing.T, h *honest) {
			h.rec.Target.Builds = []harness.Build{{Name: harness.BuildCurrent, Version: "2"}}
		}, RecordFile, "builds"},
		"another meaning of the target's log": {func(t *testing.T, h *honest) {
			h.rec.Target.Decisions = &harness.DecisionLog{Refused: "failover.done"}
		}, RecordFile, "meaning of the target's own log"},
		"another reason of a decision": {func(t *testing.T, h *honest) {
			h.decided(t, map[string]string{"reason": "the operator said so", "count": "3"})
		}, RecordFile, "its reason is not that of line 1"},
		"a detail of a decision left out": {func(t *testing.T, h *honest) {
			h.decided(t, map[string]string{"count": "3"})
		}, RecordFile, "tells its reason, the record does not"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := makeHonest(t)
			c.forge(t, h)
			h.judgeAgain(t, madeSamples)
			checked := h.verify(t, h.reseal(t))
			for _, k := range checked.Failures() {
				if k.File == c.named && strings.Contains(k.Detail, c.words) {
					return
				}
			}
			t.Errorf("no failed check on %s says %q: %v", c.named, c.words, checked.Failures())
		})
	}
}

// decided writes a log of the target with one line, and a decision of the same moment with other details into the record.
func (h *honest) decided(t *testing.T, detail map[string]string) {
	t.Helper()
	line := `{"at":"` + h.rec.Started.String() + `","event":"failover.refused","detail":{"reason":"the data is old","count":3}}` + "\n"
	if err := writeFile(h.dir, "data/as-run/logs/controller"+auditSuffix, []byte(line)); err != nil {
		t.Fatal(err)
	}
	h.rec.Decisions = []harness.Decision{{At: h.rec.Started, Event: "failover.refused", Detail: detail}}
}

// What an alert said is held against the event that tells of it, as far as that tells it.
func TestAnAlertIsHeldAgainstItsEvent(t *testing.T) {
	at := harness.Stamp(1_772_461_800_000_000_000)
	honestly := harness.Arrival{Channel: "pagerduty", Event: "trigger", At: at, Accepted: true, Summary: "the standby lags", Class: "replication.lagging", Severity: "critical"}
	event := harness.Event{Kind: "alert.received", At: harness.Interval{Lo: at, Hi: at}, Text: "pagerduty received (trigger) the standby lags",
		Detail: map[string]string{"channel": "pagerduty", "event": "trigger", "class": "replication.lagging", "severity": "critical"}}
	for name, change := range map[string]func(*harness.Arrival){
		"":         func(*harness.Arrival) {},
		"class":    func(a *harness.Arrival) { a.Class = "failover.refused" },
		"severity": func(a *harness.Arrival) { a.Severity = "info" },
		"summary":  func(a *harness.Arrival) { a.Summary = "all is well" },
		"refused":  func(a *harness.Arrival) { a.Accepted = false },
	} {
		a := honestly
		change(&a)
		err := arrivalsRecorded(&harness.Record{Arrivals: []harness.Arrival{a}}, []harness.Event{event})
		if (err == nil) != (name == "") || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := arrivalsRecorded(&harness.Record{Arrivals: []harness.Arrival{honestly, honestly}}, []harness.Event{event}); err == nil {
		t.Error("an alert that no event tells is accepted")
	}
	seen := honestly
	seen.Polled, seen.Earliest, seen.DedupKey, seen.Label = true, at-5, "PD1", "orders"
	event.Kind, event.Detail = "alert.seen", map[string]string{"channel": "pagerduty", "event": "trigger", "earliest": seen.Earliest.String(), "dedup_key": "PD1", "label": "orders"}
	for name, change := range map[string]func(*harness.Arrival){
		"":                     func(*harness.Arrival) {},
		"last look without it": func(a *harness.Arrival) { a.Earliest++ },
		"dedup_key":            func(a *harness.Arrival) { a.DedupKey = "PD2" },
		"label":                func(a *harness.Arrival) { a.Label = "" },
		"events only":          func(a *harness.Arrival) { a.Polled = false },
	} {
		a := seen
		change(&a)
		rec := &harness.Record{Arrivals: []harness.Arrival{a}, Acts: []harness.Act{{Kind: harness.ActReconcile, At: harness.Interval{Lo: at + 1}}}}
		err := arrivalsRecorded(rec, []harness.Event{event})
		if (err == nil) != (name == "") || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
