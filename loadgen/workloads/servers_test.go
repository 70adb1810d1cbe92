package workloads

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"blackstart/loadgen"
)

const testName = "api.finrag.test"

// authority is a throw-away certificate authority.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	key, der := sign(t, template, nil)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func sign(t *testing.T, template *x509.Certificate, by *authority) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func (a *authority) certificate(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key, der := sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: until.Add(-2 * time.Hour), NotAfter: until,
	}, a)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// region is an HTTPS server that answers queries as finrag does.
type region struct {
	*httptest.Server
	port     int
	hits     atomic.Int64
	accepted atomic.Int64
	answer   atomic.Value // func(w, r); nil: the right answer
}

func newRegion(t *testing.T, name string, cert *tls.Certificate) *region {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newRegionOn(t, l, name, cert)
}

func newRegionOn(t *testing.T, l net.Listener, name string, cert *tls.Certificate) *region {
	t.Helper()
	r := &region{port: l.Addr().(*net.TCPAddr).Port}
	r.Server = &httptest.Server{Listener: l, Config: &http.Server{
		ErrorLog: nil,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.hits.Add(1)
			if f, ok := r.answer.Load().(func(http.ResponseWriter, *http.Request)); ok && f != nil {
				f(w, req)
				return
			}
			fmt.Fprintf(w, `{"region":%q,"build":"1","data_as_of":"now","results":[]}`, name)
		}),
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				r.accepted.Add(1)
			}
		},
	}}
	r.Config.ErrorLog = quiet()
	if cert == nil {
		r.Start()
	} else {
		r.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}}
		r.StartTLS()
	}
	t.Cleanup(r.Close)
	return r
}

// blackHole returns an address on host whose SYNs go unanswered.
func blackHole(t *testing.T, host string) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	ip := net.ParseIP(host).To4()
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte(ip)}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort(host, strconv.Itoa(sa.(*syscall.SockaddrInet4).Port))
	// One parked connection fills the queue.
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return addr
}

// rawServer accepts connections on loopback and hands each to serve.
func rawServer(t *testing.T, serve func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).Port
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// scriptedServer answers 200, or closes each connection while it is down.
type scriptedServer struct {
	port int
	mu   sync.Mutex
	down bool
	seen int // connections taken since it was last switched
}

func newScriptedServer(t *testing.T) *scriptedServer {
	s := &scriptedServer{}
	s.port = rawServer(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen++
		if !s.down {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"))
		}
	})
	return s
}

// set switches the server at one instant, which it returns.
func (s *scriptedServer) set(clock loadgen.Clock, down bool) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.seen = down, 0
	return clock.Now()
}

// hasSeen waits until the server has taken some connections since it was switched.
func (s *scriptedServer) hasSeen(t *testing.T, n int) {
	t.Helper()
	until(t, "the scripted server is asked", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.seen >= n
	})
}

// until waits for a condition, much longer than it can take.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}
