package check_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/target/check"
	"blackstart/harness/targets/postgres"
)

// TestCheck asks one real system again and again: as it is, and with one thing after another taken away.
func TestCheck(t *testing.T) {
	r := newRig(t)
	t.Run("everything works", r.everythingWorks)
	t.Run("nothing is changed", r.nothingIsChanged)
	t.Run("another system", r.anotherSystem)
	t.Run("one thing is missing", r.oneThingIsMissing)
	t.Run("a statement that acts", r.aStatementThatActs)
	t.Run("few connections", r.fewConnections)
	t.Run("a secret at an edge", r.aSecretAtAnEdge)
	t.Run("things that go down", r.thingsThatGoDown)
	t.Run("it is interrupted", r.interrupted)
	t.Run("nobody answers", r.nobodyAnswers)
}

func (r *rig) everythingWorks(t *testing.T) {
	rows, err := r.check()
	must(t, err)
	want := map[string]string{
		"secret east.db password": "file ", "secret east.api headers.1.secret": "bytes", "secret entry headers.1.secret": "13 bytes", "secret open headers.1.secret": "",
		"identity east.db": "not pinned: a rehearsal may do without", "identity west.db": "", "identity east.api": "",
		"host box": "from 127.0.0.1 by lo; a route is all", "component east.db": "PostgreSQL ", "component west.db": "follows",
		"component east.api": "7.1, certificate until ", "component east.port": "nothing else is read", "clock east.db": "against ours", "clock east.api": "",
		"write heartbeat on east.db": "SELECT, INSERT, UPDATE on blackstart.heartbeat; nothing was written", "link clients": "connected in ", "link wal": "west.db says that it streams from " + host, "entry name": "by way of east.example.com.",
		"call unsettled": "n 1", "call settle": "the role may run it; it acts, so it was not made", "call open": "open 3", "call drain": "shakes hands; it acts",
		"call depth": "depth 4", "call purge": "/touch is there; it acts", "window UTC": "shut; opens Sat 2026-12-05 01:00 UTC",
	}
	for _, row := range rows {
		key := row.Of + " " + row.Name
		if row.State != check.Works {
			t.Errorf("%s is %s: %s", key, row.State, row.Text)
		}
		if !strings.Contains(row.Text, want[key]) {
			t.Errorf("%s: %q, want %q", key, row.Text, want[key])
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("rows are missing: %q", want)
	}
	if text := row(rows, "call", "open").Effect.Text; !strings.Contains(text, "version") {
		t.Errorf("keep: text kept %q", text)
	}
	if e := row(rows, "call", "depth").Effect; e.Text != "" || e.Bytes != 13 || e.SHA256 != fmt.Sprintf("%x", sha256.Sum256([]byte("{\"depth\": 4}\n"))) {
		t.Errorf("a digest is kept: %+v", e)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "purged")); err == nil {
		t.Error("a call that acts was made")
	}
}

// state is all of a database that a reader could change: where its log ends, what it has counted, and its files.
func (r *rig) state(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, sql := range map[string]string{
		"wal": "SELECT pg_current_wal_insert_lsn()::text", "xid": "SELECT pg_snapshot_xmax(pg_current_snapshot())::text",
		"tuples":   "SELECT sum(tup_inserted + tup_updated + tup_deleted)::text FROM pg_stat_database",
		"tables":   "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del + n_tup_hot_upd), 0)::text FROM pg_stat_all_tables",
		"roles":    "SELECT string_agg(r::text, ',' ORDER BY rolname) FROM pg_roles r",
		"settings": "SELECT md5(string_agg(name || setting, ',' ORDER BY name)) FROM pg_settings WHERE name NOT LIKE '%search_path%' AND source <> 'client'",
		"objects":  "SELECT count(*)::text FROM pg_class", "prepared": "SELECT count(*)::text FROM pg_prepared_xacts",
	} {
		all[name] = query(t, r.east, sql)
	}
	for _, dir := range []string{r.east.DataDir(), r.west.DataDir()} {
		for _, below := range []string{"base", "global", "pg_wal", "pg_multixact", "pg_twophase", "pg_replslot"} {
			must(t, filepath.WalkDir(filepath.Join(dir, below), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || d.Name() == "pg_internal.init" {
					return err
				}
				b, err := os.ReadFile(path)
				all[path] = fmt.Sprintf("%x", sha256.Sum256(b))
				return err
			}))
		}
	}
	return all
}

