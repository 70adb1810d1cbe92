package workloads_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

// writes is a run of redis.ledger.
type writes struct {
	*workloads.Running
	run    [16]byte
	ledger *os.File
}

func startWrites(t *testing.T, cfg workloads.Config, with map[string]any) writes {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "ledger.bin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	w := writes{ledger: f, run: [16]byte{byte(cfg.Stream), 0xab}}
	cfg.Run, cfg.Clock = w.run, loadgen.NewClock()
	cfg.Start = cfg.Clock.Now()
	if w.Running, err = workloads.Start(t.Context(), keeper(t, with), cfg, workloads.Files{Ledger: f}); err != nil {
		t.Fatal(err)
	}
	return w
}

// end waits for the end of the run and gives its attempts.
func (w writes) end(t *testing.T) (loadgen.Stats, []loadgen.Attempt) {
	t.Helper()
	stats, err := w.Wait()
	if err != nil {
		t.Fatal(stats, err)
	}
	if _, err := w.ledger.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	_, attempts, err := loadgen.ReadAttempts(w.ledger)
	if err != nil {
		t.Fatal(err)
	}
	return stats, attempts
}

func (w writes) ids(stream uint32, attempts []loadgen.Attempt) workloads.IDs {
	return workloads.IDs{Run: w.run, Streams: map[uint32]uint64{stream: uint64(len(attempts))}}
}

func (w writes) key(stream uint32, n uint64) string {
	return fmt.Sprintf("blackstart:ledger:%x:%d", w.run, loadgen.AttemptID(stream, n))
}

// outcomes counts attempts by what the client knows, and checks what may never be: acknowledged and missing, refused and there.
func outcomes(t *testing.T, s *server, w writes, stream uint32, attempts []loadgen.Attempt) map[loadgen.AttemptOutcome]int {
	t.Helper()
	keys, all := s.keys(t), map[loadgen.AttemptOutcome]int{}
	for n, a := range attempts {
		all[a.Outcome]++
		copies := keys[w.key(stream, uint64(n))]
		if copies > 1 || a.Outcome == loadgen.AttemptOK && copies != 1 || a.Outcome == loadgen.AttemptDefinite && copies != 0 {
			t.Errorf("%+v has %d copies; errors %v", a, copies, w.Errors())
		}
	}
	return all
}

