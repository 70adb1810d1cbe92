package measure

import (
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/loadgen"
)

// writes makes one acknowledged write a millisecond up to 3 ms before the fault, of which the last n are lost.
func writes(total, n int) ([]Attempt, Bounds) {
	var all []Attempt
	for i := range total {
		done := int64(i+1) * ms
		a := Attempt{New: 1, Old: 1, Attempt: loadgen.Attempt{
			ID: uint64(i) + 1, Sent: done - ms/2, Done: done, Amount: 250, Outcome: loadgen.AttemptOK,
		}}
		if i >= total-n {
			a.New = 0
		}
		all = append(all, a)
	}
	fault := int64(total)*ms + 3*ms
	return all, Bounds{fault, fault + 2*ms}
}

func TestPlantedLosses(t *testing.T) {
	for _, n := range []int{0, 1, 100, 10_000} {
		all, fault := writes(12_000, n)
		loss := LossOf(slices.Values(all), fault.Hi, nil)
		if loss.Lost != n || loss.Amount != int64(250*n) || loss.Diverged != 0 {
			t.Errorf("planted %d: %+v", n, loss)
		}
		got := RPOTime(slices.Values(all), fault)
		if got.Unknown != "" || got.Unbounded {
			t.Errorf("planted %d: %+v", n, got)
		}
		// The standby stopped between the last durable write and the first lost one.
		truth := int64(0)
		if n > 0 {
			truth = fault.Lo - (int64(12_000-n)*ms + ms/2)
		}
		if got.Lo > truth+2*ms || got.Hi < truth || got.Hi-got.Lo > 5*ms {
			t.Errorf("planted %d: [%d, %d], truth %d", n, got.Lo, got.Hi, truth)
		}
	}
}

func TestRPOTimeNeedsAcknowledgements(t *testing.T) {
	all, fault := writes(2000, 10)
	var few []Attempt
	for i, a := range all {
		if i%10 == 0 {
			few = append(few, a)
		}
	}
	if got := RPOTime(slices.Values(few), fault); !strings.Contains(got.Unknown, "200 are needed") {
		t.Errorf("one write in 10 ms: %+v", got)
	}
	if got := RPOTime(slices.Values([]Attempt(nil)), fault); got.Unknown == "" {
		t.Errorf("no write: %+v", got)
	}
	late := Bounds{fault.Lo + 5*sec, fault.Hi + 5*sec}
	if got := RPOTime(slices.Values(all[:1900]), late); got.Unknown == "" {
		t.Errorf("writes ended long before the fault: %+v", got)
	}
	kept, fault := writes(300, 0)
	var sparse []Attempt
	for i := 0; i < len(kept); i += 50 {
		sparse = append(sparse, kept[i])
	}
	if got := RPOTime(slices.Values(sparse), fault); got.Unknown != "" || got.Lo != 0 || got.Hi != 0 {
		t.Errorf("nothing lost, few writes: %+v", got)
	}
	gone, fault := writes(1000, 1000)
	if got := RPOTime(slices.Values(gone), fault); !got.Unbounded {
		t.Errorf("nothing durable: %+v", got)
	}
}

func TestClassOf(t *testing.T) {
	const unread = Unread
	for _, c := range []struct {
		outcome  loadgen.AttemptOutcome
		now, old int
		want     string
	}{
		{loadgen.AttemptOK, 1, 1, Durable},
		{loadgen.AttemptOK, 2, 0, Durable},
		{loadgen.AttemptOK, 0, 1, Lost},
		{loadgen.AttemptOK, 0, unread, Lost},
		{loadgen.AttemptOK, unread, 1, NotRead},
		{loadgen.AttemptUnknown, 1, 0, Ghost},
		{loadgen.AttemptUnknown, 0, 1, Stranded},
		{loadgen.AttemptUnknown, 0, 0, CleanFailure},
		{loadgen.AttemptUnknown, 0, unread, Unresolved},
		{loadgen.AttemptDefinite, 0, 0, Rejected},
		{loadgen.AttemptDefinite, 0, unread, Rejected},
		{loadgen.AttemptDefinite, 1, 0, ContractBreak},
		{loadgen.AttemptDefinite, 0, 1, ContractBreak},
	} {
		if got := ClassOf(Attempt{Attempt: loadgen.Attempt{Outcome: c.outcome}, New: c.now, Old: c.old}); got != c.want {
			t.Errorf("%s, %d, %d: %s, want %s", c.outcome, c.now, c.old, got, c.want)
		}
	}
}

func TestClassifyCountsEveryAttemptOnce(t *testing.T) {
	all, _ := writes(500, 7)
	all[0].New = 2
	all[1].Outcome = loadgen.AttemptUnknown
	tally := tallied(slices.Values(all), nil)
	classes := tally.classes(0, 2)
	sum := 0
	for _, c := range classes {
		if c.Name != Duplicate {
			sum += c.Count
		}
	}
	if sum != 500 || countOf(classes, Lost) != 7 || countOf(classes, Ghost) != 1 || countOf(classes, Duplicate) != 1 {
		t.Errorf("%+v", classes)
	}
	if n := countOf(tally.classes(3, 2), Duplicate); n != 3 {
		t.Errorf("business keys twice: %d, want 3", n)
	}
}

