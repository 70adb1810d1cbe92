package vector

import (
	"math"
	"unicode"
)

const (
	dimensions = 256
	fnvOffset  = 14695981039346656037
	fnvPrime   = 1099511628211
	signBit    = 1 << 63
)

// Embed turns text into a vector of 256 numbers of length 1: each word, in lower case, adds +1 or −1 at the place its
// 64-bit FNV-1a hash names. It knows nothing of meaning; two texts are near when they share words. Text without a word
// gets the first unit vector.
func Embed(text string) []float32 {
	v := make([]float32, dimensions)
	addWords(v, text, 1)
	normalise(v)
	return v
}

// embedDocument is Embed for a document; a word of its title counts weight times.
func embedDocument(title, body string, weight float32) []float32 {
	v := make([]float32, dimensions)
	addWords(v, title, weight)
	addWords(v, body, 1)
	normalise(v)
	return v
}

// addWords adds ±weight to v for each word of text.
func addWords(v []float32, text string, weight float32) {
	hash, inWord := uint64(fnvOffset), false
	add := func() {
		if !inWord {
			return
		}
		if hash&signBit == 0 {
			v[hash%dimensions] += weight
		} else {
			v[hash%dimensions] -= weight
		}
		hash, inWord = fnvOffset, false
	}
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			add()
			continue
		}
		hash = (hash ^ uint64(unicode.ToLower(r))) * fnvPrime
		inWord = true
	}
	add()
}

func normalise(v []float32) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		v[0] = 1
		return
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range v {
		v[i] *= scale
	}
}
