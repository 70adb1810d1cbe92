package means

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
)

// asNobody runs scripts as an account that may do as root, or as others, what these lines of sudoers say and nothing else: in a mount
// namespace of its own in which /etc/sudoers is another file.
func asNobody(t *testing.T, lines []string) shell {
	t.Helper()
	needs(t, "sudo", "unshare", "setpriv", "dash")
	if os.Geteuid() != 0 {
		t.Skip("another file of sudoers needs root")
	}
	text := "Defaults !authenticate, !lecture, !syslog\nroot ALL=(ALL:ALL) ALL\n"
	for _, l := range lines {
		as, command, ok := strings.Cut(l, ") ")
		if !ok {
			as, command = "(root", l
		}
		text += "nobody ALL=" + as + ") NOPASSWD: " + command + "\n"
	}
	file := filepath.Join(t.TempDir(), "sudoers")
	must(t, os.WriteFile(file, []byte(text), 0o440))
	return shell{[]string{"unshare", "-m", "sh", "-c", `mount --bind "$0" /etc/sudoers && exec setpriv --reuid nobody --regid nogroup --clear-groups /bin/dash -c "$1"`, file}, standardPath}
}

// The lines of sudoers that a means asks for are enough for its acts, and each of them is needed: without one, a Try says which.
func TestSudoers(t *testing.T) {
	g := postgresByPidfile(t)
	g.on.Sudo = true
	k, wrong := made(t, "process.pidfile", g.with)
	if wrong != "" {
		t.Fatal(wrong)
	}
	n := k.Needs(g.on)
	s := asNobody(t, n.Root)
	if _, complaint, err := s.run(t, n.Try); err != nil {
		t.Fatalf("%v: %s", err, complaint)
	}
	g.kind = "process.pidfile"
	for _, kind := range everyAct {
		t.Run(string(kind), func(t *testing.T) { thereAndBack(t, g, k, harness.Action{Kind: kind}, s) })
	}
	for i, line := range n.Root {
		if strings.Contains(line, "readlink") {
			continue // a process that says by its first argument what it is needs none
		}
		less := append(append([]string{}, n.Root[:i]...), n.Root[i+1:]...)
		_, complaint, err := asNobody(t, less).run(t, n.Try)
		if err == nil || !strings.Contains(complaint, "as postgres without a password") && !strings.Contains(complaint, "cannot be read") {
			t.Errorf("without %s: %v: %s", line, err, complaint)
		}
	}
	without := g.on
	without.Sudo = false
	if _, complaint, err := s.run(t, k.Needs(without).Try); err == nil || !strings.Contains(complaint, "write sudo: true") {
		t.Errorf("without sudo: %v: %s", err, complaint)
	}
}

// What stands in an argument cannot mean more in sudoers than it is.
func TestSudoersWords(t *testing.T) {
	for want, argv := range map[string][]string{
		`/usr/bin/systemctl stop a\:b@c.service`: {"systemctl", "stop", "a:b@c.service"},
		`/opt/x a\ b\,c \* \!d \#e\=f`:           {"/opt/x", "a b,c", "*", "!d", "#e=f"},
	} {
		if got := sudoers(argv...); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := fmt.Sprint(quoted([]string{"it's", "$HOME"})); got != `'it'\''s' '$HOME'` {
		t.Error(got)
	}
}
