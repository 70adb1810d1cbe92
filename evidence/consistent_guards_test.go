package evidence

import (
	"iter"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// answered gives the same answers whatever is asked for.
type answered struct {
	measure.Source
	all []harness.Observation
}

func (a answered) Observations(harness.ProbeSeries) iter.Seq2[harness.Observation, error] {
	return func(yield func(harness.Observation, error) bool) {
		for _, o := range a.all {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// A guard that is said to have fired must have, by what its probe answered.
func TestGuardsThatFiredAreJudgedAnew(t *testing.T) {
	const begin, second = harness.Stamp(1e18), harness.Stamp(1e9)
	rec := &harness.Record{
		Scenario: harness.Scenario{Guards: []harness.Guard{{Probe: "lag", AtMost: "5", ForLonger: harness.Duration(3 * second)}}},
		Probes: []harness.ProbeSeries{{ID: "lag", Probe: "redis.info", File: "data/observations/lag.jsonl", EveryNS: int64(second), Ran: harness.Interval{Lo: begin, Hi: begin + 20*second}},
			{Probe: "http.health", File: "data/observations/other.jsonl"}},
	}
	var src answered
	for i := range harness.Stamp(20) {
		o := harness.Observation{At: harness.Interval{Lo: begin + i*second, Hi: begin + i*second + 1}, OK: true, Reached: true, Value: 5, Unit: harness.UnitCount}
		if i >= 10 {
			o.Value = 6
		}
		src.all = append(src.all, o)
	}
	for what, c := range map[string]struct {
		at     harness.Stamp
		detail map[string]string
		wrong  string
	}{
		"as it was":          {13, map[string]string{"guard": "1", "file": "data/observations/lag.jsonl"}, ""},
		"too early":          {11, map[string]string{"guard": "1", "file": "data/observations/lag.jsonl"}, "by the answers of lag it does not"},
		"another guard":      {13, map[string]string{"guard": "2", "file": "data/observations/lag.jsonl"}, "the scenario has 1"},
		"another probe":      {13, map[string]string{"guard": "1", "file": "data/observations/other.jsonl"}, "holds no answers of lag"},
		"no file":            {13, map[string]string{"guard": "1"}, "holds no answers of lag"},
		"no number":          {13, map[string]string{"guard": "x"}, "the scenario has 1"},
		"an earlier version": {11, nil, ""},
	} {
		told := &recordedEvents{guards: []harness.Event{{Kind: "guard.fired", At: harness.Interval{Lo: begin + c.at*second, Hi: begin + c.at*second}, Detail: c.detail}}}
		if err := told.guardsOf(rec, src); (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A series with an id is one of a probe that is listed, and asked no oftener.
func TestListedProbesAreThose(t *testing.T) {
	rec := &harness.Record{Scenario: harness.Scenario{Probes: []harness.ProbeSpec{{ID: "lag", Probe: "redis.info", Every: 2e9}}},
		Target: harness.Description{Probes: []harness.ProbeSpec{{ID: "rows", Probe: "sql.query"}}}}
	for want, p := range map[*harness.ProbeSeries]bool{
		{Probe: "http.health"}: true, {ID: "lag", Probe: "redis.info", EveryNS: 2e9}: true, {ID: "lag", Probe: "redis.info", EveryNS: 5e9}: true,
		{ID: "rows", Probe: "sql.query", EveryNS: 1e9}: true, {ID: "lag", Probe: "redis.info", EveryNS: 1e9}: false,
		{ID: "lag", Probe: "sql.query", EveryNS: 2e9}: false, {ID: "other", Probe: "redis.info", EveryNS: 2e9}: false,
	} {
		if err := listedProbe(rec, *want); (err == nil) != p {
			t.Errorf("%+v: %v", *want, err)
		}
	}
}
