package measure

import (
	"strings"
	"testing"

	"blackstart/harness"
)

// Which alert is the drill's where no nonce tells it: each world has one channel, what came on it, and what is known then.
func TestCorrelation(t *testing.T) {
	const late = faultLo + 3*sec
	alert := func(ns int64, class, key string) harness.Arrival {
		return harness.Arrival{Channel: "pagerduty", At: at(ns), Nonce: true, Accepted: true, Status: 202, Event: "trigger", Class: class, DedupKey: key,
			Summary: class + " now", Label: "orders"}
	}
	change := func(a harness.Arrival, how func(*harness.Arrival)) harness.Arrival { how(&a); return a }
	first := harness.Correlation{By: harness.ByFirst, Class: "down"}
	dedup := harness.Correlation{By: harness.ByDedup, Pattern: "orders-.*"}
	label := harness.Correlation{By: harness.ByLabel, Label: "service", Value: "orders"}
	field := harness.Correlation{By: harness.ByLabel, Label: "class", Value: "down"}
	key := harness.Correlation{By: harness.ByNonce}
	for name, c := range map[string]struct {
		by       harness.Correlation
		carries  map[string]string
		arrivals []harness.Arrival
		told     int64 // ns after the fault; 0: never; -1: not known
		detail   string
	}{
		"first":                         {first, nil, []harness.Arrival{alert(late, "down", "a")}, 3 * sec, "down now"},
		"first, twice":                  {first, nil, []harness.Arrival{alert(late+sec, "down", "a"), alert(late, "down", "a")}, 3 * sec, ""},
		"first, twice without a key":    {first, nil, []harness.Arrival{alert(late+sec, "down", ""), alert(late, "down", "")}, 3 * sec, ""},
		"first, late":                   {first, nil, []harness.Arrival{alert(faultLo+40*sec, "down", "a")}, 40 * sec, ""},
		"first, after the end":          {first, nil, []harness.Arrival{alert(watchTo+sec, "down", "a")}, 0, "nothing of this drill"},
		"first, another class":          {first, nil, []harness.Arrival{alert(late, "disk", "a")}, 0, "nothing of this drill"},
		"first, another class before":   {first, nil, []harness.Arrival{alert(baseFrom+sec, "disk", "d"), alert(late, "down", "a")}, 3 * sec, ""},
		"first, not silent":             {first, nil, []harness.Arrival{alert(baseFrom+sec, "down", "b"), alert(late, "down", "a")}, -1, "was not silent: down b"},
		"first, before the baseline":    {first, nil, []harness.Arrival{alert(sec, "down", "b"), alert(late, "down", "a")}, -1, "not silent"},
		"first, resolved before":        {first, nil, []harness.Arrival{change(alert(baseFrom, "down", "b"), func(a *harness.Arrival) { a.Event = "resolve" }), alert(late, "down", "a")}, 3 * sec, ""},
		"first, refused before":         {first, nil, []harness.Arrival{change(alert(baseFrom, "down", "b"), func(a *harness.Arrival) { a.Accepted = false }), alert(late, "down", "a")}, 3 * sec, ""},
		"first, two candidates":         {first, nil, []harness.Arrival{alert(late, "down", "a"), alert(late+sec, "down", "b")}, -1, "two alerts could be this drill's: down a (down now), and down b"},
		"first, two that say different": {first, nil, []harness.Arrival{alert(late, "down", ""), change(alert(late, "down", ""), func(a *harness.Arrival) { a.Summary = "else" })}, -1, "two alerts"},
		"first, one that is meant":      {first, map[string]string{"summary": "else"}, []harness.Arrival{alert(late, "down", "a"), change(alert(late+sec, "down", "b"), func(a *harness.Arrival) { a.Summary = "else" })}, 4 * sec, "else"},
		"first, another is asked for":   {first, map[string]string{"class": "disk"}, []harness.Arrival{alert(late, "disk", "a")}, -1, "by class down"},
		"first, not for us":             {first, nil, []harness.Arrival{change(alert(late, "down", "a"), func(a *harness.Arrival) { a.Nonce = false })}, 0, ""},
		"dedup":                         {dedup, nil, []harness.Arrival{alert(late, "x", "orders-7"), alert(late, "x", "billing-7"), alert(late, "x", "my-orders-7")}, 3 * sec, ""},
		"dedup, none":                   {dedup, nil, []harness.Arrival{alert(late, "x", "")}, 0, ""},
		"dedup, twice":                  {dedup, nil, []harness.Arrival{alert(late, "x", "orders-7"), alert(late+sec, "y", "orders-7")}, 3 * sec, ""},
		"dedup, two candidates":         {dedup, nil, []harness.Arrival{alert(late, "x", "orders-7"), alert(late, "x", "orders-8")}, -1, "x orders-7 (x now), and x orders-8"},
		"dedup, not silent":             {dedup, nil, []harness.Arrival{alert(faultLo-ms, "x", "orders-6"), alert(late, "x", "orders-7")}, -1, "not silent"},
		"label":                         {label, nil, []harness.Arrival{change(alert(late-sec, "x", "b"), func(a *harness.Arrival) { a.Label = "billing" }), alert(late, "x", "a")}, 3 * sec, ""},
		"label, two candidates":         {label, nil, []harness.Arrival{alert(late, "x", "b"), alert(late, "x", "a")}, -1, "two alerts"},
		"field":                         {field, nil, []harness.Arrival{alert(late-sec, "x", "b"), alert(late, "down", "a")}, 3 * sec, ""},
		"words of the summary":          {harness.Correlation{By: harness.ByLabel, Label: "summary", Value: "down"}, nil, []harness.Arrival{alert(late-sec, "x", "b"), alert(late, "down", "a")}, 3 * sec, ""},
		"by the key":                    {key, nil, []harness.Arrival{alert(late+sec, "y", "b"), alert(late, "x", "a")}, 3 * sec, "x now"},
		"a way nobody knows":            {harness.Correlation{By: "smell"}, nil, []harness.Arrival{alert(late, "x", "a")}, 0, ""},
	} {
		w := twoRegions(build(usual()))
		w.rec.Target.Channels = []harness.Channel{{Name: "pagerduty", Correlate: &c.by}}
		w.rec.Arrivals = c.arrivals
		o := harness.Objective{ID: "page", Measure: MeasureAlert, Channel: "pagerduty", Carries: c.carries, AtMost: "10s", Source: "S"}
		content := harness.Objective{ID: "content", Measure: MeasureContent, Channel: "pagerduty", Carries: c.carries, AtMost: "0", Source: "S"}
		if content.Carries == nil {
			content.Carries = map[string]string{fieldSummary: anyValue}
		}
		w.rec.Scenario.Objectives = []harness.Objective{o, content}
		d := readDataset(w.rec, w)
		f := d.finding(o)
		m := f.Measured
		want := harness.Fail
		switch {
		case c.told < 0:
			want = harness.Inconclusive
		case c.told > 0 && c.told < 10*sec:
			want = harness.Pass
		}
		if f.Verdict != want || m.Known != (c.told >= 0) || m.Known && m.Unbounded != (c.told == 0) || c.told > 0 && m.Hi != c.told || m.Seen {
			t.Errorf("%s: %s %+v", name, f.Verdict, m)
		}
		if !strings.Contains(m.Detail, c.detail) || !strings.Contains(m.Method, CorrelationWords(w.rec.Target.Channels[0])) {
			t.Errorf("%s: %q, %q", name, m.Detail, m.Method)
		}
		if got := d.finding(content).Measured; c.carries == nil && got.Known != (c.told > 0) {
			t.Errorf("%s: content %+v", name, got)
		}
		if check := d.checkAlerts(); !check.OK && c.by.By != harness.ByNonce {
			t.Errorf("%s: %s", name, check.Detail)
		}
	}
}

