package finrag

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/miekg/dns"
)

// Await asks until the answer is yes, what is asked has ended, or the limit has passed.
func Await(ctx context.Context, limit time.Duration, ended func() bool, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		one, done := context.WithTimeout(ctx, askTimeout)
		err := ask(one)
		done()
		if err == nil {
			return nil
		}
		if ended() {
			return fmt.Errorf("it has ended: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready within %v: %w", limit, err)
		case <-time.After(pollEvery):
		}
	}
}

// client reaches one address, whatever a URL says.
func client(address string, trust *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   trust,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
}

// Get asks one URL and decodes its JSON answer. It goes to address, whatever
// the URL says, and TLS is verified for the public name.
func (s *Site) Get(ctx context.Context, url, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client(address, s.trust()).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %s", req.URL.Path, res.Status)
	}
	return json.NewDecoder(io.LimitReader(res.Body, answerLimit)).Decode(into)
}

// APIServes holds when the API is healthy and its index holds every document.
func (s *Site) APIServes(region string) func(context.Context) error {
	return func(ctx context.Context) error {
		var health struct{ Status string }
		address := s.Layout.Inside[region+".api"]
		if err := s.Get(ctx, "https://"+ServerName+"/health", address, &health); err != nil {
			return err
		}
		var detail struct{ Vector struct{ Count int } }
		if err := s.Get(ctx, "https://"+ServerName+"/health/detailed", address, &detail); err != nil {
			return err
		}
		if detail.Vector.Count < s.Settings.Documents {
			return fmt.Errorf("its index holds %d of %d documents", detail.Vector.Count, s.Settings.Documents)
		}
		return nil
	}
}

// NameResolves holds when the DNS server answers the public name with east's entry.
func (s *Site) NameResolves(ctx context.Context) error {
	q := new(dns.Msg)
	q.SetQuestion(EntryName, dns.TypeA)
	answer, _, err := new(dns.Client).ExchangeContext(ctx, q, s.Layout.Inside["outside.dns"])
	if err != nil {
		return err
	}
	want := hostOf(s.Layout.Outside["east.api"])
	for _, rr := range answer.Answer {
		if a, ok := rr.(*dns.A); ok && a.A.String() == want {
			return nil
		}
	}
	return fmt.Errorf("it does not answer %s with %s", EntryName, want)
}

// ControllerWatches holds when the controller watches and has a complete sample
// of both regions, without which it could not judge a failover.
func (s *Site) ControllerWatches(ctx context.Context) error {
	address := s.Layout.Inside["outside.controller"]
	var state struct {
		Phase     string
		Readiness *struct{ Complete bool }
	}
	if err := s.Get(ctx, "http://"+address+"/state", address, &state); err != nil {
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

// CacheAnswers holds when Redis answers a PING.
func (s *Site) CacheAnswers(region string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Layout.Inside[region+".cache"])
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

// Streams holds when the standby streams, and counts as synchronous where it should. connect leads to the primary.
func (s *Site) Streams(connect func(context.Context) (*pgx.Conn, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := connect(ctx)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		var state, sync string
		const ask = `SELECT coalesce(max(state), 'none'), coalesce(max(sync_state), 'none') FROM pg_stat_replication WHERE application_name = $1`
		if err := conn.QueryRow(ctx, ask, West).Scan(&state, &sync); err != nil {
			return err
		}
		if state != "streaming" {
			return fmt.Errorf("replication state is %s, not streaming", state)
		}
		if s.Settings.Synchronous && sync != "sync" {
			return fmt.Errorf("the standby is %s, not synchronous", sync)
		}
		return nil
	}
}
