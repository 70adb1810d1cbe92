package victim

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
	"blackstart/internal/shortage"
)

var _ = Checks.Add(registry.Kind[Kind]{
	Name:    string(harness.LinkSilent),
	Doc:     "Holds when a dial or a request through the link gets no answer of any kind. A refusal is an answer.",
	Example: "link.silent on outside→east.api",
	New:     func() Kind { return Kind{Scope: ScopeLink, Plan: linkSilent} },
})

// linkSilent finds out what is sent into the silence: the SYN of a dial, or one question. The dialling end of a link may
// stand inside a region; the address is the relay's, which is the same for everybody.
func linkSilent(v Victim, check harness.Check) (Ask, error) {
	link, to, err := v.Link(check.On)
	if err != nil {
		return nil, err
	}
	if ask, inside, err := v.fromInside(link, harness.LinkWordSilent); inside {
		return ask, err
	}
	switch link.Protocol {
	case "tcp":
		if to, err := netip.ParseAddrPort(link.Address); err != nil || !to.Addr().Is4() {
			return nil, fmt.Errorf("its address is %q: silence is the fate of packets to one IPv4 address, so write that address", link.Address)
		}
		return func(ctx context.Context, asked func()) error { return dialSilent(ctx, link.Address, asked) }, nil
	case "udp":
		name, err := v.datagram(to)
		return func(ctx context.Context, asked func()) error { return datagramSilent(ctx, link.Address, name, asked) }, err
	}
	return nil, unknownProtocol(link)
}

// judgeSilence judges an error of a question that was to go unanswered: only having waited long enough is silence.
func judgeSilence(err error, began time.Time) error {
	shortage.Note("a check", err)
	switch {
	case errors.Is(err, errAccepted):
		return otherwise{err}
	case timedOut(err) && time.Since(began) < silence:
		return fmt.Errorf("the time was over before %v of silence had passed", silence)
	case timedOut(err):
		return nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return found("it refuses connections, and a refusal is not silence")
	case errors.Is(err, syscall.ECONNRESET):
		return found("it resets connections, and a reset is not silence")
	}
	return fmt.Errorf("could not be asked: %w", err)
}

func datagramSilent(ctx context.Context, address, name string, asked func()) error {
	began := time.Now()
	err := askDatagram(ctx, address, name, silence, asked)
	if err == nil {
		return found("it answers questions")
	}
	return judgeSilence(err, began)
}
