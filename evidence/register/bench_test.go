package register

import (
	"crypto/sha256"
	"os"
	"strconv"
	"testing"
	"time"

	"blackstart/evidence/seal"
)

// benchEntries is the size of the register that the bars speak of: append 20 ms, verify 2 s, population 1 s.
const benchEntries = 10_000

// bigStore makes a register of so many entries without asking the disk to keep each file at once.
func bigStore(b testing.TB, entries int) (Dir, *Key, [][]byte) {
	b.Helper()
	d, key := newStore(b)
	l := open(b, d)
	var files [][]byte
	for n := range entries {
		var body Body = aRun(n)
		if n%2 == 1 {
			body = closing(n-1, Passed)
		}
		data, err := encode(body)
		if err != nil {
			b.Fatal(err)
		}
		e := Entry{Format: entryFormat, Origin: l.Origin, Index: int64(n), Prev: l.head(), Nonce: strconv.Itoa(n), At: moment(n).Format(timeLayout),
			By: "a tester", Kind: body.kind(), Body: data[:len(data)-1]}
		if data, err = e.sign(key); err != nil {
			b.Fatal(err)
		}
		line, err := readLine(data)
		if err == nil {
			err = l.follow(line)
		}
		if err != nil {
			b.Fatal(err)
		}
		root, err := l.Root(l.Size())
		if err != nil {
			b.Fatal(err)
		}
		msg, err := seal.Checkpoint{Origin: l.Origin, Size: l.Size(), Root: root}.Sign(key)
		if err != nil {
			b.Fatal(err)
		}
		for name, data := range map[string][]byte{entryName(int64(n)): data, checkpointName(l.Size()): msg} {
			if err := os.WriteFile(path(d, name), data, 0o644); err != nil {
				b.Fatal(err)
			}
		}
		files = append(files, data, msg)
	}
	return d, key, files
}

// BenchmarkRegister measures at benchEntries; the unit "times-sha256" is the ratio against SHA-256 over the same bytes in memory.
func BenchmarkRegister(b *testing.B) {
	d, key, files := bigStore(b, benchEntries)
	began, hashes := time.Now(), 0
	for ; time.Since(began) < 200*time.Millisecond; hashes++ {
		for _, data := range files {
			sha256.Sum256(data)
		}
	}
	plain := float64(time.Since(began)) / float64(hashes)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			open(b, d)
		}
		b.ReportMetric(float64(b.Elapsed())/float64(b.N)/plain, "times-sha256")
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if v := verify(b, d); len(v.Problems) > 0 {
				b.Fatal(v.Problems)
			}
		}
		b.ReportMetric(float64(b.Elapsed())/float64(b.N)/plain, "times-sha256")
	})
	b.Run("population", func(b *testing.B) {
		for b.Loop() {
			l := open(b, d)
			if _, err := l.Population(l.Size(), time.Time{}, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed())/float64(b.N)/plain, "times-sha256")
	})
	b.Run("append", func(b *testing.B) {
		l, n := open(b, d), benchEntries
		for b.Loop() {
			appendTo(b, l, key, n, aRun(n))
			n++
		}
		b.ReportMetric(float64(b.Elapsed())/float64(b.N)/plain, "times-sha256")
	})
}
