package measure

import (
	"encoding/json"
	"errors"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// FuzzJudge judges records that anybody may have written, over files that are there: no panic, no endless sum, and never a
// verdict that its exit code, its validity or its objectives contradict.
func FuzzJudge(f *testing.F) {
	small := []truth{usual(), {null: true}, {down: map[string][]outage{"": {{faultLo, 3600 * sec}}}}}
	for _, tr := range small {
		b, err := json.Marshal(build(tr).rec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	all := worse()
	for _, w := range all {
		b, err := json.Marshal(w.rec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	files := all["failed over"]
	for id := range files.samples { // fewer of them: the fuzzer wants to be quick
		files.samples[id] = files.samples[id][:min(800, len(files.samples[id]))]
	}
	for id := range files.attempts {
		files.attempts[id] = files.attempts[id][:min(800, len(files.attempts[id]))]
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var rec harness.Record
		if json.Unmarshal(b, &rec) != nil {
			return
		}
		found, err := Judge(&rec, files)
		if unknown := new(RulesError); errors.As(err, &unknown) && rec.Rules != harness.Rules {
			return // rules that no build knows are no rules to judge by
		}
		if err != nil {
			t.Fatal(err)
		}
		if (found.Verdict == harness.Pass) != (found.Exit == harness.ExitPass) {
			t.Fatalf("verdict %s with exit %d", found.Verdict, found.Exit)
		}
		for _, c := range found.Validity {
			if !c.OK && found.Verdict != harness.Inconclusive {
				t.Fatalf("%s fails, verdict %s", c.Name, found.Verdict)
			}
		}
		for _, m := range found.Measurements {
			if m.Known && m.Hi < m.Lo {
				t.Fatalf("measurement %+v", m)
			}
		}
		if _, err := json.Marshal(found); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSettle looks for outcomes in which T_s contradicts the samples: no bad edge may be due after it, and all windows
// behind it must hold.
func FuzzSettle(f *testing.F) {
	f.Add([]byte{0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 1, 1})
	f.Add([]byte{0, 0, 3, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2000 {
			return
		}
		var c Cohort
		var own []loadgen.Sample
		for n, x := range b {
			s := loadgen.Sample{Seq: uint64(n), Due: int64(n) * 10 * ms, Outcome: loadgen.OK} //nolint:gosec // small
			s.Sent = s.Due
			s.Done = s.Due + ms
			switch x % 4 {
			case 1:
				s.Outcome = loadgen.Timeout
			case 2:
				s.Done = s.Due + sec
			case 3:
				s.Outcome, s.Sent, s.Done = loadgen.Unsent, loadgen.Never, loadgen.Never
			}
			own = append(own, s)
		}
		c.Own = trackOf(own, 2*sec, 500*ms)
		c.All, c.Edges = c.Own, c.Own
		limits := harness.Recovered{
			Window: harness.Duration(50 * ms), MinRequests: 4, SuccessAtLeast: 900_000, P99AtMost: harness.Duration(500 * ms),
		}
		end := int64(len(b)) * 10 * ms
		o, err := Restored(c, limits, Bounds{1, 2}, end)
		if err != nil {
			t.Fatal(err)
		}
		if !o.Recovered {
			return
		}
		if o.Restored.Hi < o.Restored.Lo || o.Impact.Never() || o.Impact.Lo > o.Restored.Hi {
			t.Fatalf("%+v", o)
		}
		for _, w := range windows(c, limits, o.Restored.Hi, end) {
			if !w.Good {
				t.Fatalf("window %+v does not hold after %+v", w, o)
			}
		}
		for _, s := range own {
			if s.Due > o.Restored.Lo && s.Due <= end && bad(s, 2*sec) && s.Due < o.Restored.Hi-sec {
				t.Fatalf("%+v is bad between %+v", s, o.Restored)
			}
		}
	})
}
