// Package ownaddress shows that an address is on this machine: its own, or that of a network namespace or container of it, by a way that
// does not leave it. It asks the kernel alone; nothing is sent.
//
// What cannot be shown is not so: a namespace that nobody may look into, an interface that may lead out, a bridge with one. What a packet
// filter makes of a packet on the way, or a program at its end, is not looked at.
package ownaddress

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// maxHops bounds the namespaces that a way may go through.
const maxHops = 8

// where namespaces are found: of each process, and those that have a name.
var where = []string{"/proc/thread-self/ns/net", "/proc/[0-9]*/ns/net", "/run/netns/*", "/run/docker/netns/*"}

// space is one network namespace of this machine.
type space struct {
	of     netns.NsHandle
	kernel *netlink.Handle
}

// Check says why it cannot be shown that an address is on this machine; nil if it is.
func Check(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
		return errors.New("it is the address of no machine")
	}
	if a.IsLoopback() {
		return nil
	}
	all, err := spaces()
	defer func() {
		for _, s := range all {
			s.kernel.Close()
			_ = s.of.Close()
		}
	}()
	if err != nil {
		return err
	}
	at := all[0]
	for range maxHops {
		next, err := at.hop(a, all)
		if err != nil || next == nil {
			return err
		}
		at = next
	}
	return fmt.Errorf("its way goes through more than %d network namespaces", maxHops)
}

// spaces are all namespaces that may be looked into, this process's own first.
func spaces() (all []*space, err error) {
	known := map[string]bool{}
	for _, pattern := range where {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return all, err
		}
		for _, path := range paths {
			h, err := netns.GetFromPath(path)
			if err != nil {
				continue // it has ended, or is somebody else's
			}
			id := h.UniqueId()
			kernel, err := netlink.NewHandleAt(h, 0)
			if len(all) == 0 && errors.Is(err, os.ErrPermission) {
				kernel, err = netlink.NewHandle() // one's own needs no right
			}
			if err != nil || known[id] {
				if err == nil {
					kernel.Close()
				}
				_ = h.Close()
				continue
			}
			known[id] = true
			all = append(all, &space{h, kernel})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the kernel says nothing of its network namespaces")
	}
	return all, nil
}

// hop gives the namespace that a packet to an address comes to next; nil where it is there.
func (s *space) hop(to netip.Addr, all []*space) (*space, error) {
	routes, err := s.kernel.RouteGet(to.AsSlice())
	if err != nil || len(routes) == 0 {
		return nil, fmt.Errorf("no way leads there: %w", errors.Join(err))
	}
	r := routes[0]
	if r.Type == unicast {
		link, err := s.kernel.LinkByIndex(r.LinkIndex)
		if err != nil {
			return nil, err
		}
		next := to
		if r.Gw != nil {
			next, _ = netip.AddrFromSlice(r.Gw)
			next = next.Unmap()
		}
		behind, err := s.behind(link, all)
		if err != nil {
			return nil, err
		}
		for _, n := range behind {
			if n.has(next) {
				return n, nil // where the address is its own it says so when it is asked for the way
			}
		}
		return nil, fmt.Errorf("no network namespace behind %s has %s", link.Attrs().Name, next)
	}
	if r.Type != local {
		return nil, errors.New("no way leads there")
	}
	return nil, nil
}

// Kinds of route, as the kernel numbers them.
const unicast, local = 1, 2

// behind lists the namespaces that an interface leads to. It is an error if it may lead off this machine.
func (s *space) behind(link netlink.Link, all []*space) ([]*space, error) {
	switch link.Type() {
	case "veth":
		at, peer, err := s.peer(link, all)
		if err != nil || peer.Attrs().MasterIndex == 0 {
			return []*space{at}, err
		}
		return at.bridged(peer.Attrs().MasterIndex, peer.Attrs().Index, all)
	case "bridge":
		return s.bridged(link.Attrs().Index, 0, all)
	}
	return nil, fmt.Errorf("it is reached by %s, an interface of kind %s, which may lead off this machine", link.Attrs().Name, link.Type())
}

// bridged lists the namespaces behind the ports of a bridge but one, and its own.
func (s *space) bridged(bridge, but int, all []*space) ([]*space, error) {
	found := []*space{s}
	links, err := s.kernel.LinkList()
	if err != nil {
		return nil, err
	}
	for _, port := range links {
		a := port.Attrs()
		if a.MasterIndex != bridge || a.Index == but {
			continue
		}
		if port.Type() != "veth" {
			return nil, fmt.Errorf("it is reached by a bridge that has the port %s, of kind %s, which may lead off this machine", a.Name, port.Type())
		}
		at, peer, err := s.peer(port, all)
		if err != nil {
			continue // of a namespace that nobody may look into: what is there is not found
		}
		if peer.Attrs().MasterIndex != 0 {
			return nil, fmt.Errorf("it is reached by a bridge whose port %s leads to another", a.Name)
		}
		found = append(found, at)
	}
	return found, nil
}

// peer finds the other end of a veth, and the namespace that it is in.
func (s *space) peer(link netlink.Link, all []*space) (*space, netlink.Link, error) {
	a := link.Attrs()
	if a.NetNsID < 0 {
		peer, err := s.kernel.LinkByIndex(a.ParentIndex)
		return s, peer, err
	}
	for _, other := range all {
		if id, err := s.kernel.GetNetNsIdByFd(int(other.of)); err == nil && id == a.NetNsID {
			peer, err := other.kernel.LinkByIndex(a.ParentIndex)
			return other, peer, err
		}
	}
	return nil, nil, fmt.Errorf("the other end of %s is in a network namespace that cannot be looked into", a.Name)
}

// has tells whether an address is one of the namespace's own.
func (s *space) has(a netip.Addr) bool {
	all, err := s.kernel.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return false
	}
	for _, own := range all {
		if ip, ok := netip.AddrFromSlice(own.IP); ok && ip.Unmap() == a {
			return true
		}
	}
	return false
}