// nothingIsChanged compares two states of which one check lies between. Readers of pages that were just written may set hint bits,
// as any session does: so everything is read once before.
func (r *rig) nothingIsChanged(t *testing.T) {
	_, err := r.check()
	must(t, err)
	r.sql("VACUUM", "CHECKPOINT", "CHECKPOINT")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) { // until the standby has written down what it got
		before := r.state(t)
		time.Sleep(time.Second)
		if maps.Equal(before, r.state(t)) {
			break
		}
		if time.Now().After(end) {
			t.Skip("the databases are not idle")
		}
	}
	before := r.state(t)
	rows, err := r.check()
	must(t, err)
	time.Sleep(1200 * time.Millisecond) // statistics are told within a second
	after := r.state(t)
	for key, v := range after {
		if before[key] != v {
			t.Errorf("%s was %s and is %s", key, before[key], v)
		}
	}
	if len(before) != len(after) || len(before) < 100 || len(rows) < 20 {
		t.Errorf("%d things before, %d after, %d rows", len(before), len(after), len(rows))
	}
	r.sql("INSERT INTO orders VALUES (3, true)") // the comparison can fail
	if maps.Equal(after, r.state(t)) {
		t.Error("a row more changes nothing: the comparison sees nothing")
	}
}

// Whoever is another than the file says is found before anything else is asked.
func (r *rig) anotherSystem(t *testing.T) {
	for from, to := range map[string]string{
		"name: east.db, kind: postgres": "name: east.db, kind: postgres, identity: '1234567890123456789'",
		"name: east.api, kind: http":    "name: east.api, kind: http, identity: " + strings.Repeat("ab", 32),
		"resolver: '":                   "identities: [" + strings.Repeat("cd", 32) + ", " + strings.Repeat("ef", 32) + "], resolver: '",
	} {
		asked := r.requests.Load()
		rows, err := r.check(from, to)
		var m *check.Mistaken
		if !errors.As(err, &m) || len(rows) != 0 || r.requests.Load() != asked || !strings.Contains(err.Error(), "and the file has") {
			t.Errorf("%s: %v, %v, %d requests", to, rows, err, r.requests.Load()-asked)
		}
	}
	rows, err := r.check()
	must(t, err)
	id, _, _ := strings.Cut(row(rows, "identity", "east.db").Text, ",")
	pinned, err := r.check("name: east.db, kind: postgres", "name: east.db, kind: postgres, identity: '"+id+"'")
	if got := row(pinned, "identity", "east.db"); err != nil || got.State != check.Works || got.Text != id {
		t.Errorf("pinned: %+v, %v", got, err)
	}
	key, _, _ := strings.Cut(row(rows, "identity", "east.api").Text, ",")
	either, err := r.check("resolver: '", "identities: ["+strings.Repeat("cd", 32)+", "+key+"], resolver: '")
	at := strings.TrimPrefix(r.api.URL, "https://")
	if got := row(either, "identity", "entry "+at); err != nil || got.State != check.Works || got.Text != key || row(either, "entry", at).State != check.Works {
		t.Errorf("an entry that may have one of two keys: %+v, %v", either, err)
	}
	_, err = r.check("name: east.api, kind: http", "name: east.api, kind: http, identity: "+key)
	must(t, err)
	dead := fmt.Sprint(freePort(t)) // nobody says who the service is, and a call goes there
	_, port, _ := net.SplitHostPort(at)
	unsure, err := r.check("name: east.api, kind: http", "name: east.api, kind: http, identity: "+key, "address: 127.0.0.1, port: "+port, "address: 127.0.0.1, port: "+dead,
		"url: '"+r.api.URL, "url: 'https://127.0.0.1:"+dead)
	must(t, err)
	if got := row(unsure, "call", "open"); got.State != check.NotAvailable || !strings.Contains(got.Text, "not certain who east.api is") {
		t.Errorf("a call to a service that is not certain: %+v", got)
	}
	if got := row(pinned, "call", "unsettled"); got.State != check.Works {
		t.Errorf("a call on a pinned database: %+v", got)
	}
	r.uncertain(t, id)
	rows, err = r.check("environment: rehearsal", "environment: staging")
	if got := row(rows, "identity", "east.db"); err != nil || got.State != check.Refused || got.Text != fmt.Sprintf("not pinned: write identity: %q", id) {
		t.Errorf("outside a rehearsal: %+v, %v", got, err)
	}
	if got := row(rows, "identity", "entry "+at); got.Text != fmt.Sprintf("not pinned: write identities: [%q]", key) {
		t.Errorf("an entry outside a rehearsal: %+v", got)
	}
	if got := row(rows, "call", "unsettled"); got.State != check.NotAvailable || !strings.Contains(got.Text, "not certain who east.db is") {
		t.Errorf("a call on somebody who is not certain: %+v", got)
	}
}

