package seal

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a node of an RFC 6962 tree: 32 bytes.
type Hash = tlog.Hash

// compactTree computes RFC 6962 roots in memory that grows with the logarithm
// of the number of leaves: it keeps the roots of the perfect subtrees, largest
// first, one for each bit that is set in n.
type compactTree struct {
	n     int64
	stack []Hash
}

func (c *compactTree) add(leaf Hash) {
	for bit := c.n; bit&1 == 1; bit >>= 1 {
		top := len(c.stack) - 1
		leaf, c.stack = tlog.NodeHash(c.stack[top], leaf), c.stack[:top]
	}
	c.stack = append(c.stack, leaf)
	c.n++
}

// root of no leaves is the SHA-256 of nothing, as RFC 6962 has it.
func (c *compactTree) root() Hash {
	if c.n == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	root := c.stack[len(c.stack)-1]
	for i := len(c.stack) - 2; i >= 0; i-- {
		root = tlog.NodeHash(c.stack[i], root)
	}
	return root
}

// Stored keeps the hashes of a log from which its roots and proofs are
// answered, in the order of tlog; it grows by Add and is a tlog.HashReader.
type Stored []Hash

// ReadHashes implements tlog.HashReader.
func (s Stored) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(s)) {
			return nil, fmt.Errorf("read tree hash %d of %d", x, len(s))
		}
		out[i] = s[x]
	}
	return out, nil
}

// Add appends the leaf of index n: that of the number of leaves so far.
func (s *Stored) Add(n int64, leaf Hash) error {
	more, err := tlog.StoredHashesForRecordHash(n, leaf, *s)
	*s = append(*s, more...)
	return err
}
