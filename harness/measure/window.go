package measure

import (
	"slices"
	"sort"

	"blackstart/harness"
	"blackstart/loadgen"
)

const (
	// stepsPerWindow is how many windows begin within the length of one.
	stepsPerWindow = 5
	// percentile is the one that latency limits speak of, in hundredths.
	percentile = 99
	// maxWindows bounds how many windows are judged of one cohort: a day of windows of 5 s.
	maxWindows = 1 << 17
)

// Window is one judged span of a cohort's time, in ns since the anchor: [From, To).
type Window struct {
	From, To int64
	Due      int   // due requests of the load, all cohorts
	Own      int   // due requests of the cohort
	OK       int   // of Own: those with the right answer
	P99      int64 // ns from due, of the cohort's OK samples by nearest rank; Never where there is none
	Thin     bool  // fewer due requests than the limits ask for: it cannot be judged
	Good     bool  // not Thin, enough OK, P99 within the limit
}

// due gives the part of samples, in order of due, that is due in [from, to).
func due(samples []loadgen.Sample, from, to int64) []loadgen.Sample {
	lo := sort.Search(len(samples), func(i int) bool { return samples[i].Due >= from })
	hi := sort.Search(len(samples), func(i int) bool { return samples[i].Due >= to })
	if hi < lo {
		return nil
	}
	return samples[lo:hi]
}

// judge evaluates the window [from, to) of a cohort against limits.
func judge(c Cohort, limits harness.Recovered, from, to int64) Window {
	own := due(c.Own, from, to)
	w := Window{From: from, To: to, Due: len(due(c.All, from, to)), Own: len(own)}
	w.OK, w.P99 = okAndP99(own)
	w.Thin = w.Due < limits.MinRequests || w.Own == 0
	w.Good = !w.Thin && limits.SuccessAtLeast.Of(w.OK, w.Own) && withinSLO(w.P99, limits.P99AtMost)
	return w
}

// withinSLO tells whether a p99 meets its limit. No limit is always met, no sample never.
func withinSLO(p99 int64, limit harness.Duration) bool {
	return limit == 0 || p99 != loadgen.Never && p99 <= int64(limit)
}

// okAndP99 counts the right answers and finds the 99th percentile of their latency from the due time, by nearest rank.
func okAndP99(samples []loadgen.Sample) (int, int64) {
	latencies := make([]int64, 0, len(samples))
	for _, s := range samples {
		if s.Outcome == loadgen.OK {
			latencies = append(latencies, s.Latency())
		}
	}
	return len(latencies), rank(latencies, percentile)
}

// rank is the hundredths-th percentile of values by nearest rank, Never of none. It sorts values.
func rank(values []int64, hundredths int) int64 {
	if len(values) == 0 {
		return loadgen.Never
	}
	slices.Sort(values)
	return values[max(0, (len(values)*hundredths+99)/100-1)]
}

// windows evaluates every window of the limits' length from the moment from on, a fifth of the length apart, that ends at
// or before end. There is none if the limits name no length, or if there would be more than maxWindows.
func windows(c Cohort, limits harness.Recovered, from, end int64) []Window {
	length := int64(limits.Window)
	step := length / stepsPerWindow
	if step <= 0 || from > end || (end-from)/step > maxWindows {
		return nil
	}
	var all []Window
	for at := from; end-at >= length; at += step {
		all = append(all, judge(c, limits, at, at+length))
	}
	return all
}

// bad tells whether a request failed its user: no right answer, or one later than limit ns after it was due (0: no limit).
func bad(s loadgen.Sample, limit int64) bool {
	return s.Outcome != loadgen.OK || limit > 0 && s.Latency() > limit
}

// known is when the outcome of a sample was known: its done, or for one never sent the end of its timeout.
func known(s loadgen.Sample, timeout int64) int64 {
	if s.Done >= 0 {
		return s.Done
	}
	return s.Due + timeout
}
