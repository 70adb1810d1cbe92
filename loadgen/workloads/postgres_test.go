package workloads

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/loadgen"
)

// writer is one run of postgres.ledger against addresses.
type writer struct {
	*Running
	samples, ledger *os.File
	run             [16]byte
	store           LedgerStore
}

// storeOf opens the ledger of one server.
func storeOf(t *testing.T, addr string) LedgerStore {
	t.Helper()
	s, err := (&postgresLedger{}).Store(Config{Database: Database{Addresses: []string{addr}, User: "drill", Name: "postgres"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func startWriter(t *testing.T, run byte, cfg Config) writer {
	t.Helper()
	return startWriterWith(t, run, cfg, LedgerWith{})
}

func startWriterWith(t *testing.T, run byte, cfg Config, with LedgerWith) writer {
	t.Helper()
	w := writer{store: storeOf(t, cfg.Database.Addresses[len(cfg.Database.Addresses)-1]), samples: create(t, "s.bin"), ledger: create(t, "l.bin"), run: [16]byte{0: run}}
	cfg.Run, with.Amount = w.run, loadgen.Amount{Minor: 1999, Exponent: 2}
	if cfg.Clock.Now == nil {
		cfg.Clock = loadgen.NewClock()
	}
	cfg.Database.User, cfg.Database.Name = "drill", "postgres"
	var err error
	w.Running, err = Start(t.Context(), &postgresLedger{with}, cfg, Files{Samples: w.samples, Ledger: w.ledger})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// wait ends the run and returns its attempts and what was found on the last server. It
// fails on what no outcome may ever be: an acknowledged write stored twice, a
// definite failure that is there.
func (w writer) wait(t *testing.T) (loadgen.Stats, []loadgen.Attempt, *Found) {
	t.Helper()
	stats, err := w.Wait()
	if err != nil || !stats.Closed {
		t.Fatal(stats, err)
	}
	found, err := w.store.Find(t.Context(), IDs{Run: w.run})
	if err != nil {
		t.Fatal(err)
	}
	attempts := attemptsOf(t, w.ledger)
	if got := samplesOf(t, w.samples); uint64(len(got)) != stats.Due {
		t.Fatalf("%d samples for %d due", len(got), stats.Due)
	}
	for _, a := range attempts {
		copies := found.Copies(a.ID)
		if copies > 1 || (a.Outcome == loadgen.AttemptDefinite && copies != 0) || a.Amount != 1999 {
			t.Errorf("impossible: %+v; errors %v", a, w.Errors())
		}
	}
	return stats, attempts, found
}

func count(attempts []loadgen.Attempt, o loadgen.AttemptOutcome) (n int) {
	for _, a := range attempts {
		if a.Outcome == o {
			n++
		}
	}
	return n
}

// TestLedgerOnPostgres runs on one server; its parts come in order.
func TestLedgerOnPostgres(t *testing.T) {
	s := newPGServer(t)
	s.start(t)
	conn, store := s.connect(t), storeOf(t, s.addr())
	if err := errors.Join(store.Prepare(t.Context()), store.Prepare(t.Context())); err != nil {
		t.Fatal(err)
	}
	db := Database{Addresses: []string{s.addr()}, MaxConns: 8}
	t.Run("every write is there once", func(t *testing.T) { testEveryWrite(t, conn, db) })
	t.Run("planted losses are counted", func(t *testing.T) { testPlantedLosses(t, conn, db) })
	t.Run("terminated backends", func(t *testing.T) { testTerminated(t, conn, db) })
	t.Run("unconfirmed commits", func(t *testing.T) { testUnconfirmed(t, conn, db) })
	t.Run("hung statements", func(t *testing.T) { testHung(t, conn, db) })
	t.Run("rejected statements", func(t *testing.T) { testRejected(t, conn, db) })
	t.Run("retries are linked", func(t *testing.T) { testRetries(t, conn, db) })
}

func testEveryWrite(t *testing.T, conn *pgx.Conn, db Database) {
	w := startWriter(t, 1, Config{Rate: 500, Slots: 200, Stream: 3, Timeout: testTimeout, Place: 2, Database: db})
	stats, attempts, found := w.wait(t)
	if stats.OK != 200 || found.Rows != 200 || found.Foreign != 0 || found.RepeatedKeys != 0 || len(attempts) != 200 {
		t.Fatalf("%+v, %d rows, %d attempts, %v", stats, found.Rows, len(attempts), w.Errors())
	}
	for n, a := range attempts {
		if a.ID != loadgen.AttemptID(3, uint64(n)) || found.Copies(a.ID) != 1 || a.Place != 2 {
			t.Fatalf("%+v", a)
		}
	}
	var amount string
	var streams, keys int
	err := conn.QueryRow(t.Context(), `SELECT sum(amount)::text, count(DISTINCT stream), count(DISTINCT business_key)
		FROM blackstart.ledger WHERE run = $1`, w.run[:]).Scan(&amount, &streams, &keys)
	if err != nil || amount != "3998.00" || streams != 1 || keys != 200 {
		t.Fatal(amount, streams, keys, err)
	}
}

func testPlantedLosses(t *testing.T, conn *pgx.Conn, db Database) {
	w := startWriter(t, 2, Config{Rate: 1000, Slots: 300, Stream: 1, Timeout: testTimeout, Database: db})
	if _, err := w.Wait(); err != nil {
		t.Fatal(err)
	}
	lost := []uint64{7, 100, 101, 299}
	for _, n := range lost {
		_, err := conn.Exec(t.Context(), `DELETE FROM blackstart.ledger WHERE run = $1 AND id = $2`, w.run[:], int64(loadgen.AttemptID(1, n)))
		if err != nil {
			t.Fatal(err)
		}
	}
	_, attempts, found := w.wait(t)
	var got []uint64
	for _, a := range attempts {
		if _, n, _ := loadgen.SplitAttemptID(a.ID); a.Outcome == loadgen.AttemptOK && found.Copies(a.ID) == 0 {
			got = append(got, n)
		}
	}
	if !slices.Equal(got, lost) {
		t.Fatalf("lost %v, want %v", got, lost)
	}
}

func testTerminated(t *testing.T, conn *pgx.Conn, db Database) { testTerminatedAs(t, conn, db, 3) }

func testTerminatedAs(t *testing.T, conn *pgx.Conn, db Database, run byte) {
	w := startWriter(t, run, Config{Rate: 400, Timeout: testTimeout, Database: db})
	for range 10 { // each time something was written in between
		before := w.Live().Total
		until(t, "writes go on", func() bool { return w.Live().Total >= before+10 && w.Live().Success > 0 })
		_, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'blackstart'`)
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Stop()
	stats, attempts, found := w.wait(t)
	if unknown := count(attempts, loadgen.AttemptUnknown); unknown == 0 || stats.OK == 0 {
		t.Fatalf("%d unknown, %+v", unknown, stats)
	}
	for _, a := range attempts {
		if a.Outcome == loadgen.AttemptOK && found.Copies(a.ID) != 1 {
			t.Fatalf("acknowledged and missing: %+v", a)
		}
	}
}

// setStandby makes every commit wait for the standby called names.
func setStandby(t *testing.T, conn *pgx.Conn, names string) {
	t.Helper()
	for _, sql := range []string{`ALTER SYSTEM SET synchronous_standby_names = '` + names + `'`, `SELECT pg_reload_conf()`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the server has read its configuration", func() bool { // and tells its sessions after that
		var now string
		err := conn.QueryRow(t.Context(), `SHOW synchronous_standby_names`).Scan(&now)
		return err == nil && now == names
	})
}

func testUnconfirmed(t *testing.T, conn *pgx.Conn, db Database) {
	setStandby(t, conn, "ghost")
	defer setStandby(t, conn, "")
	w := startWriter(t, 4, Config{Rate: 20, Slots: 4, Timeout: testTimeout, Database: db})
	// Cancel each backend that waits for the standby which does not exist.
	cancelled := 0
	until(t, "every write is cancelled, or over", func() bool {
		tag, err := conn.Exec(t.Context(), `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
			WHERE application_name = 'blackstart' AND wait_event = 'SyncRep'`)
		if err != nil {
			t.Fatal(err)
		}
		cancelled += int(tag.RowsAffected())
		select {
		case <-w.done:
			return true
		default:
			return cancelled >= 4
		}
	})
	stats, attempts, found := w.wait(t)
	if count(attempts, loadgen.AttemptUnknown) == 0 || stats.Outcomes[loadgen.NotReplicated] == 0 || found.Rows != 4 {
		t.Fatalf("%+v, %d rows, %v", stats, found.Rows, w.Errors())
	}
}

// A server on which every statement hangs is not flooded with connections.
func testHung(t *testing.T, conn *pgx.Conn, db Database) {
	db.MaxConns = 2
	setStandby(t, conn, "ghost")
	defer setStandby(t, conn, "")
	w := startWriter(t, 8, Config{Rate: 100, Timeout: 100 * time.Millisecond, Database: db})
	most := 0
	until(t, "60 writes are over", func() bool {
		var hung int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE application_name = 'blackstart' AND wait_event = 'SyncRep'`).Scan(&hung)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, hung)
		return w.Live().Total >= 60
	})
	w.Stop()
	stats, attempts, _ := w.wait(t)
	unknown := count(attempts, loadgen.AttemptUnknown)
	if most < 1 || most > 2 || unknown < 1 || unknown > 2 || stats.OK != 0 {
		t.Fatalf("%d hung at once, %d unknown, %+v, %v", most, unknown, stats, w.Errors())
	}
}

func testRejected(t *testing.T, conn *pgx.Conn, db Database) {
	exec := func(sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`ALTER TABLE blackstart.ledger ADD CONSTRAINT refuse CHECK (stream <> 9)`)
	defer exec(`ALTER TABLE blackstart.ledger DROP CONSTRAINT refuse`)
	w := startWriter(t, 5, Config{Rate: 100, Slots: 10, Stream: 9, Timeout: testTimeout, Database: db})
	stats, attempts, found := w.wait(t)
	if count(attempts, loadgen.AttemptDefinite) != 10 || found.Rows != 0 || stats.Outcomes[loadgen.HTTP4xx] != 10 {
		t.Fatalf("%+v, %v", stats, w.Errors())
	}
}

func testRetries(t *testing.T, conn *pgx.Conn, db Database) {
	exec := func(sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`ALTER TABLE blackstart.ledger ADD CONSTRAINT refuse CHECK (stream <> 9)`)
	defer exec(`ALTER TABLE blackstart.ledger DROP CONSTRAINT refuse`)
	w := startWriterWith(t, 6, Config{Rate: 100, Slots: 5, Stream: 9, Workers: 1, Timeout: testTimeout, Database: db}, LedgerWith{Retries: 2})
	_, attempts, _ := w.wait(t)
	if len(attempts) != 15 {
		t.Fatalf("%d attempts", len(attempts))
	}
	for n, a := range attempts {
		want := uint64(0)
		if n%3 > 0 {
			want = attempts[n-1].ID
		}
		if a.RetryOf != want {
			t.Fatalf("attempt %d repeats %d, want %d", a.ID, a.RetryOf, want)
		}
	}
}

// An address that swallows packets does not keep writers from the new primary.
func TestWritersFindThePromotedStandby(t *testing.T) {
	primary := newPGServer(t)
	stop := primary.start(t)
	if err := storeOf(t, primary.addr()).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	standby := primary.clone(t)
	standby.start(t)
	conn := standby.connect(t)
	clock := loadgen.NewClock()
	w := startWriter(t, 7, Config{
		Clock: clock, Rate: 100, Timeout: time.Second,
		Database: Database{Addresses: []string{blackHole(t, "127.0.0.1"), standby.addr()}, MaxConns: 8},
	})
	until(t, "the first writes have given up", func() bool { return w.Live().Total >= 10 })
	before := clock.Now()
	if _, err := conn.Exec(t.Context(), `SELECT pg_promote(true)`); err != nil {
		t.Fatal(err)
	}
	promoted := clock.Now()
	until(t, "the new primary takes writes", func() bool { return w.Live().Success > 0 })
	seen := w.Live().Total
	until(t, "writes go on", func() bool { return w.Live().Total >= seen+30 })
	w.Stop()
	stats, attempts, found := w.wait(t)
	unknown := count(attempts, loadgen.AttemptUnknown) // a promotion that takes longer than the writers wait leaves some
	if stats.OK == 0 || found.Rows < stats.OK || found.Rows > stats.OK+uint64(unknown) || found.Foreign != 0 {
		t.Fatalf("%+v, %d rows, %d unknown, %v", stats, found.Rows, unknown, w.Errors())
	}
	for _, a := range attempts {
		if a.Outcome == loadgen.AttemptOK && found.Copies(a.ID) != 1 {
			t.Fatalf("acknowledged and missing: %+v", a)
		}
	}
	first := slices.IndexFunc(attempts, func(a loadgen.Attempt) bool { return a.Outcome == loadgen.AttemptOK })
	if attempts[first].Done < before {
		t.Fatalf("a write was acknowledged at %d, before the promotion at %d", attempts[first].Done, before)
	}
	classes := map[loadgen.Outcome]int{}
	for _, sample := range samplesOf(t, w.samples) {
		classes[sample.Outcome]++
	}
	if classes[loadgen.HTTP5xx] == 0 || classes[loadgen.Other] > 0 {
		t.Errorf("a standby that takes no writes is classed %v: http-5xx is wanted, and nothing else", classes)
	}
	t.Logf("first write %s after the promotion returned", time.Duration(attempts[first].Done-promoted))
}

func TestLedgerWithoutAServer(t *testing.T) {
	s, l := create(t, "s.bin"), create(t, "l.bin")
	r, err := Start(t.Context(), &postgresLedger{}, Config{
		Clock: loadgen.NewClock(), Rate: 100, Slots: 20, Timeout: time.Second,
		Database: Database{Addresses: []string{blackHole(t, "127.0.0.1")}, MaxConns: 2},
	}, Files{Samples: s, Ledger: l})
	if err != nil {
		t.Fatal(err)
	}
	stats, err := r.Wait()
	if err != nil || stats.Outcomes[loadgen.Timeout] != 20 || stats.Sent != stats.Due {
		t.Fatalf("%+v, %v, %v", stats, err, r.Errors())
	}
	if _, err := l.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	if _, attempts, err := loadgen.ReadAttempts(l); err != nil || count(attempts, loadgen.AttemptDefinite) != 20 {
		t.Fatalf("%d attempts, %v", len(attempts), err)
	}
}

func TestLedgerRefusesBadPlans(t *testing.T) {
	f := create(t, "l.bin")
	good := Config{Clock: loadgen.NewClock(), Database: Database{Addresses: []string{"127.0.0.1:1"}}}
	for name, c := range map[string]struct {
		change func(*Config)
		files  Files
	}{
		"no ledger":   {func(*Config) {}, Files{}},
		"no address":  {func(c *Config) { c.Database.Addresses = nil }, Files{Ledger: f}},
		"bad address": {func(c *Config) { c.Database.Addresses = []string{"host"} }, Files{Ledger: f}},
		"bad port":    {func(c *Config) { c.Database.Addresses = []string{"host:http"} }, Files{Ledger: f}},
		"big stream":  {func(c *Config) { c.Stream = loadgen.MaxLedgerStream + 1 }, Files{Ledger: f}},
		"too fast":    {func(c *Config) { c.Rate = loadgen.MaxRate + 1 }, Files{Ledger: f}},
	} {
		cfg := good
		c.change(&cfg)
		if _, err := Start(t.Context(), &postgresLedger{}, cfg, c.files); err == nil {
			t.Errorf("%s: started", name)
		}
	}
}

func attemptsOf(t *testing.T, f *os.File) []loadgen.Attempt {
	t.Helper()
	if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	_, attempts, err := loadgen.ReadAttempts(f)
	if err != nil {
		t.Fatal(err)
	}
	return attempts
}
