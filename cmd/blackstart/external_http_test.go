package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/targets/postgres"
	"blackstart/loadgen/workloads"
)

// orderService is a service over a primary and its standby, with people who fail it over. It knows what it acknowledged.
type orderService struct {
	t          *testing.T
	east, west *postgres.Cluster

	mu      sync.Mutex // guards what follows
	db      *pgx.Conn  // of whichever serves; nil: nobody does
	taken   int        // orders that were committed
	acked   []string   // refs
	refused int        // requests while nobody served

	said    bytes.Buffer  // what the drill says
	inForce chan struct{} // closed once it says that the fault has been carried out
}

// Write takes what the drill says.
func (o *orderService) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := strings.Contains(o.said.String(), carriedOut)
	o.said.Write(b)
	if !before && strings.Contains(o.said.String(), carriedOut) {
		close(o.inForce)
	}
	return len(b), nil
}

// carriedOut is what a drill says once a fault has been seen in force.
const carriedOut = "fault.manual carried out"

// newOrderService serves from east.
func newOrderService(t *testing.T, east, west *postgres.Cluster) *orderService {
	o := &orderService{t: t, east: east, west: west, inForce: make(chan struct{})}
	o.sql(east, "CREATE TABLE orders (ref uuid PRIMARY KEY, n bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY)", "GRANT SELECT ON orders TO watcher")
	o.serve(east)
	return o
}

func (o *orderService) sql(c *postgres.Cluster, statements ...string) {
	o.t.Helper()
	conn, err := c.Connect(context.Background())
	if err != nil {
		o.t.Error(err)
		return
	}
	defer conn.Close(context.Background()) //nolint:errcheck // it was asked
	for _, s := range statements {
		if _, err := conn.PgConn().Exec(context.Background(), s).ReadAll(); err != nil {
			o.t.Errorf("%s: %v", s, err)
		}
	}
}

// serve takes orders on c; on nil nobody does.
func (o *orderService) serve(c *postgres.Cluster) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.db != nil {
		_ = o.db.Close(context.Background())
		o.db = nil
	}
	if c == nil {
		return
	}
	conn, err := c.Connect(context.Background())
	if err != nil {
		o.t.Error(err)
		return
	}
	o.db = conn
}

func (o *orderService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case r.URL.Path == "/health":
	case r.Header.Get("Authorization") != "Bearer of-the-drill":
		w.WriteHeader(http.StatusForbidden)
	case o.db == nil:
		o.refused++
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.Method == http.MethodGet:
		o.find(w, strings.TrimPrefix(r.URL.Path, "/orders/"))
	default:
		o.take(w, body)
	}
}

func (o *orderService) find(w http.ResponseWriter, ref string) {
	var n int64
	question := "SELECT n, ref::text FROM orders WHERE ref::text = $1"
	if _, err := strconv.Atoi(ref); err == nil { // by the number that it was given
		question = "SELECT n, ref::text FROM orders WHERE id::text = $1"
	}
	err := o.db.QueryRow(context.Background(), question, ref).Scan(&n, &ref)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		w.WriteHeader(http.StatusNotFound)
	case err != nil:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		_, _ = fmt.Fprintf(w, `{"order":{"ref":%q,"n":%d}}`, ref, n)
	}
}

func (o *orderService) take(w http.ResponseWriter, body []byte) {
	var order struct {
		Ref string
		N   int64
	}
	if err := json.Unmarshal(body, &order); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var id int64
	if err := o.db.QueryRow(context.Background(), "INSERT INTO orders VALUES ($1, $2) RETURNING id", order.Ref, order.N).Scan(&id); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if o.taken++; o.taken%50 == 0 {
		panic(http.ErrAbortHandler) // committed, and the client never hears of it
	}
	o.acked = append(o.acked, order.Ref)
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"ref":%q,"id":%d}`, order.Ref, id)
}

// await waits until more has happened.
func (o *orderService) await(what func() int, more int) {
	o.mu.Lock()
	from := what()
	o.mu.Unlock()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		o.mu.Lock()
		now := what()
		o.mu.Unlock()
		if now >= from+more {
			return
		}
	}
	o.t.Error("nothing happens at the service")
}

// failOver is what befalls the service: the standby receives nothing more while orders are taken, then the primary is lost, and the
// standby takes over without them.
func (o *orderService) failOver(ctx context.Context) {
	select {
	case <-o.inForce:
	case <-ctx.Done():
		return
	}
	o.await(func() int { return len(o.acked) }, 40)
	o.serve(nil)
	o.await(func() int { return o.refused }, 5)
	o.sql(o.east, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	o.sql(o.west, "SELECT pg_promote()")
	o.serve(o.west)
}

// people do what the drill asks for in a directory, until ctx ends.
func (o *orderService) people(ctx context.Context, dir string) {
	done := map[string]bool{}
	for ctx.Err() == nil {
		tasks, _ := filepath.Glob(filepath.Join(dir, "*.task.json"))
		for _, path := range tasks {
			if done[path] {
				continue
			}
			done[path] = true
			data, _ := os.ReadFile(path)
			breaks := bytes.Contains(data, []byte("let the standby fall behind"))
			if breaks {
				time.Sleep(2 * time.Second) // nobody acts in the instant in which they are asked: the victim is first seen unharmed
				o.sql(o.west, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
			}
			said := strings.TrimSuffix(path, ".task.json") + ".done"
			if err := errors.Join(os.WriteFile(said+".new", []byte("Ann Operator\n"), 0o600), os.Rename(said+".new", said)); err != nil {
				o.t.Error(err)
			}
			if breaks {
				o.failOver(ctx)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// missing counts the acknowledged orders that a database has not.
func (o *orderService) missing(c *postgres.Cluster) (n int) {
	conn, err := c.Connect(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // it was asked
	rows, _ := conn.Query(context.Background(), "SELECT ref::text FROM orders")
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		o.t.Fatal(err)
	}
	for _, ref := range o.acked {
		if !slices.Contains(there, ref) {
			n++
		}
	}
	return n
}

const lossyDrill = `apiVersion: blackstart/v1
kind: Scenario
metadata: {name: lossy, title: The standby falls behind and takes over, why: Orders that were acknowledged are gone, covers: [], doesNotShow: [failback]}
target: {needs: [postgres.primary, postgres.standby]}
load:
  - {id: orders, workload: http.ledger, place: outside, rate: 60/s, timeout: 1s, with: {path: /orders, headers: [{name: Content-Type, value: application/json}],
     body: '{"ref":"{uuid}","n":{seq}}', status: 201, pointer: /ref, is: "{uuid}", amount: "100.00", currency: USD, lookup: LOOKUP}}
  - {id: reads, workload: http.request, place: outside, rate: 5/s, timeout: 1s, with: {targets: reads.targets, matches: "^$"}}
