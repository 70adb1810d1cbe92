package probes

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"blackstart/harness"
)

// row is one state of who is asked, and what a probe must make of it.
type row struct {
	spec    harness.ProbeSpec // its parameters and, for one that asks nobody, nothing else
	access  harness.Access
	ok      bool
	value   int64  // of a good answer
	atLeast bool   // the value may be more
	orLate  bool   // a busy machine may find first that it takes too long
	reached bool   // of one that is not good
	says    string // part of its detail
	none    string // why there is no such state
}

// rows are the states that every listed kind is held to.
var rows = []string{"works", "refuses", "silent", "wrong certificate", "garbage", "never-ending", "old answer"}

// listedKinds gives the rows of each listed kind.
var listedKinds = map[string]func(t *testing.T) map[string]row{
	getName: getRows, patroniName: patroniRows, prometheusName: prometheusRows, connectName: connectRows, certificateName: certificateRows,
	roleName: roleRows, queryName: queryRows, infoName: infoRows, runName: runRows,
}

func TestListedKinds(t *testing.T) {
	for _, k := range Probes.All() {
		if !k.New().Traits().Listed {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			if listedKinds[k.Name] == nil {
				t.Fatal("nobody has said how it answers")
			}
			of := listedKinds[k.Name](t)
			for _, name := range rows {
				if r, ok := of[name]; !ok {
					t.Errorf("no row %q", name)
				} else if r.none == "" {
					t.Run(name, func(t *testing.T) { r.holds(t, k.Name) })
				}
			}
		})
	}
}

// holds asks a probe, twice, and demands the same of both answers.
func (r row) holds(t *testing.T, kind string) {
	r.spec.ID, r.spec.Probe = "asked", kind
	traits, ok := TraitsOf(r.spec)
	if !ok {
		t.Fatal("its parameters cannot be read")
	}
	if key, wrong, _ := Wrong(r.spec); wrong != "" {
		t.Fatalf("%s %s", key, wrong)
	}
	d := harness.Description{Name: "orders", Regions: []harness.Region{{Name: "east", Role: harness.Primary}}}
	if !traits.Local {
		r.spec.On = "east.part"
		speaks := traits.Speaks
		if traits.Any && r.access.Database != "" {
			speaks = postgresKind
		}
		d.Components = []harness.Component{{Name: "east.part", Kind: speaks, Region: "east"}}
	}
	s := harness.RunningTarget{Target: d, Clock: harness.NewClock(), Access: func(_, c string) (harness.Access, error) {
		if c != "east.part" {
			return harness.Access{}, fmt.Errorf("%s is asked for", c)
		}
		return r.access, nil
	}}
	o := opener{s, false}
	f, err := made(r.spec)
	if err != nil {
		t.Fatal(err)
	}
	of, err := traits.SubjectOf(&d, r.spec.On)
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Open(t.Context(), harness.ProbeConfig{Target: o.s.Target, Region: of.Region, On: of.On, Clock: s.Clock, Access: s.Access})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 2 {
		begun := time.Now()
		got := p.Ask(t.Context())
		if took := time.Since(begun); took > askTimeout+2*time.Second {
			t.Errorf("it answers after %s", took)
		}
		switch {
		case got.Probe != kind || got.On != of.On || got.Unit != traits.Unit || got.At.Hi < got.At.Lo:
			t.Errorf("%+v", got)
		case len(got.Detail) > maxDetail || !utf8.ValidString(got.Detail):
			t.Errorf("its detail is %q", got.Detail)
		case got.OK != r.ok, r.ok && (got.Value != r.value && (!r.atLeast || got.Value < r.value) || !got.Reached):
			t.Errorf("%+v, want %d", got, r.value)
		case !r.ok && (got.Reached != r.reached || got.Value != 0 || !strings.Contains(got.Detail, r.says) && (!r.orLate || got.Detail != "no answer in time")):
			t.Errorf("%+v, want reached %t: %s", got, r.reached, r.says)
		}
	}
}

// web serves HTTPS, and gives the way there that trusts it.
func web(t *testing.T, answer http.HandlerFunc) harness.Access {
	s := httptest.NewUnstartedServer(answer)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return harness.Access{Address: s.Listener.Addr().String(), URL: s.URL + "/health",
		TLS: &tls.Config{RootCAs: roots, ServerName: "example.com"}, Headers: http.Header{"X-Key": {"k"}}}
}

// says answers with a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "k" {
			status = http.StatusUnauthorized
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

const rubbish = "\x00\xff}{]garbage\n"

// distrusted is a way whose server is not the one that is trusted.
func distrusted(a harness.Access) harness.Access {
	a.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"} //nolint:gosec // the version does not matter
	return a
}

// webRows are the rows of a kind that asks over HTTP, with what good and old answers are.
func webRows(t *testing.T, with harness.With, good string, value int64, old row) map[string]row {
	spec := harness.ProbeSpec{With: with}
	return map[string]row{
		"works":             {spec: spec, access: web(t, says(200, good)), ok: true, value: value},
		"refuses":           {spec: spec, access: web(t, says(503, good)), reached: true, says: "status 503"},
		"silent":            {spec: spec, access: web(t, silent), says: "no answer in time"},
		"wrong certificate": {spec: spec, access: distrusted(web(t, says(200, good))), reached: true, says: "unknown issuer"},
		"garbage":           {spec: spec, access: web(t, says(200, rubbish)), reached: true},
		"never-ending":      {spec: spec, access: web(t, endless), reached: true, says: "longer than"},
		"old answer":        old,
	}
}

