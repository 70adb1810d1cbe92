package component

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestOffset(t *testing.T) {
	asked := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	o := between(asked, asked.Add(10*time.Millisecond), asked.Add(205*time.Millisecond))
	if o.Lo != 195*time.Millisecond || o.Hi != 205*time.Millisecond || o.String() != "+200ms ±5ms" {
		t.Errorf("%v: %v to %v", o, o.Lo, o.Hi)
	}
	for most, want := range map[time.Duration]bool{194 * time.Millisecond: false, 195 * time.Millisecond: true, time.Second: true} {
		if o.Within(most) != want {
			t.Errorf("within %v: %v", most, !want)
		}
	}
	behind := between(asked, asked.Add(2*time.Millisecond), asked.Add(-time.Second))
	if behind.Within(999*time.Millisecond) || !behind.Within(time.Second) || !strings.HasPrefix(behind.String(), "-1.001s") {
		t.Errorf("a clock that is behind: %v", behind)
	}
}

// An answer that says no is told from no answer.
func TestRefusalsAreAnswers(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&pgconn.PgError{Code: "28P01"}, true}, {fmt.Errorf("connect: %w", &pgconn.PgError{Code: "3D000"}), true},
		{fmt.Errorf("tls: %w", x509.UnknownAuthorityError{}), true}, {errors.New("remote error: tls: bad certificate"), true},
		{errors.New("server refused TLS connection"), true}, {context.DeadlineExceeded, false}, {&net.OpError{Op: "dial", Err: errors.New("x")}, false},
		{errors.New("unexpected EOF"), false},
	} {
		if got := Answered(c.err); Refused(got) != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	if Answered(nil) != nil || Trusted(nil) != nil {
		t.Error("nothing wrong is an error")
	}
}

func TestOnlyAReceiverThatStreamsIsALink(t *testing.T) {
	host, port := "10.1.0.5", 5432
	for status, want := range map[string]bool{"streaming": true, "starting": false, "waiting": false, "stopping": false, "": false} {
		if from, err := streamsFrom(&status, &host, &port); (err == nil) != want || want && from != "10.1.0.5:5432" || err != nil && !Refused(err) {
			t.Errorf("%s: %s, %v", status, from, err)
		}
	}
	status := "streaming"
	if _, err := streamsFrom(&status, nil, &port); err == nil || !strings.Contains(err.Error(), "GRANT pg_read_all_stats") {
		t.Errorf("a role that sees nothing: %v", err)
	}
}

func TestSameEnd(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"localhost:1", "127.0.0.1:1", true}, {"[::1]:1", "[::1]:1", true}, {"127.0.0.1:1", "127.0.0.1:2", false}, {"127.0.0.1:1", "127.0.0.2:1", false},
		{"no-such-host.invalid:1", "127.0.0.1:1", false}} {
		if sameEnd(t.Context(), c.a, c.b) != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, !c.want)
		}
	}
}

// What is said of a connection is its own: where a name has led, not where it leads.
func TestTheEndsOfAConnection(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	at := At{Address: "localhost:" + port, Secrets: secrets(t, "pl4nted-Secret")}
	for _, k := range []Kind{tcp{}, &httpKind{httpWith{Scheme: "http", Path: "/"}}} {
		seen, err := k.Look(t.Context(), at)
		if err != nil || seen.Ends.Remote.String() != "127.0.0.1" || seen.Ends.Local.String() != "127.0.0.1" {
			t.Errorf("%T: %+v, %v", k, seen.Ends, err)
		}
	}
	if e := EndsOf(nil); e.Local.IsValid() || e.Remote.IsValid() {
		t.Errorf("%+v", e)
	}
}

// Each kind shows how it is written.
func TestKinds(t *testing.T) {
	for _, k := range Kinds.All() {
		if !strings.Contains(k.Example, "kind: "+k.Name) || k.Doc == "" {
			t.Errorf("%s: %s", k.Name, k.Example)
		}
		if _, ok := k.New().(Identified); ok != (Traits()[k.Name].Identity != nil) {
			t.Errorf("%s tells who it is, or has an identity, and not both", k.Name)
		}
	}
	for address, want := range map[string]string{"[::1]:80": "::1", "a:1": "a", "10.0.0.1:5432": "10.0.0.1", "none": ""} {
		if Host(address) != want {
			t.Errorf("%s: %q", address, Host(address))
		}
	}
}

// FuzzPointer: what a foreign server says makes nothing panic, and what is found is one value.
func FuzzPointer(f *testing.F) {
	f.Add([]byte(`{"a": [1, {"b/c": null}]}`), "/a/1/b~1c")
	f.Add([]byte(`[[[`), "/0/0")
	f.Add([]byte(`1e999`), "")
	f.Fuzz(func(t *testing.T, data []byte, pointer string) {
		if v, err := Pointer(data, pointer); err != nil && v != "" {
			t.Errorf("%q and %v", v, err)
		}
	})
}
