package seal

import (
	"context"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// FileDigests is what one reading of a binary file gives.
type FileDigests struct {
	Tree
	Records     int64  // whole records
	Tail        int    // bytes of a last record that is not whole, as a crash leaves it
	First, Last string // SHA-256 of the first and the last whole record's bytes; empty where there is none
	Prefixes    []Hash // for each of the counts that the file reaches, in their order
}

// Walk reads a file of a headerLen-byte header and records of recordLen bytes
// once. For each of counts, which must be sorted, it also gives the root over
// the records before it: leaves of LeafRecords records, the last one partial,
// no header among them. A file that ends inside its header is a Refusal.
func Walk(ctx context.Context, r io.Reader, headerLen, recordLen int, counts []int64) (FileDigests, error) {
	w := FileDigests{Tree: Tree{HeaderLen: headerLen, RecordLen: recordLen}}
	if headerLen < 1 || headerLen > MaxHeaderLen || recordLen < 1 || recordLen > MaxRecordLen {
		return w, fmt.Errorf("hash tree: header of %d and records of %d bytes; 1 to %d and 1 to %d are allowed",
			headerLen, recordLen, MaxHeaderLen, MaxRecordLen)
	}
	buf := make([]byte, max(headerLen, recordLen*LeafRecords))
	if n, err := io.ReadFull(r, buf[:headerLen]); err == io.EOF || err == io.ErrUnexpectedEOF {
		return w, refuse("", "file of %d bytes has no complete header", n)
	} else if err != nil {
		return w, fmt.Errorf("hash tree: %w", err)
	}
	var whole, bare compactTree // with the header as leaf 0, and of the records alone
	w.addLeaf(&whole, buf[:headerLen])
	for {
		if err := ctx.Err(); err != nil {
			return w, err
		}
		n, err := io.ReadFull(r, buf[:recordLen*LeafRecords])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return w, fmt.Errorf("hash tree: %w", err)
		}
		w.Tail = n % recordLen
		leaf := buf[:n-w.Tail]
		counts = w.prefixes(&bare, leaf, counts)
		if len(leaf) > 0 {
			w.note(leaf)
			bare.add(w.addLeaf(&whole, leaf))
		}
		if err != nil {
			break
		}
	}
	w.Root = whole.root()
	return w, nil
}

func (w *FileDigests) addLeaf(tree *compactTree, leaf []byte) Hash {
	h := tlog.RecordHash(leaf)
	w.Leaves = append(w.Leaves, h)
	tree.add(h)
	return h
}

// prefixes gives the roots of those counts that end inside this leaf, and returns the counts that are left.
func (w *FileDigests) prefixes(before *compactTree, leaf []byte, counts []int64) []int64 {
	records := int64(len(leaf) / w.RecordLen)
	for len(counts) > 0 && counts[0] <= w.Records+records {
		w.Prefixes = append(w.Prefixes, before.with(leaf[:(counts[0]-w.Records)*int64(w.RecordLen)]))
		counts = counts[1:]
	}
	return counts
}

// note counts the records of a leaf and remembers the ends.
func (w *FileDigests) note(leaf []byte) {
	if w.Records == 0 {
		w.First = Digest(leaf[:w.RecordLen])
	}
	w.Records += int64(len(leaf) / w.RecordLen)
	w.Last = Digest(leaf[len(leaf)-w.RecordLen:])
}

// with is the root that the tree would have with one more leaf of these bytes; none of them, none more.
func (c *compactTree) with(leaf []byte) Hash {
	if len(leaf) == 0 {
		return c.root()
	}
	more := compactTree{n: c.n, stack: slices.Clone(c.stack)}
	more.add(tlog.RecordHash(leaf))
	return more.root()
}

// Prefix computes the root over the first records of a file that grows, reading only what is new.
type Prefix struct {
	recordLen int
	tree      compactTree // of the whole leaves so far
}

// NewPrefix is for a file of records of recordLen bytes.
func NewPrefix(recordLen int) *Prefix { return &Prefix{recordLen: recordLen} }

// Root is the root over the records before count, which must not be below that of an earlier call. r is the whole file,
// whose records begin at headerLen.
func (p *Prefix) Root(r io.ReaderAt, headerLen, count int64) (Hash, error) {
	size := int64(p.recordLen)
	buf := make([]byte, LeafRecords*size)
	for p.tree.n < count/LeafRecords {
		if _, err := r.ReadAt(buf, headerLen+p.tree.n*LeafRecords*size); err != nil {
			return Hash{}, fmt.Errorf("read records: %w", err)
		}
		p.tree.add(tlog.RecordHash(buf))
	}
	part := buf[:(count-p.tree.n*LeafRecords)*size]
	if _, err := r.ReadAt(part, headerLen+p.tree.n*LeafRecords*size); err != nil && len(part) > 0 {
		return Hash{}, fmt.Errorf("read records: %w", err)
	}
	return p.tree.with(part), nil
}
