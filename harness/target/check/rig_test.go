package check_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/miekg/dns"

	"blackstart/harness/call"
	"blackstart/harness/component"
	hosts "blackstart/harness/host"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/target/channels"
	"blackstart/harness/target/check"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/internal/heartbeat"
	"blackstart/internal/pgdial"
)

// host is an address of the tests' own.
const host = "127.78.4.1"

// Secrets of the rig. Whatever is printed may hold none of them.
const (
	password = "pl4nted-Password"
	token    = "pl4nted-Token"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// rig is a system that nobody here wrote: a primary, its standby, a service with TLS behind a name, and what a file says of them.
type rig struct {
	t          *testing.T
	dir        string
	east, west *postgres.Cluster
	api        *httptest.Server
	requests   atomic.Int64 // that the service has answered
	date       atomic.Value // Date header of its answers, "" for the true one
	dns        string
	shown      tls.Certificate
	text       string // the target file
}

func newRig(t *testing.T) *rig {
	t.Helper()
	in, err := postgres.Find(t.Context(), postgres.Options{CacheDir: filepath.Join(os.TempDir(), fmt.Sprintf("blackstart-test-cache-%d", os.Getuid()))})
	if err != nil {
		t.Skipf("real databases cannot be tested: %v", err)
	}
	dir, err := os.MkdirTemp("/tmp", "blackstart-check-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755)) // PostgreSQL's account must get in
	table, err := procs.NewTable(dir)
	must(t, err)
	t.Cleanup(func() { must(t, table.StopAll()) })
	r := &rig{t: t, dir: dir}
	cluster := func(name string) *postgres.Cluster {
		return &postgres.Cluster{Name: name, Install: in, Table: table, Dir: filepath.Join(dir, name), Host: host, Log: filepath.Join(dir, name+".log"),
			Port: freePort(t), Password: "of-the-owner", Settings: []string{"fsync = off", "autovacuum = off", "ssl = on",
				"ssl_cert_file = '" + dir + "/roots.pem'", "ssl_key_file = '" + dir + "/server.key'"}}
	}
	r.certificate(in.Account)
	r.east, r.west = cluster("east"), cluster("west")
	must(t, r.east.InitDB(t.Context()))
	must(t, r.west.MakeStandby(t.Context(), r.east, host, r.east.Port))
	must(t, r.east.Start(t.Context()))
	must(t, r.east.Prepare(t.Context(), "west"))
	must(t, r.west.Start(t.Context()))
	r.sql("CREATE ROLE watcher LOGIN PASSWORD '"+password+"'", "GRANT pg_read_all_stats TO watcher", "CREATE TABLE orders (id int, settled bool)",
		"INSERT INTO orders VALUES (1, false), (2, true)", "GRANT SELECT, UPDATE ON orders TO watcher", heartbeat.CreateSQL,
		"GRANT USAGE ON SCHEMA blackstart TO watcher", "GRANT SELECT, INSERT, UPDATE ON blackstart.heartbeat TO watcher", "CREATE TABLE closed (id int)")
	end := query(t, r.east, "SELECT pg_current_wal_lsn()::text")
	for until := time.Now().Add(30 * time.Second); query(t, r.west, "SELECT (pg_last_wal_replay_lsn() >= '"+end+"')::text") != "true"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the standby does not follow")
		}
	}
	r.service()
	r.describe()
	return r
}

// sql runs statements as the owner.
func (r *rig) sql(statements ...string) {
	r.t.Helper()
	c, err := r.east.Connect(context.Background())
	must(r.t, err)
	defer c.Close(context.Background())
	for _, s := range statements {
		_, err := c.Exec(context.Background(), s)
		must(r.t, err)
	}
}

// query asks one thing as the owner.
func query(t *testing.T, c *postgres.Cluster, sql string) (v string) {
	t.Helper()
	conn, err := c.ConnectTo(context.Background(), "postgres")
	must(t, err)
	defer conn.Close(context.Background())
	must(t, conn.QueryRow(context.Background(), sql).Scan(&v))
	return v
}