// uncertain: whoever is pinned and does not say who it is is asked nothing more, and the entry is asked where it was identified.
func (r *rig) uncertain(t *testing.T, id string) {
	wrong, pin := r.write("wrong", "another-password"), ", identity: '"+id+"'"
	rows, err := r.check("name: east.db, kind: postgres", "name: east.db, kind: postgres"+pin, r.dir+"/password", wrong,
		"from: west.db, to: east.db", "from: east.db, to: west.db", "from: outside, to: east.api", "from: outside, to: east.db")
	must(t, err)
	for _, key := range []string{"component east.db", "write heartbeat on east.db", "link wal", "link clients", "call unsettled", "call settle"} {
		of, name, _ := strings.Cut(key, " ")
		if got := row(rows, of, name); got.State != check.NotAvailable || got.Text != "it is not certain who east.db is: see its identity" {
			t.Errorf("%s, without an identity: %+v", key, got)
		}
	}
	k, ok := component.Kinds.Get("postgres")
	db, err := k.Make(map[string]any{"database": postgres.Database, "user": "watcher", "password": map[string]any{"file": r.dir + "/password"}, "encryption": "none"})
	if must(t, err); !ok {
		t.Fatal("there is no kind postgres")
	}
	resolver := &secret.Resolver{Hide: func(...string) {}}
	at := component.At{Address: fmt.Sprintf("%s:%d", host, r.east.Port), Pin: "1234567890123456789", Secrets: func(ctx context.Context, ref secret.Reference) (secret.Secret, error) {
		s, _, err := resolver.Resolve(ctx, ref)
		return s, err
	}}
	if _, err := db.Look(t.Context(), at); !component.Refused(err) || err.Error() != "it is "+id+", and the file has "+at.Pin {
		t.Errorf("another database than was identified: %v", err)
	}
	asked := r.requests.Load()
	port := r.api.URL[strings.LastIndexByte(r.api.URL, ':')+1:]
	closed := fmt.Sprint(freePort(t))
	rows, err = r.check("resolver: '", "identities: ["+strings.Repeat("cd", 32)+"], resolver: '", "example.com:"+port, "example.com:"+closed)
	must(t, err)
	if got := row(rows, "entry", "127.0.0.1:"+closed); got.State != check.NotAvailable || !strings.Contains(got.Text, "not certain who entry 127.0.0.1:"+closed+" is") {
		t.Errorf("the entry: %+v", got)
	}
	turns.Store(0)
	rows, err = r.check("https://orders.example.com", "https://turns.example.com", "roots.pem}, headers: [{name: Authorization, secret: {file: "+r.dir+"/token}}]}\nallows",
		"roots.pem, serverName: orders.example.com}, headers: [{name: Authorization, secret: {file: "+r.dir+"/token}}]}\nallows")
	must(t, err)
	if got := row(rows, "entry", "127.0.0.1:"+port); got.State != check.Works || r.requests.Load() == asked {
		t.Errorf("a name that leads elsewhere when it is resolved again: %+v", got)
	}
}

