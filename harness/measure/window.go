package measure

import (
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
	Due      int  // due requests of the load, all cohorts
	Own      int  // due requests of the cohort
	OK       int  // of Own: those with the right answer
	Fast     int  // of OK: those within the limit on p99
	Thin     bool // fewer due requests than the limits ask for: it cannot be judged
	Good     bool // not Thin, enough OK, their p99 from due within the limit
}

// judge evaluates the window [from, to) of a cohort against limits.
func judge(c Cohort, limits harness.Recovered, from, to int64) Window {
	w := Window{From: from, To: to}
	i, j := c.All.between(from, to)
	w.Due = c.All.size(i, j)
	i, j = c.Own.between(from, to)
	w.Own = c.Own.size(i, j)
	w.OK, w.Fast = c.Own.tally(i, j, bySLO)
	w.Thin = w.Due < limits.MinRequests || w.Own == 0
	w.Good = !w.Thin && limits.SuccessAtLeast.Of(w.OK, w.Own) && fastEnough(w, limits.P99AtMost)
	return w
}

// fastEnough tells whether the p99 by nearest rank of a window's answers is within a limit: whether as many are within it as
// that rank counts. No limit is always met, no answer never.
func fastEnough(w Window, limit harness.Duration) bool {
	return limit == 0 || limit > 0 && w.OK > 0 && w.Fast >= (w.OK*percentile+99)/100
}

// withinSLO tells whether a p99 meets its limit. No limit is always met, no sample never.
func withinSLO(p99 int64, limit harness.Duration) bool {
	return limit == 0 || p99 != loadgen.Never && p99 <= int64(limit)
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