// certificate makes the certificate that all servers of the rig show, and gives its key to the account of the databases.
func (r *rig) certificate(account *postgres.Account) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(r.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"orders.example.com", "two.example.com"}, IPAddresses: []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP(host)},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(r.t, err)
	r.write("roots.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	must(r.t, os.Chmod(filepath.Join(r.dir, "roots.pem"), 0o644))
	bare, err := x509.MarshalPKCS8PrivateKey(key)
	must(r.t, err)
	path := r.write("server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bare})))
	if account != nil {
		must(r.t, os.Chown(path, int(account.UID), int(account.GID)))
	}
	r.shown = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// service starts the service and the name server that leads to it.
func (r *rig) service() {
	r.date.Store("")
	r.api = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.requests.Add(1)
		if d := r.date.Load().(string); d != "" {
			w.Header().Set("Date", d)
		}
		switch {
		case req.Header.Get("Authorization") != token:
			w.WriteHeader(http.StatusUnauthorized)
		case req.URL.Path == "/broken":
			w.WriteHeader(http.StatusBadGateway)
		default:
			fmt.Fprintf(w, `{"version": "7.1", "open": 3, "echo": %q}`, req.Header.Get("Authorization"))
		}
	}))
	r.api.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.api.TLS = &tls.Config{Certificates: []tls.Certificate{r.shown}}
	r.api.StartTLS()
	r.t.Cleanup(r.api.Close)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(r.t, err)
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(answer)}
	go func() { _ = server.ActivateAndServe() }()
	r.t.Cleanup(func() { _ = server.Shutdown() })
	r.dns = conn.LocalAddr().String()
}

// turns counts how often a name was resolved that leads to another address each time.
var turns atomic.Int64

// answer knows orders.example.com by way of another name, and one that leads away from this machine.
func answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	if q.Question[0].Name == "two.example.com." {
		if q.Question[0].Qtype == dns.TypeA {
			for _, address := range []string{"127.0.0.2", "127.0.0.1"} {
				a, _ := dns.NewRR(q.Question[0].Name + " 60 IN A " + address)
				m.Answer = append(m.Answer, a)
			}
		}
		_ = w.WriteMsg(m)
		return
	}
	if q.Question[0].Name == "turns.example.com." {
		if q.Question[0].Qtype == dns.TypeA {
			a, _ := dns.NewRR(fmt.Sprintf("%s 60 IN A 127.0.0.%d", q.Question[0].Name, turns.Add(1)))
			m.Answer = append(m.Answer, a)
		}
		_ = w.WriteMsg(m)
		return
	}
	line := map[string]string{"orders.example.com.": "east.example.com. 60 IN A 127.0.0.1", "away.example.com.": "away.example.com. 60 IN A 192.0.2.1"}[q.Question[0].Name]
	if line == "" {
		m.Rcode = dns.RcodeNameError
	}
	if line != "" && q.Question[0].Qtype == dns.TypeA {
		if q.Question[0].Name == "orders.example.com." {
			c, _ := dns.NewRR("orders.example.com. 60 IN CNAME east.example.com.")
			m.Answer = append(m.Answer, c)
		}
		a, _ := dns.NewRR(line)
		m.Answer = append(m.Answer, a)
	}
	_ = w.WriteMsg(m)
}