// oneThingIsMissing takes one thing away and expects its row.
func (r *rig) oneThingIsMissing(t *testing.T) {
	wrong, port := r.write("wrong", "another-password"), r.api.URL[strings.LastIndexByte(r.api.URL, ':')+1:]
	r.write("other.pem", "")
	for _, c := range []struct {
		from, to, of, name string
		state              check.State
		text               string
	}{
		{r.dir + "/password", wrong, "component", "east.db", check.Refused, "password authentication failed"},
		{r.dir + "/password", wrong, "call", "unsettled", check.NotAvailable, "who east.db is"},
		{r.dir + "/password", r.dir + "/missing", "secret", "east.db password", check.NotAvailable, "no such file"},
		{r.dir + "/password", r.dir + "/missing", "component", "east.db", check.NotAvailable, "see the row of the secret"},
		{"user: watcher", "user: nobody", "component", "east.db", check.Refused, "nobody"},
		{"encryption: none", "encryption: tls", "component", "east.db", check.Refused, "its certificate is refused, unknown-issuer"},
		{"encryption: none", "encryption: tls, tls: {roots: " + r.dir + "/roots.pem, serverName: other.example.com}", "component", "east.db", check.Refused, "wrong-name"},
		{"https://orders.example.com", "https://two.example.com", "entry", "127.0.0.2:" + port, check.NotAvailable, "connection refused"},
		{"database: ", "database: no", "component", "east.db", check.Refused, "does not exist"},
		{"FROM orders WHERE NOT settled", "FROM closed", "call", "unsettled", check.Refused, "permission denied"},
		{"timeout: 5s, fields: {n: /0/n}, with: {on: east.db, statement: SELECT count(*) AS n", "timeout: 200ms, with: {on: east.db, statement: SELECT pg_sleep(9)", "call", "unsettled", check.NotAvailable, "unknown: no answer in time"},
		{"SELECT count(*) AS n FROM orders WHERE NOT settled", "WITH n AS (INSERT INTO orders VALUES (9) RETURNING id) SELECT id FROM n", "call", "unsettled", check.Refused, "read-only transaction"},
		{"UPDATE orders SET settled = true", "DELETE FROM closed", "call", "settle", check.Refused, "permission denied"},
		{"UPDATE orders SET settled = true", "CHECKPOINT", "call", "settle", check.NotAvailable, "not known before it does"},
		{"UPDATE orders SET settled = true", "SELEC 1", "call", "settle", check.Refused, "syntax error"},
		{"write: heartbeat", "write: ledger", "write", "ledger on east.db", check.Refused, "there is no table blackstart.ledger: blackstart target ddl"},
		{r.dir + "/password", wrong, "write", "heartbeat on east.db", check.Refused, "password authentication failed"},
		{"{n: /0/n}", "{n: /0/m}", "call", "unsettled", check.NotAvailable, "unknown: field n: nothing stands at /0/m"},
		{"argv: [echo,", "argv: [no-such-program,", "call", "depth", check.NotAvailable, "there is no such program"},
		{"argv: [echo,", "argv: ['false',", "call", "depth", check.Refused, "exit code 1"},
		{"argv: [touch,", "argv: [no-such-program,", "call", "purge", check.NotAvailable, "there is no such program"},
		{"timeout: 5s, fields: {depth: /depth}, with: {argv: [echo, '{\"depth\": 4}']}", "timeout: 200ms, with: {argv: [sleep, '30']}", "call", "depth", check.NotAvailable, "unknown: run sleep: it had not ended"},
		{"url: '" + r.api.URL + "/', tls: {roots: " + r.dir + "/roots.pem}", "url: '" + r.api.URL + "/'", "call", "open", check.Refused, "unknown-issuer"},
		{"url: '" + r.api.URL + "/', tls", "url: '" + r.api.URL + "/broken', tls", "call", "open", check.NotAvailable, "unknown: status 502"},
		{"path: /health", "path: /broken", "component", "east.api", check.Refused, "status 502, not 200"},
		{"version: /version", "version: /build", "component", "east.api", check.Refused, "nothing stands at /build"},
		{"roots.pem}", "none.pem}", "component", "east.api", check.NotAvailable, "read the roots"},
		{"tls: {roots: " + r.dir + "/roots.pem}, headers", "headers", "component", "east.api", check.Refused, "unknown-issuer"},
		{"roots.pem}", "roots.pem, serverName: other.example.com}", "component", "east.api", check.Refused, "wrong-name"},
		{"https://orders.example.com", "https://gone.example.com", "entry", "name", check.Refused, "NXDOMAIN"},
		{"https://orders.example.com", "https://away.example.com", "entry", "name", check.Refused, "this is a rehearsal"},
		{"resolver: '" + r.dns, "resolver: '127.0.0.1:9", "entry", "name", check.NotAvailable, "refused"},
		{"entry: {url: ", "entry: {status: 204, url: ", "entry", strings.TrimPrefix(r.api.URL, "https://"), check.Refused, "status 200, not 204"},
		{"from: west.db", "from: east.api", "link", "wal", check.NotAvailable, "no command is run there yet"},
		{"from: west.db, to: east.db", "from: east.db, to: west.db", "link", "wal", check.Refused, "no WAL receiver"},
		{"role: primary}, {name: west, role: standby}", "role: standby}, {name: west, role: primary}", "component", "east.db", check.Refused, "takes writes, and its region is standby"},
		{"role: primary}, {name: west, role: standby}", "role: standby}, {name: west, role: primary}", "component", "west.db", check.Refused, "in recovery"},
	} {
		rows, err := r.check(c.from, c.to)
		if got := row(rows, c.of, c.name); err != nil || got.State != c.state || !strings.Contains(got.Text, c.text) {
			t.Errorf("%s: %s %s is %q: %q, want %s: %q (%v)", c.to, c.of, c.name, got.State, got.Text, c.state, c.text, err)
		}
	}
	rows, err := r.check("encryption: none", "encryption: tls, tls: {roots: "+r.dir+"/roots.pem}", "https://orders.example.com", "https://two.example.com")
	if got := row(rows, "component", "east.db"); err != nil || got.State != check.Works {
		t.Errorf("with TLS: %+v, %v", got, err)
	}
	if got := row(rows, "entry", "127.0.0.1:"+port); got.State != check.Works || row(rows, "entry", "name").Text != "two.example.com has 2 addresses (resolver "+r.dns+")" {
		t.Errorf("one of two addresses: %+v", rows)
	}
	r.date.Store("Mon, 02 Jan 2006 15:04:05 GMT")
	rows, err = r.check()
	if got := row(rows, "clock", "east.api"); err != nil || got.State != check.Refused || !strings.Contains(got.Text, "at most 1s") {
		t.Errorf("a clock that is years behind: %+v, %v", got, err)
	}
	r.date.Store("")
	for take, give := range map[string]string{"UPDATE ON blackstart.heartbeat": "may not UPDATE on", "USAGE ON SCHEMA blackstart": "may not use the schema"} {
		r.sql("REVOKE " + take + " FROM watcher")
		rows, err = r.check()
		if got := row(rows, "write", "heartbeat on east.db"); err != nil || got.State != check.Refused || !strings.Contains(got.Text, give) {
			t.Errorf("without %s: %+v, %v", take, got, err)
		}
		r.sql("GRANT " + take + " TO watcher")
	}
	r.sql("REVOKE pg_read_all_stats FROM watcher")
	defer r.sql("GRANT pg_read_all_stats TO watcher")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) { // until the standby has it
		rows, err = r.check()
		got := row(rows, "link", "wal")
		if err == nil && got.State == check.Refused && strings.Contains(got.Text, "GRANT pg_read_all_stats") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("a role that may not see it: %+v, %v", got, err)
		}
	}
}

