package route

import (
	"net/netip"
	"syscall"
	"testing"
)

func TestTheKernelNamesTheWay(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "127.77.1.2", "::ffff:127.0.0.1"} {
		w, err := To(netip.MustParseAddr(address))
		if err != nil || w.Interface != "lo" || !w.Source.IsLoopback() || w.Gateway.IsValid() {
			t.Errorf("%s: %v, %v", address, w, err)
		}
	}
	w := Route{netip.MustParseAddr("10.0.0.2"), "eth0", netip.MustParseAddr("10.0.0.1")}
	if w.String() != "from 10.0.0.2 by eth0 via 10.0.0.1" {
		t.Error(w)
	}
}

// What names no way is none.
func TestNoWay(t *testing.T) {
	for _, data := range [][]byte{nil, make([]byte, syscall.SizeofRtMsg)} {
		if w, err := parse(&syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: syscall.RTM_NEWROUTE}, Data: data}); err == nil {
			t.Errorf("%d bytes name %v", len(data), w)
		}
	}
}
