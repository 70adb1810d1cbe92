package seal

import (
	"bytes"
	"context"
	"io"
	"testing"
)

// The root over a prefix is the same whether the file is read while it grows or afterwards in one pass.
func TestPrefixesAreThoseOfTheGrowingFile(t *testing.T) {
	const recordLen = 40
	counts := []int64{0, 1, 17, LeafRecords - 1, LeafRecords, LeafRecords + 1, 2*LeafRecords + 5, 3 * LeafRecords}
	data := recordBytes(t, 3*LeafRecords+2)
	w, err := Walk(context.Background(), bytes.NewReader(append(bytes.Clone(data), 1, 2, 3)), 64, recordLen, counts)
	if err != nil {
		t.Fatal(err)
	}
	if w.Records != 3*LeafRecords+2 || w.Tail != 3 || len(w.Prefixes) != len(counts) {
		t.Fatalf("%d records, tail of %d, %d prefixes", w.Records, w.Tail, len(w.Prefixes))
	}
	p := NewPrefix(recordLen)
	for i, n := range counts {
		root, err := p.Root(bytes.NewReader(data[:64+n*recordLen]), 64, n)
		if err != nil || root != w.Prefixes[i] {
			t.Errorf("prefix of %d: %x, %v; in one pass %x", n, root, err, w.Prefixes[i])
		}
	}
	if w.First != Digest(data[64:64+recordLen]) || w.Last != Digest(data[len(data)-recordLen:]) {
		t.Error("first or last record is not that of the file")
	}
	if tree, err := TreeRoot(context.Background(), bytes.NewReader(data), 64, recordLen); err != nil || tree.Root != w.Root {
		t.Errorf("the whole tree is another: %v", err)
	}
}

// A changed record changes every prefix behind it and none before it; a count that the file does not reach has no root.
func TestPrefixesNameWhatChanged(t *testing.T) {
	counts := []int64{10, 20, 30}
	data := recordBytes(t, 25)
	honest, err := Walk(context.Background(), bytes.NewReader(data), 64, 40, counts)
	if err != nil || len(honest.Prefixes) != 2 {
		t.Fatalf("%d prefixes, %v", len(honest.Prefixes), err)
	}
	data[64+15*40] ^= 1
	forged, err := Walk(context.Background(), bytes.NewReader(data), 64, 40, counts)
	if err != nil || forged.Prefixes[0] != honest.Prefixes[0] || forged.Prefixes[1] == honest.Prefixes[1] {
		t.Errorf("%x, %v", forged.Prefixes, err)
	}
	if _, err := NewPrefix(40).Root(bytes.NewReader(data), 64, 30); err == nil {
		t.Error("a prefix longer than the file has a root")
	}
}

func recordBytes(t *testing.T, n int64) []byte {
	t.Helper()
	data, err := io.ReadAll(records(n))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
