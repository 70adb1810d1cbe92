package means_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness/lease"
	"blackstart/harness/means"
)

// connecting are the programs that a host may have, with where they are here; each is asked alone, when those before it do not work.
var connecting = map[string]string{"python3": "/usr/bin/python3", "perl": "/usr/bin/perl", "bash": "/bin/bash", "curl": "/usr/bin/curl", "nc": "/bin/nc.openbsd", "busybox": "/bin/busybox"}

// only makes a folder in which one of the programs works, and the others are there and fail.
func only(t *testing.T, program, at string) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range []string{"python3", "perl", "bash", "curl", "ncat", "nc", "busybox"} {
		if err := os.WriteFile(filepath.Join(dir, p), []byte("#!/bin/sh\necho this one is broken; exit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if program == "" {
		return dir
	}
	if err := os.Remove(filepath.Join(dir, program)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at, filepath.Join(dir, program)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestALinkIsAskedFromItsFromEnd: with each program that may be there, in each shell, and each kind of end.
func TestALinkIsAskedFromItsFromEnd(t *testing.T) {
	mustRun(t, "ip", "iptables", "ip6tables", "busybox", "perl", "curl", "python3", "nc.openbsd")
	t.Parallel()
	w := newWires(t)
	for _, host := range []string{serverAt, serverAt6} {
		w.listen(host, dbPort)
		rules := "iptables"
		if strings.Contains(host, ":") {
			rules = "ip6tables"
		}
		w.succeeds("server", rules+" -A INPUT -p tcp --dport 7001 -j DROP && "+rules+" -A INPUT -p tcp --dport 7002 -j REJECT --reject-with tcp-reset")
	}
	w.succeeds("server", "iptables -A INPUT -p tcp --dport 7003 -j REJECT --reject-with icmp-host-prohibited")
	for program, at := range connecting {
		with := "PATH=" + only(t, program, at) + ":$PATH\n"
		if program == "nc" {
			if _, err := os.Stat(at); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct{ host, port, want string }{
			{serverAt, dbPort, means.Answers}, {serverAt6, dbPort, means.Answers}, {serverAt, "7000", means.Refused}, {serverAt6, "7000", means.Refused},
			{serverAt, "7001", means.Silent}, {serverAt, "7002", means.Refused}, {serverAt, "7003", means.Refused},
		} {
			if e := w.sh("client", with+means.LinkProbe(net.JoinHostPort(c.host, c.port))); e.code != 0 || e.out != c.want {
				t.Errorf("%s, %s port %s: %+v, want %s", program, c.host, c.port, e, c.want)
			}
		}
	}
	w.probed(net.JoinHostPort(serverAt6, "7001"), means.Silent)
	w.probed("10.77.2.77:5432", means.Silent) // a router that has not yet found that nobody is there
	w.nobodyThere()
	if e := w.sh("client", "exec busybox sh -c "+lease.Quote(means.LinkProbe(net.JoinHostPort(serverAt, dbPort)))); e.out != means.Answers {
		t.Errorf("in another shell: %+v", e)
	}
	if e := w.sh("client", "PATH="+only(t, "", "")+":$PATH\n"+means.LinkProbe("10.77.2.2:1")); e.code == 0 || e.out != "" || !strings.Contains(last(e.complain), "this one is broken") {
		t.Errorf("with nothing that works: %+v", e)
	}
	for _, to := range []string{"no-such-name.invalid:1", "10.77.2.2"} {
		if e := w.sh("client", "export RES_OPTIONS='timeout:1 attempts:1'\n"+means.LinkProbe(to)); e.code == 0 || e.out != "" || e.complain == "" {
			t.Errorf("%s: %+v", to, e)
		}
	}
}

// nobodyThere asks for an address on the same wire that nobody has, while the kernel has already looked for it in vain: its error is not
// taken for somebody's refusal.
func (w *wires) nobodyThere() {
	w.t.Helper()
	const nobody = "10.77.1.77"
	asking := exec.CommandContext(w.t.Context(), "ip", "netns", "exec", w.prefix+"client", "sh", "-c", "while :; do timeout 4 bash -c 'exec 3<>/dev/tcp/"+nobody+"/1' 2>/dev/null; done")
	if err := asking.Start(); err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = asking.Process.Kill(); _ = asking.Wait() }()
	for range 4 {
		w.probed(net.JoinHostPort(nobody, "1"), means.Silent)
	}
}
