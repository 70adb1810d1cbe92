package check_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness/call"
	"blackstart/harness/target"
	"blackstart/harness/target/check"
)

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
