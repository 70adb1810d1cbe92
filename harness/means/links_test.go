package means_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/means"
	"blackstart/harness/target"
)

const (
	dbPort, otherPort, sshPort = "5432", "8080", "22"
)

// subject is the link of these tests, from a client in the west to a server in the east.
func subject(from, to string) means.Subject {
	return means.Subject{Run: "r-1", Component: target.Component{Name: "east.db", Region: "east"}, Address: net.JoinHostPort(to, dbPort),
		Link: target.Link{Name: "api-to-db", From: "west.api", To: "east.db"}, From: from}
}

func cutting(direction, region string) harness.Action {
	return harness.Action{Kind: harness.LinkCut, Region: region, Direction: direction, Links: []string{"api-to-db"}}
}

func kindOf(t *testing.T, name string, with map[string]any) means.Kind {
	t.Helper()
	k, ok := means.Means.Get(name)
	if !ok {
		t.Fatalf("there is no means %s", name)
	}
	made, err := k.Make(with)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func scriptsOf(t *testing.T, k means.Kind, act harness.Action, on means.Subject) lease.Scripts {
	t.Helper()
	s, err := k.Scripts(act, on)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// probed is what a link is found to be from its from end.
func (w *wires) probed(to, want string) {
	w.t.Helper()
	if got := w.succeeds("client", means.LinkProbe(to)); got != want {
		w.t.Fatalf("%s %s, want %s", to, got, want)
	}
}

// ownRules is a firewall as a host has it: what is open goes on, before anything else is asked.
const ownRules = `printf '%s\n' '*filter' ':OURS - [0:0]' '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT' '-A FORWARD -j OURS' '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT' \
'-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT' '-A OURS -p tcp -m tcp --dport 25 -j REJECT' COMMIT`

// wireCase is one means on one host of the wires.
type wireCase struct {
	name, kind, at string
	with           map[string]any
	from, to       string
	programs       string // of the host: "", legacy (the other firewall), or busybox (a small system)
	partly         []string
	gone           string
}

func list(words ...string) (all []any) {
	for _, w := range words {
		all = append(all, w)
	}
	return all
}

func wireCases() []wireCase {
	iptables := []string{"iptables -F CHAIN", "iptables -D HOOK -j CHAIN"}
	gone := "iptables -D FORWARD -j CHAIN 2>/dev/null; iptables -D INPUT -j CHAIN 2>/dev/null; iptables -D OUTPUT -j CHAIN 2>/dev/null; iptables -F CHAIN; iptables -X CHAIN"
	keep := list(watchAt)
	return []wireCase{
		{"iptables on the router", "link.iptables", "router", map[string]any{"where": "forward", "keep": keep}, clientAt, serverAt, "", iptables, gone},
		{"iptables on the router, legacy", "link.iptables", "router", map[string]any{"where": "forward", "keep": keep}, clientAt, serverAt, "legacy", iptables, gone},
		{"iptables, from anywhere", "link.iptables", "router", map[string]any{"where": "forward", "keep": keep}, "", serverAt, "", iptables, gone},
		{"iptables at the server", "link.iptables", "server", map[string]any{"where": "input", "keep": keep}, clientAt, serverAt, "", iptables, gone},
		{"iptables at the client", "link.iptables", "client", map[string]any{"where": "output", "keep": list("10.77.1.0/24"), "keepPort": float64(22)}, clientAt, serverAt, "", iptables, gone},
		{"ip6tables", "link.iptables", "router", map[string]any{"where": "forward"}, clientAt6, serverAt6, "", []string{"ip6tables -F CHAIN"}, "ip6tables -D FORWARD -j CHAIN; ip6tables -F CHAIN; ip6tables -X CHAIN"},
		{"nft on the router", "link.nft", "router", map[string]any{"where": "forward", "keep": keep}, clientAt, serverAt, "", []string{"nft flush chain inet TABLE rules", "nft delete chain inet TABLE HOOK"}, "nft delete table inet TABLE"},
		{"nft at the server", "link.nft", "server", map[string]any{"where": "input", "keep": keep}, "", serverAt, "", []string{"nft flush table inet TABLE", "nft flush chain inet TABLE HOOK"}, "nft delete table inet TABLE"},
		{"nft at the client", "link.nft", "client", map[string]any{"where": "output", "keep": list("10.77.1.0/24"), "keepPort": float64(22)}, clientAt, serverAt, "", []string{"nft flush chain inet TABLE rules"}, "nft delete table inet TABLE"},
		{"nft, IPv6", "link.nft", "router", map[string]any{"where": "forward"}, clientAt6, serverAt6, "", []string{"nft flush chain inet TABLE rules"}, "nft delete table inet TABLE"},
		{"iptables on a small system", "link.iptables", "router", map[string]any{"where": "forward", "keep": keep}, clientAt, serverAt, "busybox", iptables, gone},
		{"nft on a small system", "link.nft", "router", map[string]any{"where": "forward", "keep": keep}, clientAt, serverAt, "busybox", []string{"nft flush chain inet TABLE rules"}, "nft delete table inet TABLE"},
		{"both families", "link.iptables", "router", map[string]any{"where": "forward", "from": list(clientAt, clientAt6), "to": list(serverAt, serverAt6)}, "a.name", serverAt, "",
			[]string{"iptables -F CHAIN", "ip6tables -D FORWARD -j CHAIN"}, gone + "; ip6tables -D FORWARD -j CHAIN 2>/dev/null; ip6tables -F CHAIN; ip6tables -X CHAIN"},
	}
}

// TestALinkIsCutAndHealed tells the whole story of each packet filter: a black hole for what is new and what is open, nothing else
// touched, whoever takes it away in between is found, and afterwards the firewall is what it was.
func TestALinkIsCutAndHealed(t *testing.T) {
	mustRun(t, "ip", "iptables", "iptables-legacy", "iptables-nft", "nft", "busybox")
	for _, c := range wireCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.story(t)
		})
	}
}

