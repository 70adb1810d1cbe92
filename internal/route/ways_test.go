package route

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lost is what is said once it is what is wanted, or what is said after ten seconds: the kernel takes its time to say what is heard.
func lost(w *Ways, want string) (got string) {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if got = w.Lost(); got == want || time.Now().After(end) {
			return got
		}
	}
}

const inside = "BLACKSTART_ROUTE_INSIDE"

// TestLostWays takes a machine's own network away in a namespace of its own, one way after another, and gives it back.
func TestLostWays(t *testing.T) {
	if os.Getenv(inside) == "" {
		if os.Geteuid() != 0 {
			t.Skip("a namespace of the network needs root")
		}
		if _, err := exec.LookPath("ip"); err != nil {
			t.Skip("ip is not installed: apt-get install iproute2")
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestLostWays$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=yes")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestLostWays") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	ip := func(words string) {
		t.Helper()
		if out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", words, err, out)
		}
	}
	for _, words := range []string{
		"link set lo up",
		"link add a0 type veth peer name a1", "addr add 10.9.1.1/24 dev a0", "link set a0 up", "link set a1 up",
		"link add b0 type veth peer name b1", "addr add 10.9.2.1/24 dev b0", "link set b0 up", "link set b1 up",
		"route add 10.9.3.0/24 via 10.9.1.254",
	} {
		ip(words)
	}
	addresses := []netip.Addr{netip.MustParseAddr("10.9.1.7"), netip.MustParseAddr("10.9.2.7"), netip.MustParseAddr("10.9.3.7"),
		netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.9.1.1"), netip.MustParseAddr("10.9.9.9")}
	w := WaysTo(addresses)
	if len(w.to) != 3 || w.Lost() != "" {
		t.Fatalf("%+v: %s", w, w.Lost())
	}
	for _, c := range []struct{ do, undo, want string }{
		{"link set a0 down", "link set a0 up;route add 10.9.3.0/24 via 10.9.1.254", "a0, by which it reached 10.9.1.7, is shut"},
		{"route del 10.9.3.0/24", "route add 10.9.3.0/24 via 10.9.1.254", "find the route to 10.9.3.7: network is unreachable"},
		{"link set a1 down", "link set a1 up", ""}, // one other end is away: it may be what is drilled
		{"link set a1 down;link set b1 down", "link set a1 up;link set b1 up", "nothing is heard any more on a0, b0"},
		{"link del b0", "", "b0, by which it reached 10.9.2.7, is gone"},
	} {
		for _, words := range strings.Split(c.do, ";") {
			ip(words)
		}
		if got := lost(w, c.want); got != c.want {
			t.Errorf("%s: %q, want %q", c.do, got, c.want)
		}
		if c.undo == "" {
			continue
		}
		for _, words := range strings.Split(c.undo, ";") {
			ip(words)
		}
		if got := lost(w, ""); got != "" {
			t.Errorf("after %s: %q", c.undo, got)
		}
	}
}
