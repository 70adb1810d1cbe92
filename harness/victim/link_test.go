package victim

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"blackstart/harness"

	"github.com/miekg/dns"
)

// testCA is a certificate that signed nothing which these tests serve.
var testCA = func() string {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}()

func TestDatabaseAnswers(t *testing.T) {
	asked := make(chan string, 1)
	address := serve(t, func(c net.Conn) {
		b := make([]byte, 8)
		_, _ = io.ReadFull(c, b)
		asked <- string(b)
		_, _ = io.WriteString(c, "N")
	})
	holds(t, target("postgres", "tcp", address), nil, one(harness.LinkAnswers))
	if got := <-asked; got != "\x00\x00\x00\x08\x04\xd2\x16\x2f" {
		t.Errorf("asked %q, want an SSLRequest", got)
	}
}

func TestRelayToADeadEndDoesNotAnswer(t *testing.T) {
	for _, kind := range []string{"postgres", "redis", "controller", "api", "dns"} {
		address := serve(t, func(net.Conn) {}) // it accepts and hangs up
		denies(t, target(kind, "tcp", address), nil, one(harness.LinkAnswers)[0], "without an answer")
	}
}

func TestMuteLinkDoesNotAnswer(t *testing.T) {
	denies(t, target("postgres", "tcp", listen(t).Addr().String()), nil, one(harness.LinkAnswers)[0], "greeting gets no answer")
	denies(t, target("postgres", "tcp", blackHole(t)), nil, one(harness.LinkAnswers)[0], "dial gets no answer")
	denies(t, target("postgres", "tcp", refusing(t)), nil, one(harness.LinkAnswers)[0], "dial is refused")
}

func TestAPIAnswers(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	address := s.Listener.Addr().String()
	holds(t, target("api", "tcp", address), nil, one(harness.LinkAnswers)) // its certificate has another name: an answer all the same

	plain := serve(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 5))
		_, _ = io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n")
	})
	denies(t, target("api", "tcp", plain), nil, one(harness.LinkAnswers)[0], "greeting fails")

	alert := serve(t, func(c net.Conn) {
		header := make([]byte, 5)
		_, _ = io.ReadFull(c, header)
		_, _ = io.CopyN(io.Discard, c, int64(header[3])<<8|int64(header[4]))
		_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 40}) // fatal handshake_failure
	})
	holds(t, target("api", "tcp", alert), nil, one(harness.LinkAnswers))

	noCA := target("api", "tcp", address)
	noCA.Entry.CAPEM = ""
	if _, err := Await(t.Context(), noCA, nil, one(harness.LinkAnswers), time.Hour, harness.NewClock()); err == nil {
		t.Error("an entry without a certificate was believed")
	}
}

func TestDatagrams(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := conn.LocalAddr().String()
	d := target("dns", "udp", address)
	holds(t, d, nil, one(harness.LinkSilent)) // it is bound, but nobody reads
	denies(t, d, nil, one(harness.LinkAnswers)[0], "question gets no answer")

	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(
		func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetReply(q)) })}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.ActivateAndServe() }()
	<-started
	holds(t, d, nil, one(harness.LinkAnswers))
	fails(t, d, nil, one(harness.LinkSilent), silence, "it answers questions")
	_ = server.Shutdown()
	<-ended
	_ = conn.Close()
	fails(t, d, nil, one(harness.LinkSilent), silence, "a refusal is not silence")
	denies(t, d, nil, one(harness.LinkAnswers)[0], "refused")
}
