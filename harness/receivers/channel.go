package receivers

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"reflect"

	"blackstart/harness"
	"blackstart/internal/registry"
	"blackstart/internal/strictyaml"
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

	Labels     bool                    // messages carry labels, by any name
	BadKey     func(key string) string // what is wrong with a key that a target has, "" for nothing; nil: any will do
	Parameters any                     // pointer to the parameters that a target file gives, by their tags; nil: it takes none
}

// Server speaks a channel's own protocol.
type Server interface {
	Serve(l net.Listener) error
	Shutdown(ctx context.Context) error // lets what is being received finish
}

// Answer is what one HTTP message is answered, and what it said.
type Answer struct {
	Arrival harness.Arrival   // Nonce, and what was said; the rest is filled in
	More    []harness.Arrival // of a message that tells of several things
	Status  int
	Kind    string // content type of Body
	Body    string
}

// Channels holds every channel.
var Channels registry.Registry[Channel]

// New makes a channel of a kind with the parameters that a target file gives it.
func New(kind string, with map[string]any) (Channel, error) {
	k, ok := Channels.Get(kind)
	if !ok {
		return Channel{}, fmt.Errorf("there is no channel %q", kind)
	}
	c := k.New()
	switch {
	case c.Parameters != nil:
		return c, strictyaml.Fill(kind, with, c.Parameters)
	case len(with) > 0:
		return c, fmt.Errorf("%s takes no parameters: remove `with:`", kind)
	}
	return c, nil
}

// Parameters gives, by kind, the zero value of the struct of its parameters, nil for a kind that takes none.
func Parameters() map[string]any {
	all := map[string]any{}
	for _, k := range Channels.All() {
		all[k.Name] = nil
		if p := k.New().Parameters; p != nil {
			all[k.Name] = reflect.ValueOf(p).Elem().Interface()
		}
	}
	return all
}

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
	secret  string // what a message of this drill carries
	path    string // where messages are posted to
	label   string // name of the label that is kept, "" for none
	all     *Receivers
	address string      // of its own listener, "" over the one that channels share
	tls     *tls.Config // nil: none
}

// TLS is what our end shows; nil for none. A channel with a protocol of its own sees to it.
func (e *Endpoint) TLS() *tls.Config { return e.tls }

// Ours tells whether a message carries this drill's secret, in a time that does not depend on where it differs.
func (e *Endpoint) Ours(secret string) bool { return same(secret, e.secret) }

// Label is what is kept of the labels of a message: the value of the one that tells whose it is.
func (e *Endpoint) Label(of func(name string) string) string {
	if e.label == "" {
		return ""
	}
	return of(e.label)
}

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
		url = "http://" + e.all.webAddr + e.path
	}
	return harness.Delivery{Channel: e.name, URL: url, Secret: e.secret}
}
