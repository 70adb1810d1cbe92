// Package route asks the kernel by which way a packet would leave this machine. It sends none.
package route

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// A Route is how a packet would leave.
type Route struct {
	Source    netip.Addr
	Interface string
	Gateway   netip.Addr // not valid where the other end is reached directly
}

// String is the way in words: "from 10.0.0.2 by eth0 via 10.0.0.1".
func (w Route) String() string {
	text := "from " + w.Source.String() + " by " + w.Interface
	if w.Gateway.IsValid() {
		text += " via " + w.Gateway.String()
	}
	return text
}

const maxReply = 8 << 10

// To asks for the way to an address.
func To(to netip.Addr) (Route, error) {
	to = to.Unmap().WithZone("")
	fail := func(err error) (Route, error) { return Route{}, fmt.Errorf("find the route to %s: %w", to, err) }
	if !to.IsValid() {
		return fail(errors.New("it is no address"))
	}
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return fail(err)
	}
	defer syscall.Close(fd) //nolint:errcheck // nothing was written to it that matters
	if err := syscall.Sendto(fd, request(to), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return fail(err)
	}
	reply := make([]byte, maxReply)
	n, _, err := syscall.Recvfrom(fd, reply, 0)
	if err != nil {
		return fail(err)
	}
	messages, err := syscall.ParseNetlinkMessage(reply[:n])
	if err != nil || len(messages) == 0 {
		return fail(errors.Join(err, errors.New("the kernel says nothing")))
	}
	m := messages[0]
	if m.Header.Type == syscall.NLMSG_ERROR && len(m.Data) >= 4 {
		return fail(syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data)))) //nolint:gosec // an errno, negated
	}
	w, err := parse(&m)
	if err != nil {
		return fail(err)
	}
	return w, nil
}

// request is RTM_GETROUTE for one address.
func request(to netip.Addr) []byte {
	family, bits, raw := byte(syscall.AF_INET), byte(32), to.AsSlice()
	if to.Is6() {
		family, bits = syscall.AF_INET6, 128
	}
	b := make([]byte, syscall.NLMSG_HDRLEN+syscall.SizeofRtMsg+syscall.SizeofRtAttr+len(raw))
	e := binary.NativeEndian
	e.PutUint32(b[0:], uint32(len(b))) //nolint:gosec // less than 100
	e.PutUint16(b[4:], syscall.RTM_GETROUTE)
	e.PutUint16(b[6:], syscall.NLM_F_REQUEST)
	b[syscall.NLMSG_HDRLEN], b[syscall.NLMSG_HDRLEN+1] = family, bits
	at := syscall.NLMSG_HDRLEN + syscall.SizeofRtMsg
	e.PutUint16(b[at:], uint16(syscall.SizeofRtAttr+len(raw))) //nolint:gosec // 8 or 20
	e.PutUint16(b[at+2:], syscall.RTA_DST)
	copy(b[at+4:], raw)
	return b
}

func parse(m *syscall.NetlinkMessage) (Route, error) {
	if len(m.Data) < syscall.SizeofRtMsg {
		return Route{}, errors.New("the kernel's answer is cut off")
	}
	attributes, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return Route{}, err
	}
	var w Route
	for _, a := range attributes {
		switch a.Attr.Type {
		case syscall.RTA_PREFSRC:
			w.Source, _ = netip.AddrFromSlice(a.Value)
		case syscall.RTA_GATEWAY:
			w.Gateway, _ = netip.AddrFromSlice(a.Value)
		case syscall.RTA_OIF:
			i, err := net.InterfaceByIndex(int(binary.NativeEndian.Uint32(a.Value)))
			if err != nil {
				return w, err
			}
			w.Interface = i.Name
		}
	}
	if w.Interface == "" || !w.Source.IsValid() {
		return w, errors.New("the kernel names no way")
	}
	return w, nil
}