func TestLedgerOnRedis(t *testing.T) {
	s := newServer(t)
	db := workloads.Database{Addresses: []string{s.addr}, MaxConns: 8}
	store := storeOn(t, db)
	if err := store.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := startWrites(t, workloads.Config{Stream: 3, Rate: 1000, Slots: 1200, Timeout: 10 * time.Second, Database: db}, map[string]any{"amount": "19.99"})
	stats, attempts := w.end(t)
	if got := outcomes(t, s, w, 3, attempts); stats.OK != 1200 || got[loadgen.AttemptOK] != 1200 {
		t.Fatalf("%+v, %v, %v", stats, got, w.Errors())
	}
	found, err := store.Find(t.Context(), w.ids(3, attempts))
	if err != nil || found.Rows != 1200 || found.Foreign != 0 || found.RepeatedKeys != 0 || found.Copies(loadgen.AttemptID(3, 1199)) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	value, err := s.client.LRange(t.Context(), w.key(3, 7), 0, -1).Result()
	if err != nil || len(value) != 1 || value[0] != fmt.Sprintf("%d 19.99", loadgen.AttemptID(3, 7)) {
		t.Errorf("a write is %q, %v", value, err)
	}
	// What others take away, repeat or scribble is seen.
	c := s.client
	for _, err := range []error{c.Del(t.Context(), w.key(3, 5), w.key(3, 700)).Err(), c.RPush(t.Context(), w.key(3, 9), value[0]).Err(), c.RPush(t.Context(), w.key(3, 11), "scribble").Err()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err = store.Find(t.Context(), w.ids(3, attempts))
	if err != nil || found.Rows != 1200 || found.Foreign != 1 || found.RepeatedKeys != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	for n, want := range map[uint64]int{5: 0, 700: 0, 9: 2, 11: 2, 12: 1} {
		if got := found.Copies(loadgen.AttemptID(3, n)); got != want {
			t.Errorf("attempt %d has %d copies, want %d", n, got, want)
		}
	}
	// An answer that is not whole is none.
	if err := c.Set(t.Context(), w.key(3, 12), "no list", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if found, err := store.Find(t.Context(), w.ids(3, attempts)); err == nil || found != nil {
		t.Errorf("read all the same: %+v", found)
	}
}

// A server that takes no writes refuses them for certain; its retries are attempts of their own.
func TestRedisThatIsFull(t *testing.T) {
	s := newServer(t)
	s.set(t, "maxmemory", 1)
	w := startWrites(t, workloads.Config{Stream: 2, Rate: 200, Slots: 10, Timeout: 10 * time.Second, Database: workloads.Database{Addresses: []string{s.addr}}}, map[string]any{"retries": 2})
	stats, attempts := w.end(t)
	if got := outcomes(t, s, w, 2, attempts); len(attempts) != 30 || got[loadgen.AttemptDefinite] != 30 || stats.Outcomes[loadgen.HTTP5xx] != 10 {
		t.Errorf("%+v, %v, %v", stats, got, w.Errors())
	}
}

// A server that is frozen leaves writes of which nobody knows; when it goes on, so do they.
func TestRedisThatFreezes(t *testing.T) {
	s := newServer(t)
	w := startWrites(t, workloads.Config{Stream: 4, Rate: 500, Timeout: 200 * time.Millisecond, Database: workloads.Database{Addresses: []string{s.addr}, MaxConns: 4}}, nil)
	until(t, "writes are taken", func() bool { return w.Live().Success > 0 })
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	until(t, "a write that was sent has no answer", func() bool {
		for text := range w.Errors() {
			if strings.HasPrefix(text, "read tcp") {
				return true
			}
		}
		return false
	})
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	before := w.Live().Total
	until(t, "writes go on", func() bool { return w.Live().Total > before+500 })
	w.Stop()
	_, attempts := w.end(t)
	got := outcomes(t, s, w, 4, attempts)
	if last := attempts[len(attempts)-1]; got[loadgen.AttemptUnknown] == 0 || got[loadgen.AttemptOK] == 0 || last.Outcome != loadgen.AttemptOK {
		t.Errorf("%v, the last is %+v, %v", got, last, w.Errors())
	}
}

// Who may not enter has written nothing.
func TestRedisThatWantsAPassword(t *testing.T) {
	s := newServer(t, "--requirepass", "open sesame")
	db := workloads.Database{Addresses: []string{s.addr}, Password: "open sesame"}
	if err := storeOn(t, db).Prepare(t.Context()); err != nil {
		t.Error(err)
	}
	db.Name = "99"
	if err := storeOn(t, db).Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "DB index") {
		t.Errorf("a database that is not there: %v", err)
	}
	db.Name, db.Password = "", "wrong"
	w := startWrites(t, workloads.Config{Stream: 5, Rate: 100, Slots: 5, Timeout: 300 * time.Millisecond, Database: db}, nil)
	stats, attempts := w.end(t)
	if len(attempts) != 5 || attempts[0].Outcome != loadgen.AttemptDefinite || stats.Outcomes[loadgen.HTTP4xx] != 5 {
		t.Errorf("%+v, %v", stats, w.Errors())
	}
}

// A replica takes no writes and says so.
func TestRedisThatIsAReplica(t *testing.T) {
	master := newServer(t)
	replica := newServer(t, "--replicaof", "127.0.0.1 "+master.port())
	db := workloads.Database{Addresses: []string{replica.addr}}
	store := storeOn(t, db)
	if serves, _, err := store.Serves(t.Context()); serves || err != nil {
		t.Errorf("a replica serves: %v, %v", serves, err)
	}
	if err := store.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "replica") {
		t.Errorf("prepared on a replica: %v", err)
	}
	w := startWrites(t, workloads.Config{Stream: 6, Rate: 100, Slots: 5, Timeout: 300 * time.Millisecond, Database: db}, nil)
	stats, attempts := w.end(t)
	if len(attempts) != 5 || attempts[0].Outcome != loadgen.AttemptDefinite || stats.Outcomes[loadgen.HTTP5xx] != 5 {
		t.Errorf("%+v, %v", stats, w.Errors())
	}
}
