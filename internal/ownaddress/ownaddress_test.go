package ownaddress

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netns"
)

// machine is a network namespace that this test stands in, and others behind it.
type machine struct {
	t      *testing.T
	prefix string
}

// newMachine moves the test's thread into a network namespace of its own, so that nothing of the real one is touched.
func newMachine(t *testing.T) machine {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
			t.Fatal("this must not be skipped here, and needs root")
		}
		t.Skip("network namespaces need root")
	}
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	h, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	m := machine{t, fmt.Sprintf("bs%d-", os.Getpid())}
	m.does("ip link set lo up")
	return m
}

// does runs commands, in which @ stands for the begin of a namespace's name.
func (m machine) does(lines ...string) {
	m.t.Helper()
	for _, line := range lines {
		argv := strings.Fields(strings.ReplaceAll(line, "@", m.prefix))
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			m.t.Fatalf("%s: %v %s", line, err, out)
		}
	}
}

// space adds a namespace with a name.
func (m machine) space(name string) {
	m.t.Helper()
	m.does("ip netns add @" + name)
	m.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", m.prefix+name).Run() })
}

// TestOnThisMachine asks for addresses of namespaces by every kind of way, and for such as only look like that.
func TestOnThisMachine(t *testing.T) {
	m := newMachine(t)
	for _, name := range []string{"direct", "router", "far", "left", "right", "loose", "mixed", "island"} {
		m.space(name)
	}
	m.does(
		// One that is reached directly, and one behind a router.
		"ip link add direct0 type veth peer name net0 netns @direct", "ip addr add 10.99.1.1/24 dev direct0", "ip link set direct0 up",
		"ip -n @direct addr add 10.99.1.2/24 dev net0", "ip -n @direct link set net0 up",
		"ip link add router0 type veth peer name desk netns @router", "ip addr add 10.99.2.1/24 dev router0", "ip link set router0 up",
		"ip -n @router addr add 10.99.2.2/24 dev desk", "ip -n @router link set desk up",
		"ip link add far0 netns @router type veth peer name net0 netns @far", "ip -n @router addr add 10.99.3.1/24 dev far0", "ip -n @router link set far0 up",
		"ip -n @far addr add 10.99.3.2/24 dev net0", "ip -n @far link set net0 up", "ip route add 10.99.3.0/24 via 10.99.2.2",
		// What the router would send off the machine.
		"ip -n @router tuntap add out mode tap", "ip -n @router addr add 10.99.8.1/24 dev out", "ip -n @router link set out up", "ip route add 10.99.8.0/24 via 10.99.2.2",
		// A bridge, as those of containers, and one with a port that may lead out.
		"ip link add br0 type bridge", "ip addr add 10.99.4.1/24 dev br0", "ip link set br0 up",
		"ip link add left0 type veth peer name eth0 netns @left", "ip link set left0 master br0", "ip link set left0 up", "ip -n @left addr add 10.99.4.2/24 dev eth0", "ip -n @left link set eth0 up",
		"ip link add right0 type veth peer name eth0 netns @right", "ip link set right0 master br0", "ip link set right0 up", "ip -n @right addr add 10.99.4.3/24 dev eth0", "ip -n @right link set eth0 up",
		"ip link add br1 type bridge", "ip addr add 10.99.5.1/24 dev br1", "ip link set br1 up", "ip tuntap add uplink mode tap", "ip link set uplink master br1", "ip link set uplink up",
		"ip link add mixed0 type veth peer name eth0 netns @mixed", "ip link set mixed0 master br1", "ip link set mixed0 up", "ip -n @mixed addr add 10.99.5.2/24 dev eth0", "ip -n @mixed link set eth0 up",
		// One that has an address which from here lies elsewhere.
		"ip -n @island tuntap add far9 mode tap", "ip -n @island addr add 10.99.6.2/24 dev far9", "ip -n @island link set far9 up",
		"ip tuntap add wan mode tap", "ip addr add 10.99.7.1/24 dev wan", "ip link set wan up", "ip route add default via 10.99.7.254",
	)
	for address, want := range map[string]string{
		"127.0.0.1": "", "::1": "", "::ffff:127.9.9.9": "", "10.99.1.1": "", "10.99.7.1": "",
		"10.99.1.2": "", "10.99.2.2": "", "10.99.3.2": "", "10.99.4.2": "", "10.99.4.3": "", "10.99.3.1": "",
		"10.99.1.3": "no network namespace behind direct0 has 10.99.1.3", "10.99.3.9": "no network namespace behind far0 has", "10.99.4.9": "behind br0 has 10.99.4.9",
		"10.99.5.2": "a bridge that has the port uplink, of kind tuntap", "10.99.6.2": "reached by wan, an interface of kind tuntap",
		"10.99.8.2": "reached by out, an interface of kind tuntap", "192.0.2.1": "reached by wan", "10.99.7.2": "reached by wan",
		"0.0.0.0": "no machine", "224.0.0.1": "no machine", "2001:db8::1": "no way leads there",
	} {
		err := Check(netip.MustParseAddr(address))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
	m.does("ip netns del @direct") // with what is behind it
	if err := Check(netip.MustParseAddr("10.99.1.2")); err == nil {
		t.Error("an address that nobody has any more is one of this machine")
	}
}

// TestALoopEnds: a way that goes round leads nowhere.
func TestALoopEnds(t *testing.T) {
	m := newMachine(t)
	m.space("a")
	m.does("ip link add a0 type veth peer name net0 netns @a", "ip addr add 10.99.1.1/24 dev a0", "ip link set a0 up", "ip -n @a addr add 10.99.1.2/24 dev net0", "ip -n @a link set net0 up",
		"ip route add 10.98.0.0/16 via 10.99.1.2", "ip -n @a route add 10.98.0.0/16 via 10.99.1.1")
	if err := Check(netip.MustParseAddr("10.98.0.1")); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%v", err)
	}
}
