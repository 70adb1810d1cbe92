package containers

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/miekg/dns"
	"github.com/moby/moby/client"

	"blackstart/harness/targets/processes"
)

func split(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address, "" // only called with addresses of our own listeners
	}
	return host, port
}

// await asks until the component is ready, its container ends, or the limit has passed.
func (r *run) await(ctx context.Context, component string, limit time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		one, done := context.WithTimeout(ctx, askTimeout)
		err := ask(one)
		done()
		if err == nil {
			return nil
		}
		if running, askErr := r.running(ctx, component); askErr == nil && !running {
			return r.trouble(ctx, component, fmt.Errorf("its container has ended: %w", err))
		}
		select {
		case <-ctx.Done():
			return r.trouble(ctx, component, fmt.Errorf("not ready within %v: %w", limit, err))
		case <-time.After(pollEvery):
		}
	}
}

// trouble is an error about a component with the end of its log.
func (r *run) trouble(ctx context.Context, component string, err error) error {
	log := ""
	r.mu.Lock()
	id := r.units[component]
	r.mu.Unlock()
	if id != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		if r.engine.saveLog(ctx, id, r.logFile(component)) == nil {
			b, _ := os.ReadFile(r.logFile(component)) // an error without a log is still an error
			log = tail(string(b))
		}
	}
	return &Error{Component: component, Err: err, Log: log, Hint: hintFor(err.Error()+log, r.dir)}
}

func (r *run) running(ctx context.Context, component string) (bool, error) {
	r.mu.Lock()
	id := r.units[component]
	r.mu.Unlock()
	if id == "" {
		return false, nil
	}
	info, err := r.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return false, err
	}
	return info.Container.State != nil && info.Container.State.Running, nil
}

// takesQuestions holds when the database answers by the private path.
func (r *run) takesQuestions(component string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := r.connectTo(ctx, component, "postgres")
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	}
}

// streams holds when the standby streams, and counts as synchronous where it should.
func (r *run) streams(ctx context.Context) error {
	conn, err := r.connect(ctx, "east.db")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var state, sync string
	const ask = `SELECT coalesce(max(state), 'none'), coalesce(max(sync_state), 'none') FROM pg_stat_replication WHERE application_name = $1`
	if err := conn.QueryRow(ctx, ask, west).Scan(&state, &sync); err != nil {
		return err
	}
	if state != "streaming" {
		return fmt.Errorf("replication state is %s, not streaming", state)
	}
	if r.settings.Synchronous && sync != "sync" {
		return fmt.Errorf("the standby is %s, not synchronous", sync)
	}
	return r.takesQuestions("west.db")(ctx)
}

// get asks one URL and decodes its JSON answer. TLS goes to address, whatever the URL says, and is verified for the public
// name.
func (r *run) get(ctx context.Context, url, address string, into any) error {
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: r.ca.Pool, ServerName: processes.ServerName, MinVersion: tls.VersionTLS12},
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
	return json.NewDecoder(io.LimitReader(res.Body, answerLimit)).Decode(into)
}

// apiServes holds when the API is healthy and its index holds every document.
func (r *run) apiServes(region string) func(context.Context) error {
	address := join(r.gates[region+".api"].address[region], apiPort)
	return func(ctx context.Context) error {
		var health struct{ Status string }
		if err := r.get(ctx, "https://"+processes.ServerName+"/health", address, &health); err != nil {
			return err
		}
		var detail struct{ Vector struct{ Count int } }
		if err := r.get(ctx, "https://"+processes.ServerName+"/health/detailed", address, &detail); err != nil {
			return err
		}
		if detail.Vector.Count < r.settings.Documents {
			return fmt.Errorf("its index holds %d of %d documents", detail.Vector.Count, r.settings.Documents)
		}
		return nil
	}
}

// nameResolves holds when the DNS server answers the public name with east's address.
func (r *run) nameResolves(ctx context.Context) error {
	q := new(dns.Msg)
	q.SetQuestion(processes.EntryName, dns.TypeA)
	answer, _, err := new(dns.Client).ExchangeContext(ctx, q, r.outsideAddress(dnsPort))
	if err != nil {
		return err
	}
	want := r.gates["east.api"].address[upTo(east)]
	for _, rr := range answer.Answer {
		if a, ok := rr.(*dns.A); ok && a.A.String() == want {
			return nil
		}
	}
	return fmt.Errorf("it does not answer %s with %s", processes.EntryName, want)
}

// controllerWatches holds when the controller watches and has a complete sample of both regions, without which it could not
// judge a failover.
func (r *run) controllerWatches(ctx context.Context) error {
	address := r.outsideAddress(controllerPort)
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
	address := join(r.gates[region+".cache"].address[region], cachePort)
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
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

func (r *run) outsideAddress(port int) string { return join(r.gates[outside].address[outside], port) }
