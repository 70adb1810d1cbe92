package loadgen

import "testing"

func TestIDSet(t *testing.T) {
	var a IDSet
	if a.End() != 0 || a.Copies(0) != 0 {
		t.Error("the zero value is not empty")
	}
	for n, end := range map[uint64]uint64{0: 1, 63: 64, 64: 65, 1000: 1001} {
		var one IDSet
		if !one.Add(n) || one.End() != end || !a.Add(n) {
			t.Errorf("%d: the set ends at %d", n, one.End())
		}
	}
	a.Add(1000)
	a.Add(1000)
	if a.Add(MaxSetID) {
		t.Error("took a number beyond its bound")
	}
	if a.Copies(1000) != 3 || a.Copies(0) != 1 || a.Copies(1) != 0 || a.Copies(1<<20) != 0 || a.End() != 1001 {
		t.Errorf("copies %d, end %d", a.Copies(1000), a.End())
	}
}
