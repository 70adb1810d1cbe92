package measure

import (
	"iter"
	"slices"

	"blackstart/loadgen"
)

// acks counts acknowledged writes between given moments, in one pass over them and in whatever order they come.
type acks struct {
	edges   []int64 // the moments at which anything begins or ends, sorted; ns since the anchor
	counts  []int64 // counts[i]: acknowledged from edges[i-1] to before edges[i]
	amounts []int64
	all     int64
}

// acksOf counts the acknowledged writes of attempts around what was exposed.
func acksOf(attempts iter.Seq[Attempt], exposed []Exposed) acks {
	w := acks{}
	for _, e := range exposed {
		w.edges = append(w.edges, e.Beat, e.Next+1, e.Beat+int64(beatAtMost), e.Asked+1)
	}
	slices.Sort(w.edges)
	w.edges = slices.Compact(w.edges)
	w.counts, w.amounts = make([]int64, len(w.edges)+1), make([]int64, len(w.edges)+1)
	for a := range attempts {
		if a.Outcome != loadgen.AttemptOK {
			continue
		}
		i, _ := slices.BinarySearch(w.edges, a.Done+1) // the first edge after it
		w.counts[i]++
		w.amounts[i] += a.Amount
		w.all++
	}
	for i := 1; i < len(w.counts); i++ { // from now on: all before edges[i]
		w.counts[i] += w.counts[i-1]
		w.amounts[i] += w.amounts[i-1]
	}
	return w
}

// in gives number and value of the writes acknowledged in [from, to], both of which are moments of what was exposed.
func (w acks) in(from, to int64) (count, amount int64) {
	lo, found := slices.BinarySearch(w.edges, from)
	hi, ok := slices.BinarySearch(w.edges, to+1)
	if !found || !ok || hi <= lo {
		return 0, 0
	}
	return w.counts[hi] - w.counts[lo], w.amounts[hi] - w.amounts[lo]
}
