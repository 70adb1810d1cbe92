package seal

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
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

// Inclusion proves that one leaf is part of a tree.
type Inclusion struct {
	Leaf   int64 // index of the leaf
	Leaves int64 // number of leaves of the tree
	Offset int64 // of the leaf's first byte in the file
	Proof  tlog.RecordProof
}

// Prove returns the proof for the leaf that holds the record of index record.
// Records beyond the last leaf are an error; whether the last leaf reaches up
// to this record is seen from the leaf's bytes.
func (t Tree) Prove(record int64) (Inclusion, error) {
	n := int64(len(t.Leaves))
	leaf := 1 + record/LeafRecords
	if record < 0 || leaf >= n {
		return Inclusion{}, fmt.Errorf("prove record %d: the tree has %d leaves", record, n)
	}
	stored, err := storedHashes(t.Leaves)
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove record %d: %w", record, err)
	}
	proof, err := tlog.ProveRecord(n, leaf, stored)
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove record %d: %w", record, err)
	}
	return Inclusion{Leaf: leaf, Leaves: n, Offset: t.leafOffset(leaf), Proof: proof}, nil
}

func (t Tree) leafOffset(leaf int64) int64 {
	if leaf == 0 {
		return 0
	}
	return int64(t.HeaderLen) + (leaf-1)*LeafRecords*int64(t.RecordLen)
}

// CheckInclusion returns an error unless leafBytes, the raw bytes of one leaf,
// belong to the tree with this root at the place that in names.
func CheckInclusion(in Inclusion, root Hash, leafBytes []byte) error {
	return tlog.CheckRecord(in.Proof, in.Leaves, root, in.Leaf, tlog.RecordHash(leafBytes))
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

// WriteTree computes the tree over the binary file at path and writes it to
// path + TreeExt, which must not exist.
func WriteTree(ctx context.Context, path string, headerLen, recordLen int) (Tree, error) {
	f, err := os.Open(path)
	if err != nil {
		return Tree{}, fmt.Errorf("write tree: %w", err)
	}
	defer f.Close()
	t, err := TreeRoot(ctx, f, headerLen, recordLen)
	if err != nil {
		return t, fmt.Errorf("write tree of %s: %w", path, err)
	}
	if err := writeSynced(path+TreeExt, t.Bytes()); err != nil {
		return t, fmt.Errorf("write tree: %w", err)
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
