package lease

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// What people paste from abort.md takes everything back, in the order that stands there, without the script and without us.
func TestAbort(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := r.armed("run-1", 20*time.Second)
		first, second := r.entry("one"), r.entry("two")
		other := r.file + ".2"
		second.Scripts = Scripts{State: "# it's how it is\ncase $(cat " + Quote(other) + " 2>/dev/null) in broken) echo broken ;; *) echo absent ;; esac", Do: "echo broken >" + Quote(other),
			Undo: "echo undone >>" + Quote(r.file+".order") + "\ntest -e " + Quote(r.file) + " && echo second-first >>" + Quote(r.file+".order") + "\nrm " + Quote(other) + " # gone", Free: first.Free, Ours: first.Ours, Most: 1}
		second.Guard = "# may it?\ntrue"
		r.did(l, first)
		r.did(l, second)
		text := Abort(r.target, "run-1", []Entry{first, second})
		blocks := shellBlock.FindAllStringSubmatch(text, -1)
		if len(blocks) != 5 || !strings.Contains(text, first.Hold) || !strings.Contains(text, "sh /var/tmp/blackstart-$(id -u)/"+r.target+"/lease.sh abort\n") {
			t.Fatalf("%d blocks: %s", len(blocks), text)
		}
		must(t, os.Remove(r.dir+"/lease.sh"))
		paste := func(block string) string {
			out, _ := exec.Command("/usr/bin/env", "-i", "PATH="+r.x.(local).path, "sh", "-c", block).CombinedOutput()
			return string(out)
		}
		for i, want := range []string{"", "", "yes\n", "", ""} {
			if i == 0 {
				continue // the script is not there
			}
			if out := paste(blocks[i][1]); out != want {
				t.Errorf("%s: %q, want %q", blocks[i][1], out, want)
			}
		}
		r.is("absent")
		order, err := os.ReadFile(r.file + ".order")
		if _, gone := os.Stat(other); err != nil || gone == nil || string(order) != "undone\nsecond-first\n" {
			t.Errorf("%s, %v", order, err)
		}
		if _, err := l.Do(t.Context(), r.entry("three")); as[*ExpiredError](t, err).State != Over {
			t.Error(err)
		}
		must(t, os.WriteFile(r.file, []byte("repaired\n"), 0o600))
		if out := paste(blocks[4][1]); out != "one is repaired: left alone\n" { // pasted once more
			t.Errorf("%q", out)
		}
		r.is("repaired")
	})
}

// The one line by which the script on the executor does it.
func TestAbortByTheScript(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := r.armed("run-1", 20*time.Second)
		r.did(l, r.entry("one"))
		blocks := shellBlock.FindAllStringSubmatch(Abort(r.target, "run-1", nil), -1)
		out, err := exec.Command("/usr/bin/env", "-i", "PATH="+r.x.(local).path, "sh", "-c", blocks[0][1]).CombinedOutput()
		if err != nil || string(out) != "everything is undone\n" {
			t.Errorf("%s, %v", out, err)
		}
		r.is("absent")
		if s, err := l.Renew(t.Context()); as[*ExpiredError](t, err).State != Over || s.Entries[0].Is != Undone {
			t.Errorf("%+v, %v", s, err)
		}
		if s, err := l.Release(t.Context()); err != nil || s.State != Released {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// A lease that cannot be read ends neither the watchdog nor what people can do, and nobody arms another over what is in force.
func TestDamaged(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	l := r.armed("run-1", 20*time.Second)
	r.did(l, r.entry("one"))
	dog := r.watchdog()
	lease, err := os.ReadFile(r.dir + "/lease")
	must(t, err)
	must(t, os.WriteFile(r.dir+"/lease", []byte("run-1\n"), 0o600))
	time.Sleep(2500 * time.Millisecond) // two rounds of the watchdog
	if _, err := r.lease("run-2", shortTTL).Arm(t.Context()); as[*BusyError](t, err) == nil {
		t.Error(err)
	}
	must(t, os.WriteFile(r.dir+"/lease", lease, 0o600))
	r.wait(5*time.Second, "alive", func() bool { return r.status(l).Alive && r.watchdog() == dog })
	must(t, os.WriteFile(r.dir+"/lease", []byte("run-1\n"), 0o600))
	r.is("broken")
	if out, err := exec.Command("sh", r.dir+"/lease.sh", "abort").CombinedOutput(); err != nil || string(out) != "everything is undone\n" {
		t.Errorf("%s, %v", out, err)
	}
	r.is("absent")
}
