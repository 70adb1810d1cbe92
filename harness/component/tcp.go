package component

import (
	"context"
	"net"

	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Kinds.Add(registry.Kind[Kind]{
	Name:    "tcp",
	Doc:     "Anything that listens on a port. Only whether it takes a connection is read: no version, no role, no identity.",
	Example: "{name: east.cache, kind: tcp, region: east, address: 10.1.0.7, port: 6379}",
	New:     func() Kind { return tcp{} },
})

type tcp struct{}

func (tcp) Traits() target.Traits { return target.Traits{} }

func (tcp) Look(ctx context.Context, at At) (Seen, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.Address)
	if err != nil {
		return Seen{}, err
	}
	return Seen{Also: "takes connections; nothing else is read", Ends: EndsOf(c)}, c.Close()
}
