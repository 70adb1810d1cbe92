package evidence

import (
	"bufio"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/loadgen"
)

// maxVerifyMB is what verify may take for any pack, in MiB.
const maxVerifyMB = 200

// TestVerifyOfALargePackTakesLittleMemory verifies, in a process of its own, a pack of many samples and as many write attempts,
// judged again. BLACKSTART_LARGE asks for ten million of each, which takes some minutes and 2 GB of disk.
func TestVerifyOfALargePackTakesLittleMemory(t *testing.T) {
	if pack := os.Getenv("BLACKSTART_VERIFY_LARGE"); pack != "" {
		verifyLarge(t, pack)
		return
	}
	n := 200_000
	if os.Getenv("BLACKSTART_LARGE") != "" {
		n = 10_000_000
	}
	if testing.Short() {
		t.Skip("makes a large pack: left out of the quick part")
	}
	dir := t.TempDir()
	h, j := recorded(t, dir, func(*Inputs) {})
	h.enlarge(t, n)
	h.bindAndSeal(t, dir, j)
	root := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(root, h.key.RootPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestVerifyOfALargePackTakesLittleMemory$", "-test.v")
	cmd.Env = append(os.Environ(), "BLACKSTART_VERIFY_LARGE="+filepath.Join(dir, "honest.zip"), "BLACKSTART_VERIFY_ROOT="+root)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var mb int
	if _, after, ok := strings.Cut(string(out), "VmHWM "); !ok {
		t.Fatalf("the child does not say what it took:\n%s", out)
	} else if _, err := fmt.Sscanf(after, "%d", &mb); err != nil || mb > maxVerifyMB {
		t.Errorf("%d samples and %d attempts: %d MiB, at most %d (%v)", n, n, mb, maxVerifyMB, err)
	}
	t.Logf("%d samples and %d attempts: %d MiB, %.1f s", n, n, mb, time.Since(start).Seconds())
}

// verifyLarge is the child: it verifies, and says how much memory that took at most.
func verifyLarge(t *testing.T, pack string) {
	roots, err := seal.LoadRoots(os.Getenv("BLACKSTART_VERIFY_ROOT"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Verify(t.Context(), pack, VerifyOptions{Roots: []*x509.Certificate{roots[0]}, Recompute: true, ToolSHA256: "this build"})
	if err != nil || c.Err() != nil || c.Recomputed == nil {
		t.Fatal(err, c.Err())
	}
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if kb, ok := strings.CutPrefix(in.Text(), "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(kb), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("VmHWM %d", n>>10)
		}
	}
}

// enlarge gives the drill a ledger of n attempts, with its samples and two readings, beside its metronome.
func (h *honest) enlarge(t *testing.T, n int) {
	t.Helper()
	run := uuid.MustParse(h.rec.RunID)
	head := loadgen.Header{Run: run, Stream: 2, Anchor: int64(h.rec.Anchor)}
	create := func(name string) *os.File {
		if err := os.MkdirAll(filepath.Dir(h.path(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(h.path(name))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	const every = int64(100 * time.Microsecond)
	samples, ledger := create("data/samples/ledger.bin"), create("data/ledger/ledger.bin")
	s, err1 := loadgen.NewSampleWriter(samples, head)
	a, err2 := loadgen.NewAttemptWriter(ledger, head)
	err := errors.Join(err1, err2)
	for i := range uint64(n) {
		due := int64(i) * every
		err = errors.Join(err, s.Write(loadgen.Sample{Seq: i, Due: due, Sent: due, Done: due + 1_000_000, Outcome: loadgen.OK}),
			a.Write(loadgen.Attempt{ID: loadgen.AttemptID(2, i), Sent: due, Done: due + 1_000_000, Amount: 1, Outcome: loadgen.AttemptOK}))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Close(), a.Close(), samples.Close(), ledger.Close()); err != nil {
		t.Fatal(err)
	}
	st := harness.Stream{ID: 2, Load: "ledger", Kind: "samples", File: "data/samples/ledger.bin", Workload: "postgres.ledger", Recorded: &harness.Traits{Ledger: true, Table: "blackstart.ledger"}, Cohorts: []string{"fresh"},
		Freq: 10_000, PerNS: int64(time.Second), StopNS: int64(n) * every, TimeoutNS: int64(time.Second), Count: n, Closed: true}
	writes := st
	writes.Kind, writes.File = "ledger", "data/ledger/ledger.bin"
	h.rec.Streams = append(h.rec.Streams, st, writes)
	l := &h.rec.Ledger
	l.Read, l.OldRead, l.Primary, l.OldPrimary, l.Promoted = true, true, "west.db", "east.db", true
	for _, node := range []string{l.Primary, l.OldPrimary} {
		name := "data/ledger/ledger.copies-" + node + "-after-heal.bin"
		f := create(name)
		count, err := loadgen.WriteCopies(f, head, func(yield func(int) bool) {
			for range n {
				if !yield(1) {
					return
				}
			}
		})
		if err := errors.Join(err, f.Close()); err != nil || count != uint64(n) {
			t.Fatal(count, err)
		}
		l.Copies = append(l.Copies, harness.CopiesFile{Stream: 2, Load: "ledger", Node: node, Reading: harness.AfterHeal, File: name, Count: n})
	}
}
