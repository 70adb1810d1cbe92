package receivers

import (
	"context"
	"net"
	"net/http"

	"blackstart/harness"
	"blackstart/internal/registry"
)

// Names of the channels that a rehearsal target's own configuration knows. A new channel has its name in its own file.
const (
	PagerDuty  = "pagerduty"
	Slack      = "slack"
	SMTP       = "smtp"
	StatusPage = "statuspage"
)

// Channel is our end of one alert path. One over HTTP has Path and Answer, and shares a listener with the others; one with a
// protocol of its own has Serve, and gets a listener of its own.
type Channel struct {
	// Carries tells which fields of an Arrival an accepted message fills in, by the names that an objective uses, and which
	// words each may hold; nil stands for any text. What is not here is never carried.
	Carries map[string][]string

	Path   string                                                   // that messages are posted to; one that ends in / takes all below it
	URL    func(token string) string                                // path with the token, where it is part of it; nil: Path
	Answer func(e *Endpoint, req *http.Request, body []byte) Answer // as the real service answers, refusals too

	Serve    func(e *Endpoint) Server
	Protocol string // of its own, as people write it; "": HTTP

	// Secret dresses the token as what a message of this drill carries, such as an address; nil: the token itself.
	Secret func(token string) string
}

// Server speaks a channel's own protocol.
type Server interface {
	Serve(l net.Listener) error
	Shutdown(ctx context.Context) error // lets what is being received finish
}

// Answer is what one HTTP message is answered, and what it said.
type Answer struct {
	Arrival harness.Arrival // Nonce, and what was said; the rest is filled in
	Status  int
	Kind    string // content type of Body
	Body    string
}

// Channels holds every channel.
var Channels registry.Registry[Channel]

// Protocol is what the status of an answer on a channel is of; HTTP also of a channel that this build does not have.
func Protocol(channel string) string {
	if k, ok := Channels.Get(channel); ok && k.New().Protocol != "" {
		return k.New().Protocol
	}
	return "HTTP"
}

// Endpoint is what our end of one channel works with.
type Endpoint struct {
	channel Channel
	name    string
	token   string // 32 hex digits
	all     *Receivers
	address string // of its own listener, "" over HTTP
}

// Secret is what a message of this drill carries on the channel.
func (e *Endpoint) Secret() string {
	if e.channel.Secret != nil {
		return e.channel.Secret(e.token)
	}
	return e.token
}

// Ours tells whether a message carries this drill's secret, in a time that does not depend on where it differs.
func (e *Endpoint) Ours(secret string) bool { return same(secret, e.Secret()) }

// Now is the moment by the drill's clock.
func (e *Endpoint) Now() harness.Stamp { return e.all.clock.Now() }

// Record keeps a message that was read to its end.
func (e *Endpoint) Record(a harness.Arrival) {
	a.Channel = e.name
	e.all.record(a)
}

// delivery says where the target is to send its alerts on the channel.
func (e *Endpoint) delivery() harness.Delivery {
	url := e.address
	if url == "" {
		url = "http://" + e.all.webAddr + e.path()
	}
	return harness.Delivery{Channel: e.name, URL: url, Secret: e.Secret()}
}

// path is where messages are posted to.
func (e *Endpoint) path() string {
	if e.channel.URL != nil {
		return e.channel.URL(e.token)
	}
	return e.channel.Path
}
