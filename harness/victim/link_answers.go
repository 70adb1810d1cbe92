package victim

import (
	"context"
	"net"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Checks.Add(registry.Kind[Kind]{
	Name:    string(harness.LinkAnswers),
	Doc:     "Holds when something answers through the link: the other end itself, and not only a relay on the way.",
	Example: "link.answers on outside→east.api",
	New:     func() Kind { return Kind{Scope: ScopeLink, Plan: linkAnswers} },
})

// linkAnswers finds out what makes the other end speak.
func linkAnswers(v Victim, check harness.Check) (Ask, error) {
	link, to, err := v.Link(check.On)
	if err != nil {
		return nil, err
	}
	if ask, inside, err := v.fromInside(link, harness.LinkWordAnswers); inside {
		return ask, err
	}
	switch link.Protocol {
	case "tcp":
		greet, err := v.greetingOf(to)
		return func(ctx context.Context, _ func()) error { return dialAnswers(ctx, link.Address, greet) }, err
	case "udp":
		name, err := v.datagram(to)
		return func(ctx context.Context, _ func()) error { return datagramAnswers(ctx, link.Address, name) }, err
	}
	return nil, unknownProtocol(link)
}

// dialAnswers holds if a dial succeeds and the other end answers the greeting: a relay accepts for a dead end too.
func dialAnswers(ctx context.Context, address string, greet greeting) error {
	if what, err := exchange(ctx, address, greet); err != nil {
		return unanswered(what, err)
	}
	return nil
}

// exchange dials and greets. The error is that of the dial or of the greeting, whichever is named.
func exchange(ctx context.Context, address string, greet greeting) (what string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return "dial", err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // wakes whoever waits on it
	defer stop()
	return "greeting", greet(ctx, conn)
}

func datagramAnswers(ctx context.Context, address, name string) error {
	if err := askDatagram(ctx, address, name, answerTimeout, func() {}); err != nil {
		return unanswered("question", err)
	}
	return nil
}
