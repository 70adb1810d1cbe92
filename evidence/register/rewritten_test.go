package register

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"blackstart/evidence/seal"
)

// rewrite makes entry k and all after it anew, with every checkpoint, as somebody can who has store and key.
func rewrite(t *testing.T, d Dir, key *Key, k int64) {
	t.Helper()
	old := open(t, d)
	write(t, d, "x", nil)
	for n := k; n < old.Size(); n++ {
		if err := os.Remove(path(d, entryName(n))); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(path(d, checkpointName(n+1)))
	}
	l := open(t, d)
	for n := k; n < old.Size(); n++ {
		line := old.Lines()[n]
		by := line.By
		if n == k {
			by = "nobody"
		}
		if _, err := l.Append(t.Context(), key, by, line.Time(), line.Kind, line.Entry.Body); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRewrittenHistoryIsFoundFromOnePack: at sizes on both sides of where the hashes that a pack keeps begin anew.
func TestRewrittenHistoryIsFoundFromOnePack(t *testing.T) {
	sizes, altered := []int{1, 2, 255, 256, 257, 513, 700}, []int64{0, 1, 254, 255, 256, 300, 511, 512, 699}
	if testing.Short() {
		sizes, altered = []int{1, 257}, []int64{0, 255, 256}
	}
	d, key := newStore(t)
	l := open(t, d)
	kept := map[int]Opening{}
	for n := 1; n <= 700; n++ {
		o := appendTo(t, l, key, n-1, aRun(n))
		if slices.Contains(sizes, n) {
			kept[n] = o
			if told, err := encode(o.Detail()); err != nil || len(told)+2*MaxEntryBytes > seal.MaxEventBytes {
				t.Errorf("a pack of %d entries: %d bytes do not fit into an event with the longest entry: %v", n, len(told), err)
			}
		}
	}
	for i := len(altered) - 1; i >= 0; i-- { // from the newest back, so that each is the first
		k := altered[i]
		rewrite(t, d, key, k)
		if v := verify(t, d); len(v.Problems) > 0 {
			t.Fatalf("rewritten from %d with the key, it is found without a pack: %q", k, v.Problems)
		}
		for n, o := range kept {
			v := verify(t, d, Kept{Pack: "old.zip", Run: "run-x", Key: key.Verifier(), Opening: o})
			said := fmt.Sprint(v.Problems)
			switch {
			case k >= int64(n) && len(v.Problems) > 0:
				t.Errorf("entry %d: a pack of %d entries cannot know it: %s", k, n, said)
			case k < int64(n) && k >= o.From && !strings.HasPrefix(said, fmt.Sprintf("[first altered entry: %d: ", k)):
				t.Errorf("entry %d: a pack of %d entries says %s", k, n, said)
			case k < o.From && !strings.Contains(said, "it or one of those up to"):
				t.Errorf("entry %d, before what a pack of %d entries keeps: %s", k, n, said)
			}
		}
	}
}

func TestPopulationAndSample(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	changed := aRun(4)
	changed.Objectives = []string{"rto: rto at most 60s", "rpo: rpo.records at most 0"}
	live := aRun(6)
	live.Class = "production"
	for i, b := range []Body{aRun(0), closing(0, Passed), aRun(2), closing(2, Failed), changed, closing(4, Passed), live, closing(6, Stopped), aRun(8), aRun(9),
		&Parked{Run: "run-9", Opened: 9, Reason: "unreadable"}} {
		appendTo(t, l, key, i, b)
	}
	p, err := l.Population(l.Size(), moment(1), moment(9))
	if err != nil {
		t.Fatal(err)
	}
	want := []Total{{"production", Stopped, 1}, {"rehearsal", Passed, 1}, {"rehearsal", Failed, 1}, {"rehearsal", NeverClosed, 1}}
	if !slices.Equal(p.Totals, want) || p.Passed != 1 || p.NotPassed != 3 || len(p.Runs) != 4 {
		t.Errorf("totals %v, %d passed, %d not, of %d", p.Totals, p.Passed, p.NotPassed, len(p.Runs))
	}
	changes := []string{"objective gone: rto: rto at most 30s (after a run that did not pass)", "objective new: rto: rto at most 60s (after a run that did not pass)"}
	if got := p.Runs[1]; got.Run != "run-4" || !slices.Equal(got.Changes, changes) {
		t.Errorf("%s: %q, want %q", got.Run, got.Changes, changes)
	}
	if p.Runs[0].ObjectivesSHA256 != seal.Digest([]byte("rto: rto at most 30s\nrpo: rpo.records at most 0\n")) {
		t.Error("the digest of the objectives is not that of their lines")
	}
	s, err := l.Sample(l.Size(), "7", 1)
	if err != nil || len(s.Drawn) != 1 || s.Of != 2 || len(s.Apart) != 4 {
		t.Fatalf("drew %d of %d, %d apart: %v", len(s.Drawn), s.Of, len(s.Apart), err)
	}
	drawn := map[string]bool{}
	for seed := range 32 {
		s, err := l.Sample(l.Size(), fmt.Sprint(seed), 1)
		if err != nil {
			t.Fatal(err)
		}
		drawn[s.Drawn[0].Run] = true
	}
	if len(drawn) != 2 {
		t.Errorf("32 seeds drew %v", drawn)
	}
	if early, err := l.Sample(5, "7", 9); err != nil || len(early.Drawn) != 1 || len(early.Apart) != 2 {
		t.Errorf("at an earlier head: drew %d, %d apart: %v", len(early.Drawn), len(early.Apart), err)
	}
}

// TestTheEndMustBeThePacks: each field of the entry that closed a run is held against the pack; a run that is parked, or not closed,
// is not one that agrees.
func TestTheEndMustBeThePacks(t *testing.T) {
	ends := map[string]Body{"": closing(0, Passed), "parked": &Parked{Run: "run-0", Reason: "unreadable"}, "not closed": nil}
	for name, change := range map[string]func(*Closed){
		"result":           func(c *Closed) { c.Result, c.Exit = Failed, 1 },
		"exit":             func(c *Closed) { c.Result, c.Exit = Interrupted, 3 },
		"reason":           func(c *Closed) { c.Reason = "another" },
		"pack":             func(c *Closed) { c.PackSHA256 = seal.Digest([]byte("another")) },
		"no pack":          func(c *Closed) { c.Result, c.Exit, c.PackSHA256, c.Signature = Interrupted, 4, "", "" },
		"signature_sha256": func(c *Closed) { c.Signature = seal.Digest([]byte("another")) },
	} {
		c := closing(0, Passed)
		change(c)
		ends[name] = c
	}
	for name, end := range ends {
		d, key := newStore(t)
		l := open(t, d)
		p := Kept{Pack: "kept.zip", Run: "run-0", Key: key.Verifier(), Opening: appendTo(t, l, key, 0, aRun(0)), Ending: *closing(0, Passed)}
		if end != nil {
			appendTo(t, l, key, 1, end)
		}
		v := verify(t, d, p)
		said := fmt.Sprint(v.Problems)
		switch name {
		case "":
			if len(v.Problems) > 0 || v.Unclosed > 0 {
				t.Errorf("as the pack says: %s, %d not closed", said, v.Unclosed)
			}
		case "not closed":
			if len(v.Problems) > 0 || v.Unclosed != 1 || !strings.Contains(fmt.Sprint(v.Notes), "kept.zip: its run was opened by entry 0 and is not closed") {
				t.Errorf("not closed: %s, %d, %q", said, v.Unclosed, v.Notes)
			}
		default:
			if !strings.Contains(said, "kept.zip: entry 1 ") {
				t.Errorf("%s: %s", name, said)
			}
		}
	}
}

// TestContradictionsAreNotCounted: whoever counts runs takes the first end of one, shows a second opening as a row of its own, and says
// what contradicts.
func TestContradictionsAreNotCounted(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	strange := closing(0, Passed)
	strange.Run = "run-9"
	for i, b := range []Body{aRun(0), closing(0, Failed), closing(0, Passed), aRun(0), strange, &Parked{Run: "run-0", Opened: 0, Reason: "x"}} {
		appendTo(t, l, key, i, b)
	}
	p, err := l.Population(l.Size(), moment(0), moment(9))
	if err != nil || len(p.Runs) != 2 || p.Runs[0].Outcome != Failed || p.Runs[1].Index != 3 || p.Runs[1].Outcome != NeverClosed || p.Passed != 0 {
		t.Errorf("%+v, %v", p.Runs, err)
	}
	s, err := l.Sample(3, "7", 5)
	if err != nil || s.Of != 0 || len(s.Exceptions) != 1 {
		t.Errorf("drew of %d, %q, %v", s.Of, s.Exceptions, err)
	}
	for _, want := range []string{"entry 2, closed: run run-0 was ended by entry 1 already", "entry 3, opened: run run-0 was opened by entry 0 already",
		"entry 4, closed: run run-9 was not opened", "entry 5, parked: run run-0 was ended by entry 1 already"} {
		if !strings.Contains(fmt.Sprint(p.Exceptions), want) {
			t.Errorf("%q, want %q", p.Exceptions, want)
		}
	}
}

// TestRunsOfAWrongClockAreListedApart: dated outside the period, and entered between entries that are dated in it.
func TestRunsOfAWrongClockAreListedApart(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	for i, day := range []int{1, 10, 11, 900, 12, 40} {
		appendTo(t, l, key, day, aRun(i))
	}
	p, err := l.Population(l.Size(), moment(5), moment(20))
	if err != nil || len(p.Runs) != 3 || p.NotPassed != 3 || len(p.Misdated) != 1 || p.Misdated[0].Run != "run-3" {
		t.Errorf("%d runs, misdated %+v, %v", len(p.Runs), p.Misdated, err)
	}
	for head, want := range map[int64]int{4: 0, 5: 1} { // with nothing of the period behind it, it is as good as any other
		if p, err := l.Population(head, moment(5), moment(20)); err != nil || len(p.Misdated) != want || p.Head != head {
			t.Errorf("of %d entries, misdated %+v, %v", head, p.Misdated, err)
		}
	}
	if p, err := l.Population(l.Size(), moment(50), moment(60)); err != nil || len(p.Runs)+len(p.Misdated) != 0 {
		t.Errorf("a period without runs: %+v, %v", p, err)
	}
}
