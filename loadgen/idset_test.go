package loadgen

import (
	"slices"
	"testing"
	"time"
)

func TestIDSet(t *testing.T) {
	var a, b IDSet
	for _, n := range []uint64{0, 63, 64, 1000, 1000, 1000} {
		if !a.Add(n) {
			t.Fatal(n)
		}
	}
	b.Add(63)
	if a.Add(MaxSetID) {
		t.Error("took a number beyond its bound")
	}
	if a.Len() != 4 || a.Duplicates() != 1 || a.Copies(1000) != 3 || a.Copies(0) != 1 || a.Copies(1) != 0 || a.Copies(1<<20) != 0 {
		t.Errorf("len %d, dup %d, copies %d", a.Len(), a.Duplicates(), a.Copies(1000))
	}
	if got := slices.Collect(a.All()); !slices.Equal(got, []uint64{0, 63, 64, 1000}) {
		t.Error(got)
	}
	if got := slices.Collect(a.Minus(&b)); !slices.Equal(got, []uint64{0, 64, 1000}) || a.CountMinus(&b) != 3 {
		t.Error(got)
	}
	if got := slices.Collect(b.Minus(&a)); len(got) != 0 || b.CountMinus(nil) != 1 {
		t.Error(got)
	}
	for range a.All() {
		break
	}
}

const manyIDs = 10_000_000

func BenchmarkLedgerDifference(b *testing.B) {
	var acked, found IDSet
	for n := range uint64(manyIDs) {
		acked.Add(n)
		if n%1000 != 0 {
			found.Add(n)
		}
	}
	b.ResetTimer()
	for b.Loop() {
		lost := 0
		for range acked.Minus(&found) {
			lost++
		}
		if lost != manyIDs/1000 {
			b.Fatal(lost)
		}
	}
	if perOp := b.Elapsed() / time.Duration(b.N); perOp > 100*time.Millisecond {
		b.Fatalf("difference of %d ids took %s", manyIDs, perOp)
	}
}
