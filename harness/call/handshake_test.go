package call

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness/component"
	"blackstart/harness/target"
)

// A server that refuses a client after its handshake does not shake hands, whichever version of TLS it speaks.
func TestAHandshakeIsOverForBoth(t *testing.T) {
	for _, c := range []struct {
		auth    tls.ClientAuthType
		version uint16
		refused bool
	}{{tls.NoClientCert, tls.VersionTLS13, false}, {tls.RequireAnyClientCert, tls.VersionTLS13, true}, {tls.RequireAnyClientCert, tls.VersionTLS12, true}} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{ClientAuth: c.auth, MaxVersion: c.version} //nolint:gosec // of a test
		s.StartTLS()
		defer s.Close()
		roots := filepath.Join(t.TempDir(), "roots.pem")
		if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := Make(target.Call{Call: "http", With: map[string]any{"method": "GET", "url": s.URL, "tls": map[string]any{"roots": roots}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		text, err := k.Reach(ctx, around(t))
		said := k.Call(ctx, around(t), true)
		cancel()
		if c.refused != component.Refused(err) || !c.refused && (err != nil || !strings.HasSuffix(text, " shakes hands")) {
			t.Errorf("%+v: %s, %v", c, text, err)
		}
		if c.refused != said.Answered || c.refused == (said.Outcome == Done) {
			t.Errorf("%+v: %+v", c, said)
		}
	}
}

// A call is held to who is pinned where it goes.
func TestACallIsHeldToAPin(t *testing.T) {
	asked := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := Make(target.Call{Call: "http", With: map[string]any{"method": "GET", "url": s.URL, "tls": map[string]any{"roots": roots}}})
	if err != nil {
		t.Fatal(err)
	}
	a := around(t)
	for _, c := range []struct {
		pins     []string
		err      error
		done     bool
		answered bool
	}{{nil, nil, true, false}, {[]string{target.KeyHash(s.Certificate())}, nil, true, false}, {[]string{strings.Repeat("ab", 32)}, nil, false, true},
		{nil, errors.New("it is not certain who that is"), false, false}} {
		a.Pins = func(address string) ([]string, error) {
			if address != s.Listener.Addr().String() {
				t.Errorf("pins of %s", address)
			}
			return c.pins, c.err
		}
		asked = 0
		said := k.Call(t.Context(), a, true)
		_, err := k.Reach(t.Context(), a)
		if (said.Outcome == Done) != c.done || said.Answered != c.answered || (err == nil) != c.done || (asked == 1) != c.done || component.Refused(err) != c.answered {
			t.Errorf("%+v: %+v, %v, %d requests", c, said, err, asked)
		}
	}
}

// Who says no is told from nobody who answers, where a call never left, too.
func TestARefusalOfACallIsAnAnswer(t *testing.T) {
	for err, want := range map[error]bool{&component.Refusal{Err: errors.New("password authentication failed")}: true, errors.New("connection refused"): false} {
		got := (&sqlCall{}).Call(t.Context(), Around{Database: func(context.Context, string) (*pgx.Conn, error) { return nil, err }}, true)
		if got.Outcome != Refused || !got.Unsent || got.Answered != want {
			t.Errorf("%v: %+v", err, got)
		}
	}
	k, err := Make(target.Call{Call: "exec", With: argv("false")})
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Call(t.Context(), around(t), true); !got.Answered || got.Unsent {
		t.Errorf("%+v", got)
	}
}
