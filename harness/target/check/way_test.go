package check

import (
	"net/netip"
	"testing"

	"blackstart/harness/component"
)

// The way is that of the connection, whatever its name leads to, or nothing, by now.
func TestTheWayIsThatOfTheConnection(t *testing.T) {
	for _, c := range []struct{ address, local, remote, want string }{
		{"gone.invalid:5432", "127.0.0.3", "127.0.0.9", "127.0.0.9 from 127.0.0.3 by lo"},
		{"127.0.0.9:5432", "127.0.0.3", "127.0.0.9", "from 127.0.0.3 by lo"},
	} {
		if got := way(c.address, component.Ends{Local: netip.MustParseAddr(c.local), Remote: netip.MustParseAddr(c.remote)}); got != c.want {
			t.Errorf("%s: %q, want %q", c.address, got, c.want)
		}
	}
	if got := way("127.0.0.9:5432", component.Ends{}); got != "by a way that the kernel does not tell" {
		t.Errorf("without a connection: %q", got)
	}
}
