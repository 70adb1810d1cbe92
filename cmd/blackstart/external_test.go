package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/evidence/seal"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/loadgen/workloads"
)

const (
	theirHost     = "127.78.6.1" // of these tests' own
	theirPassword = "pl4nted-Password"
)

// theirs is a system that the tool did not start: a primary and its standby, with what a DBA made there, and the file of them.
func theirs(t *testing.T) (file string, east, west *postgres.Cluster) {
	t.Helper()
	in, err := postgres.Find(t.Context(), postgres.Options{CacheDir: filepath.Join(os.TempDir(), fmt.Sprintf("blackstart-test-cache-%d", os.Getuid()))})
	if err != nil {
		t.Skipf("real databases cannot be tested: %v", err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("/tmp", "blackstart-theirs-")
	must(err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(os.Chmod(dir, 0o755)) // PostgreSQL's account must get in
	table, err := procs.NewTable(dir)
	must(err)
	t.Cleanup(func() { must(table.StopAll()) })
	cluster := func(name string) *postgres.Cluster {
		l, err := net.Listen("tcp", theirHost+":0")
		must(err)
		defer l.Close()
		return &postgres.Cluster{Name: name, Install: in, Table: table, Dir: filepath.Join(dir, name), Host: theirHost, Log: filepath.Join(dir, name+".log"),
			Port: l.Addr().(*net.TCPAddr).Port, Password: "of-the-owner", Settings: []string{"fsync = off", "autovacuum = off"}}
	}
	east, west = cluster("east"), cluster("west")
	must(east.InitDB(t.Context()))
	must(west.MakeStandby(t.Context(), east, theirHost, east.Port))
	must(east.Start(t.Context()))
	must(east.Prepare(t.Context(), "west"))
	must(west.Start(t.Context()))
	conn, err := east.Connect(t.Context())
	must(err)
	_, err = conn.PgConn().Exec(t.Context(), "CREATE ROLE watcher LOGIN PASSWORD '"+theirPassword+"';"+workloads.CreateLedgerSQL+
		"GRANT pg_read_all_stats TO watcher; GRANT USAGE ON SCHEMA blackstart TO watcher; GRANT SELECT, INSERT, UPDATE ON blackstart.heartbeat TO watcher; GRANT SELECT, INSERT ON blackstart.ledger TO watcher").ReadAll()
	must(err)
	must(conn.Close(t.Context()))
	secret := filepath.Join(dir, "password")
	must(os.WriteFile(secret, []byte(theirPassword+"\n"), 0o600))
	db := func(region string, port int) string {
		return fmt.Sprintf("  - {name: %s.db, kind: postgres, region: %[1]s, address: %s, port: %d, with: {database: %s, user: watcher, password: {file: %s}, encryption: none}}\n",
			region, theirHost, port, postgres.Database, secret)
	}
	text := "apiVersion: blackstart.target/v1\nkind: Target\n" +
		"metadata: {name: orders, owner: Order desk, environment: rehearsal, service: Order entry, plan: BCP 4.2}\n" +
		"regions: [{name: east, role: primary}, {name: west, role: standby}]\ncomponents:\n" + db("east", east.Port) + db("west", west.Port) +
		"links: [{name: wal, from: west.db, to: east.db}]\n" +
		"allows: [{write: ledger, on: east.db}, {write: ledger, on: west.db}, {write: heartbeat, on: east.db}]\n"
	file = filepath.Join(dir, "orders.target.yaml")
	must(os.WriteFile(file, []byte(text), 0o600))
	return file, east, west
}

// quietDrill writes a scenario in which nothing is broken.
func quietDrill(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "quiet.yaml")
	text := `apiVersion: blackstart/v1
kind: Scenario
metadata: {name: quiet, title: Nothing is broken, why: An instrument reads zero, covers: [], doesNotShow: [recovery]}
target: {needs: [postgres.primary, postgres.standby]}
load:
  - {id: ledger, workload: postgres.ledger, place: outside, rate: 50/s, timeout: 1s, with: {amount: "100.00", currency: USD}}
steadyState: {for: 3s, require: [{load: ledger, successAtLeast: 95%}, {probe: replication.heartbeat, ageAtMost: 2s}]}
faults: []
recovery: {by: target}
objectives:
  - {id: lost, measure: rpo.lost, load: ledger, atMost: 0, source: "nothing was broken, so nothing may be lost"}
observe: 3s
settle: 1s
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestADrillOnASystemThatWeDidNotStart: a described system is attached to, loaded, watched and left as it was; the pack carries its
// file, says whose it is, and holds no secret of it.
func TestADrillOnASystemThatWeDidNotStart(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a drill")
	}
	file, east, _ := theirs(t)
	scenario, out, state := quietDrill(t), t.TempDir(), t.TempDir()
	t.Setenv("BLACKSTART_STATE", state)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var printed, said bytes.Buffer
	for end := time.Now().Add(20 * time.Second); execute(ctx, []string{"target", "check", file, scenario}, &printed, io.Discard) != 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) { // the standby replays what the DBA did
			t.Fatalf("the target does not work\n%s", &printed)
		}
		printed.Reset()
	}
	if !strings.Contains(printed.String(), "works: it could run here") {
		t.Errorf("%s", &printed)
	}
	printed.Reset()
	exit := execute(ctx, []string{"run", scenario, "--target", file, "--out", out, "--executor", "A Tester", "--keep-state"}, &printed, &said)
	if exit != 0 || !strings.Contains(printed.String(), "[rehearsal, standard timings]") {
		t.Fatalf("exit %d\n%s%s", exit, &printed, &said)
	}
	pack := filepath.Join(out, "quiet.zip")
	printed.Reset()
	if exit := execute(ctx, []string{"verify", pack, "--recompute", "--root", filepath.Join(out, "quiet.root.pem")}, &printed, &said); exit != 0 {
		t.Errorf("verify: exit %d\n%s", exit, &printed)
	}
	p, err := seal.Open(pack)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	record, _ := p.ReadFile("data/record.json")
	described, _ := p.ReadFile("data/as-run/target.yaml")
	want, _ := os.ReadFile(file)
	if !bytes.Equal(described, want) {
		t.Errorf("the pack has another target file:\n%s", described)
	}
	for _, say := range []string{`"kind": "external"`, `"owner": "Order desk"`, `"environment": "rehearsal"`, `"read": true`} {
		if !bytes.Contains(record, []byte(say)) {
			t.Errorf("the record does not say %s", say)
		}
	}
	holdsNone(t, theirPassword, out, state)
	if runs, err := east.Runs(); !runs || err != nil {
		t.Errorf("the target was not left running: %v", err)
	}
}

// holdsNone finds a secret in files.
func holdsNone(t *testing.T, secret string, dirs ...string) {
	t.Helper()
	read := 0
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			read++
			data, err := os.ReadFile(path)
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds the secret", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if read < 5 {
		t.Errorf("only %d files were read", read)
	}
}
