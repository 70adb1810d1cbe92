package measure

import (
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// answerAs gives the OK samples of a stream that are due after from another outcome, one of every n.
func (w *world) answerAs(id int, outcome loadgen.Outcome, from int64, n int) {
	for i := range w.samples[id] {
		if s := &w.samples[id][i]; s.Due > from && s.Outcome == loadgen.OK && (i/3)%n == 0 {
			s.Outcome = outcome
		}
	}
}

func TestErrorClasses(t *testing.T) {
	w := build(usual())
	w.answerAs(idQueries, loadgen.TLSExpired, faultLo+10*sec, 4)
	w.samples[idQueries][0].Outcome = loadgen.Reset // before the fault
	f := mustJudge(t, w)
	counted := map[string]int64{}
	for _, m := range f.Measurements {
		if strings.HasPrefix(m.Name, NameErrors) {
			if m.Lo == 0 || m.Lo != m.Hi || !m.Known || m.Unit != harness.UnitCount {
				t.Errorf("%+v", m)
			}
			counted[m.Name+" "+m.Load+" "+m.Cohort] = m.Lo
		}
	}
	want := map[string]int64{}
	for _, s := range readDataset(w.rec, w).series {
		for _, x := range w.samples[s.Stream.ID] {
			if x.Due >= faultLo && x.Due <= watchTo && x.Outcome != loadgen.OK {
				want["errors."+x.Outcome.String()+" "+s.Stream.Load+" "+s.Stream.Cohorts[x.Cohort]]++
			}
		}
	}
	if len(want) < 6 || want["errors.tls-expired queries pooled"] == 0 || want["errors.timeout edge fresh"] == 0 {
		t.Fatalf("a poor test: %v", want)
	}
	for name, n := range want {
		if counted[name] != n {
			t.Errorf("%s: %d, want %d", name, counted[name], n)
		}
		delete(counted, name)
	}
	if len(counted) > 0 {
		t.Errorf("nobody saw %v", counted)
	}
}

// The first line says what clients saw in the end, and wrong answers never count as recovered.
func TestReasonNamesWhatClientsSaw(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(w *world)
		want  string
	}{
		"certificate": {func(w *world) {
			w.answerAs(idQueries, loadgen.TLSExpired, faultLo+3*sec, 1)
			w.answerAs(idEdge, loadgen.TLSExpired, faultLo+3*sec, 1)
		}, "rto: not recovered: at least 44.9 s; clients saw: certificate expired (100%); objective 20 s (BCP 4.2)"},
		"name": {func(w *world) { w.answerAs(idQueries, loadgen.TLSName, faultLo+3*sec, 1) }, "clients saw: certificate for another name (100%);"},
		"wrong answers": {func(w *world) { w.answerAs(idQueries, loadgen.WrongAnswer, faultLo+3*sec, 5) },
			"clients saw: wrong answers (20%), though answers of any kind came again after 4.0"},
		"late answers": {func(w *world) {
			for i := range w.samples[idQueries] {
				if s := &w.samples[idQueries][i]; s.Due > faultLo+5*sec {
					s.Done = s.Sent + 900*ms
				}
			}
		}, "clients saw: answers that came too late (100%);"},
	} {
		w := build(usual())
		c.spoil(w)
		f := mustJudge(t, w)
		if f.Verdict != harness.Fail || !strings.Contains(f.Reason, c.want) {
			t.Errorf("%s: %s: %s", name, f.Verdict, f.Reason)
		}
	}
}

// Beside an RTO that wrong answers kept from being met stands when answers of any kind came; it is never the RTO.
func TestAnsweringIsShownApart(t *testing.T) {
	w := build(usual())
	for _, m := range mustJudge(t, w).Measurements {
		if m.Name == NameRTOAnswering {
			t.Errorf("no answer was wrong: %+v", m)
		}
	}
	right := find(t, mustJudge(t, w), MeasureRTO, fileQueries, "fresh")
	w.answerAs(idQueries, loadgen.WrongAnswer, faultLo+6*sec, 5)
	f := mustJudge(t, w)
	if m := find(t, f, NameRTOAnswering, fileQueries, "fresh"); m.Lo != right.Lo || m.Hi != right.Hi {
		t.Errorf("%+v, want [%d, %d]", m, right.Lo, right.Hi)
	}
	if m := find(t, f, MeasureRTO, fileQueries, "fresh"); !m.Unbounded {
		t.Errorf("recovered with wrong answers: %+v", m)
	}
	if got := strings.Join(f.Exceptions, "\n"); !strings.Contains(got, "wrong answers") {
		t.Errorf("exceptions %q", got)
	}
}
