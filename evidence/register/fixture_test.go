package register

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/evidence/seal"
)

// testKey is the same in every process of a test.
func testKey(t testing.TB) *Key {
	t.Helper()
	key, err := NewKey("example.org/drills", ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32))))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newStore(t testing.TB) (Dir, *Key) {
	t.Helper()
	dir, err := MakeDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key := testKey(t)
	if err := Init(t.Context(), dir, key); err != nil {
		t.Fatal(err)
	}
	return dir, key
}

func open(t testing.TB, s Store) *Log {
	t.Helper()
	l, err := Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// aRun is the n-th run of a test.
func aRun(n int) *Opened {
	digest := func(what string) string { return seal.Digest([]byte(what)) }
	return &Opened{Run: fmt.Sprintf("run-%d", n), Pack: fmt.Sprintf("pack-%d", n), InputsSHA256: digest(fmt.Sprint(n)), Scenario: "region-kill", Class: "rehearsal",
		Profile: "fast", ScenarioSHA256: digest("s"), Objectives: []string{"rto: rto at most 30s", "rpo: rpo.records at most 0"},
		Faults: []string{"region.kill on primary at 2s"}, TargetSHA256: digest("t"), PlanSHA256: digest("p"), ToolSHA256: digest("b"), ToolVersion: "1"}
}

// moment is when the n-th entry of a test was written: one a day.
func moment(n int) time.Time {
	return time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC).AddDate(0, 0, n)
}

func appendTo(t testing.TB, l *Log, key *Key, n int, b Body) Opening {
	t.Helper()
	o, err := l.Append(t.Context(), key, "a tester", moment(n), b.kind(), b)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// fill opens and closes runs until the register has n entries.
func fill(t testing.TB, l *Log, key *Key, n int) (last Opening) {
	t.Helper()
	for i := int(l.Size()); i < n; i++ {
		if i%2 == 0 {
			last = appendTo(t, l, key, i, aRun(i))
		} else {
			appendTo(t, l, key, i, closing(i-1, Passed))
		}
	}
	return last
}

// closing is how a run ended that entry n opened.
func closing(n int, result string) *Closed {
	exits := map[string]int{Passed: 0, Failed: 1, Inconclusive: 3, Stopped: 4, UndoOpen: 5, Interrupted: 4}
	return &Closed{Run: fmt.Sprintf("run-%d", n), Opened: int64(n), Result: result, Exit: exits[result], Reason: "as it was",
		PackSHA256: seal.Digest([]byte("pack")), Signature: seal.Digest([]byte("p7s"))}
}

func path(d Dir, name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

// write replaces a file of the store, as nobody may.
func write(t testing.TB, d Dir, name string, data []byte) {
	t.Helper()
	if err := os.Remove(path(d, name)); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(path(d, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, d Dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(path(d, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func verify(t testing.TB, s Store, packs ...Kept) Verified {
	t.Helper()
	v, err := Verify(context.Background(), s, packs)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
