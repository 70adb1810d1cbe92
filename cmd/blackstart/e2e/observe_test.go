package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// lies is how the estate lies: the rules, links and routes of each of its network namespaces, and the processes in it but for sessions
// of databases, which end with their clients.
func (e estate) lies(t *testing.T) map[string]string {
	t.Helper()
	list, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(list)) {
		name := strings.Fields(line)[0]
		if !strings.HasPrefix(name, "finrag-") {
			continue
		}
		for _, ask := range []string{"iptables-save | grep -v '^[#:]'", "nft -s list ruleset", "tc qdisc show", "ip link", "ip addr", "ip route", "ip rule"} {
			out, _ := exec.Command("ip", "netns", "exec", name, "sh", "-c", ask+" 2>/dev/null").Output() // what is not installed says nothing
			all[name+": "+ask] = string(out)
		}
		pids, err := exec.Command("ip", "netns", "pids", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range strings.Fields(string(pids)) {
			title, err := os.ReadFile("/proc/" + pid + "/cmdline")
			if words := strings.ReplaceAll(string(title), "\x00", " "); err == nil && !strings.Contains(words, "blackstart finrag") {
				words, _, _ = strings.Cut(words, "streaming")
				words, _, _ = strings.Cut(words, "recovering")
				all[name+": process "+pid] = words
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("the estate is %v", all)
	}
	return all
}

// TestAnEstateIsOnlyObserved: the scenario that its people break and mend it for is observed on a file that allows nothing, and the
// estate lies as it did; the pack verifies, is no drill, and a stranger finds no value in it. One that was killed is sealed as what it was.
func TestAnEstateIsOnlyObserved(t *testing.T) {
	b := newBox(t)
	e, file := admitted(t, b)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "allows:\n")
	_, rest, _ = strings.Cut(rest, "calls:\n")
	if err := os.WriteFile(file, []byte(before+"calls:\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	const name = "dc-loss.hands"
	lay := e.lies(t)
	o := b.run(t, "run", byHands, "--target", file, "--observe-only", "--out", b.out)
	if o.exit != harness.ExitInconclusive || !strings.HasPrefix(o.firstLine(), "INCONCLUSIVE: observed only: ") {
		t.Fatalf("exit %d: %s\n%s", o.exit, o.firstLine(), o.stderr)
	}
	if lie := e.lies(t); !maps.Equal(lay, lie) {
		for k, v := range lie {
			if lay[k] != v {
				t.Errorf("%s was %q and is %q", k, lay[k], v)
			}
		}
		t.Errorf("%d things before, %d after", len(lay), len(lie))
	}
	v := b.run(t, "verify", b.pack(name), "--recompute", "--root", filepath.Join(b.out, name+".root.pem"))
	if !strings.Contains(v.stdout, "integrity   ok") || v.exit != exitUnproven {
		t.Errorf("verify: exit %d\n%s%s", v.exit, v.stdout, v.stderr)
	}
	rec := readRecord(t, b, name)
	if len(rec.Streams) != 1 || len(rec.Decisions) == 0 && rec.DecisionsErr != "" || len(rec.Probes) < 5 || len(rec.ObserveOnly.LeftOut) < 4 {
		t.Errorf("%d streams, decisions: %q, %d probes, left out %v", len(rec.Streams), rec.DecisionsErr, len(rec.Probes), rec.ObserveOnly.LeftOut)
	}
	out, err := exec.Command("python3", "../../../testdata/stranger.py", b.pack(name)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"observed_only": true`) || strings.Contains(string(out), `"known": true`) {
		t.Errorf("the stranger: %v\n%s", err, out)
	}
	e.killed(t, b, file, name)
}

// killed observes, is killed on the way, and has an undo seal what there is: nobody is asked for anything.
func (e estate) killed(t *testing.T, b box, file, name string) {
	cmd := b.command(t.Context(), "run", byHands, "--target", file, "--observe-only", "--out", b.out)
	watch := newWatcher("the steady state held")
	cmd.Stderr = watch
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-watch.seen:
	case <-time.After(2 * time.Minute):
		t.Errorf("the steady state did not hold:\n%s", watch.text())
	}
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	if o := b.run(t, "undo"); o.exit != harness.ExitPass || !strings.Contains(o.stdout+o.stderr, "no fault was in force") {
		t.Fatalf("undo: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	p, err := seal.Open(b.pack(name))
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if rec := readRecord(t, b, name); rec.Status != harness.Interrupted || rec.ObserveOnly == nil {
		t.Errorf("status %s, observation %v", rec.Status, rec.ObserveOnly)
	}
	v := b.run(t, "verify", b.pack(name), "--recompute", "--root", filepath.Join(b.out, name+".root.pem"))
	if !strings.Contains(v.stdout, "integrity   ok") || v.exit != exitUnproven {
		t.Errorf("verify of what was killed: exit %d\n%s%s", v.exit, v.stdout, v.stderr)
	}
}