// What is polled is a state that is seen, between two looks; what nobody looked at is not known.
func TestPolledStateIsSeen(t *testing.T) {
	state := func(from, to int64) harness.Arrival {
		return harness.Arrival{Channel: "pagerduty", At: at(to), Earliest: at(from), Polled: true, Accepted: true, Event: "trigger", Class: "down", DedupKey: "a", Summary: "down"}
	}
	there := state(0, sec)
	there.Earliest = 0
	whole := harness.PollSeries{Channel: "pagerduty", EveryNS: 5 * sec, Count: 20, Ran: harness.Interval{Lo: at(0), Hi: at(watchTo + sec)}, Gap: harness.Interval{Lo: at(0), Hi: at(5 * sec)}}
	short, torn, never := whole, whole, whole
	short.Ran.Hi = at(watchTo - sec)
	torn.Gap.Hi = at(16 * sec)
	never.Count, never.Error = 0, "status 500"
	for name, c := range map[string]struct {
		arrivals []harness.Arrival
		polls    []harness.PollSeries
		lo, hi   int64 // of the latency; hi 0: not seen; -1: not known
		want     harness.Verdict
		detail   string
	}{
		"seen":                   {[]harness.Arrival{state(faultLo+2*sec, faultLo+7*sec)}, []harness.PollSeries{whole}, 2*sec - (faultHi - faultLo), 7 * sec, harness.Pass, "first state seen: down"},
		"seen about the bound":   {[]harness.Arrival{state(faultLo+8*sec, faultLo+13*sec)}, []harness.PollSeries{whole}, 8*sec - (faultHi - faultLo), 13 * sec, harness.Inconclusive, ""},
		"seen late":              {[]harness.Arrival{state(faultLo+28*sec, faultLo+33*sec)}, []harness.PollSeries{whole}, 28*sec - (faultHi - faultLo), 33 * sec, harness.Fail, ""},
		"across the fault":       {[]harness.Arrival{state(faultLo-sec, faultLo+4*sec)}, []harness.PollSeries{whole}, 0, 4 * sec, harness.Pass, ""},
		"there before":           {[]harness.Arrival{there}, []harness.PollSeries{whole}, 0, -1, harness.Inconclusive, "not silent"},
		"not seen":               {nil, []harness.PollSeries{whole}, 0, 0, harness.Fail, "nothing of this drill was seen"},
		"not watched to the end": {nil, []harness.PollSeries{short}, 0, -1, harness.Inconclusive, "did not watch it"},
		"a gap":                  {nil, []harness.PollSeries{torn}, 0, -1, harness.Inconclusive, "the longest gap is 16 s"},
		"never answered":         {nil, []harness.PollSeries{never}, 0, -1, harness.Inconclusive, "status 500"},
		"not polled":             {nil, nil, 0, -1, harness.Inconclusive, "it was not polled"},
	} {
		w := twoRegions(build(usual()))
		w.rec.Target.Channels = []harness.Channel{{Name: "pagerduty", PolledNS: 5 * sec, Correlate: &harness.Correlation{By: harness.ByFirst, Class: "down"}}}
		w.rec.Arrivals, w.rec.Polls = c.arrivals, c.polls
		o := harness.Objective{ID: "page", Measure: MeasureAlert, Channel: "pagerduty", AtMost: "10s", Source: "S"}
		w.rec.Scenario.Objectives = []harness.Objective{o}
		f := readDataset(w.rec, w).finding(o)
		m := f.Measured
		if f.Verdict != c.want || m.Known != (c.hi >= 0) || m.Unbounded != (c.hi == 0) || c.hi > 0 && (m.Lo != c.lo || m.Hi != c.hi) || !m.Seen {
			t.Errorf("%s: %s %+v", name, f.Verdict, m)
		}
		said := f.Reason + m.Method + m.Detail + MissedWords(f) + FindingWords(f)
		if !strings.Contains(m.Detail, c.detail) || !strings.Contains(m.Method, "state seen") || strings.Contains(said, "received") {
			t.Errorf("%s: %s", name, said)
		}
	}
}
