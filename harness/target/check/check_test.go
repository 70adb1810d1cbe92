package check_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness/component"
	"blackstart/harness/secret"
	"blackstart/harness/target/check"
	"blackstart/harness/targets/postgres"
	"blackstart/internal/untouched"
)

// TestCheck asks one real system again and again: as it is, and with one thing after another taken away.
func TestCheck(t *testing.T) {
	r := newRig(t)
	t.Run("everything works", r.everythingWorks)
	t.Run("nothing is changed", r.nothingIsChanged)
	t.Run("another system", r.anotherSystem)
	t.Run("one thing is missing", r.oneThingIsMissing)
	t.Run("a statement that acts", r.aStatementThatActs)
	t.Run("what must outlive a drill", r.outlives)
	t.Run("what stands between", r.poolers)
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
	owner, err := r.east.ConnectTo(t.Context(), "postgres")
	must(t, err)
	defer owner.Close(context.Background())
	all, err := untouched.Database(t.Context(), owner, r.east.DataDir(), r.west.DataDir())
	must(t, err)
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
	var before, after map[string]string
	var rows []check.Row
	for again := range 2 { // the background writer notes once which transactions run: what a check wrote would be there every time
		before = r.state(t)
		rows, err = r.check()
		must(t, err)
		time.Sleep(1200 * time.Millisecond) // statistics are told within a second
		after = r.state(t)
		if maps.Equal(before, after) || again > 0 {
			break
		}
	}
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