// fewConnections: a role that may have so many has no more, whatever is asked.
func (r *rig) fewConnections(t *testing.T) {
	r.sql("ALTER ROLE watcher CONNECTION LIMIT 1")
	defer r.sql("ALTER ROLE watcher CONNECTION LIMIT -1")
	one := "  - {name: unsettled, call: sql, reads: true, timeout: 5s,"
	many := ""
	for i := range 10 {
		many += fmt.Sprintf("  - {name: nap%d, call: sql, reads: true, timeout: 1s, with: {on: east.db, statement: SELECT pg_sleep(0.2)}}\n", i)
	}
	for range 3 {
		rows, err := r.check("limits: {", "limits: {connections: 1, ", one, many+one)
		must(t, err)
		for _, row := range rows {
			if row.State != check.Works {
				t.Errorf("%s %s is %s: %s", row.Of, row.Name, row.State, row.Text)
			}
		}
	}
}

// aSecretAtAnEdge: what a row has no room for, and the white space that it does not keep, hide no part of a secret from whoever takes
// them out.
func (r *rig) aSecretAtAnEdge(t *testing.T) {
	r.write("spaced", "pl4nted-To  be   found")
	for _, file := range []string{"password", "spaced"} {
		for _, before := range []int{250, 255, 260, 265, 270, 275, 280} {
			rows, err := r.check("argv: [echo, '{\"depth\": 4}']", fmt.Sprintf("argv: [sh, -c, 'printf \"{\\\"depth\\\": \\\"%%0%dd\"; cat; echo \\\"}'], stdin: {file: %s/%s}", before, r.dir, file),
				"timeout: 5s, fields: {depth", "timeout: 5s, keep: text, fields: {depth")
			must(t, err)
			got := row(rows, "call", "depth")
			if got.State != check.Works || got.Effect.Fields["depth"] == "" || strings.Contains(fmt.Sprint(got, got.Effect), "pl4n") {
				t.Errorf("%s after %d: %+v %+v", file, before, got, got.Effect)
			}
		}
	}
}