func TestOracle(t *testing.T) {
	all, _ := writes(1000, 10)
	for i := range 5 {
		all[i].Outcome, all[i].New, all[i].Old = loadgen.AttemptUnknown, 0, 0
	}
	all[0].Old = 1
	for missing, want := range map[int]string{11: "", 9: "clients miss 10", 16: "do not explain", 12: "the ledger files say 11"} {
		got := oracleOf(all, missing)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("oracle %d: %q, want %q", missing, got, want)
		}
	}
}

func TestDivergenceIsShownApart(t *testing.T) {
	tr := usual()
	tr.isolated = true
	f := mustJudge(t, build(tr))
	n := find(t, f, NameDivergence, "", "")
	lasted := find(t, f, NameDivergenceTime, "", "")
	if n.Lo < 90 || n.Lo > 100 || n.Lo != n.Hi {
		t.Errorf("divergence %+v, want two seconds of 50 writes", n)
	}
	if lasted.Lo < 2*sec-30*ms || lasted.Hi > 2*sec+30*ms {
		t.Errorf("divergence lasted %+v", lasted)
	}
	all := find(t, f, MeasureRPOLost, "", "")
	if all.Lo < n.Lo || !strings.Contains(all.Detail, "divergence") {
		t.Errorf("all losses %+v", all)
	}
	// The objective speaks of the writers outside: nothing of theirs is lost.
	if m := find(t, f, MeasureRPOLost, fileLedger, ""); m.Lo != 0 || f.Verdict != harness.Pass {
		t.Errorf("outside %+v, %s: %s", m, f.Verdict, f.Reason)
	}
	if cost := find(t, f, NameDivergenceCost, "", ""); cost.Lo != n.Lo*10_000 {
		t.Errorf("divergence costs %+v", cost)
	}
	// Whatever the objectives ask, the first line and the exceptions tell of it, with number and value.
	told := "split brain: " + Value(n) + " writes worth " + harness.Amount{Minor: n.Lo * 10_000, Exponent: 2}.String() + " were acknowledged behind the cut, the last 1.9"
	if !strings.Contains(f.Reason, told) || !slices.ContainsFunc(f.Exceptions, func(e string) bool { return strings.HasPrefix(e, told) }) {
		t.Errorf("want %q in %q and in %q", told, f.Reason, f.Exceptions)
	}
	tr.loss = 5 // a drill that fails tells of it too
	if f := mustJudge(t, build(tr)); f.Verdict != harness.Fail || !strings.Contains(f.Reason, told) {
		t.Errorf("%s, want %q", f.Reason, told)
	}
	if f := mustJudge(t, build(usual())); strings.Contains(f.Reason, "split brain") || len(f.Exceptions) > 0 {
		t.Errorf("nothing diverged: %s, %q", f.Reason, f.Exceptions)
	}
}

func TestClientSideOnlyIsSaid(t *testing.T) {
	w := build(usual())
	w.rec.Ledger.OldRead, w.rec.Ledger.OldDetail = false, "it does not start"
	f := mustJudge(t, w)
	if f.Verdict != harness.Pass || !strings.Contains(f.LedgerNote, "client side only") {
		t.Errorf("%s, note %q", f.Verdict, f.LedgerNote)
	}
	if m := find(t, f, MeasureRPOLost, fileLedger, ""); !strings.Contains(m.Detail, "client side only: the old primary was not read: it does not start") {
		t.Errorf("%+v", m)
	}
}

func TestAlertIsTheFirstOfThisDrill(t *testing.T) {
	w := build(usual())
	page := func(after time.Duration, change func(*harness.Arrival)) harness.Arrival {
		a := harness.Arrival{Channel: "pagerduty", At: at(faultLo).Add(after), Nonce: true, Accepted: true, Event: "trigger"}
		if change != nil {
			change(&a)
		}
		return a
	}
	w.rec.Arrivals = []harness.Arrival{
		page(9*time.Second, nil),
		page(8*time.Second, nil),
		page(1*time.Second, func(a *harness.Arrival) { a.Nonce = false }),
		page(2*time.Second, func(a *harness.Arrival) { a.Accepted = false }),
		page(3*time.Second, func(a *harness.Arrival) { a.Event = "resolve" }),
		page(4*time.Second, func(a *harness.Arrival) { a.Channel = "slack" }),
	}
	f := mustJudge(t, w)
	m := f.Objectives[3].Measured
	if !m.Known || m.Lo != 8*sec-15*ms || m.Hi != 8*sec {
		t.Errorf("alert [%d, %d], want [7.985 s, 8 s]", m.Lo, m.Hi)
	}
	for _, m := range f.Measurements {
		if m.Name == NameAlertBeyond && m.Channel == "pagerduty" && (m.Lo != 7*sec-15*ms || m.Hi != 7*sec) {
			t.Errorf("beyond the floor %+v", m)
		}
	}
	w.rec.Arrivals = []harness.Arrival{{Channel: "pagerduty", At: at(watchTo + sec), Nonce: true, Accepted: true, Event: "trigger"}}
	if f := mustJudge(t, w); f.Objectives[3].Verdict != harness.Fail || !f.Objectives[3].Measured.Unbounded {
		t.Errorf("received after the end of observation: %+v", f.Objectives[3])
	}
	w.rec.Scenario.Objectives[3].Channel = "telex"
	if f := mustJudge(t, w); f.Objectives[3].Verdict != harness.Inconclusive {
		t.Errorf("a channel the target does not have: %+v", f.Objectives[3])
	}
}

func oracleOf(all []Attempt, missing int) string {
	l := tallied(slices.Values(all), nil)
	return l.oracle(missing)
}
