package means_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/means"
)

// echo is a server in a container that says what it hears.
const echo = `use IO::Socket::INET; $SIG{CHLD} = "IGNORE"; my $l = IO::Socket::INET->new(LocalPort => 5432, Listen => 9, ReuseAddr => 1) or die;
while (1) { my $c = $l->accept or next; if (!fork) { my $b; while (sysread($c, $b, 100)) { syswrite($c, $b) } exit } }`

// engineNetwork is a network of the engine with one container, which has a fixed address there or not.
func engineNetwork(t *testing.T, fixed bool) (network, container string) {
	t.Helper()
	network = fmt.Sprintf("blackstart-means-%d-%v", os.Getpid(), fixed)
	container = network + "-db"
	docker := func(words ...string) {
		t.Helper()
		if out, err := exec.Command("docker", words...).CombinedOutput(); err != nil {
			t.Fatalf("docker %v: %v: %s", words, err, out)
		}
	}
	docker("network", "create", "--subnet", map[bool]string{true: "172.31.243.0/24", false: "172.31.244.0/24"}[fixed], network)
	t.Cleanup(func() { _ = exec.Command("docker", "network", "rm", network).Run() })
	words := []string{"run", "-d", "--init", "--name", container, "--network", network, "--network-alias", "db", "--network-alias", "orders-db"}
	if fixed {
		words = append(words, "--ip", engineAt)
	}
	docker(append(words, "debian:bookworm-slim", "perl", "-e", echo)...)
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "-f", container).Run() })
	return network, container
}

const engineAt = "172.31.243.5"

// engineMustRun skips a test where there is no engine, and fails it where there must be one.
func engineMustRun(t *testing.T) {
	t.Helper()
	mustRun(t, "ip", "docker")
	if out, err := exec.Command("docker", "image", "inspect", "debian:bookworm-slim").CombinedOutput(); err != nil {
		if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
			t.Fatalf("%s must not be skipped here: %v: %s", t.Name(), err, out)
		}
		t.Skip(string(out))
	}
}

// TestAContainerIsUnplugged tells the story of a container that is taken off its network: nobody reaches it, what is open is silent, and
// it comes back with the address and the aliases that it had.
func TestAContainerIsUnplugged(t *testing.T) {
	engineMustRun(t)
	network, container := engineNetwork(t, true)
	w := &wires{t: t}
	with := map[string]any{"network": network, "container": container, "ip": engineAt, "aliases": list("orders-db", "db"), "links": list("api-to-db", "db-to-queue")}
	k := kindOf(t, "network.docker", with)
	on := subject("", engineAt)
	act := harness.Action{Kind: harness.LinkCut, Region: "east", Direction: harness.Both, Links: []string{"api-to-db", "db-to-queue"}}
	s := scriptsOf(t, k, act, on)
	on.Link.Name = "db-to-queue"
	second := scriptsOf(t, k, act, on)
	settings := func() string {
		return w.succeeds("", "docker inspect -f '{{range $n, $x := .NetworkSettings.Networks}}{{$n}} {{$x.IPAddress}} {{$x.IPAMConfig}} {{$x.MacAddress}} {{len $x.Aliases}}{{end}}' "+container)
	}
	var open line
	dial := func() (err error) {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", net.JoinHostPort(engineAt, dbPort), 2*time.Second); err == nil {
			open = line{t, c}
			t.Cleanup(func() { _ = c.Close() })
		}
		return err
	}
	for end := time.Now().Add(30 * time.Second); dial() != nil; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the container does not listen")
		}
	}
	open.answers()
	was := settings()
	w.succeeds("", k.Needs(on).Try)
	w.is("", s, "joined")
	w.is("", second, "joined")
	w.succeeds("", s.Do)
	w.is("", s, "cut")
	w.succeeds("", second.Do)
	w.is("", second, "cut")
	if len(second.Ours) > 0 || second.Held || strings.Join(second.Free, " ") != "joined cut" {
		t.Errorf("the second link of one plug: %+v", second)
	}
	open.silent()
	if got := w.succeeds("", means.LinkProbe(net.JoinHostPort(engineAt, dbPort))); got != means.Silent {
		t.Errorf("it %s", got)
	}
	w.succeeds("", s.Do)
	w.succeeds("", second.Undo)
	w.is("", s, "cut")
	if e := w.sh("", k.Needs(on).Try); e.code == 0 || !strings.Contains(e.complain, "is not on network") {
		t.Errorf("tried while it is off: %+v", e)
	}
	w.succeeds("", "docker restart -t 0 "+container) // the engine keeps it off
	w.is("", s, "cut")
	w.succeeds("", s.Undo)
	w.succeeds("", s.Undo)
	w.is("", s, "joined")
	if got := settings(); got != was {
		t.Errorf("it is back with %s, and had %s", got, was)
	}
	for end := time.Now().Add(30 * time.Second); dial() != nil; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is back, and does not answer")
		}
	}
	differs(t, w, with, act)
}

// differs: a container that is connected in another way than the file says is not touched.
func differs(t *testing.T, w *wires, with map[string]any, act harness.Action) {
	t.Helper()
	for key, other := range map[string]any{"ip": "172.31.243.6", "aliases": list("db"), "ip6": "fd00::5"} {
		changed := map[string]any{key: other}
		for k, v := range with {
			if k != key {
				changed[k] = v
			}
		}
		k := kindOf(t, "network.docker", changed)
		s := scriptsOf(t, k, act, subject("", engineAt))
		if e := w.sh("", s.State); e.out != "differs" || !strings.Contains(e.complain, "and not as the file says") {
			t.Errorf("%s: %+v", key, e)
		}
		if w.sh("", s.Do).code == 0 || w.sh("", s.Undo).code == 0 || !strings.Contains(last(w.sh("", k.Needs(subject("", engineAt)).Try).complain), "not on network") {
			t.Errorf("another %s was taken", key)
		}
	}
	k := kindOf(t, "network.docker", map[string]any{"network": "n", "container": "no-such-container", "ip": engineAt, "links": list("api-to-db")})
	if s := scriptsOf(t, k, act, subject("", engineAt)); w.sh("", s.State).code == 0 || w.sh("", s.Undo).code == 0 {
		t.Error("a container that does not exist is on a network, or off it")
	}
}

// TestAnAddressThatIsNotFixed is refused: the engine could give it to another meanwhile.
func TestAnAddressThatIsNotFixed(t *testing.T) {
	engineMustRun(t)
	network, container := engineNetwork(t, false)
	w := &wires{t: t}
	k := kindOf(t, "network.docker", map[string]any{"network": network, "container": container, "ip": "172.31.244.2", "aliases": list("db", "orders-db"), "links": list("api-to-db")})
	if e := w.sh("", k.Needs(subject("", "172.31.244.2")).Try); e.code == 0 || !strings.Contains(last(e.complain), "has no fixed address") {
		t.Errorf("%+v", e)
	}
	if e := w.sh("", k.Needs(subject("", "172.31.244.2")).Try, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"); e.code == 0 || !strings.Contains(last(e.complain), "fails for nobody") {
		t.Errorf("who may not speak to the engine: %+v", e)
	}
}
