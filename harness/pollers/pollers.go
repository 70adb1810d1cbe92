// Package pollers asks alert channels for their state, one file per kind: incidents of a pager, alerts of a manager, entries of a list.
//
// What it finds is a state that was seen, between a look that did not show it and one that did. It never receives anything, never
// acknowledges, resolves or changes anything, and asks no more often than it is told.
package pollers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/jsonpointer"
	"blackstart/internal/registry"
	"blackstart/internal/web"
)

// Poller is one kind, with its parameters.
type Poller interface {
	// Poll asks once and gives all that is open now. Each has a DedupKey that is the same at every look, and no time.
	Poll(ctx context.Context, around Around) ([]harness.Arrival, error)
	// Carries tells which fields of an Arrival it can fill in, by the names that an objective uses.
	Carries() map[string][]string
}

// Around is what a poll is made with.
type Around struct {
	Secrets component.Secrets
	Pins    func(address string) ([]string, error) // as call.Around has it; nil: nobody is pinned
	Label   string                                 // name of the label whose value is kept, "" for none
}

// Kinds are the kinds of channel that are polled.
var Kinds registry.Registry[Poller]

// MaxStates bounds what one poll may show.
const MaxStates = 1000

// states are the two events of a state: it is there, and it is no more.
var states = []string{"trigger", "resolve"}

// source is what every kind asks over HTTP.
type source struct {
	url     string
	tls     target.TLS
	headers []target.Header
}

// wrong says what is wrong with a source.
func (s source) wrong(t *target.Target) (key, wrong, hint string) {
	u, bad := target.WebAddress(s.url)
	switch {
	case bad != "":
		return "url", bad, "write one such as https://alertmanager.example.com"
	case t.Foreign(u.Hostname()):
		return "url", "is not shown to be on this machine, and this is a rehearsal", "write an address of this machine, or environment: staging"
	}
	return target.WrongWeb(s.tls, u.Scheme == "https", s.headers)
}

// ask gets a JSON value from a path below the URL. path begins with a slash, or is "".
func (s source) ask(ctx context.Context, around Around, path string, more ...target.Header) (any, error) {
	u, wrong := target.WebAddress(s.url + path)
	if wrong != "" {
		return nil, fmt.Errorf("its URL %s", wrong)
	}
	var pins []string
	if around.Pins != nil {
		var err error
		if pins, err = around.Pins(target.ListenerOf(u)); err != nil {
			return nil, err
		}
	}
	headers := append(append([]target.Header{{Name: "Cache-Control", Value: "no-cache"}}, s.headers...), more...)
	a, err := around.Secrets.Ask(ctx, web.Question{Method: http.MethodGet, URL: u.String()}, s.tls, headers, pins...)
	switch {
	case err != nil:
		return nil, err
	case a.Status != http.StatusOK:
		return nil, &component.Refusal{Err: fmt.Errorf("it answers with status %d, not 200", a.Status)}
	case !slices.Contains([]string{"", "0"}, a.Header.Get("Age")): // RFC 9111: whatever a cache keeps says so
		return nil, errors.New("its answer comes from a cache: what it shows was so at another moment")
	case a.Over:
		return nil, fmt.Errorf("its answer has more than %d bytes", web.MaxAnswer)
	}
	v, err := jsonpointer.Decode(a.Body)
	if err != nil {
		return nil, fmt.Errorf("read its answer: %w", err)
	}
	return v, nil
}

// list reads a JSON list of entries.
func list(v any, read func(entry any) (harness.Arrival, error)) ([]harness.Arrival, error) {
	entries, ok := v.([]any)
	switch {
	case !ok:
		return nil, errors.New("its answer has no list where one is meant")
	case len(entries) > MaxStates:
		return nil, fmt.Errorf("it shows %d entries, and %d are read at most: ask for less", len(entries), MaxStates)
	}
	var all []harness.Arrival
	for i, e := range entries {
		a, err := read(e)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		if a.DedupKey == "" {
			return nil, fmt.Errorf("entry %d has no key that would tell it again", i+1)
		}
		all = append(all, a)
	}
	return all, nil
}

// Traits gives what the reader of target files must know of each kind.
func Traits() map[string]target.AlertTraits {
	all := map[string]target.AlertTraits{}
	for _, k := range Kinds.All() {
		p := k.New()
		_, labels := p.(interface{ Labels() })
		all[k.Name] = target.AlertTraits{Polled: true, Carries: p.Carries(), Labels: labels}
	}
	return all
}
