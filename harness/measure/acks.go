package measure

import (
	"iter"
	"slices"

	"blackstart/loadgen"
)

// ackCounts counts acknowledged writes between given moments, in one pass over them and in whatever order they come.
type ackCounts struct {
	edges            []int64 // the moments at which anything begins or ends, sorted; ns since the anchor
	earliest, latest running // by the earliest and the latest that each can have been acknowledged
	all              int64
}

// running holds, for each edge, number and amount of the writes before it.
type running struct{ counts, amounts []int64 }

func newRunning(edges int) running { return running{make([]int64, edges+1), make([]int64, edges+1)} }

func (r running) add(i int, amount int64) {
	r.counts[i]++
	r.amounts[i] += amount
}

// sum turns what came between two edges into what came before each.
func (r running) sum() {
	for i := 1; i < len(r.counts); i++ {
		r.counts[i] += r.counts[i-1]
		r.amounts[i] += r.amounts[i-1]
	}
}

// newAckCounts counts the acknowledged writes of attempts around what was exposed.
func newAckCounts(attempts iter.Seq[Attempt], exposed []Exposed) ackCounts {
	w := ackCounts{}
	for _, e := range exposed {
		w.edges = append(w.edges, e.Beat, e.Next+1, e.Beat+int64(beatAtMost), e.Asked+1)
	}
	slices.Sort(w.edges)
	w.edges = slices.Compact(w.edges)
	w.earliest, w.latest = newRunning(len(w.edges)), newRunning(len(w.edges))
	for a := range attempts {
		if a.Outcome != loadgen.AttemptOK {
			continue
		}
		at := a.done()
		i, _ := slices.BinarySearch(w.edges, at.Lo+1) // the first edge after it
		j := i
		if at.Hi != at.Lo {
			j, _ = slices.BinarySearch(w.edges, at.Hi+1)
		}
		w.earliest.add(i, a.Amount)
		w.latest.add(j, a.Amount)
		w.all++
	}
	w.earliest.sum()
	w.latest.sum()
	return w
}

// possible gives number and value of the writes that may have been acknowledged in [from, to], both of which are moments of what was
// exposed.
func (w ackCounts) possible(from, to int64) (count, amount int64) {
	return w.between(from, w.latest, to, w.earliest)
}

// certain gives those that certainly were.
func (w ackCounts) certain(from, to int64) (count, amount int64) {
	return w.between(from, w.earliest, to, w.latest)
}

// between takes what one reckoning has before from off what another has up to to.
func (w ackCounts) between(from int64, before running, to int64, upTo running) (count, amount int64) {
	lo, found := slices.BinarySearch(w.edges, from)
	hi, ok := slices.BinarySearch(w.edges, to+1)
	if !found || !ok || hi <= lo {
		return 0, 0
	}
	return max(0, upTo.counts[hi]-before.counts[lo]), upTo.amounts[hi] - before.amounts[lo]
}
