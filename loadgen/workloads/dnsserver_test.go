package workloads

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// nameServer is a DNS server on UDP and TCP for testName.
type nameServer struct {
	addr      string
	active    atomic.Value // string: address to answer
	ttl       atomic.Uint32
	rcode     atomic.Int32
	silent    atomic.Bool
	truncated atomic.Bool // answer UDP with the TC bit only
	asked     atomic.Int64
	askedTCP  atomic.Int64
}

func newNameServer(t *testing.T, active string, ttl uint32) *nameServer {
	t.Helper()
	pc, l := listenDNS(t)
	n := &nameServer{addr: pc.LocalAddr().String()}
	n.active.Store(active)
	n.ttl.Store(ttl)
	for _, s := range []*dns.Server{
		{PacketConn: pc, Handler: dns.HandlerFunc(n.serve)},
		{Listener: l, Handler: dns.HandlerFunc(n.serve)},
	} {
		up, down := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		go func() {
			defer close(down)
			_ = s.ActivateAndServe()
		}()
		<-up
		t.Cleanup(func() { _ = s.Shutdown(); <-down })
	}
	return n
}

// portTries is how often a test looks for a port that is free in two places.
const portTries = 50

// listenDNS listens on one port for UDP and TCP.
func listenDNS(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	var last error
	for range portTries {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", pc.LocalAddr().String())
		if err == nil {
			return pc, l
		}
		last = errors.Join(err, pc.Close())
	}
	t.Fatal(last)
	return nil, nil
}

// listenTwice listens on one port of two addresses.
func listenTwice(t *testing.T, a, b string) (net.Listener, net.Listener) {
	t.Helper()
	var last error
	for range portTries {
		la, err := net.Listen("tcp", net.JoinHostPort(a, "0"))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(la.Addr().String())
		lb, err := net.Listen("tcp", net.JoinHostPort(b, port))
		if err == nil {
			return la, lb
		}
		last = errors.Join(err, la.Close())
	}
	t.Fatal(last)
	return nil, nil
}

func (n *nameServer) serve(w dns.ResponseWriter, q *dns.Msg) {
	n.asked.Add(1)
	if n.silent.Load() {
		return
	}
	m := new(dns.Msg).SetReply(q)
	m.Rcode = int(n.rcode.Load())
	_, udp := w.RemoteAddr().(*net.UDPAddr)
	if !udp {
		n.askedTCP.Add(1)
	}
	switch {
	case udp && n.truncated.Load():
		m.Truncated = true
	case m.Rcode == dns.RcodeSuccess && n.active.Load().(string) != "":
		m.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: n.ttl.Load()},
			A:   net.ParseIP(n.active.Load().(string)),
		}}
	}
	_ = w.WriteMsg(m)
}
