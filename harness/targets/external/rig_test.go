package external

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/loadgen/workloads"
)

const (
	hostAddress = "127.78.5.1" // of the tests' own
	password    = "pl4nted-Password"
)

var reader = target.Reader{Components: component.Kinds.Parameters(), Calls: call.Calls.Parameters(), Traits: component.Traits()}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rig is a primary with TLS and its standby, which nobody here started as far as the driver knows, and the file of them.
type rig struct {
	t          *testing.T
	dir        string
	east, west *postgres.Cluster
	text       string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	if testing.Short() {
		t.Skip("starts two database servers")
	}
	in, err := postgres.Find(t.Context(), postgres.Options{CacheDir: filepath.Join(os.TempDir(), fmt.Sprintf("blackstart-test-cache-%d", os.Getuid()))})
	if err != nil {
		t.Skipf("real databases cannot be tested: %v", err)
	}
	dir, err := os.MkdirTemp("/tmp", "blackstart-external-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755)) // PostgreSQL's account must get in
	table, err := procs.NewTable(dir)
	must(t, err)
	t.Cleanup(func() { must(t, table.StopAll()) })
	r := &rig{t: t, dir: dir}
	r.certificate(in.Account)
	cluster := func(name string) *postgres.Cluster {
		l, err := net.Listen("tcp", hostAddress+":0")
		must(t, err)
		defer l.Close()
		return &postgres.Cluster{Name: name, Install: in, Table: table, Dir: filepath.Join(dir, name), Host: hostAddress, Log: filepath.Join(dir, name+".log"),
			Port: l.Addr().(*net.TCPAddr).Port, Password: "of-the-owner", Settings: []string{"fsync = off", "autovacuum = off", "ssl = on",
				"ssl_cert_file = '" + dir + "/roots.pem'", "ssl_key_file = '" + dir + "/server.key'"}}
	}
	r.east, r.west = cluster("east"), cluster("west")
	must(t, r.east.InitDB(t.Context()))
	must(t, r.west.MakeStandby(t.Context(), r.east, hostAddress, r.east.Port))
	must(t, r.east.Start(t.Context()))
	must(t, r.east.Prepare(t.Context(), "west"))
	must(t, r.west.Start(t.Context()))
	r.sql(r.east, "CREATE ROLE watcher LOGIN PASSWORD '"+password+"'", workloads.CreateLedgerSQL, "GRANT USAGE ON SCHEMA blackstart TO watcher",
		"GRANT SELECT, INSERT, UPDATE ON blackstart.heartbeat TO watcher", "GRANT SELECT, INSERT ON blackstart.ledger TO watcher")
	r.replayed()
	r.describe()
	return r
}

// replayed waits until the standby has what was made last.
func (r *rig) replayed() {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var there bool
		conn, err := r.west.Connect(r.t.Context())
		if err == nil {
			err = conn.QueryRow(r.t.Context(), "SELECT has_table_privilege('watcher', 'blackstart.ledger', 'INSERT')").Scan(&there)
			_ = conn.Close(r.t.Context())
		}
		if there {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("the standby does not follow: %v", err)
		}
	}
}

// owner connects as whoever owns a database.
func (r *rig) owner(c *postgres.Cluster) *pgx.Conn {
	r.t.Helper()
	conn, err := c.Connect(context.Background())
	must(r.t, err)
	r.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (r *rig) sql(c *postgres.Cluster, statements ...string) {
	r.t.Helper()
	conn := r.owner(c)
	for _, s := range statements {
		_, err := conn.PgConn().Exec(context.Background(), s).ReadAll()
		must(r.t, err)
	}
}

func (r *rig) ask(c *postgres.Cluster, sql string) pgx.Row {
	r.t.Helper()
	return r.owner(c).QueryRow(context.Background(), sql)
}

// certificate makes what both servers show, which is its own root.
func (r *rig) certificate(account *postgres.Account) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(r.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(hostAddress)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(r.t, err)
	bare, err := x509.MarshalPKCS8PrivateKey(key)
	must(r.t, err)
	must(r.t, os.WriteFile(filepath.Join(r.dir, "roots.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	path := filepath.Join(r.dir, "server.key")
	must(r.t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bare}), 0o600))
	if account != nil {
		must(r.t, os.Chown(path, int(account.UID), int(account.GID)))
	}
}

func (r *rig) describe() {
	secrets := filepath.Join(r.dir, "password")
	must(r.t, os.WriteFile(secrets, []byte(password+"\n"), 0o600))
	db := func(name, region string, port int, encryption string) string {
		return fmt.Sprintf("  - {name: %s, kind: postgres, region: %s, address: %s, port: %d, with: {database: %s, user: watcher, password: {file: %s}, %s}}\n",
			name, region, hostAddress, port, postgres.Database, secrets, encryption)
	}
	r.text = "apiVersion: blackstart.target/v1\nkind: Target\n" +
		"metadata: {name: orders, owner: Order desk, environment: rehearsal, critical: true, service: Order entry, plan: BCP 4.2}\n" +
		"regions: [{name: east, role: primary}, {name: west, role: standby}]\n" +
		"components:\n" + db("east.db", "east", r.east.Port, "encryption: tls, tls: {roots: "+r.dir+"/roots.pem}") + db("west.db", "west", r.west.Port, "encryption: none") +
		"links: [{name: clients, from: outside, to: east.db}, {name: wal, from: west.db, to: east.db}]\n" +
		"allows: [{write: ledger, on: east.db}, {write: heartbeat, on: east.db}]\n"
}

// driver makes the driver of the file after changes, in pairs of what is replaced by what.
func (r *rig) driver(changes ...string) *Driver {
	r.t.Helper()
	text := r.text
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			r.t.Fatalf("the file has no %q", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return driverOf(r.t, text)
}

func driverOf(t *testing.T, text string) *Driver {
	t.Helper()
	got, err := reader.Parse("orders.yaml", []byte(text))
	must(t, err)
	return New(File{Path: "/etc/orders.yaml", Bytes: []byte(text), Target: got}, func(text string) string {
		return strings.ReplaceAll(text, password, secret.Redacted)
	})
}

// request is that of a run in a directory of its own.
func request(t *testing.T) harness.StartRequest {
	return harness.StartRequest{RunID: "run", Dir: t.TempDir(), Profile: "standard", Settings: map[string]string{}, Progress: func(string) {}}
}
