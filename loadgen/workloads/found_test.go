package workloads

import (
	"testing"

	"blackstart/loadgen"
)

// Rows that nobody can have written are counted, and take no memory, however great their numbers are.
func TestForeignRowsTakeNoMemory(t *testing.T) {
	f := NewFound(IDs{Streams: map[uint32]uint64{3: 10}})
	for n := range uint64(10) {
		f.Add(loadgen.AttemptID(3, n), loadgen.AttemptID(3, n))
	}
	f.Add(loadgen.AttemptID(3, 4), loadgen.AttemptID(3, 4))
	if f.Rows != 11 || f.Foreign != 0 || f.RepeatedKeys != 1 || f.Copies(loadgen.AttemptID(3, 4)) != 2 {
		t.Fatalf("%+v", f)
	}
	for stream := range uint32(100) {
		f.Add(loadgen.AttemptID(100+stream, loadgen.MaxSetID-1), loadgen.AttemptID(3, 0))
		f.Add(loadgen.AttemptID(3, loadgen.MaxSetID-1), loadgen.AttemptID(3, 0))
		f.Add(loadgen.AttemptID(3, 0), loadgen.AttemptID(100+stream, loadgen.MaxSetID-1))
	}
	if f.Foreign != 300 || len(f.Streams) != 1 || len(f.keys) != 1 || f.Streams[3].End() != 10 {
		t.Errorf("%d foreign rows, sets of %d streams and %d of keys", f.Foreign, len(f.Streams), len(f.keys))
	}
}
