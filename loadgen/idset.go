package loadgen

import (
	"iter"
	"math/bits"
)

// MaxSetID bounds the attempt numbers an IDSet takes: 256 MB of bits.
const MaxSetID = 1 << 31

// IDSet is a set of attempt numbers of one stream, one bit each, with the copies
// beyond the first beside it. Its zero value is empty. It is not safe for use by
// several goroutines.
type IDSet struct {
	words []uint64
	count uint64
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
		s.count++
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

// Len returns how many different numbers the set holds.
func (s *IDSet) Len() uint64 { return s.count }

// Duplicates returns how many numbers were added more than once.
func (s *IDSet) Duplicates() int { return len(s.extra) }

// All returns the numbers in the set in rising order.
func (s *IDSet) All() iter.Seq[uint64] { return s.Minus(nil) }

// Minus returns the numbers in s that are not in other, in rising order. A nil
// other is empty.
func (s *IDSet) Minus(other *IDSet) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i := range s.words {
			word := s.minusWord(other, i)
			for ; word != 0; word &= word - 1 {
				if !yield(uint64(i)*64 + uint64(bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

// CountMinus returns how many numbers Minus would yield.
func (s *IDSet) CountMinus(other *IDSet) uint64 {
	n := 0
	for i := range s.words {
		n += bits.OnesCount64(s.minusWord(other, i))
	}
	return uint64(n)
}

func (s *IDSet) minusWord(other *IDSet, i int) uint64 {
	if other == nil || i >= len(other.words) {
		return s.words[i]
	}
	return s.words[i] &^ other.words[i]
}
