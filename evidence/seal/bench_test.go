package seal

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// benchSamples are the numbers of samples that are sealed and verified; the last
// has to be within 3 s each on two processors.
var benchSamples = []int64{100_000, 10_000_000}

// atEachSize runs a benchmark once per number of samples. Beside its time, each
// tells the peak of the process's memory while it ran, and the pack's size.
func atEachSize(b *testing.B, run func(b *testing.B, dir, path string)) {
	for _, n := range benchSamples {
		b.Run(fmt.Sprintf("samples=%d", n), func(b *testing.B) {
			dir := benchBag(b, n)
			path := filepath.Join(dir, "..", "pack.zip")
			b.SetBytes(sampleSize * n)
			run(b, dir, path)
			info, err := os.Stat(path)
			ok(b, err)
			b.ReportMetric(float64(info.Size())/float64(n), "B/sample")
		})
	}
}

// watchPeak forgets the process's peak of memory so far and returns what reports
// the peak since. Linux only: elsewhere it reports nothing.
func watchPeak(b *testing.B) (report func()) {
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Logf("the peak of memory is not known: %v", err)
		return func() {}
	}
	return func() {
		status, err := os.ReadFile("/proc/self/status")
		ok(b, err)
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		kB, _, found := strings.Cut(strings.TrimSpace(rest), " kB")
		n, err := strconv.ParseInt(kB, 10, 64)
		if !found || err != nil {
			b.Fatalf("no peak of memory in /proc/self/status: %q", kB)
		}
		b.ReportMetric(float64(n)/1024, "peak-MB")
	}
}

const sampleSize = 40

// benchBag is a bag with one file of n samples.
func benchBag(b *testing.B, n int64) string {
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
	_, err = io.Copy(f, records(n))
	ok(b, err)
	ok(b, f.Close())
	return dir
}

// sealBag does all that sealing is: tree, digests, signature, zip.
func sealBag(b *testing.B, dir, path string) {
	ctx := context.Background()
	writeTree(b, filepath.Join(dir, "data/samples/query.bin"), 64, sampleSize)
	info := BagInfo{PackID: "p", RunID: "r", Sealed: time.Now()}
	_, err := Seal(ctx, dir, info, fixtureIdentity().Identity)
	ok(b, err)
	ok(b, WritePack(ctx, dir, "pack", path))
}

func BenchmarkSeal(b *testing.B) {
	atEachSize(b, func(b *testing.B, dir, path string) {
		report := watchPeak(b)
		for first := true; b.Loop(); first = false {
			if !first {
				b.StopTimer()
				unseal(b, dir, path)
				b.StartTimer()
			}
			sealBag(b, dir, path)
		}
		report()
	})
}

// unseal removes what sealBag made.
func unseal(b *testing.B, dir, path string) {
	ok(b, os.Remove(path))
	ok(b, os.Remove(filepath.Join(dir, "data/samples/query.bin.tree")))
	for _, name := range tagFiles {
		ok(b, os.Remove(filepath.Join(dir, name)))
	}
	ok(b, os.Remove(filepath.Join(dir, "signatures")))
}

func BenchmarkVerify(b *testing.B) {
	atEachSize(b, func(b *testing.B, dir, path string) {
		sealBag(b, dir, path)
		report := watchPeak(b)
		for b.Loop() {
			r, err := Verify(context.Background(), path, Options{})
			ok(b, err)
			ok(b, r.Err())
		}
		report()
	})
}