steadyState: {for: 3s, require: [{load: orders, successAtLeast: 90%}]}
faults:
  - id: loss
    at: 0s
    kind: fault.manual
    on: primary
    with: {do: let the standby fall behind, by: operator, takes: 1s, within: 30s, inForce: [{check: receiver.gone, of: postgres, in: standby}],
      undo: leave one primary, undoWithin: 30s, restored: [{check: primary.alone, of: postgres}]}
    startsClock: true
    confirmWithin: 10s
recovery: {by: target}
recovered: {window: 3s, minRequests: 50, successAtLeast: 90%, p99AtMost: 500ms}
objectives:
  - {id: lost, measure: rpo.lost, load: orders, atMost: 0, source: "no order may be lost"}
observe: 12s
settle: 2s
`

// TestLostOrdersAreCounted: what a service acknowledged and its standby did not have is counted from outside, by its own interface
// and in its databases, and each count is what the service itself knows.
func TestLostOrdersAreCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("runs drills")
	}
	for name, lookup := range map[string]string{
		"at the entry":             "{path: '/orders/{uuid}', pointer: /order/ref}",
		"by the service's own ids": "{path: '/orders/{id}', pointer: /order/ref, is: '{uuid}', unused: '0'}, idFrom: /id",
		"in the databases":         "{query: 'SELECT ref FROM orders WHERE ref = $1'}",
	} {
		t.Run(name, func(t *testing.T) { lostOrders(t, lookup) })
	}
}

func lostOrders(t *testing.T, lookup string) {
	file, east, west := theirs(t)
	o := newOrderService(t, east, west)
	l, err := net.Listen("tcp", theirHost+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(o)
	server.Listener, server.Config.ErrorLog = l, nil
	server.Start()
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	text, err := os.ReadFile(file)
	text = append(text, fmt.Sprintf("  - {path: POST /orders}\nentry: {url: %q, resolver: system, headers: [{name: Authorization, secret: {file: %s}}]}\n", server.URL+"/health", token)...)
	text = bytes.Replace(text, []byte("allows: [{write: ledger, on: east.db}, {write: ledger, on: west.db}, {write: heartbeat, on: east.db}]\n"), []byte("allows:\n"), 1)
	if err := errors.Join(err, os.WriteFile(file, text, 0o600), os.WriteFile(token, []byte("Bearer of-the-drill\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	scenario, out, hands := filepath.Join(t.TempDir(), "lossy.yaml"), t.TempDir(), t.TempDir()
	if err := os.WriteFile(scenario, []byte(strings.Replace(lossyDrill, "LOOKUP", lookup, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	t.Setenv("BLACKSTART_STATE", state)
	targets := "# health, as clients ask for it\nGET " + server.URL + "/health\nX-Case: a\n\nGET " + server.URL + "/health?n={seq}\n"
	if err := os.WriteFile(filepath.Join(filepath.Dir(scenario), "reads.targets"), []byte(targets), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	var acting sync.WaitGroup
	acting.Go(func() { o.people(ctx, hands) })
	defer acting.Wait()
	defer cancel()
	var printed bytes.Buffer
	for end := time.Now().Add(20 * time.Second); execute(ctx, []string{"target", "check", file}, &printed, io.Discard) != 0; printed.Reset() {
		if time.Now().After(end) { // the standby replays what the DBA did
			t.Fatalf("the target does not work\n%s", &printed)
		}
	}
	printed.Reset()
	exit := execute(ctx, []string{"run", scenario, "--target", file, "--people", "dir:" + hands, "--out", out, "--executor", "A Tester", "--keep-state"}, &printed, o)
	cancel()
	acting.Wait()
	if exit != harness.ExitFail {
		t.Fatalf("exit %d\n%s%s", exit, &printed, &o.said)
	}
	want := o.missing(west)
	if want < 40 || want > len(o.acked)/2 {
		t.Fatalf("the service lost %d of %d orders", want, len(o.acked))
	}
	rec := counted(t, filepath.Join(out, "lossy.zip"), want, strings.Contains(lookup, "query"))
	if given := strings.Contains(lookup, "idFrom"); given != strings.Contains(rec.Ledger.OldDetail, "of them had been given no id, and could not be") || given != (rec.Streams[1].IDs == "data/ledger/orders.ids.jsonl") {
		t.Errorf("%+v, %s", rec.Ledger, rec.Streams[1].IDs)
	}
	ran(t, filepath.Join(out, "lossy.zip"), targets)
	badQueries(t, west)
	holdsNone(t, "of-the-drill", out, state)
	printed.Reset()
	if exit := execute(t.Context(), []string{"verify", filepath.Join(out, "lossy.zip"), "--recompute", "--root", filepath.Join(out, "lossy.root.pem")}, &printed, o); exit != 0 {
		t.Errorf("verify: exit %d\n%s", exit, &printed)
	}
}

// badQueries looks a write up by what does not look it up: no drill begins with such a query, and nothing is changed by it.
func badQueries(t *testing.T, c *postgres.Cluster) {
	t.Helper()
	for query, want := range map[string]string{
		"SELECT ref FROM orders WHERE ref = $1":                                          "",
		"SELECT count(*) FROM orders WHERE ref = $1":                                     `the query gives "0" where the id should stand`,
		"SELECT ref FROM orders WHERE ref <> $1":                                         "where the id should stand",
		"SELECT ref, n FROM orders WHERE ref = $1":                                       "takes 1 parameters and gives 2 columns",
		"SELECT ref FROM refunds WHERE ref = $1":                                         `relation "refunds" does not exist`,
		"WITH w AS (DELETE FROM orders WHERE ref <> $1 RETURNING ref) SELECT ref FROM w": "read-only transaction",
		"SELECT ref FROM orders WHERE ref = $1; SELECT pg_sleep(1)":                      "multiple commands",
		"SELECT NULL::text WHERE $1 <> ''":                                               "where the id should stand",
		"SELECT $1::text":                                                                "finds a write that nobody made",
	} {
		k, ok := loads.Keeper(harness.LoadSpec{ID: "orders", Workload: "http.ledger", With: map[string]any{"path": "/orders/{uuid}", "status": 201.0, "lookup": map[string]any{"query": query}}})
		if !ok {
			t.Fatal("it keeps no ledger")
		}
		s, err := k.Store(workloads.Config{Database: workloads.Database{Addresses: []string{fmt.Sprintf("%s:%d", theirHost, c.Port)}, User: "watcher", Password: theirPassword, Name: postgres.Database}})
		if err == nil {
			err = errors.Join(s.Prepare(t.Context()), s.Close())
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// ran holds a pack to the file of targets that its load read.
func ran(t *testing.T, pack, targets string) {
	t.Helper()
	p, err := seal.Open(pack)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	data, err := p.ReadFile(seal.InputsFile)
	var in evidence.Inputs
	if err := errors.Join(err, json.Unmarshal(data, &in)); err != nil {
		t.Fatal(err)
	}
	if len(in.ScenarioFiles) != 2 || in.ScenarioFiles[1].Name != "reads.targets" || in.ScenarioFiles[1].SHA256 != seal.Digest([]byte(targets)) {
		t.Fatalf("%+v", in.ScenarioFiles)
	}
	if kept, err := p.ReadFile(in.ScenarioFiles[1].File); err != nil || string(kept) != targets {
		t.Errorf("%q, %v", kept, err)
	}
}

// counted holds a pack to how many acknowledged writes were lost; bothSides tells that the old side was read, too.
func counted(t *testing.T, pack string, want int, bothSides bool) (rec harness.Record) {
	t.Helper()
	p, err := seal.Open(pack)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var findings harness.Findings
	for name, into := range map[string]any{"data/record.json": &rec, "data/findings.json": &findings} {
		data, err := p.ReadFile(name)
		if err := errors.Join(err, json.Unmarshal(data, into)); err != nil {
			t.Fatal(name, err)
		}
	}
	lost := findings.Objectives[0]
	if m := lost.Measured; !m.Known || m.Lo != int64(want) || m.Hi != int64(want) || lost.Verdict != harness.Fail {
		t.Errorf("%d lost: %+v", want, lost)
	}
	l := rec.Ledger
	if !l.Read || !l.Promoted || l.OldPrimary != "east.db" || l.OldRead != bothSides || (l.Primary == harness.EntryName) == bothSides {
		t.Errorf("%+v", l)
	}
	if bothSides && l.OldOnly < want {
		t.Errorf("only %d of %d are on the old side", l.OldOnly, want)
	}
	return rec
}