func (r *rig) write(name, content string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	must(r.t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func (r *rig) describe() {
	_, port, _ := net.SplitHostPort(r.api.Listener.Addr().String())
	db := func(name, region string, p int) string {
		return fmt.Sprintf("  - {name: %s, kind: postgres, region: %s, address: %s, port: %d, with: {database: %s, user: watcher, password: {file: %s}, encryption: none}}\n",
			name, region, host, p, postgres.Database, r.write("password", password+"\n"))
	}
	api := fmt.Sprintf("tls: {roots: %s/roots.pem}, headers: [{name: Authorization, secret: {file: %s}}]", r.dir, r.write("token", token))
	r.text = "apiVersion: blackstart.target/v1\nkind: Target\n" +
		"metadata: {name: orders, owner: Order desk, environment: rehearsal, service: Order entry, plan: BCP 4.2}\n" +
		"regions: [{name: east, role: primary}, {name: west, role: standby}]\n" +
		"hosts: [{name: box, region: east, address: 127.0.0.1}]\n" +
		"components:\n" + db("east.db", "east", r.east.Port) + db("west.db", "west", r.west.Port) +
		"  - {name: east.api, kind: http, region: east, address: 127.0.0.1, port: " + port + ", with: {scheme: https, path: /health, version: /version, " + api + "}}\n" +
		"  - {name: east.port, kind: tcp, host: box, port: " + port + "}\n" +
		"links: [{name: clients, from: outside, to: east.api}, {name: wal, from: west.db, to: east.db}]\n" +
		"entry: {url: 'https://orders.example.com:" + port + "/', resolver: '" + r.dns + "', " + api + "}\n" +
		"allows: [{write: heartbeat, on: east.db}]\n" +
		"limits: {changeWindow: {zone: UTC, days: [sat], from: '01:00', to: '02:00'}}\n" +
		"calls:\n" +
		"  - {name: unsettled, call: sql, reads: true, timeout: 5s, fields: {n: /0/n}, with: {on: east.db, statement: SELECT count(*) AS n FROM orders WHERE NOT settled}}\n" +
		"  - {name: settle, call: sql, timeout: 5s, with: {on: east.db, statement: UPDATE orders SET settled = true}}\n" +
		"  - {name: open, call: http, reads: true, timeout: 5s, keep: text, fields: {open: /open}, with: {method: GET, url: '" + r.api.URL + "/', " + api + "}}\n" +
		"  - {name: drain, call: http, timeout: 5s, with: {method: POST, url: '" + r.api.URL + "/', " + api + "}}\n" +
		"  - {name: depth, call: exec, reads: true, timeout: 5s, fields: {depth: /depth}, with: {argv: [echo, '{\"depth\": 4}']}}\n" +
		"  - {name: purge, call: exec, timeout: 5s, with: {argv: [touch, " + r.dir + "/purged]}}\n"
}

// check checks the file as it is after changes, in pairs of what is replaced by what.
func (r *rig) check(changes ...string) ([]check.Row, error) {
	r.t.Helper()
	text := r.text
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			r.t.Fatalf("the file has no %q:\n%s", changes[i], text)
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	got, err := reader.Parse("orders.yaml", []byte(text))
	must(r.t, err)
	q := request(got)
	q.Now = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	rows, err := check.Run(r.t.Context(), q)
	printed, _ := json.Marshal(rows)
	for _, s := range []string{password, token} {
		if text := fmt.Sprint(string(printed), err); strings.Contains(text, s) || strings.Contains(text, s[:10]) {
			r.t.Errorf("%s, or a part of it, is printed: %s", s, text)
		}
	}
	return rows, err
}

// request asks for the file as it is.
func (r *rig) request() check.Request {
	got, err := reader.Parse("orders.yaml", []byte(r.text))
	must(r.t, err)
	return request(got)
}

// request asks for a target, and takes out of what is said the secrets that are told by then.
func request(of *target.Target) check.Request {
	var mu sync.Mutex
	var hidden []string
	return check.Request{Target: of, Now: time.Now(), Secrets: &secret.Resolver{Hide: func(all ...string) {
		mu.Lock()
		defer mu.Unlock()
		hidden = append(hidden, all...)
	}}, Redact: func(text string) string {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range hidden {
			text = strings.ReplaceAll(text, s, secret.Redacted)
		}
		return text
	}}
}

var reader = target.Reader{Components: component.Kinds.Parameters(), Calls: call.Calls.Parameters(), Traits: component.Traits(),
	Channels: channels.Parameters(), Alerts: channels.Traits(), Transports: hosts.Transports.Parameters(), HostIdentity: hosts.Forms()}

// row finds one.
func row(rows []check.Row, of, name string) check.Row {
	for _, r := range rows {
		if r.Of == of && r.Name == name {
			return r
		}
	}
	return check.Row{}
}

// dial opens a connection as the role of the file.
func (r *rig) dial(c *postgres.Cluster) *pgx.Conn {
	r.t.Helper()
	conn, err := pgdial.Connect(context.Background(), pgdial.Params{Address: fmt.Sprintf("%s:%d", host, c.Port), User: "watcher", Password: password, Database: postgres.Database})
	must(r.t, err)
	return conn
}
