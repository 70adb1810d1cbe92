// Command lossbench plants a known number of lost writes in a real PostgreSQL ledger and checks that exactly these are
// counted, and that rpo.time finds the moment from which they were lost. It writes one row for the performance table.
//
//	go run ./cmd/blackstart/lossbench -out rows.json
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"blackstart/harness/measure"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/internal/figures"
	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

// planted are the numbers of writes that are made to vanish, each in a run of its own.
var planted = []int{0, 1, 100, 10_000}

const (
	rate     = 1000 // writes a second: one every millisecond
	lead     = 2 * time.Second
	timeBar  = 5 * time.Millisecond
	setLimit = 3 * time.Minute
)

func main() {
	out := flag.String("out", "", "write the row to this `file` as JSON")
	quick := flag.Bool("quick", false, "leave the largest number out: shows that the row can be measured")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), setLimit)
	defer cancel()
	if err := run(ctx, *out, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, quick bool) error {
	dir, err := os.MkdirTemp("/var/tmp", "blackstart-loss-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	c, err := startCluster(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = c.Stop(context.WithoutCancel(ctx), postgres.Immediate) }()
	r := figures.Row{Name: "planted losses 0, 1, 100, 10 000", Bar: "counted exactly; rpo.time within 5 ms", Met: true, Raw: map[string]float64{}}
	numbers := planted
	if quick {
		r.Name, numbers = "planted losses 0, 1, 100", planted[:len(planted)-1]
	}
	worst, exact := time.Duration(0), true
	for _, n := range numbers {
		counted, off, err := plant(ctx, c, dir, n)
		if err != nil {
			return fmt.Errorf("plant %d losses: %w", n, err)
		}
		r.Raw[fmt.Sprintf("counted_of_%d", n)] = float64(counted)
		r.Raw[fmt.Sprintf("rpo_time_off_ms_of_%d", n)] = off.Seconds() * 1000
		exact = exact && counted == n
		r.Met = exact && off <= timeBar && r.Met
		worst = max(worst, off)
		fmt.Fprintf(os.Stderr, "planted %6d, counted %6d, rpo.time off by %s\n", n, counted, off)
	}
	r.Value = fmt.Sprintf("counted exactly: %v; rpo.time off by at most %.1f ms", exact, worst.Seconds()*1000)
	if err := figures.Write(out, []figures.Row{r}); err != nil {
		return err
	}
	if !exact { // a count is right on the busiest machine: no run is too short to judge it
		return fmt.Errorf("planted losses were not counted exactly: %v", r.Raw)
	}
	return nil
}

func startCluster(ctx context.Context, dir string) (*postgres.Cluster, error) {
	install, err := postgres.Find(ctx, postgres.Options{Source: os.Getenv(postgres.SourceVariable), CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		return nil, err
	}
	table, err := procs.NewTable(dir)
	if err != nil {
		return nil, err
	}
	c := &postgres.Cluster{Name: "ledger", Install: install, Table: table, Dir: filepath.Join(dir, "ledger"), Sockets: filepath.Join(dir, "s"),
		Log: filepath.Join(dir, "ledger.log"), Host: "127.0.0.1", Port: 0, Password: postgres.NewPassword()}
	if c.Port, err = freePort(); err != nil {
		return nil, err
	}
	if err := c.InitDB(ctx); err != nil {
		return nil, err
	}
	if err := c.Configure(); err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	if err := c.Prepare(ctx); err != nil {
		return nil, err
	}
	_, store, err := ledgerOf(c)
	if err != nil {
		return nil, err
	}
	return c, errors.Join(store.Prepare(ctx), store.Close())
}

// ledgerOf is the workload that writes, and the store by which its ledger is looked up.
func ledgerOf(c *postgres.Cluster) (workloads.Keeper, workloads.LedgerStore, error) {
	kind, _ := workloads.Workloads.Get("postgres.ledger")
	w, err := kind.Make(map[string]any{"amount": "1.00"})
	if err != nil {
		return nil, nil, err
	}
	k := w.(workloads.Keeper)
	store, err := k.Store(workloads.Config{Database: database(c)})
	return k, store, err
}

func database(c *postgres.Cluster) workloads.Database {
	return workloads.Database{Addresses: []string{fmt.Sprintf("%s:%d", c.Host, c.Port)},
		User: postgres.User, Password: c.Password, Name: postgres.Database}
}

// plant writes long enough, deletes the last n acknowledged writes, and measures. It returns how many were counted and how
// far the truth lies outside, or the bounds lie around, the moment from which writes were lost.
func plant(ctx context.Context, c *postgres.Cluster, dir string, n int) (counted int, off time.Duration, err error) {
	run := uuid.Must(uuid.NewV7())
	clock := loadgen.NewClock()
	path := filepath.Join(dir, fmt.Sprintf("ledger-%d.bin", n))
	f, err := os.Create(path)
	if err != nil {
		return 0, 0, err
	}
	writes, store, err := ledgerOf(c)
	if err != nil {
		return 0, 0, err
	}
	defer store.Close()
	load, err := workloads.Start(ctx, writes, workloads.Config{Run: run, Stream: 1, Clock: clock, Rate: rate, Start: clock.Now(),
		Timeout: time.Second, Database: database(c)}, workloads.Files{Ledger: f})
	if err != nil {
		return 0, 0, err
	}
	time.Sleep(lead + time.Duration(n)*time.Second/rate)
	fault := clock.Now() // the moment at which writing ends: T_f
	load.Stop()
	if _, err := load.Wait(); err != nil {
		return 0, 0, err
	}
	attempts, firstLost, err := vanish(ctx, c, store, f, run, fault, n)
	if err != nil {
		return 0, 0, errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return 0, 0, err
	}
	loss := measure.LossOf(slices.Values(attempts), fault, nil)
	span := measure.RPOTime(slices.Values(attempts), measure.Bounds{Lo: fault, Hi: fault})
	if span.Unknown != "" || span.Unbounded {
		return loss.Lost, 0, fmt.Errorf("rpo.time is not known: %s", span.Unknown)
	}
	truth := int64(0)
	if n > 0 {
		truth = fault - firstLost
	}
	return loss.Lost, time.Duration(max(truth-span.Lo, span.Hi-truth, 0)), nil
}

// vanish deletes the last n writes that were acknowledged before the fault and reads the ledger back.
func vanish(ctx context.Context, c *postgres.Cluster, store workloads.LedgerStore, f *os.File, run uuid.UUID, fault int64, n int) ([]measure.Attempt, int64, error) {
	if _, err := f.Seek(0, 0); err != nil {
		return nil, 0, err
	}
	_, attempts, err := loadgen.ReadAttempts(f)
	if err != nil {
		return nil, 0, err
	}
	conn, err := c.Connect(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close(ctx)
	firstLost, err := deleteLast(ctx, conn, run, attempts, fault, n)
	if err != nil {
		return nil, 0, err
	}
	found, err := store.Find(ctx, workloads.IDs{Run: run, Streams: map[uint32]uint64{1: uint64(len(attempts))}})
	if err != nil {
		return nil, 0, err
	}
	all := make([]measure.Attempt, len(attempts))
	for i, a := range attempts {
		all[i] = measure.Attempt{Attempt: a, New: found.Copies(a.ID), Old: measure.Unread}
	}
	return all, firstLost, nil
}

// deleteLast deletes the n writes acknowledged last and returns when the first of them was acknowledged.
func deleteLast(ctx context.Context, conn *pgx.Conn, run uuid.UUID, attempts []loadgen.Attempt, fault int64, n int) (int64, error) {
	acked := []loadgen.Attempt{}
	for _, a := range attempts {
		if a.Outcome == loadgen.AttemptOK && a.Done <= fault {
			acked = append(acked, a)
		}
	}
	if len(acked) < n {
		return 0, fmt.Errorf("only %d writes were acknowledged", len(acked))
	}
	sortByDone(acked)
	if n == 0 {
		return 0, nil
	}
	lost := acked[len(acked)-n:]
	ids := make([]int64, n)
	for i, a := range lost {
		ids[i] = int64(a.ID)
	}
	tag, err := conn.Exec(ctx, "DELETE FROM blackstart.ledger WHERE run = $1 AND id = ANY($2)", run, ids)
	if err == nil && tag.RowsAffected() != int64(n) {
		err = fmt.Errorf("deleted %d rows, want %d", tag.RowsAffected(), n)
	}
	return lost[0].Done, err
}
