package means_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/means"
)

var routerWith = map[string]any{"where": "forward", "keep": list(watchAt)}

// TestADirectionIsThatOfPackets cuts one direction, as it is spoken of from either region: what goes the other way arrives.
func TestADirectionIsThatOfPackets(t *testing.T) {
	mustRun(t, "ip", "iptables", "nft")
	t.Parallel()
	w := newWires(t)
	db := w.listen(serverAt, dbPort)
	for _, c := range []struct {
		kind, at, where, direction, region string
		arrives                            bool // what the client says
	}{
		{"link.iptables", "router", "forward", harness.In, "east", false}, {"link.iptables", "router", "forward", harness.Out, "east", true},
		{"link.iptables", "router", "forward", harness.In, "west", true},
		{"link.iptables", "server", "input", harness.In, "east", false}, {"link.iptables", "server", "input", harness.Out, "east", true},
		{"link.nft", "client", "output", harness.In, "east", false}, {"link.nft", "client", "output", harness.In, "west", true},
	} {
		with := map[string]any{"where": c.where, "keep": list(watchAt)}
		s := scriptsOf(t, kindOf(t, c.kind, with), cutting(c.direction, c.region), subject(clientAt, serverAt))
		open := w.dial(db, clientAt)
		w.succeeds(c.at, s.Do)
		w.is(c.at, s, "cut")
		heard := db.heard.Load()
		open.silent()
		if arrives := db.heard.Load() > heard; arrives != c.arrives {
			t.Errorf("%+v: what the client says arrives: %v", c, arrives)
		}
		w.succeeds(c.at, s.Undo)
		w.is(c.at, s, "free")
	}
}