// pathOf is a folder in which programs are those of another: of the legacy firewall, or of busybox.
func pathOf(t *testing.T, of string) string {
	t.Helper()
	at, programs := "/usr/sbin/xtables-legacy-multi", []string{"iptables", "iptables-save", "iptables-restore"}
	if of == "busybox" {
		at, programs = "/bin/busybox", []string{"sh", "grep", "sed", "sort", "cut", "id", "printf"}
	}
	dir := t.TempDir()
	for _, p := range programs {
		if err := os.Symlink(at, filepath.Join(dir, p)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (c wireCase) story(t *testing.T) {
	w := newWires(t)
	k := kindOf(t, c.kind, c.with)
	on := subject(c.from, c.to)
	s := scriptsOf(t, k, cutting(harness.Both, "east"), on)
	before := ""
	if c.programs != "" {
		before = "PATH=" + pathOf(t, c.programs) + ":$PATH\n"
		s.State, s.Do, s.Undo = before+s.State, before+s.Do, before+s.Undo
	}
	w.succeeds(c.at, before+ownRules+" | iptables-restore && "+ownRules+" | ip6tables-restore")
	from, to := clientAt, c.to
	if strings.Contains(to, ":") {
		from = clientAt6
	}
	db, other, ssh := w.listen(to, dbPort), w.listen(to, otherPort), w.listen(to, sshPort)
	open, another, watch := w.dial(db, from), w.dial(other, from), line{}
	if from == clientAt {
		watch = w.dial(ssh, watchAt)
	}
	wasBefore := w.firewall(c.at)
	if need := k.Needs(on); w.sh(c.at, before+need.Try).code != 0 || need.Reboot == "" || need.Ticket == "" || len(need.Programs) == 0 || len(need.Root) == 0 {
		t.Errorf("%+v: %+v", w.sh(c.at, before+need.Try), need)
	}
	if w.firewall(c.at) != wasBefore {
		t.Fatal("to try it changed something")
	}
	w.is(c.at, s, "free")
	w.succeeds(c.at, s.Do)
	w.probed(db.address, means.Silent)
	open.silent()
	w.probed(other.address, means.Answers)
	w.probed(net.JoinHostPort(to, "9999"), means.Refused)
	another.answers()
	if watch.conn != nil {
		watch.answers()
		w.dial(ssh, watchAt)
	}
	if c.from == "" { // everybody is cut off, but for the management
		w.dial(db, watchAt)
	}
	w.is(c.at, s, "cut")
	if n := w.succeeds(c.at, before+k.(means.Counting).Counter(cutting(harness.Both, "east"), on)); n == "0" || n == "" {
		t.Errorf("its rules have dropped %q packets", n)
	}
	wasCut := w.firewall(c.at)
	if w.succeeds(c.at, s.Do); w.firewall(c.at) != wasCut {
		t.Error("done twice, it is more than once")
	}
	w.succeeds(c.at, s.Undo)
	if err := open.hears(30 * time.Second); err != nil {
		t.Errorf("what was said into the silence never arrived: %v", err)
	}
	c.takenAway(w, s, before, wasBefore, db)
	w.succeeds(c.at, s.Undo)
	w.is(c.at, s, "free")
	if got := w.firewall(c.at); got != wasBefore {
		t.Errorf("the firewall is\n%s\nand was\n%s", got, wasBefore)
	}
}

// takenAway: somebody else takes the rules away, in part and whole, and an undo takes the rest.
func (c wireCase) takenAway(w *wires, s lease.Scripts, before, wasBefore string, db *port) {
	w.t.Helper()
	for _, take := range append(c.partly, c.gone) {
		w.succeeds(c.at, s.Do)
		found := w.firewall(c.at)
		chain := found[strings.Index(found, ":BS-")+1:]
		table := found[strings.Index(found, "table inet bs_")+len("table inet "):]
		hook := strings.ToUpper(fmt.Sprint(c.with["where"]))
		if strings.HasPrefix(take, "nft") {
			hook = strings.ToLower(hook)
		}
		w.succeeds(c.at, before+strings.NewReplacer("CHAIN", strings.Fields(chain)[0], "TABLE", strings.Fields(table)[0], "HOOK", hook).Replace(take))
		want := "partly"
		if take == c.gone {
			want = "free"
		}
		w.is(c.at, s, want)
		if want == "partly" && w.sh(c.at, s.Do).code == 0 {
			w.t.Errorf("%s: it was done over a part of itself", take)
		}
		w.succeeds(c.at, s.Undo)
		w.is(c.at, s, "free")
		if got := w.firewall(c.at); got != wasBefore {
			w.t.Errorf("after %s and an undo the firewall is\n%s\nand was\n%s", take, got, wasBefore)
		}
	}
	w.probed(db.address, means.Answers)
}
