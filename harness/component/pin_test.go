package component

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"blackstart/harness/secret"
	"blackstart/harness/target"
)

// A server that is another when it is asked than when it was identified sees no request.
func TestAPinHoldsOnTheConnectionThatIsUsed(t *testing.T) {
	var requests atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	h := &httpKind{with: httpWith{Scheme: "https", Path: "/", TLS: target.TLS{Roots: roots},
		Headers: []target.Header{{Name: "Authorization", Secret: &secret.Reference{Env: "PLANTED"}}}}}
	at := At{Address: s.Listener.Addr().String(), Secrets: secrets(t, "pl4nted-Secret"), Pin: strings.Repeat("ab", 32)}
	who, err := h.Identity(t.Context(), at)
	if err != nil || who != target.KeyHash(s.Certificate()) {
		t.Fatalf("%s, %v", who, err)
	}
	if _, err := h.Look(t.Context(), at); !Refused(err) || err.Error() != "it is "+who+", and the file has "+at.Pin || requests.Load() != 0 {
		t.Errorf("another server: %v, %d requests", err, requests.Load())
	}
	at.Pin = who
	if _, err := h.Look(t.Context(), at); err != nil || requests.Load() != 1 {
		t.Errorf("the one that is pinned: %v, %d requests", err, requests.Load())
	}
	if c, err := at.Secrets.TLS(t.Context(), target.TLS{}, "x"); err != nil || c.VerifyConnection != nil {
		t.Errorf("without a pin: %v", err)
	}
}

// impostor takes one connection, asks for the password in its own way, and gives what it was told.
func impostor(t *testing.T, ask pgproto3.BackendMessage) (address string, told chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	told = make(chan string, 1)
	go func() {
		defer close(told)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()                                     //nolint:errcheck // of a test
		_ = c.SetDeadline(time.Now().Add(10 * time.Second)) // so that a test ends
		b := pgproto3.NewBackend(c, c)
		if _, err := b.ReceiveStartupMessage(); err != nil {
			return
		}
		b.Send(ask)
		if b.Flush() != nil {
			return
		}
		all, _ := io.ReadAll(c)
		told <- string(all)
	}()
	return l.Addr().String(), told
}

// Without TLS nobody who asks for it is told the password, or what can be made to it.
func TestThePasswordIsGivenByScramAlone(t *testing.T) {
	for name, ask := range map[string]pgproto3.BackendMessage{"in the clear": &pgproto3.AuthenticationCleartextPassword{},
		"md5": &pgproto3.AuthenticationMD5Password{Salt: [4]byte{1, 2, 3, 4}}, "none": &pgproto3.AuthenticationOk{}} {
		address, told := impostor(t, ask)
		p := &Postgres{with: postgresWith{Database: "d", User: "u", Password: secret.Reference{Env: "PLANTED"}, Encryption: "none"}}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := p.Identity(ctx, At{Address: address, Secrets: secrets(t, "pl4nted-Secret")})
		cancel()
		if !Refused(err) || !strings.Contains(err.Error(), "SCRAM") {
			t.Errorf("%s: %v", name, err)
		}
		if got := <-told; strings.Contains(got, "pl4nted") || strings.Contains(got, "md5") {
			t.Errorf("%s: it was told %q", name, got)
		}
	}
}