func getRows(t *testing.T) map[string]row {
	hourOld := fmt.Sprintf(`{"as_of": %q}`, time.Now().Add(-time.Hour).Format(time.RFC3339))
	return webRows(t, harness.With{"path": "/stats", "pointer": "/orders/open"}, `{"orders": {"open": 7}}`, 7, row{
		spec:   harness.ProbeSpec{With: harness.With{"pointer": "/as_of", "unit": "age", "atMost": "1m"}},
		access: web(t, says(200, hourOld)), reached: true, says: "must be at most 1m"})
}

func patroniRows(t *testing.T) map[string]row {
	return webRows(t, harness.With{"value": "lag", "member": "b"},
		`{"members": [{"name": "a", "role": "leader", "state": "running"}, {"name": "b", "role": "replica", "lag": 512}]}`, 512, row{
			spec: harness.ProbeSpec{With: harness.With{"value": "lag", "member": "b"}}, reached: true, says: "does not know the lag",
			access: web(t, says(200, `{"members": [{"name": "b", "role": "replica", "state": "stopped", "lag": "unknown"}]}`))})
}

func prometheusRows(t *testing.T) map[string]row {
	sample := func(at time.Time) string {
		return fmt.Sprintf(`{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [%d.5, "0.0125"]}]}}`, at.Unix())
	}
	with := harness.With{"query": "a/b", "unit": "share"}
	return webRows(t, with, sample(time.Now()), 12_500, row{spec: harness.ProbeSpec{With: with}, reached: true, says: "old",
		access: web(t, says(200, sample(time.Now().Add(-time.Hour))))})
}

// listening serves each connection of a TCP port.
func listening(t *testing.T, serve func(net.Conn)) harness.Access {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				serve(c)
			}()
		}
	}()
	return harness.Access{Address: l.Addr().String(), User: "u", Database: "d"}
}

// closed is a port that nobody listens on.
func closed(t *testing.T) harness.Access {
	return harness.Access{Address: "127.0.0.1:" + freePort(t), User: "u", Database: "d"}
}

func mute(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func garbles(c net.Conn) {
	_, _ = io.WriteString(c, rubbish)
	mute(c)
}

func floods(c net.Conn) {
	for {
		if _, err := c.Write([]byte(strings.Repeat(rubbish, 1000))); err != nil {
			return
		}
	}
}

// full is a port whose queue of connections has no room: a packet there is not answered.
func fullPort(t *testing.T) harness.Access {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	at, _ := syscall.Getsockname(fd)
	address := fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port)
	for range 4 {
		if c, err := net.DialTimeout("tcp", address, 200*time.Millisecond); err == nil {
			t.Cleanup(func() { _ = c.Close() })
		}
	}
	return harness.Access{Address: address}
}

func connectRows(t *testing.T) map[string]row {
	const nothing = "nothing is said on its connection"
	return map[string]row{
		"works": {access: listening(t, mute), ok: true, value: 1}, "refuses": {access: closed(t), says: "connection refused"},
		"silent": {access: fullPort(t), says: "no answer in time"}, "wrong certificate": {none: nothing}, "garbage": {none: nothing},
		"never-ending": {none: nothing}, "old answer": {none: nothing},
	}
}

// withTLS asks for TLS on a way that has none.
func withTLS(a harness.Access) harness.Access {
	a.Database = ""
	return distrusted(a)
}

func certificateRows(t *testing.T) map[string]row {
	good := web(t, says(200, ""))
	days := int64(time.Until(certificateOf(t, good).NotAfter) / day)
	old := good
	old.TLS = good.TLS.Clone()
	old.TLS.Time = func() time.Time { return certificateOf(t, good).NotAfter.Add(time.Hour) }
	return map[string]row{
		"works": {access: good, ok: true, value: days}, "refuses": {access: withTLS(closed(t)), says: "connection refused"},
		"silent": {access: withTLS(listening(t, mute)), says: "no answer in time"}, "wrong certificate": {access: distrusted(good), reached: true, says: "unknown issuer"},
		"garbage": {access: withTLS(listening(t, garbles)), reached: true, says: "TLS"}, "never-ending": {access: withTLS(listening(t, floods)), reached: true, says: "TLS"},
		"old answer": {access: old, reached: true, says: "certificate expired"},
	}
}

func certificateOf(t *testing.T, a harness.Access) *x509.Certificate {
	c, err := tls.Dial("tcp", a.Address, a.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0]
}

// impostor is a PostgreSQL server that goes on with TLS, with a certificate that nobody trusts.
func impostor(t *testing.T) harness.Access {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	t.Cleanup(s.Close)
	a := listening(t, func(c net.Conn) {
		asked := make([]byte, 8)
		if _, err := io.ReadFull(c, asked); err != nil || binary.BigEndian.Uint32(asked[4:]) != 80877103 {
			return
		}
		_, _ = io.WriteString(c, "S")
		_ = tls.Server(c, s.TLS).Handshake()
	})
	return distrusted(a)
}

// program tells whether there is one.
func program(t *testing.T, name string) {
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("no %s on the PATH: install it to run this test", name)
	}
}
