package seal

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func mustTree(t testing.TB, data []byte, recordLen int) Tree {
	t.Helper()
	tree, err := TreeRoot(context.Background(), bytes.NewReader(data), 64, recordLen)
	ok(t, err)
	return tree
}

func TestTreeRootAgreesWithTlog(t *testing.T) {
	for _, n := range []int{0, 1, LeafRecords - 1, LeafRecords, LeafRecords + 1, 4 * LeafRecords, 6*LeafRecords + 9} {
		data := binaryFile(n, 40)
		tree := mustTree(t, data, 40)
		leaves := []Hash{tlog.RecordHash(data[:64])}
		for at := 64; at < len(data); at += 40 * LeafRecords {
			leaves = append(leaves, tlog.RecordHash(data[at:min(at+40*LeafRecords, len(data))]))
		}
		stored, err := storedHashes(leaves)
		ok(t, err)
		want, err := tlog.TreeHash(int64(len(leaves)), stored)
		ok(t, err)
		if tree.Root != want || len(tree.Leaves) != len(leaves) {
			t.Errorf("%d records: root %v of %d leaves, want %v of %d", n, tree.Root, len(tree.Leaves), want, len(leaves))
		}
		again, err := ParseTree(tree.Bytes())
		ok(t, err)
		if again.Root != want || FirstDifference(again, tree) != -1 {
			t.Errorf("%d records: tree file does not read back", n)
		}
	}
}

func TestTreeRefusesOddFiles(t *testing.T) {
	data := binaryFile(LeafRecords+3, 40)
	for _, n := range []int{0, 63, 65, len(data) - 1, 64 + 40*LeafRecords - 1} {
		if _, err := TreeRoot(context.Background(), bytes.NewReader(data[:n]), 64, 40); err == nil {
			t.Errorf("%d bytes: want an error", n)
		}
	}
	for _, l := range [][2]int{{0, 40}, {64, 0}, {MaxHeaderLen + 1, 40}, {64, MaxRecordLen + 1}} {
		if _, err := TreeRoot(context.Background(), bytes.NewReader(data), l[0], l[1]); err == nil {
			t.Errorf("layout %v: want an error", l)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := TreeRoot(ctx, bytes.NewReader(data), 64, 40); err == nil {
		t.Error("cancelled: want an error")
	}
}

func TestFirstDifference(t *testing.T) {
	data := binaryFile(2*LeafRecords, 40)
	a := mustTree(t, data, 40)
	if got := FirstDifference(a, mustTree(t, data[:64+40*LeafRecords], 40)); got != 2 {
		t.Errorf("shorter: %d, want 2", got)
	}
	data[64+40*LeafRecords]++
	if got := FirstDifference(a, mustTree(t, data, 40)); got != 2 {
		t.Errorf("changed: %d, want 2", got)
	}
}

func TestParseTreeRefuses(t *testing.T) {
	good := mustTree(t, binaryFile(2*LeafRecords, 40), 40).Bytes()
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		// A header or record length is no part of the hashes; that it fits the
		// file is checked with the file.
		if tree, err := ParseTree(bad); err == nil && tree.HeaderLen == 64 && tree.RecordLen == 40 {
			t.Errorf("byte %d: accepted", at)
		}
	}
	for _, bad := range []string{"", "x", string(good) + "\n", string(good[:len(good)-1])} {
		if _, err := ParseTree([]byte(bad)); err == nil {
			t.Errorf("%.20q: accepted", bad)
		}
	}
}

// records yields a 64-byte header and n records of 40 bytes.
func records(n int64) io.Reader { return io.LimitReader(counter{}, 64+40*n) }

type counter struct{}

func (counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i * 7)
	}
	return len(p), nil
}

func BenchmarkTreeRoot(b *testing.B) {
	for _, n := range []int64{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(40 * n)
			for b.Loop() {
				if _, err := TreeRoot(context.Background(), records(n), 64, 40); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// storedHashes answers proofs from the leaves of a tree.
func storedHashes(leaves []Hash) (tlog.HashReader, error) {
	var stored Stored
	for i, leaf := range leaves {
		if err := stored.Add(int64(i), leaf); err != nil {
			return nil, err
		}
	}
	return stored, nil
}

// writeTree writes the tree of a binary file beside it. It reads the file as sealing does, piece by piece: benchmarks measure its memory.
func writeTree(t testing.TB, path string, headerLen, recordLen int) {
	t.Helper()
	f, err := os.Open(path)
	ok(t, err)
	defer f.Close() //nolint:errcheck // it was read
	tree, err := TreeRoot(context.Background(), f, headerLen, recordLen)
	ok(t, err)
	ok(t, os.WriteFile(path+TreeExt, tree.Bytes(), 0o600))
}