// thingsThatGoDown ends the service and a database: their rows say so, and all others still work.
func (r *rig) thingsThatGoDown(t *testing.T) {
	held := r.dial(r.east)
	defer held.Close(context.Background())
	must(t, r.west.Kill())
	r.api.Close()
	rows, err := r.check()
	must(t, err)
	gone := map[string]bool{"identity west.db": true, "component west.db": true, "link wal": true, "identity east.api": true, "component east.api": true,
		"component east.port": true, "link clients": true, "call open": true, "call drain": true}
	for _, row := range rows {
		key := row.Of + " " + row.Name
		if want := gone[key] || strings.HasPrefix(key, "entry 127") || strings.HasPrefix(key, "identity entry"); want != (row.State == check.NotAvailable) {
			t.Errorf("%s is %s: %s", key, row.State, row.Text)
		}
		delete(gone, key)
	}
	if len(gone) > 0 {
		t.Errorf("rows are missing: %v", gone)
	}
}

func (r *rig) interrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if rows, err := check.Run(ctx, r.request()); !errors.Is(err, context.Canceled) || rows != nil {
		t.Errorf("%v, %v", rows, err)
	}
}

// nobodyAnswers asks what takes connections and says nothing: each question ends in time, and its row says so.
func (r *rig) nobodyAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as everything that is asked may take")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	text := r.text[:strings.Index(r.text, "hosts:")] + "components:\n  - {name: east.db, kind: postgres, region: east, address: 127.0.0.1, port: " +
		fmt.Sprint(l.Addr().(*net.TCPAddr).Port) + ", with: {database: d, user: u, password: {file: " + r.dir + "/password}, encryption: tls}}\n" +
		"calls:\n  - {name: ask, call: http, reads: true, timeout: 200ms, with: {method: GET, url: 'http://" + l.Addr().String() + "/'}}\n"
	got, err := reader.Parse("silent.yaml", []byte(text))
	must(t, err)
	begun := time.Now()
	rows, err := check.Run(t.Context(), request(got))
	must(t, err)
	for _, row := range rows[1:] {
		if row.State != check.NotAvailable || !strings.HasSuffix(row.Text, "no answer in time") {
			t.Errorf("%+v", row)
		}
	}
	if took := time.Since(begun); len(rows) != 4 || took > 10*check.LookTime {
		t.Errorf("%d rows in %v", len(rows), took)
	}
}

