package means

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

var _ = addGround("a container", "container.docker", dockerGround)

// docker runs the docker program, and gives what it says.
func docker(t *testing.T, stdin []byte, argv ...string) string {
	t.Helper()
	cmd := exec.Command("docker", argv...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("docker %v: %v: %s", argv, err, out)
	}
	return strings.TrimSpace(string(out))
}

// beating runs a container that writes a file again and again, as long as it lives and is not frozen; with further options.
func beating(t *testing.T, options ...string) (name string, still func(context.Context) bool) {
	t.Helper()
	needs(t, "docker", "busybox", "dash")
	if exec.Command("docker", "info").Run() != nil {
		needs(t, "a container engine that answers")
	}
	program, err := exec.LookPath("busybox")
	must(t, err)
	libraries, err := exec.Command("sh", "-c", "ldd "+program+" | grep -o '/[^ ]*' | sort -u | sed 's,^/,,'").Output()
	must(t, err)
	image, err := exec.Command("tar", append([]string{"-C", "/", "-ch", strings.TrimPrefix(program, "/")}, strings.Fields(string(libraries))...)...).Output()
	must(t, err)
	name = fmt.Sprintf("means-%d-%d", os.Getpid(), time.Now().UnixNano())
	docker(t, image, "import", "-", name)
	dir := t.TempDir()
	t.Cleanup(func() {
		_ = exec.Command("docker", "rm", "-f", name).Run()
		docker(t, nil, "rmi", "-f", name)
	})
	argv := append([]string{"run", "-d", "--name", name, "--label", "blackstart.run=means", "--network", "none", "-v", dir + ":/beat"}, options...)
	docker(t, nil, append(argv, name, program, "sh", "-c", "trap 'exit 0' TERM; n=0; while :; do n=$((n + 1)); echo $n >/beat/n; busybox sleep 0.02; done")...)
	still = func(context.Context) bool {
		before, _ := os.ReadFile(dir + "/n")
		for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if now, _ := os.ReadFile(dir + "/n"); len(now) > 0 && !bytes.Equal(now, before) {
				return false
			}
		}
		return true
	}
	return name, still
}

func dockerGround(t *testing.T) ground {
	name, still := beating(t)
	program, err := exec.LookPath("docker")
	must(t, err)
	return ground{on: Subject{Run: "run-1"}, with: map[string]any{"container": name}, programs: []string{program}, broken: still}
}

// The engine takes a kill for a stop by hand: what is to be started again whatever happens is not, but by the undo.
func TestARestartPolicyDoesNotUndoAKill(t *testing.T) {
	name, still := beating(t, "--restart", "always")
	g := ground{with: map[string]any{"container": name}}
	state, kill, undo := scriptsOf(t, g, "container.docker", harness.ComponentKill)
	if _, complaint, err := dash.run(t, kill); err != nil {
		t.Fatal(complaint)
	}
	time.Sleep(time.Second) // nothing happens, which cannot be waited for: a policy begins after a tenth of one
	if word, _, _ := dash.run(t, state); word != "exited" || !still(t.Context()) {
		t.Errorf("it is %q", word)
	}
	if _, complaint, err := dash.run(t, undo); err != nil || still(t.Context()) {
		t.Errorf("it was not started: %v: %s", err, complaint)
	}
}

// A container that is removed when it ends could not be started again.
func TestWhatIsRemovedIsNotEnded(t *testing.T) {
	name, still := beating(t, "--rm")
	g := ground{with: map[string]any{"container": name}}
	for _, act := range []harness.ActionKind{harness.ComponentStop, harness.ComponentKill} {
		_, do, _ := scriptsOf(t, g, "container.docker", act)
		if _, complaint, err := dash.run(t, do); err == nil || !strings.Contains(complaint, "removed as soon as it ends") || still(t.Context()) {
			t.Errorf("%s: %v: %s", act, err, complaint)
		}
	}
}
