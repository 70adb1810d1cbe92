package means_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netns"

	"blackstart/harness/lease"
)

// wires are three machines: those who connect, a router, and those who are connected to, each a network namespace of its own. Nothing of
// the machine that runs the test is touched.
//
//	client 10.77.1.2, fd77:1::2 ──── 10.77.1.1 router 10.77.2.1 ──── server 10.77.2.2, fd77:2::2
type wires struct {
	t      *testing.T
	prefix string
}

var wireNumber atomic.Int32

const (
	clientAt, serverAt   = "10.77.1.2", "10.77.2.2"
	clientAt6, serverAt6 = "fd77:1::2", "fd77:2::2"
	watchAt              = "10.77.1.9" // of the management, in the network of the client
)

// mustRun skips a test that cannot be run here, and fails it where it must be.
func mustRun(t *testing.T, programs ...string) {
	t.Helper()
	why := ""
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			why = err.Error()
		}
	}
	if os.Getuid() != 0 {
		why = "network namespaces need root"
	}
	switch {
	case why != "" && os.Getenv("BLACKSTART_NEEDS_ENGINE") != "":
		t.Fatalf("%s must not be skipped here: %s", t.Name(), why)
	case why != "":
		t.Skip(why)
	case testing.Short():
		t.Skip("it waits for packets that do not come")
	}
}

func newWires(t *testing.T) *wires {
	t.Helper()
	w := &wires{t, fmt.Sprintf("bsl%d-%d-", os.Getpid(), wireNumber.Add(1))}
	for _, at := range []string{"client", "router", "server"} {
		w.does("ip netns add @" + at)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", w.prefix+at).Run() })
		w.does("ip -n @"+at+" link set lo up", "ip netns exec @"+at+" sysctl -q -w net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0")
	}
	for i, at := range []string{"client", "server"} {
		net4, net6 := fmt.Sprintf("10.77.%d.", i+1), fmt.Sprintf("fd77:%d::", i+1)
		w.does("ip -n @router link add "+at+" type veth peer name up0 netns @"+at, "ip -n @router link set "+at+" up", "ip -n @"+at+" link set up0 up",
			"ip -n @router addr add "+net4+"1/24 dev "+at, "ip -n @router addr add "+net6+"1/64 dev "+at+" nodad",
			"ip -n @"+at+" addr add "+net4+"2/24 dev up0", "ip -n @"+at+" addr add "+net6+"2/64 dev up0 nodad",
			"ip -n @"+at+" route add default via "+net4+"1", "ip -n @"+at+" -6 route add default via "+net6+"1")
	}
	w.does("ip -n @client addr add "+watchAt+"/24 dev up0", "ip netns exec @router sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
	return w
}

// does runs commands, in which @ stands for the begin of a namespace's name.
func (w *wires) does(lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		argv := strings.Fields(strings.ReplaceAll(line, "@", w.prefix))
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			w.t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
}

// ended is how a script ended.
type ended struct {
	code     int
	out      string // its one line
	complain string
	took     time.Duration
}

// sh runs a script in a namespace, or on this machine (""), with words before its shell.
func (w *wires) sh(at, script string, before ...string) ended {
	w.t.Helper()
	var argv []string
	if at != "" {
		argv = []string{"ip", "netns", "exec", w.prefix + at}
	}
	argv = append(append(argv, before...), "sh", "-c", script)
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	var out, complain strings.Builder
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &complain
	began := time.Now()
	err := cmd.Run()
	e := ended{out: strings.TrimSpace(out.String()), complain: strings.TrimSpace(complain.String()), took: time.Since(began)}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		e.code = exit.ExitCode()
	} else if err != nil {
		w.t.Fatalf("%v: %v", argv, err)
	}
	return e
}

// is asks State.
func (w *wires) is(at string, s lease.Scripts, want string) {
	w.t.Helper()
	if e := w.sh(at, s.State); e.code != 0 || e.out != want {
		w.t.Fatalf("it is %q (exit code %d: %s), want %s", e.out, e.code, e.complain, want)
	}
}

// succeeds runs a script that must.
func (w *wires) succeeds(at, script string, before ...string) string {
	w.t.Helper()
	e := w.sh(at, script, before...)
	if e.code != 0 {
		w.t.Fatalf("exit code %d: %s\n%s", e.code, e.complain, script)
	}
	return e.out
}

var neverTheSame = regexp.MustCompile(`(?m)^#.*$|\[\d+:\d+\]|packets \d+ bytes \d+`)

// firewall is everything that packets pass in a namespace, of every firewall, without counters.
func (w *wires) firewall(at string) string {
	w.t.Helper()
	all := ""
	for _, list := range []string{"iptables-nft-save", "iptables-legacy-save", "ip6tables-nft-save", "ip6tables-legacy-save", "nft list ruleset"} {
		all += list + "\n" + neverTheSame.ReplaceAllString(w.succeeds(at, list+" 2>/dev/null"), "") + "\n"
	}
	return all
}

// in does something in a namespace: what is opened there stays there. Its thread ends with it.
func (w *wires) in(at string, do func() error) error {
	ended := make(chan error)
	go func() {
		runtime.LockOSThread()
		h, err := netns.GetFromName(w.prefix + at)
		if err == nil {
			err = netns.Set(h)
			_ = h.Close()
		}
		if err == nil {
			err = do()
		}
		ended <- err
	}()
	return <-ended
}

// port is a server that says what it hears, and counts it.
type port struct {
	address string
	heard   atomic.Int64
}

func (w *wires) listen(host, number string) *port {
	w.t.Helper()
	p := &port{address: net.JoinHostPort(host, number)}
	var l net.Listener
	if err := w.in("server", func() (err error) { l, err = net.Listen("tcp", p.address); return err }); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				b := make([]byte, 100)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					p.heard.Add(int64(n))
					if _, err = c.Write(b[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return p
}

// line is an open connection of a client.
type line struct {
	t    *testing.T
	conn net.Conn
}

func (w *wires) dial(p *port, from string) line {
	w.t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	var c net.Conn
	if err := w.in("client", func() (err error) { c, err = d.Dial("tcp", p.address); return err }); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	l := line{w.t, c}
	l.answers()
	return l
}

// says sends a word, and hears it again within a time.
func (l line) says(within time.Duration) error {
	if _, err := io.WriteString(l.conn, "word"); err != nil {
		return err
	}
	return l.hears(within)
}

func (l line) hears(within time.Duration) error {
	_ = l.conn.SetReadDeadline(time.Now().Add(within))
	_, err := io.ReadFull(l.conn, make([]byte, 4))
	return err
}

func (l line) answers() {
	l.t.Helper()
	if err := l.says(10 * time.Second); err != nil {
		l.t.Fatalf("an open connection: %v", err)
	}
}

// silent: neither an answer nor an end, to what is said.
func (l line) silent() {
	l.t.Helper()
	if err := l.says(time.Second); !errors.Is(err, os.ErrDeadlineExceeded) {
		l.t.Fatalf("an open connection that is cut: %v, want silence", err)
	}
}
