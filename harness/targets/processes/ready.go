package processes

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/miekg/dns"
)

// get asks one URL and decodes its JSON answer. TLS goes to address, whatever
// the URL says, and is verified for the public name.
func (r *run) get(ctx context.Context, url, address string, into any) error {
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: r.ca.pool, ServerName: serverName, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %s", req.URL.Path, res.Status)
	}
	return json.NewDecoder(io.LimitReader(res.Body, maxAnswerBytes)).Decode(into)
}

// apiServes holds when the API is healthy and its index holds every document.
func (r *run) apiServes(region string) func(context.Context) error {
	return func(ctx context.Context) error {
		var health struct{ Status string }
		address := r.listen[region+".api"]
		if err := r.get(ctx, "https://"+serverName+"/health", address, &health); err != nil {
			return err
		}
		var detail struct{ Vector struct{ Count int } }
		if err := r.get(ctx, "https://"+serverName+"/health/detailed", address, &detail); err != nil {
			return err
		}
		if detail.Vector.Count < r.settings.Documents {
			return fmt.Errorf("its index holds %d of %d documents", detail.Vector.Count, r.settings.Documents)
		}
		return nil
	}
}

// nameResolves holds when the DNS server answers the public name with east's entry.
func (r *run) nameResolves(ctx context.Context) error {
	q := new(dns.Msg)
	q.SetQuestion(entryName, dns.TypeA)
	answer, _, err := new(dns.Client).ExchangeContext(ctx, q, r.listen["outside.dns"])
	if err != nil {
		return err
	}
	want, _, err := splitPort(r.links["outside→east.api"].Addr())
	if err != nil {
		return err
	}
	for _, rr := range answer.Answer {
		if a, ok := rr.(*dns.A); ok && a.A.String() == want {
			return nil
		}
	}
	return fmt.Errorf("it does not answer %s with %s", entryName, want)
}

// controllerWatches holds when the controller watches and has a complete sample
// of both regions, without which it could not judge a failover.
func (r *run) controllerWatches(ctx context.Context) error {
	address := r.listen["outside.controller"]
	var state struct {
		Phase     string
		Readiness *struct{ Complete bool }
	}
	if err := r.get(ctx, "http://"+address+"/state", address, &state); err != nil {
		return err
	}
	if state.Phase != "watching" {
		return fmt.Errorf("its phase is %q, not watching", state.Phase)
	}
	if state.Readiness == nil || !state.Readiness.Complete {
		return errors.New("it has no complete sample of both regions yet")
	}
	return nil
}

// cacheAnswers holds when Redis answers a PING.
func (r *run) cacheAnswers(region string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.listen[region+".cache"])
		if err != nil {
			return err
		}
		defer conn.Close()
		if deadline, ok := ctx.Deadline(); ok {
			_ = conn.SetDeadline(deadline) // fails only on a closed connection
		}
		if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
			return err
		}
		buf := make([]byte, len("+PONG"))
		if _, err := io.ReadFull(conn, buf); err != nil || string(buf) != "+PONG" {
			return fmt.Errorf("it answered %q to a PING: %w", buf, err)
		}
		return nil
	}
}
