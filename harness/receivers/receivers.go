// Package receivers holds our own ends of the alert paths: PagerDuty Events v2, Slack incoming webhook, SMTP and a status
// page, so that "the alert went out" is measured where it arrives.
//
// It validates what it gets as the real services do and stamps each arrival when its last byte has been read. It never
// forwards anything to a real service, never stores a routing key, token or recipient address, and never judges whether
// an alert was in time.
package receivers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"blackstart/harness"
)

// Limits of the receivers.
const (
	MaxArrivals    = 2_000     // arrivals kept, as many as a record has room for; later ones are answered and counted, not kept
	MaxConnections = 256       // open connections of each listener
	maxBody        = 512 << 10 // bytes of one PagerDuty event, as the real service takes, and of any other HTTP body
	ioTimeout      = 10 * time.Second
	closeTimeout   = 2 * time.Second // grace of messages being received when the receivers close
	minNonce       = 16              // characters below which a nonce could be met by chance
)

// Options says how the receivers are started.
type Options struct {
	Clock     *harness.Clock
	Nonce     string                // random, one per drill, at least 16 characters; every secret is derived from it
	Host      string                // address to listen on; empty: 127.0.0.1
	Fixed     []Fixed               // not nil: the only ends there are, at addresses and with keys of the target's own; Nonce and Host are for no other
	OnArrival func(harness.Arrival) // called for every arrival, one at a time, before it is answered; must not block
}

// Receivers are the listening ends. All methods may be called at any time and from any goroutine.
type Receivers struct {
	clock    *harness.Clock
	secrets  secrets
	ends     []*Endpoint // in the order of the channels' names, or of Options.Fixed
	webAddr  string
	servers  []*runningServer
	serving  sync.WaitGroup // their Serve loops
	onArrive func(harness.Arrival)
	closing  sync.Once

	recording sync.Mutex // held while one arrival is recorded and told; guards closed
	closed    bool

	mu       sync.Mutex // guards the rest
	arrivals []harness.Arrival
	dropped  int
	throttle int // PagerDuty events still to be answered with 429
}

// Start opens the receivers on free ports. ctx bounds the opening only: they receive until Close.
func Start(ctx context.Context, o Options) (*Receivers, error) {
	if o.Clock == nil {
		return nil, errors.New("start receivers: no clock given")
	}
	if o.Fixed != nil {
		return startFixed(ctx, o)
	}
	if len(o.Nonce) < minNonce {
		return nil, fmt.Errorf("start receivers: the nonce has %d characters, at least %d are needed", len(o.Nonce), minNonce)
	}
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	r := &Receivers{clock: o.Clock, secrets: deriveSecrets(o.Nonce), onArrive: o.OnArrival}
	for _, k := range Channels.All() {
		r.ends = append(r.ends, r.derived(k.New(), k.Name))
	}
	var err error
	free := net.JoinHostPort(o.Host, "0")
	if r.webAddr, err = r.listen(ctx, free, webServer(r.ends...), nil); err != nil {
		return nil, fmt.Errorf("start HTTP receivers: %w", err)
	}
	for _, e := range r.ends {
		if e.channel.Serve == nil {
			continue
		}
		if e.address, err = r.listen(ctx, free, e.channel.Serve(e), nil); err != nil {
			r.Close()
			return nil, fmt.Errorf("start receiver of %s: %w", e.name, err)
		}
	}
	return r, nil
}

// derived is an end whose secret is this drill's alone.
func (r *Receivers) derived(c Channel, name string) *Endpoint {
	token := r.secrets.tokens[name]
	e := &Endpoint{channel: c, name: name, secret: token, path: c.Path, all: r}
	if c.Secret != nil {
		e.secret = c.Secret(token)
	}
	if c.URL != nil {
		e.path = c.URL(token)
	}
	return e
}

// Deliveries says where the target is to send its alerts and with which secrets, one for each channel.
func (r *Receivers) Deliveries() (all []harness.Delivery) {
	for _, e := range r.ends {
		all = append(all, e.delivery())
	}
	return all
}

// Arrivals is a copy of what has arrived so far, in the order in which it was recorded.
func (r *Receivers) Arrivals() []harness.Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]harness.Arrival(nil), r.arrivals...)
}

// Dropped counts the arrivals that were answered but not kept because MaxArrivals had been reached.
func (r *Receivers) Dropped() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// SetThrottle makes the PagerDuty end answer the next n events with 429, as the real one does to a noisy sender.
func (r *Receivers) SetThrottle(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.throttle = max(0, n)
}

// Close stops listening, lets messages that are being received finish for a short time, and waits for the serving
// goroutines. Nothing is recorded or told after it has returned. Closing twice does nothing; OnArrival must not call it.
func (r *Receivers) Close() {
	r.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		for _, s := range r.servers {
			s.close(ctx)
		}
		r.serving.Wait()
		r.recording.Lock()
		defer r.recording.Unlock()
		r.closed = true
	})
}

// throttled takes one from the throttle and tells whether there was one.
func (r *Receivers) throttled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.throttle == 0 {
		return false
	}
	r.throttle--
	return true
}

// record keeps an arrival, cleaned of secrets, and tells whoever wants to know.
func (r *Receivers) record(a harness.Arrival) {
	a.Summary = r.secrets.redactText(a.Summary, maxText)
	for _, field := range []*string{&a.Class, &a.Component, &a.Group} {
		*field = r.secrets.redactText(*field, maxText)
	}
	a.Source = r.secrets.redactText(a.Source, maxText)
	a.Severity = r.secrets.redactText(a.Severity, maxText)
	a.Event = r.secrets.redactText(a.Event, maxText)
	a.DedupKey = r.secrets.redactText(a.DedupKey, maxText)
	a.Label = r.secrets.redactText(a.Label, maxText)
	r.recording.Lock()
	defer r.recording.Unlock()
	if r.closed {
		return
	}
	r.addArrival(a)
	if r.onArrive != nil {
		r.onArrive(a)
	}
}

func (r *Receivers) addArrival(a harness.Arrival) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.arrivals) < MaxArrivals {
		r.arrivals = append(r.arrivals, a)
		return
	}
	r.dropped++
}
