package seal

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// benchSamples is the number of samples that has to be sealed, and verified,
// within 3 s each on two processors.
const benchSamples = 10_000_000

// benchBag is a bag with one file of benchSamples samples.
func benchBag(b *testing.B) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "bag")
	put(b, dir, InputsFile, []byte("{}\n"))
	log, err := NewChain(filepath.Join(dir, EventsFile), Digest([]byte("{}\n")))
	ok(b, err)
	_, err = log.Close(nil, nil)
	ok(b, err)
	put(b, dir, "data/samples/query.bin", nil)
	f, err := os.OpenFile(filepath.Join(dir, "data/samples/query.bin"), os.O_WRONLY, 0)
	ok(b, err)
	_, err = io.Copy(f, records(benchSamples))
	ok(b, err)
	ok(b, f.Close())
	return dir
}

// sealBag does all that sealing is: tree, digests, signature, zip.
func sealBag(b *testing.B, dir, path string) {
	ctx := context.Background()
	_, err := WriteTree(ctx, filepath.Join(dir, "data/samples/query.bin"), 64, 40)
	ok(b, err)
	info := BagInfo{PackID: "p", RunID: "r", Sealed: time.Now()}
	_, err = Seal(ctx, dir, info, fixtureIdentity().Identity)
	ok(b, err)
	ok(b, WritePack(ctx, dir, "pack", path))
}

func BenchmarkSeal(b *testing.B) {
	dir := benchBag(b)
	b.SetBytes(40 * benchSamples)
	for b.Loop() {
		path := filepath.Join(dir, "..", "pack.zip")
		sealBag(b, dir, path)
		b.StopTimer()
		ok(b, os.Remove(path))
		ok(b, os.Remove(filepath.Join(dir, "data/samples/query.bin.tree")))
		for _, name := range tagFiles {
			ok(b, os.Remove(filepath.Join(dir, name)))
		}
		ok(b, os.Remove(filepath.Join(dir, "signatures")))
		b.StartTimer()
	}
}

func BenchmarkVerify(b *testing.B) {
	dir := benchBag(b)
	path := filepath.Join(dir, "..", "pack.zip")
	sealBag(b, dir, path)
	b.SetBytes(40 * benchSamples)
	for b.Loop() {
		r, err := Verify(context.Background(), path, Options{})
		ok(b, err)
		ok(b, r.Err())
	}
}
