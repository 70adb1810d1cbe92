package call

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/internal/strictyaml"
)

const planted = "pl4nted-Secret"

// around resolves every reference to the planted secret.
func around(t *testing.T) Around {
	t.Setenv("PLANTED", planted)
	r := &secret.Resolver{Hide: func(...string) {}}
	return Around{Secrets: func(ctx context.Context, ref secret.Reference) (secret.Secret, error) {
		s, _, err := r.Resolve(ctx, ref)
		return s, err
	}, Database: func(context.Context, string) (*pgx.Conn, error) { return nil, errors.New("there is none") }}
}

func made(t *testing.T, kind string, with map[string]any, limit time.Duration) Effect {
	t.Helper()
	k, err := Make(target.Call{Name: "x", Call: kind, With: with})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return Kept(target.Call{Keep: KeepText}, k.Call(ctx, around(t), true))
}

func argv(all ...any) map[string]any { return map[string]any{"argv": all} }

// A program ends in one of three ways, and what it complained of is not kept.
func TestExecEnds(t *testing.T) {
	for _, c := range []struct {
		with   map[string]any
		limit  time.Duration
		want   Outcome
		unsent bool
		why    string
	}{
		{argv("echo", "fine"), time.Minute, Done, false, ""},
		{argv("sh", "-c", "echo "+planted+" >&2; exit 7"), time.Minute, Refused, false, "exit code 7; what it complained of (14 bytes) is not shown"},
		{argv("sh", "-c", "kill -9 $$"), time.Minute, Unknown, false, "by a signal"},
		{argv("sleep", "60"), 100 * time.Millisecond, Unknown, false, "had not ended in time"},
		{argv("head", "-c", "2000000", "/dev/zero"), time.Minute, Unknown, false, "more than 1048576 bytes"},
		{argv("no-such-program"), time.Minute, Refused, true, "there is no such program"},
		{map[string]any{"argv": []any{"cat"}, "stdin": map[string]any{"env": "NOT_SET"}}, time.Minute, Refused, true, "is not set"},
	} {
		e := made(t, "exec", c.with, c.limit)
		if e.Outcome != c.want || e.Unsent != c.unsent || !strings.Contains(e.Why, c.why) || strings.Contains(fmt.Sprint(e), planted) {
			t.Errorf("%v: %s, %q; want %s, %q", c.with, e.Outcome, e.Why, c.want, c.why)
		}
	}
}

// A secret reaches a program by its stdin, and stands in no argument and no environment.
func TestASecretGoesToStdinAlone(t *testing.T) {
	e := made(t, "exec", map[string]any{"argv": []any{"sh", "-c", "cat >&2; cat /proc/self/cmdline /proc/$$/environ /proc/$$/cmdline; exit 0"},
		"stdin": map[string]any{"env": "PLANTED"}}, time.Minute)
	if e.Outcome != Done || strings.Contains(e.Text, planted) || e.Bytes == 0 {
		t.Errorf("%+v", e)
	}
	if e = made(t, "exec", map[string]any{"argv": []any{"wc", "-c"}, "stdin": map[string]any{"env": "PLANTED"}}, time.Minute); strings.TrimSpace(e.Text) != fmt.Sprint(len(planted)) {
		t.Errorf("it got %q", e.Text)
	}
}

func TestHTTPEnds(t *testing.T) {
	var got atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("short"))
		case "/gone":
			panic(http.ErrAbortHandler)
		default:
			var status int
			_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
			w.WriteHeader(status)
		}
	}))
	defer s.Close()
	for path, want := range map[string]Outcome{"/200": Done, "/202": Done, "/302": Refused, "/404": Refused, "/409": Refused, "/500": Unknown, "/503": Unknown,
		"/504": Unknown, "/slow": Unknown, "/cut": Unknown, "/gone": Unknown} {
		e := made(t, "http", map[string]any{"method": "GET", "url": s.URL + path,
			"headers": []any{map[string]any{"name": "Authorization", "secret": map[string]any{"env": "PLANTED"}}}}, 300*time.Millisecond)
		if e.Outcome != want || e.Unsent || got.Load() != planted || strings.Contains(fmt.Sprint(e), planted) {
			t.Errorf("%s: %+v, want %s; it got %q", path, e, want, got.Load())
		}
	}
	url := s.URL
	s.Close()
	if e := made(t, "http", map[string]any{"method": "GET", "url": url}, time.Minute); e.Outcome != Refused || !e.Unsent {
		t.Errorf("a closed port: %+v", e)
	}
}