// TestALockThatIsHeld: a firewall that somebody else is changing makes a Do fail in its time, and nothing of it is left; an Undo fails
// too, and can be tried again.
func TestALockThatIsHeld(t *testing.T) {
	mustRun(t, "ip", "iptables-legacy")
	t.Parallel()
	w := newWires(t)
	lock := filepath.Join(t.TempDir(), "lock")
	before := "PATH=" + pathOf(t, "legacy") + ":$PATH XTABLES_LOCKFILE=" + lock + "; export XTABLES_LOCKFILE\n"
	s := scriptsOf(t, kindOf(t, "link.iptables", routerWith), cutting(harness.Both, "east"), subject(clientAt, serverAt))
	s.State, s.Do, s.Undo = before+s.State, before+s.Do, before+s.Undo
	hold := func() func() {
		f, err := os.OpenFile(lock, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		return func() { _ = f.Close() }
	}
	release := hold()
	was := w.firewall("router")
	e := w.sh("router", s.Do)
	if e.code == 0 || e.took > time.Duration(s.Most)*time.Second || !strings.Contains(e.complain, "xtables lock") {
		t.Errorf("with the lock held: %+v", e)
	}
	w.is("router", s, "free")
	release()
	if got := w.firewall("router"); got != was {
		t.Errorf("a Do that failed left\n%s\nof\n%s", got, was)
	}
	w.succeeds("router", s.Do)
	release = hold()
	if e = w.sh("router", s.Undo); e.code == 0 || e.took > time.Duration(s.Most)*time.Second {
		t.Errorf("an Undo with the lock held: %+v", e)
	}
	w.is("router", s, "cut")
	release()
	w.succeeds("router", s.Undo)
	w.is("router", s, "free")
}

// TestRulesThatAreRefused: what one family takes and the other refuses leaves neither.
func TestRulesThatAreRefused(t *testing.T) {
	mustRun(t, "ip", "iptables")
	t.Parallel()
	w := newWires(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ip6tables-restore"), []byte("#!/bin/sh\necho it is refused >&2; exit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	with := map[string]any{"where": "forward", "from": list(clientAt, clientAt6), "to": list(serverAt, serverAt6)}
	s := scriptsOf(t, kindOf(t, "link.iptables", with), cutting(harness.Both, "east"), subject("", serverAt))
	if e := w.sh("router", "PATH="+dir+":$PATH\n"+s.Do); e.code == 0 {
		t.Errorf("%+v", e)
	}
	w.is("router", s, "free")
	if left := w.succeeds("router", "iptables-save"); strings.Contains(left, "BS-") {
		t.Error(left)
	}
}

// TestSomebodyStandsBeforeUs: a rule that others put before the jump may let through what is to vanish, so it is cut in part; one of
// another link of ours does not. An undo leaves theirs where it is.
func TestSomebodyStandsBeforeUs(t *testing.T) {
	mustRun(t, "ip", "iptables")
	t.Parallel()
	w := newWires(t)
	k := kindOf(t, "link.iptables", routerWith)
	on := subject(clientAt, serverAt)
	s := scriptsOf(t, k, cutting(harness.Both, "east"), on)
	on.Link.Name = "another"
	another := scriptsOf(t, k, cutting(harness.Both, "east"), on)
	w.succeeds("router", s.Do)
	w.succeeds("router", another.Do)
	w.is("router", s, "cut")
	w.is("router", another, "cut")
	w.succeeds("router", another.Undo)
	w.is("router", another, "free")
	w.is("router", s, "cut")
	w.succeeds("router", "iptables -I FORWARD 1 -m conntrack --ctstate ESTABLISHED -j ACCEPT")
	w.is("router", s, "partly")
	w.succeeds("router", s.Undo)
	w.is("router", s, "free")
	if rules := w.succeeds("router", "iptables -S FORWARD"); !strings.HasSuffix(rules, "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT") {
		t.Error(rules)
	}
}

// TestTwoFirewalls: a host whose kernel heeds nf_tables and the older one at once. Both are named, a cut by either holds, and one that
// was made by the program in use then is found and undone by the program in use now.
func TestTwoFirewalls(t *testing.T) {
	mustRun(t, "ip", "iptables", "iptables-legacy", "iptables-nft")
	t.Parallel()
	w := newWires(t)
	other := "PATH=" + pathOf(t, "legacy") + ":$PATH\n"
	db := w.listen(serverAt, dbPort)
	w.succeeds("router", "iptables-nft -A FORWARD -p tcp --dport 5432 -j ACCEPT; iptables-legacy -A FORWARD -p tcp --dport 5432 -j ACCEPT")
	k := kindOf(t, "link.iptables", routerWith)
	on := subject(clientAt, serverAt)
	s := scriptsOf(t, k, cutting(harness.Both, "east"), on)
	for _, script := range []string{s.State, k.Needs(on).Try} {
		if e := w.sh("router", script); e.code != 0 || !strings.Contains(e.complain, "two firewalls hold rules: 1 of iptables in nf_tables, 1 in legacy") ||
			!strings.Contains(e.complain, "(nf_tables) is the one in use here") {
			t.Errorf("%+v", e)
		}
	}
	for _, c := range [][2]string{{"", other}, {other, ""}} {
		w.succeeds("router", c[0]+s.Do)
		w.probed(db.address, means.Silent)
		if e := w.sh("router", c[1]+s.State); e.out != "cut" {
			t.Errorf("cut by the one and asked by the other: %+v", e)
		}
		if n := w.succeeds("router", c[1]+k.(means.Counting).Counter(cutting(harness.Both, "east"), on)); n == "0" {
			t.Error("cut by the one, and the other counts nothing")
		}
		w.succeeds("router", c[1]+s.Undo)
		w.probed(db.address, means.Answers)
	}
}

// TestWhatIsNotPermitted: whoever may not change the firewall is told so, with what is needed; with the lines of sudoers that a means
// asks for, and no others, all of it works.
func TestWhatIsNotPermitted(t *testing.T) {
	mustRun(t, "ip", "iptables", "nft", "sudo", "setpriv")
	t.Parallel()
	w := newWires(t)
	as := []string{"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"}
	file := fmt.Sprintf("/etc/sudoers.d/blackstart-test-%d", os.Getpid())
	t.Cleanup(func() { _ = os.Remove(file) })
	for _, kind := range []string{"link.iptables", "link.nft"} {
		k := kindOf(t, kind, routerWith)
		on := subject(clientAt, serverAt)
		if e := w.sh("router", k.Needs(on).Try, as...); e.code == 0 || !strings.Contains(last(e.complain), "fails for nobody") || !strings.Contains(last(e.complain), "needs root, or sudo") {
			t.Errorf("%s by nobody: %+v", kind, e)
		}
		if s := scriptsOf(t, k, cutting(harness.Both, "east"), on); w.sh("router", s.State, as...).code == 0 || w.sh("router", s.Do, as...).code == 0 || w.sh("router", s.Undo, as...).code == 0 {
			t.Errorf("%s: who may not look says how it is", kind)
		}
		on.Sudo = true
		if e := w.sh("router", k.Needs(on).Try, as...); e.code == 0 || !strings.Contains(last(e.complain), "fails for nobody") {
			t.Errorf("%s by nobody, whom sudo does not let: %+v", kind, e)
		}
		if err := os.WriteFile(file, []byte("nobody ALL=(root) NOPASSWD: "+strings.Join(k.Needs(on).Root, ", ")+"\n"), 0o440); err != nil {
			t.Fatal(err)
		}
		w.succeeds("router", k.Needs(on).Try, as...)
		s := scriptsOf(t, k, cutting(harness.Both, "east"), on)
		w.succeeds("router", s.Do, as...)
		if got := w.succeeds("router", s.State, as...); got != "cut" {
			t.Errorf("%s by sudo: %s", kind, got)
		}
		w.succeeds("router", k.(means.Counting).Counter(cutting(harness.Both, "east"), on), as...)
		w.succeeds("router", s.Undo, as...)
		w.is("router", s, "free")
		_ = os.Remove(file)
	}
	if e := w.sh("router", "PATH=/nonexistent\n"+strings.ReplaceAll(kindOf(t, "link.nft", routerWith).Needs(subject("", serverAt)).Try, `:/usr/local/sbin:/usr/sbin:/sbin"`, `"`)); e.code == 0 || !strings.Contains(last(e.complain), "there is no nft") {
		t.Errorf("without the program: %+v", e)
	}
}

func last(complaint string) string { return complaint[strings.LastIndex(complaint, "\n")+1:] }
