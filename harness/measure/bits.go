package measure

import "math/bits"

// bitset is one bit for each sample of a stream, by its position. Bits beyond its end are 0.
type bitset []uint64

// set sets bit n; bits are set in rising order.
func (b *bitset) set(n int) {
	for n/64 >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

// word is bits 64k to 64k+63.
func (b bitset) word(k int) uint64 {
	if k >= len(b) {
		return 0
	}
	return b[k]
}

// within masks word k so that only bits of positions in [from, to) are left.
func within(word uint64, k, from, to int) uint64 {
	if lo := from - 64*k; lo > 0 {
		word &= ^uint64(0) << lo // 64 and more shift everything out
	}
	if hi := to - 64*k; hi < 64 {
		word &= 1<<max(0, hi) - 1
	}
	return word
}

// lowest and highest are positions of bits of word k.
func lowest(word uint64, k int) int  { return 64*k + bits.TrailingZeros64(word) }
func highest(word uint64, k int) int { return 64*k + 63 - bits.LeadingZeros64(word) }