// An error of a server is certain, but for those that may hide a commit.
func TestAStatementEnds(t *testing.T) {
	for err, want := range map[error]Outcome{
		&pgconn.PgError{Code: "42501"}: Refused, &pgconn.PgError{Code: "40001"}: Refused, &pgconn.PgError{Code: "25006"}: Refused,
		&pgconn.PgError{Code: "57014"}: Refused, &pgconn.PgError{Code: "57P01"}: Unknown, &pgconn.PgError{Code: "40003"}: Unknown,
		&pgconn.PgError{Code: "08006"}: Unknown, context.DeadlineExceeded: Unknown, errors.New("unexpected EOF"): Unknown,
	} {
		if got := failed(err); got.Outcome != want || got.Unsent {
			t.Errorf("%v: %+v, want %s", err, got, want)
		}
	}
	if e := made(t, "sql", map[string]any{"on": "db", "statement": "SELECT 1"}, time.Minute); e.Outcome != Refused || !e.Unsent {
		t.Errorf("without a connection: %+v", e)
	}
}

// What acts in a read-only transaction is no call that reads.
func TestAStatementThatReads(t *testing.T) {
	db := &target.Target{Components: []target.Component{{Name: "db", Kind: "postgres"}}}
	wrong := func(statement string, reads bool) string {
		key, _, _ := sqlWith{On: "db", Statement: statement}.Wrong(db, reads)
		return key
	}
	for _, s := range []string{"select 1", " (SELECT 1) UNION SELECT 2", "WITH a AS (SELECT 1) TABLE a", "VALUES(1)", "TABLE orders", "SHOW work_mem"} {
		if key := wrong(s, true); key != "" {
			t.Errorf("%s is refused", s)
		}
	}
	for _, s := range []string{"REINDEX TABLE orders", "CLUSTER orders", "ANALYZE", "CHECKPOINT", "NOTIFY x", "LOCK TABLE orders", "COPY orders TO PROGRAM 'x'",
		"DO $$BEGIN END$$", "SET ROLE x", "DISCARD ALL", "EXPLAIN ANALYZE SELECT 1", "CALL x()", "/* SELECT */ NOTIFY x", "COMMIT", ""} {
		if wrong(s, true) != "statement" || wrong(s, false) != "" {
			t.Errorf("%s passes for one that reads, or cannot act either", s)
		}
	}
}

// What is kept is what the file says, and a field that is not there makes it unknown.
func TestKept(t *testing.T) {
	said := Said{Outcome: Done, Output: []byte(`{"a": {"b/c": [1, 2.50, "x", null, true]}}`)}
	c := target.Call{Fields: map[string]string{"n": "/a/b~1c/1", "s": "/a/b~1c/2", "z": "/a/b~1c/3", "t": "/a/b~1c/4"}}
	e := Kept(c, said)
	if e.Outcome != Done || e.Text != "" || e.Fields["n"] != "2.50" || e.Fields["s"] != "x" || e.Fields["z"] != "null" || e.Fields["t"] != "true" || len(e.SHA256) != 64 {
		t.Errorf("%+v", e)
	}
	if e := Kept(target.Call{Keep: KeepText}, Said{Outcome: Refused, Output: []byte("pl4nted-Sec"), Over: true}); e.Text != "" || e.Bytes == 0 {
		t.Errorf("a text that was cut is kept: %+v", e)
	}
	for _, pointer := range []string{"/b", "/a", "/a/b~1c/9", "/a/b~1c/0/x"} {
		if e := Kept(target.Call{Fields: map[string]string{"f": pointer}}, said); e.Outcome != Unknown || !strings.Contains(e.Why, "field f") {
			t.Errorf("%s: %+v", pointer, e)
		}
	}
	if e := Kept(c, Said{Outcome: Done, Output: []byte("not JSON")}); e.Outcome != Unknown {
		t.Errorf("not JSON: %+v", e)
	}
}

// Each kind knows a rule of its own, takes its own example, and finds out what it could do without doing it.
func TestKinds(t *testing.T) {
	for _, k := range Calls.All() {
		if _, ok := any(k.New()).(interface{ With() any }); !ok || !strings.Contains(k.Example, "call: "+k.Name) {
			t.Errorf("%s: example %s", k.Name, k.Example)
		}
		if err := strictyaml.Fill(k.Name, map[string]any{"nonsense": "x"}, k.New().(interface{ With() any }).With()); err == nil {
			t.Errorf("%s takes nonsense", k.Name)
		}
	}
	mark := filepath.Join(t.TempDir(), "mark")
	k, err := Make(target.Call{Call: "exec", With: argv("touch", mark)})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := k.Reach(t.Context(), around(t)); err != nil || !strings.HasSuffix(text, "/touch is there") {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("it was run")
	}
	if _, err := Make(target.Call{Name: "x", Call: "carrier-pigeon"}); err == nil {
		t.Error("a kind that is not there was made")
	}
}
