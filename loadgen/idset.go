package loadgen

import "math/bits"

// MaxSetID bounds the attempt numbers an IDSet takes: 256 MB of bits.
const MaxSetID = 1 << 31

// IDSet is a set of attempt numbers of one stream, one bit each, with the copies
// beyond the first beside it. Its zero value is empty. It is not safe for use by
// several goroutines.
type IDSet struct {
	words []uint64
	extra map[uint64]int // copies beyond the first
}

// Add puts attempt number n into the set once more. It returns false, and does
// nothing, for a number beyond MaxSetID.
func (s *IDSet) Add(n uint64) bool {
	if n >= MaxSetID {
		return false
	}
	word, bit := n/64, uint64(1)<<(n%64)
	if word >= uint64(len(s.words)) {
		s.words = append(s.words, make([]uint64, word+1-uint64(len(s.words)))...)
	}
	if s.words[word]&bit == 0 {
		s.words[word] |= bit
		return true
	}
	if s.extra == nil {
		s.extra = make(map[uint64]int)
	}
	s.extra[n]++
	return true
}

// Copies returns how often n was added.
func (s *IDSet) Copies(n uint64) int {
	word := n / 64
	if word >= uint64(len(s.words)) || s.words[word]&(1<<(n%64)) == 0 {
		return 0
	}
	return 1 + s.extra[n]
}

// End returns one more than the greatest number in the set, 0 of an empty set.
func (s *IDSet) End() uint64 {
	if len(s.words) == 0 {
		return 0
	}
	last := len(s.words) - 1 // it has a bit: words are added for one
	return uint64(last*64 + bits.Len64(s.words[last]))
}
