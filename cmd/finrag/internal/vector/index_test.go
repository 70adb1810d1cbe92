package vector

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"
)

func newIndex(t testing.TB, rule string) *Index {
	t.Helper()
	x, err := New(rule)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestEmbedHasLengthOneAndKnowsWords(t *testing.T) {
	for _, text := range []string{"", "—", "liquidity", "Net interest margin, Q3 2024", "été ÉTÉ"} {
		var sum float64
		for _, x := range Embed(text) {
			sum += float64(x) * float64(x)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("%q: squared length %v, want 1", text, sum)
		}
	}
	dot := func(a, b string) (s float32) {
		x, y := Embed(a), Embed(b)
		for i := range x {
			s += x[i] * y[i]
		}
		return s
	}
	if same := dot("Hedging cost!", "COST hedging"); same < 0.999 {
		t.Errorf("the same words are %v near, want 1", same)
	}
	if near, far := dot("capital adequacy ratio", "capital adequacy"), dot("capital adequacy ratio", "settlement fails"); near <= far {
		t.Errorf("shared words %v, no shared word %v", near, far)
	}
}

func TestNamespacesAreApart(t *testing.T) {
	x := newIndex(t, Rule)
	at := time.Now()
	for i := range 30 {
		space := []string{"public", "research", "restricted"}[i%3]
		if _, err := x.Upsert(t.Context(), Document{space, fmt.Sprint(i), fmt.Sprintf("title %d", i), "collateral haircut", at}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := x.Query(t.Context(), "research", "title 4", 50)
	if err != nil || len(got) != 10 || got[0].ID != "4" {
		t.Fatalf("query: %v, %v; want 10 results, document 4 first", got, err)
	}
	for _, r := range got {
		if r.Namespace != "research" {
			t.Errorf("result %v of another namespace", r)
		}
	}
	if got, err := x.Query(t.Context(), "nobody", "title", 5); err != nil || got == nil || len(got) != 0 {
		t.Errorf("unknown namespace: %v, %v; want an empty list", got, err)
	}
	if x.Count() != 30 || x.Namespaces()["public"] != 10 {
		t.Errorf("count %d, %v", x.Count(), x.Namespaces())
	}
}

func TestUpsertKeepsTheNewest(t *testing.T) {
	x := newIndex(t, Rule)
	at := time.Now()
	for _, step := range []struct {
		title   string
		at      time.Time
		changed bool
	}{{"second", at, true}, {"second", at, false}, {"first", at.Add(-time.Second), false}, {"third", at.Add(time.Second), true}} {
		changed, err := x.Upsert(t.Context(), Document{"n", "1", step.title, "", step.at})
		if err != nil || changed != step.changed {
			t.Errorf("%s: changed %t, %v", step.title, changed, err)
		}
	}
	got, err := x.Query(t.Context(), "n", "third", 1)
	if err != nil || len(got) != 1 || got[0].Title != "third" || x.Count() != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRulesRankDifferently(t *testing.T) {
	at := time.Now()
	for rule, want := range map[string]string{"1": "minutes", "2": "policy"} {
		x := newIndex(t, rule)
		for _, d := range []Document{
			{"n", "policy", "collateral haircut", "the board approved what follows and asked each desk to keep to it from spring on", at},
			{"n", "minutes", "protocol of a meeting", "collateral haircut, collateral haircut and other matters", at},
		} {
			if _, err := x.Upsert(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := x.Query(t.Context(), "n", "collateral haircut", 1); err != nil || len(got) != 1 || got[0].ID != want {
			t.Errorf("rule %s: %v, %v; want %s first", rule, got, err, want)
		}
	}
	if _, err := New("3"); err == nil {
		t.Error("an unknown rule is accepted")
	}
}

func TestConcurrentUse(t *testing.T) {
	x := newIndex(t, Rule)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				if _, err := x.Upsert(t.Context(), Document{"n", fmt.Sprint(w, i), "t", "b", time.Now()}); err != nil {
					t.Error(err)
				}
				if _, err := x.Query(t.Context(), "n", "t", 3); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if x.Count() != 200 {
		t.Errorf("count %d, want 200", x.Count())
	}
}

func BenchmarkQuery(b *testing.B) {
	x := newIndex(b, Rule)
	for i := range 300 {
		x.Upsert(b.Context(), Document{"n", fmt.Sprint(i), fmt.Sprintf("report %d of the year", i), "collateral haircut and hedging cost", time.Now()})
	}
	for b.Loop() {
		if _, err := x.Query(b.Context(), "n", "hedging cost of report 17", 5); err != nil {
			b.Fatal(err)
		}
	}
}
