package processes

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/relay"
)

// layout is where the processes of one run listen, and the links between them.
type layout struct {
	sockets string // short, because the path of a unix socket is limited
	apiPort int    // shared by the entries

	listen map[string]string      // by component, and outside.control: where its process listens
	links  map[string]*relay.Link // by name
}

// socketsFile names, in the target's directory, the directory of the sockets.
const socketsFile = "sockets"

// stateDir is where, in the target's directory, finrag's parts keep what they write.
const stateDir = "state"

// newLayout finds free addresses and opens the links, for a target in dir.
func newLayout(dir string, s finrag.Settings) (*layout, error) {
	l := &layout{listen: map[string]string{}, links: map[string]*relay.Link{}}
	if err := procs.MkdirAll(filepath.Join(dir, stateDir), 0o755); err != nil {
		return nil, fmt.Errorf("make the target's directory: %w", err)
	}
	var err error
	if l.sockets, err = makeSockets(socketRoots(dir)); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, socketsFile), []byte(l.sockets), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("make the directory of the sockets: %w", err), l.close())
	}
	if err := l.findAddresses(s); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// where says where everything is, as finrag's own parts see it.
func (l *layout) where(s *finrag.Site) finrag.Layout {
	w := finrag.Layout{
		Listen: l.listen, Inside: l.listen, Outside: map[string]string{}, WAL: l.links[finrag.WALLink].Addr(), Port: l.apiPort,
		Config: s.Config, Secret: s.Secret, TLS: s.Config,
		State:    func(name string) string { return filepath.Join(s.Dir, stateDir, name) },
		Releases: func(region string) string { return filepath.Join(s.Dir, "releases", region) },
	}
	for name, link := range l.links {
		if to, ok := strings.CutPrefix(name, "outside→"); ok {
			w.Outside[to] = link.Addr()
		}
	}
	return w
}

// findAddresses tries random x in 127.77.x until every address can be had.
func (l *layout) findAddresses(s finrag.Settings) error {
	var last error
	for range portTries {
		net := fmt.Sprintf("127.77.%d", rand.IntN(254)+1)
		if last = l.tryAddresses(net, s); last == nil {
			return nil
		}
		last = errors.Join(last, l.closeLinks())
	}
	return &Error{Component: "links", Err: last, Hint: "no free addresses were found in 127.77.0.0/16: end what listens there, or run again"}
}

func (l *layout) tryAddresses(net string, s finrag.Settings) error {
	hosts := map[string]string{east: net + ".11", west: net + ".12", outside: net + ".13"}
	places := map[string]string{
		"east.db": east, "east.api": east, "west.db": west, "west.api": west,
		"outside.dns": outside, "outside.control": outside, "outside.controller": outside,
	}
	if s.Cache {
		places["east.cache"], places["west.cache"] = east, west
	}
	clear(l.listen)
	for component, place := range places {
		addr, err := freeAddress(hosts[place], l.listen)
		if err != nil {
			return err
		}
		l.listen[component] = addr
	}
	eastEntry, westEntry := net+".1", net+".2"
	if err := l.open("outside→east.api", eastEntry+":0", "east.api"); err != nil {
		return err
	}
	_, port, err := splitPort(l.links["outside→east.api"].Addr())
	if err != nil {
		return err
	}
	l.apiPort = port
	return errors.Join(
		l.open("outside→west.api", fmt.Sprintf("%s:%d", westEntry, port), "west.api"),
		l.open("outside→east.db", eastEntry+":0", "east.db"),
		l.open("outside→west.db", westEntry+":0", "west.db"),
		l.open(finrag.WALLink, eastEntry+":0", "east.db"))
}

func (l *layout) open(name, listen, to string) error {
	link, err := relay.New(listen, l.listen[to])
	if err != nil {
		return err
	}
	l.links[name] = link
	return nil
}

// freeAddress finds an address on host that is free, for UDP too, and not yet given away.
func freeAddress(host string, given map[string]string) (string, error) {
	for range portTries {
		t, err := net.Listen("tcp", host+":0")
		if err != nil {
			return "", fmt.Errorf("find a free port on %s: %w", host, err)
		}
		addr := t.Addr().String()
		u, err := net.ListenPacket("udp", addr)
		_ = t.Close()
		if err != nil {
			continue
		}
		_ = u.Close()
		if !contains(given, addr) {
			return addr, nil
		}
	}
	return "", fmt.Errorf("find a free port on %s: none in %d tries", host, portTries)
}

func contains(m map[string]string, value string) bool {
	for _, v := range m {
		if v == value {
			return true
		}
	}
	return false
}

func (l *layout) closeLinks() error {
	var errs []error
	for name, link := range l.links {
		errs = append(errs, link.Close())
		delete(l.links, name)
	}
	return errors.Join(errs...)
}

// close closes the links and removes the sockets. Everything else stays, for the pack.
func (l *layout) close() error {
	err := l.closeLinks()
	if l.sockets != "" {
		err = errors.Join(err, os.RemoveAll(l.sockets))
	}
	return err
}

func splitPort(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("read address %q: %w", addr, err)
	}
	port, err = strconv.Atoi(text)
	if err != nil {
		return "", 0, fmt.Errorf("read address %q: %w", addr, err)
	}
	return host, port, nil
}