// aStatementThatActs makes calls that no check makes: one that commits, one that the commit refuses, and one whose server goes away.
func (r *rig) aStatementThatActs(t *testing.T) {
	r.sql("CREATE TABLE once (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)", "GRANT SELECT, INSERT ON once TO watcher")
	around := call.Around{Database: func(context.Context, string) (*pgx.Conn, error) { return r.dial(r.east), nil }}
	made := func(statement string, reads bool) call.Said {
		k, err := call.Make(target.Call{Call: "sql", With: map[string]any{"on": "east.db", "statement": statement}})
		must(t, err)
		return k.Call(t.Context(), around, reads)
	}
	for _, c := range []struct {
		statement string
		reads     bool
		want      call.Outcome
		why       string
	}{
		{"INSERT INTO once VALUES (1) RETURNING id", false, call.Done, ""},
		{"INSERT INTO once VALUES (1)", false, call.Refused, "23505"}, // at the commit
		{"INSERT INTO once VALUES (2)", true, call.Refused, "read-only transaction"},
		{"SELECT 1; COMMIT; INSERT INTO once VALUES (3)", true, call.Refused, "multiple commands"},
		{"SELECT pg_terminate_backend(pg_backend_pid())", false, call.Unknown, ""},
	} {
		if got := made(c.statement, c.reads); got.Outcome != c.want || got.Unsent || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s: %+v, want %s", c.statement, got, c.want)
		}
	}
	listens := r.dial(r.east)
	defer listens.Close(t.Context()) //nolint:errcheck // of a test
	_, err := listens.Exec(t.Context(), "LISTEN told")
	must(t, err)
	if got := made("SELECT pg_notify('told', 'by one that reads')", true); got.Outcome != call.Done {
		t.Errorf("a notification: %+v", got)
	}
	if got := made("SELECT pg_notify('told', 'by one that acts')", false); got.Outcome != call.Done {
		t.Errorf("a notification: %+v", got)
	}
	if n, err := listens.WaitForNotification(t.Context()); err != nil || n.Payload != "by one that acts" {
		t.Errorf("a statement that reads has told others: %+v, %v", n, err)
	}
	for _, endless := range []string{"SELECT generate_series(1, 2000000000)", "SELECT repeat('x', 100000), generate_series(1, 2000000000)"} {
		begun := time.Now()
		if got := made(endless, true); !got.Over || got.Outcome != call.Done || time.Since(begun) > 10*time.Second {
			t.Errorf("%s: %s, %s, %v", endless, got.Outcome, got.Why, time.Since(begun))
		}
	}
	if got := made("INSERT INTO once SELECT generate_series(1001, 3000) RETURNING id", false); !got.Over || got.Outcome != call.Done {
		t.Errorf("an act that says more than is kept: %v, %s, %s", got.Over, got.Outcome, got.Why)
	}
	if got := made("SELECT count(*) FROM once", true); string(got.Output) != `[{"count":"2001"}]` {
		t.Errorf("an act that says more than is kept is not undone: %s, %+v", got.Output, got)
	}
	if got := made("SELECT id, NULL AS none FROM once WHERE id = 1", true); string(got.Output) != `[{"id":"1","none":null}]` {
		t.Errorf("what is there: %s, %+v", got.Output, got)
	}
	if got := made("SELECT generate_series(1, 1500)", true); !got.Over || got.Outcome != call.Done {
		t.Errorf("more rows than are kept: %v, %s", got.Over, got.Outcome)
	}
}
