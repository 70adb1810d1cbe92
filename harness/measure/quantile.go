package measure

import (
	"math/bits"

	"blackstart/loadgen"
)

const (
	coarseBits = 16
	fineBits   = 22
)

// quantile finds percentiles by nearest rank, exactly and in bounded memory, by counting twice: first coarsely, in 65 536
// steps for each power of two; then every value within the one step that holds the rank. Below 9 minutes (2³⁹ ns) it is exact;
// above, to one part in 2³⁸.
type quantile struct {
	n     int64
	steps [64][]uint32 // by exponent
}

// stepOf is the step of a value: its exponent and its place among the steps of that.
func stepOf(v int64) (exponent, place int) {
	u := uint64(max(0, v)) //nolint:gosec // not negative
	exponent = max(0, bits.Len64(u)-coarseBits-1)
	return exponent, int(u >> exponent) //nolint:gosec // 17 bits
}

func (q *quantile) add(v int64) {
	e, place := stepOf(v)
	if q.steps[e] == nil {
		q.steps[e] = make([]uint32, 2<<coarseBits)
	}
	q.steps[e][place]++
	q.n++
}

// nearestRank is where a percentile lies: the step, and how far within it.
type nearestRank struct {
	exponent, step int
	rank           int64 // from 1, within the step
	fine           []uint32
}

// find says where the hundredths-th percentile lies. There is none of nothing.
func (q *quantile) find(hundredths int64) *nearestRank {
	if q.n == 0 {
		return nil
	}
	rank := max(1, (q.n*hundredths+99)/100)
	for e, steps := range q.steps {
		for i, n := range steps {
			if int64(n) >= rank {
				return &nearestRank{exponent: e, step: i, rank: rank, fine: make([]uint32, 1<<min(e, fineBits))}
			}
			rank -= int64(n)
		}
	}
	return nil
}

// add counts a value the second time.
func (p *nearestRank) add(v int64) {
	if p == nil {
		return
	}
	if e, step := stepOf(v); e == p.exponent && step == p.step {
		p.fine[uint64(max(0, v))&(1<<e-1)>>max(0, e-fineBits)]++ //nolint:gosec // not negative
	}
}

// value is the percentile, Never of nothing.
func (p *nearestRank) value() int64 {
	if p == nil {
		return loadgen.Never
	}
	rank := p.rank
	for i, n := range p.fine {
		if int64(n) >= rank {
			return int64(p.step)<<p.exponent + int64(i)<<max(0, p.exponent-fineBits)
		}
		rank -= int64(n)
	}
	return loadgen.Never
}
