package workloads

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"blackstart/loadgen"
)

// withoutDescriptors takes every free descriptor from the process while f runs.
func withoutDescriptors(t *testing.T, f func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

func newAttempts(t *testing.T) *loadgen.AttemptWriter {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "ledger.bin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	w, err := loadgen.NewAttemptWriter(f, loadgen.Header{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A client that could not be given a socket has seen nothing of the target.
func TestOurOwnShortageIsNoClientsOutcome(t *testing.T) {
	region := newRegion(t, "east", nil)
	byAddress := openOp(t, Config{Entry: Entry{Scheme: "http", Name: "127.0.0.1", Port: region.port}})
	byName := openOp(t, Config{Entry: Entry{Scheme: "http", Name: testName, Resolver: "127.0.0.1:1", Port: region.port}})
	pulse := openOp(t, Config{Entry: Entry{Scheme: "http", Name: "127.0.0.1", Port: region.port}})
	db, err := (&postgresLedger{}).Open(Config{Timeout: time.Second, Database: Database{Addresses: []string{"127.0.0.1:1"}}, Clock: loadgen.NewClock()}, newAttempts(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.(*ledgerOp).Close() })
	withoutDescriptors(t, func() {
		for name, op := range map[string]loadgen.Op{"by address": byAddress, "by name": byName, "metronome": pulse, "database": db} {
			if got := op.Do(t.Context(), loadgen.Slot{}); got.Outcome != loadgen.LocalShortage {
				t.Errorf("%s: %s", name, got.Outcome)
			}
		}
	})
	if got := do(t, byAddress, 1); got.Outcome != loadgen.OK {
		t.Errorf("with descriptors: %s, %v", got.Outcome, byAddress.Errors())
	}
}
