package workloads

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// dnsTry bounds one exchange with the resolver; a lost datagram costs that.
	dnsTry = 400 * time.Millisecond
	// maxTTL bounds how long an answer may be kept, whatever it says.
	maxTTL = 24 * time.Hour
)

// resolver asks one DNS server for the IPv4 address of one name: by UDP, by TCP
// where the answer was cut. It keeps an answer for its TTL, or for hold where
// that is set. At most one question is under way at a time, so that a server
// which does not answer gets one question per dnsTry, not one per request.
type resolver struct {
	name   string // with its final dot
	server string
	hold   time.Duration // 0: honour the TTL

	fixed netip.Addr // the name was an address: nothing to ask

	mu      sync.Mutex // guards what follows
	addr    netip.Addr
	expires time.Time
	flight  *flight // question under way, nil when there is none
}

type flight struct {
	done chan struct{}
	addr netip.Addr // with err, valid once done is closed
	err  error
}

func newResolver(name, server string, hold time.Duration) (*resolver, error) {
	if addr, err := netip.ParseAddr(name); err == nil {
		return &resolver{fixed: addr}, nil
	}
	if name == "" {
		return nil, errors.New("open workload: the entry point has no name")
	}
	if _, _, err := net.SplitHostPort(server); err != nil {
		return nil, fmt.Errorf("open workload: resolver %q of %s is not ip:port: %w", server, name, err)
	}
	return &resolver{name: dns.Fqdn(name), server: server, hold: hold}, nil
}

// lookup returns the address of the name. Its errors are errResolve.
func (r *resolver) lookup(deadline time.Time) (netip.Addr, error) {
	if r.fixed.IsValid() {
		return r.fixed, nil
	}
	for {
		now := time.Now()
		if !now.Before(deadline) {
			return netip.Addr{}, fmt.Errorf("%w: no answer from the resolver: %w", errResolve, os.ErrDeadlineExceeded)
		}
		r.mu.Lock()
		if now.Before(r.expires) {
			addr := r.addr
			r.mu.Unlock()
			return addr, nil
		}
		f, lead := r.flight, false
		if f == nil {
			f, lead = &flight{done: make(chan struct{})}, true
			r.flight = f
		}
		r.mu.Unlock()
		if lead {
			r.ask(f, min(deadline.Sub(now), dnsTry))
		} else if !waitFor(f.done, deadline) {
			continue
		}
		if f.err == nil {
			return f.addr, nil
		}
		if !errors.Is(f.err, os.ErrDeadlineExceeded) {
			return netip.Addr{}, fmt.Errorf("%w: %w", errResolve, f.err)
		}
	}
}

func waitFor(done <-chan struct{}, deadline time.Time) bool {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// ask puts the question and lands the flight.
func (r *resolver) ask(f *flight, timeout time.Duration) {
	asked := time.Now()
	addr, ttl, err := r.exchange(timeout)
	if r.hold > 0 {
		ttl = r.hold
	}
	r.mu.Lock()
	f.addr, f.err = addr, err
	if err == nil {
		r.addr, r.expires = addr, asked.Add(min(ttl, maxTTL))
	}
	r.flight = nil
	r.mu.Unlock()
	close(f.done)
}

func (r *resolver) exchange(timeout time.Duration) (netip.Addr, time.Duration, error) {
	question := new(dns.Msg)
	question.SetQuestion(r.name, dns.TypeA)
	client := dns.Client{Net: "udp", Timeout: timeout}
	answer, _, err := client.Exchange(question, r.server)
	if err == nil && answer.Truncated {
		client.Net = "tcp"
		answer, _, err = client.Exchange(question, r.server)
	}
	if err != nil {
		return netip.Addr{}, 0, deadlineOf(err)
	}
	if answer.Rcode != dns.RcodeSuccess {
		return netip.Addr{}, 0, fmt.Errorf("resolver says %s", dns.RcodeToString[answer.Rcode])
	}
	ttl := maxTTL
	var addr netip.Addr
	for _, rr := range answer.Answer {
		ttl = min(ttl, time.Duration(rr.Header().Ttl)*time.Second)
		if a, ok := rr.(*dns.A); ok && !addr.IsValid() {
			addr, _ = netip.AddrFromSlice(a.A.To4())
		}
	}
	if !addr.IsValid() {
		return netip.Addr{}, 0, errors.New("resolver knows no IPv4 address")
	}
	return addr, ttl, nil
}

// deadlineOf marks every kind of time-out as os.ErrDeadlineExceeded.
func deadlineOf(err error) error {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", os.ErrDeadlineExceeded, err)
	}
	return err
}
