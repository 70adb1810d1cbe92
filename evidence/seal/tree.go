package seal

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Tree is the hash tree over a binary file; the package comment defines it.
type Tree struct {
	Root      Hash
	HeaderLen int    // bytes
	RecordLen int    // bytes
	Leaves    []Hash // leaf 0 is the header
}

// TreeRoot computes the tree over a file of a headerLen-byte header and
// records of recordLen bytes. A file that ends inside its header or inside a
// record is a Refusal.
func TreeRoot(ctx context.Context, r io.Reader, headerLen, recordLen int) (Tree, error) {
	w, err := Walk(ctx, r, headerLen, recordLen, nil)
	if err == nil && w.Tail > 0 {
		err = refuse("", "file ends inside a record of leaf %d", len(w.Leaves))
	}
	return w.Tree, err
}

func (t Tree) leafOffset(leaf int64) int64 {
	if leaf == 0 {
		return 0
	}
	return int64(t.HeaderLen) + (leaf-1)*LeafRecords*int64(t.RecordLen)
}

// FirstDifference returns the index of the first leaf in which the two trees
// differ, or −1. A leaf that only one of them has is a difference.
func FirstDifference(a, b Tree) int {
	for i := range min(len(a.Leaves), len(b.Leaves)) {
		if a.Leaves[i] != b.Leaves[i] {
			return i
		}
	}
	if len(a.Leaves) != len(b.Leaves) {
		return min(len(a.Leaves), len(b.Leaves))
	}
	return -1
}

const treeFormat = "blackstart.tree/1"

// Bytes returns the tree file: one line with layout, number of leaves and
// root, then the hash of each leaf, lower-case hex, one a line.
func (t Tree) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s header=%d record=%d leaves=%d root=%x\n", treeFormat, t.HeaderLen, t.RecordLen, len(t.Leaves), t.Root[:])
	for _, l := range t.Leaves {
		fmt.Fprintf(&b, "%x\n", l[:])
	}
	return b.Bytes()
}

// ParseTree reads exactly what Bytes writes, and checks the root.
func ParseTree(data []byte) (Tree, error) {
	var t Tree
	head, rest, _ := strings.Cut(string(data), "\n")
	var leaves int
	var root string
	_, err := fmt.Sscanf(head, treeFormat+" header=%d record=%d leaves=%d root=%s", &t.HeaderLen, &t.RecordLen, &leaves, &root)
	if err != nil || leaves < 1 || int64(leaves)*65 != int64(len(rest)) {
		return t, refuse("", "not a tree file, or not with as many leaves as it says")
	}
	var c compactTree
	for line := range strings.Lines(rest) {
		raw, err := hex.DecodeString(strings.TrimSuffix(line, "\n"))
		if err != nil || len(raw) != len(Hash{}) {
			return t, refuse("", "tree file: leaf %d is not a digest", len(t.Leaves))
		}
		t.Leaves = append(t.Leaves, Hash(raw))
		c.add(Hash(raw))
	}
	t.Root = c.root()
	if !bytes.Equal(t.Bytes(), data) {
		return t, refuse("", "tree file: its root is not that of its leaves, or it is not written plainly")
	}
	return t, nil
}

// Walk computes the tree over one binary file of the pack, and the roots of its prefixes.
func (p *Pack) Walk(ctx context.Context, name string, headerLen, recordLen int, counts []int64) (FileDigests, error) {
	s, err := p.Section(name)
	if err != nil {
		return FileDigests{}, err
	}
	w, err := Walk(ctx, s, headerLen, recordLen, counts)
	var r *Refusal
	if errors.As(err, &r) {
		r.File = name
	}
	return w, err
}
