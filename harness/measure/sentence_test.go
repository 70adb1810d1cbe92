package measure

import (
	"testing"

	"blackstart/harness"
)

func TestBoundsOfEveryMeasure(t *testing.T) {
	good := map[string]harness.Objective{harness.UnitNS: {AtMost: "15s"}, harness.UnitCount: {AtMost: "0"}, harness.UnitMinor: {AtMost: "1.00"}}
	for _, of := range Specs() {
		measure, o := of.Name, good[of.Unit]
		if o.Measure = measure; of.Unit == harness.UnitWord {
			o.Is = of.Words[0]
		}
		if _, err := Bound(o, harness.Measurement{}); err != nil {
			t.Errorf("%s: %v", measure, err)
		}
		for _, bad := range []harness.Objective{{}, {AtMost: "-1"}, {AtMost: "-1s"}, {AtMost: "many"}, {Is: "moved", AtMost: "many"}} {
			if bad.Measure = measure; bad.Measure != "" {
				if n, err := Bound(bad, harness.Measurement{}); err == nil {
					t.Errorf("%s: %+v is read as %d", measure, bad, n)
				}
			}
		}
	}
	if _, err := Bound(harness.Objective{Measure: "speed", AtMost: "1s"}, harness.Measurement{}); err == nil {
		t.Error("a measure that nothing measures has a bound")
	}
}

func TestSentences(t *testing.T) {
	for _, c := range []struct {
		o       harness.Objective
		m       harness.Measurement
		verdict harness.Verdict
		bound   int64
		want    string
	}{
		{harness.Objective{Measure: MeasureRTO}, harness.Measurement{Unit: harness.UnitNS, Known: true, Lo: 30 * sec, Hi: 30 * sec, Unbounded: true, Text: "certificate expired (98%)"}, harness.Fail, 20 * sec,
			"it: not recovered: at least 30 s; clients saw: certificate expired (98%); objective 20 s (S 1)"},
		{harness.Objective{Measure: MeasureAlert, Carries: map[string]string{"class": "x", "region": "*"}}, harness.Measurement{Unit: harness.UnitNS, Known: true, Lo: 30 * sec, Hi: 30 * sec, Unbounded: true}, harness.Fail, 20 * sec,
			"it: not received with class x, any region: at least 30 s, objective 20 s (S 1)"},
		{harness.Objective{Measure: MeasureWrong}, harness.Measurement{Unit: harness.UnitCount, Known: true, Lo: 12, Hi: 12, Detail: "wrong 12"}, harness.Fail, 0,
			"it: wrong answers 12, objective 0 (S 1): wrong 12"},
		{harness.Objective{Measure: MeasureWrong}, harness.Measurement{Unit: harness.UnitCount, Known: true, Detail: "wrong 0"}, harness.Pass, 0,
			"it: wrong answers 0, objective 0 (S 1)"},
		{harness.Objective{Measure: MeasureExposureValue}, harness.Measurement{Unit: harness.UnitMinor, Known: true, Lo: 100, Hi: 250}, harness.Inconclusive, 200,
			"it: 1.00–2.50 cannot be told from the objective 2.00 (S 1)"},
		{harness.Objective{Measure: MeasureCatchup}, harness.Measurement{Unit: harness.UnitNS, Detail: "not asked"}, harness.Inconclusive, sec,
			"it: not measured: not asked; objective 1 s (S 1)"},
		{harness.Objective{Measure: MeasureDecision, Is: "refused"}, harness.Measurement{Unit: harness.UnitWord, Known: true, Text: "none", Lo: 1, Hi: 1, Detail: "why"}, harness.Fail, 0,
			"it: none, objective refused (S 1): why"},
	} {
		c.o.ID, c.o.Source = "it", "S 1"
		f := harness.Finding{Objective: c.o, Measured: c.m, Verdict: c.verdict}
		if got := Compare(c.m, c.bound); got != c.verdict {
			t.Errorf("%s: %s, want %s", c.o.Measure, got, c.verdict)
		}
		if got := Sentence(f, c.bound); got != c.want {
			t.Errorf("%s, want\n%s", got, c.want)
		}
	}
}
