package measure

import (
	"os"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// mustJudgeBoth judges a world from its files, here and by the second implementation, which must agree.
func mustJudgeBoth(t *testing.T, w *world) harness.Findings {
	t.Helper()
	dir := t.TempDir()
	w.store(t, dir)
	f, err := Judge(w.rec, Files(os.DirFS(dir), w.rec))
	must(t, err)
	theirs := ask(t, python(t), dir)
	for i, b := range []toldBounds{theirs.RTO, theirs.RPOTime} {
		if err := b.agrees(f.Objectives[i].Measured); err != nil {
			t.Errorf("%s: %v", f.Objectives[i].Objective.ID, err)
		}
	}
	for name, b := range map[string]toldBounds{MeasureExposure: theirs.ExposureTime, MeasureExposureLost: theirs.ExposureLost, MeasureExposureValue: theirs.ExposureValue} {
		if err := b.agrees(find(t, f, name, "", "")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return f
}

// A clock that may be 3 ms ahead or behind makes every bound that its stream gives so much wider, and no other.
func TestTheClockOfAHostWidensTheBounds(t *testing.T) {
	tr := usual()
	tr.isolated, tr.loss = true, 100
	before := mustJudgeBoth(t, build(tr))
	for name, offset := range map[string]harness.Offset{"exact": {}, "in doubt": {Lo: -3 * ms, Hi: 3 * ms}, "ahead": {Lo: 5 * ms, Hi: 5 * ms}, "ahead, in doubt": {Lo: 4 * ms, Hi: 6 * ms}} {
		w := build(tr)
		w.rec.Hosts = append(w.rec.Hosts, harness.Host{Name: "load-2", Offset: offset})
		for i := range w.rec.Streams {
			w.rec.Streams[i].Host = 1
		}
		after := mustJudgeBoth(t, w)
		for _, id := range []string{"rto", "rpo"} {
			was, is := measuredOf(before, id), measuredOf(after, id)
			lo, hi := was.Lo-signed(id, offset), was.Hi-signed(id, harness.Offset{Lo: offset.Hi, Hi: offset.Lo})
			// What is durable before the first lost write must certainly be before it: of a clock in doubt an earlier one counts.
			wider := id == "rpo" && offset.Lo != offset.Hi && is.Hi > hi
			if !was.Known || !is.Known || is.Lo != lo || is.Hi != hi && !wider {
				t.Errorf("%s: %s is [%d, %d], by the drill's clock [%d, %d]", name, id, is.Lo, is.Hi, was.Lo, was.Hi)
			}
		}
		for _, m := range []string{MeasureExposureLost, NameDivergence, NameDivergenceTime} {
			was, is := find(t, before, m, "", ""), find(t, after, m, "", "")
			if offset.Lo < 0 && (is.Lo > was.Lo || is.Hi < was.Hi) && m != NameDivergence || offset == (harness.Offset{}) && is != was {
				t.Errorf("%s: %s is [%d, %d], by the drill's clock [%d, %d]", name, m, is.Lo, is.Hi, was.Lo, was.Hi)
			}
		}
	}
}

// signed is by how much the lower bound of a measure moves down: what ends on the host's clock by its greatest offset, what begins
// there, as the time back to a lost write does, the other way and by its least.
func signed(id string, o harness.Offset) int64 {
	if id == "rpo" {
		return -o.Lo
	}
	return o.Hi
}

func measuredOf(f harness.Findings, id string) harness.Measurement {
	for _, o := range f.Objectives {
		if o.Objective.ID == id {
			return o.Measured
		}
	}
	return harness.Measurement{}
}

// A metronome that ran elsewhere times no edges of clients whose clock is another.
func TestAMetronomeOfAnotherHostTimesNoEdges(t *testing.T) {
	w := build(usual())
	w.rec.Hosts = append(w.rec.Hosts, harness.Host{Name: "load-2", Offset: harness.Offset{Lo: -ms, Hi: ms}})
	w.rec.Streams[1].Host = 1
	if c, err := readDataset(w.rec, w).cohort(fileQueries, cohortFresh); err != nil || c.Metronome {
		t.Errorf("%+v, %v", c.Metronome, err)
	}
	mustJudgeBoth(t, w)
}

// Whatever the order of the table, findings are the same: no index has a meaning of its own.
func TestPlacesHaveTheMeaningOfTheirRow(t *testing.T) {
	tr := usual()
	tr.isolated = true
	want := mustJudgeBoth(t, build(tr))
	w := build(tr)
	p := w.rec.Places
	w.rec.Places = []harness.Place{p[2], {Name: "north", Region: "north", Role: harness.Witness}, p[1], p[0]}
	moved := map[int]int{atOutside: 3, atPrimary: 2, atStandby: 0}
	for i := range w.rec.Streams {
		s := &w.rec.Streams[i]
		s.Place = moved[s.Place]
		for j := range w.attempts[s.ID] {
			w.attempts[s.ID][j].Place = loadgen.Place(s.Place) //nolint:gosec // small
		}
	}
	got := mustJudgeBoth(t, w)
	if got.Reason != want.Reason || find(t, got, NameDivergence, "", "") != find(t, want, NameDivergence, "", "") || find(t, want, NameDivergence, "", "").Lo == 0 {
		t.Errorf("%s\nwant %s", got.Reason, want.Reason)
	}
}

func TestAWorkloadsOwnOutcomeIsNamedByTheRecord(t *testing.T) {
	const full loadgen.Outcome = 224
	w := build(usual())
	for i := range w.samples[idQueries] {
		if s := &w.samples[idQueries][i]; s.Outcome == loadgen.Timeout {
			s.Outcome = full
		}
	}
	w.rec.Outcomes = append(w.rec.Outcomes, loadgen.OutcomeCode{Code: full, Name: "queue-full", Class: loadgen.ClassFailed})
	f := mustJudgeBoth(t, w)
	if m := find(t, f, NameErrors+"queue-full", fileQueries, cohortFresh); m.Lo == 0 || m.Detail != "queue-full" || f.Verdict != harness.Pass {
		t.Errorf("%+v, %s", m, f.Reason)
	}
	w.rec.Outcomes = w.rec.Outcomes[:len(w.rec.Outcomes)-1]
	if f := mustJudge(t, w); f.Verdict != harness.Inconclusive || !strings.Contains(f.Reason, "has outcome 224, which is not in the record's table") {
		t.Errorf("%s", f.Reason)
	}
}

// Losses are judged from one reading: no other stands for it.
func TestAnotherReadingIsNoSubstitute(t *testing.T) {
	for _, reading := range []string{harness.BeforeHeal, harness.AfterRestore} {
		w := build(usual())
		dir := t.TempDir()
		w.store(t, dir)
		for i := range w.rec.Ledger.Copies {
			w.rec.Ledger.Copies[i].Reading = reading
		}
		f, err := Judge(w.rec, Files(os.DirFS(dir), w.rec))
		must(t, err)
		if f.Verdict != harness.Inconclusive || !strings.Contains(f.Reason, "were not looked up on west.db: it was read "+reading+", and losses are judged from after-heal") {
			t.Errorf("%s: %s", reading, f.Reason)
		}
	}
}

func TestAmountsArePrintedWithTheDecimalsOfTheirCurrency(t *testing.T) {
	for _, c := range []struct {
		currency        string
		exponent        uint8
		bound, lost, of string // the bound of an objective, what 100 writes of 10 000 minor units are worth, and the objective's sentence
	}{
		{"USD", 2, "0.00", "10000.00", "objective 0.00"}, {"JPY", 0, "0", "1000000", "objective 0 "}, {"KWD", 3, "0.000", "1000.000", "objective 0.000"},
		{"", 8, "0.00000000", "0.01000000", "objective 0.00000000"},
	} {
		tr := usual()
		tr.loss = 100
		w := build(tr)
		w.rec.Scenario.Objectives = append(w.rec.Scenario.Objectives, harness.Objective{ID: "value", Measure: MeasureRPOValue, Load: fileLedger, AtMost: c.bound, Source: "P"})
		for i := range w.rec.Streams {
			if said := w.rec.Streams[i].Recorded; said.Ledger {
				said.Currency, said.Exponent = c.currency, c.exponent
			}
		}
		f := mustJudge(t, w)
		o := f.Objectives[len(f.Objectives)-1]
		if Value(o.Measured) != c.lost || o.Verdict != harness.Fail || !strings.Contains(o.Reason, c.of) {
			t.Errorf("%s: %s, %s: %s", c.currency, Value(o.Measured), o.Verdict, o.Reason)
		}
		for _, class := range f.Ledger {
			if class.Name == Lost && class.Amount.String() != c.lost {
				t.Errorf("%s: %s", c.currency, class.Amount)
			}
		}
		w.rec.Scenario.Objectives[len(w.rec.Scenario.Objectives)-1].AtMost = "0.0"
		if f := mustJudge(t, w); !strings.Contains(f.Objectives[len(f.Objectives)-1].Reason, "the amounts of the drill have") {
			t.Errorf("%s: a bound with one decimal: %s", c.currency, f.Objectives[len(f.Objectives)-1].Reason)
		}
	}
}

func TestTwoCurrenciesAreNotAdded(t *testing.T) {
	w := build(usual())
	for i := range w.rec.Streams {
		if s := &w.rec.Streams[i]; s.Load == fileWrites {
			s.Recorded.Currency, s.Recorded.Exponent = "JPY", 0
		}
	}
	if f := mustJudge(t, w); f.Verdict != harness.Inconclusive || !strings.Contains(f.Reason, "in JPY with 0 decimals: they cannot be added") {
		t.Errorf("%s", f.Reason)
	}
}
