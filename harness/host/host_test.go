package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/strictyaml"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func made(t *testing.T, by string, with map[string]any, identity string) *Host {
	t.Helper()
	h, err := Make(target.Host{Name: "east-1", Region: "east", Address: "127.0.0.1", By: by, With: with, Identity: identity})
	must(t, err)
	return h
}

// run runs a program within a limit.
func (h *Host) run(t *testing.T, limit time.Duration, stdin string, argv ...string) (Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return h.Run(ctx, Question{Argv: argv, Stdin: []byte(stdin), Most: 1 << 16})
}

// words are those that a shell would make something else of.
var words = []string{"", " ", "a b", "'", `"`, `it's "quoted"`, "$HOME", "$(id)", "`id`", "line\nline\n", "\n", `back\slash\n\0101\c`, "!!", "*", "~", "#", "%s%d", "-n", "--", ";", "&", "|x",
	"\t", "é漢", "\x01\xff", strings.Repeat("long ", 2000)}

// arrives: every word arrives as it left, and stdin after it; the environment is the same everywhere; how a program ended is known.
func arrives(t *testing.T, h *Host) {
	t.Helper()
	a, err := h.run(t, 30*time.Second, "", append([]string{"/usr/bin/env", "printf", `[%s]\n`}, words...)...)
	if want := "[" + strings.Join(words, "]\n[") + "]\n"; err != nil || string(a.Stdout) != want || a.Code != 0 || !a.Ended {
		t.Errorf("%v, exit %d: %q\nwant %q", err, a.Code, a.Stdout, want)
	}
	a, err = h.run(t, 30*time.Second, "pl4nted\nsecond\n", "cat")
	if err != nil || string(a.Stdout) != "pl4nted\nsecond\n" {
		t.Errorf("stdin: %q, %v", a.Stdout, err)
	}
	a, err = h.run(t, 30*time.Second, "", "sh", "-c", "echo $LC_ALL $TZ $PATH; pwd; echo no end of line | tr -d '\\n' >&2; exit 7")
	if err != nil || a.Code != 7 || a.Stderr < len("no end of line") || string(a.Stdout) != "C UTC /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n/\n" {
		t.Errorf("%q, exit %d, complained of %d bytes, %v", a.Stdout, a.Code, a.Stderr, err)
	}
	a, err = h.run(t, 30*time.Second, "", "no-such-program")
	if !component.Refused(err) || !strings.Contains(err.Error(), "no program no-such-program on east-1") || a.Sent || !a.Absent {
		t.Errorf("a program that is not there: %+v, %v", a, err)
	}
	if a, err = h.run(t, 500*time.Millisecond, "", "true"); err == nil || a.Sent {
		t.Errorf("without a second to run in: %+v, %v", a, err)
	}
	seen, err := h.look(t)
	if err != nil || !seen.Clock.Within(0) || seen.Account == "" || !strings.HasPrefix(seen.System, "Linux ") {
		t.Errorf("%+v, %v", seen, err)
	}
	text, err := h.find(t, "cat")
	if err != nil || !strings.HasSuffix(text, "/cat is there, on east-1") {
		t.Errorf("%q, %v", text, err)
	}
	if _, err = h.find(t, "no-such-program"); !component.Refused(err) {
		t.Errorf("find what is not there: %v", err)
	}
}

func (h *Host) look(t *testing.T) (Seen, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return h.Look(ctx)
}

func (h *Host) find(t *testing.T, program string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return h.Find(ctx, program)
}

// endsThere: a program that takes longer than its limit is ended on the host, whether we are still there or not, and what it has
// done is not known.
func endsThere(t *testing.T, h *Host) {
	t.Helper()
	a, err := h.run(t, 4*time.Second, "", "sh", "-c", "echo begun; exec sleep 87654")
	if err != nil || !a.Ended || !a.ByLimit() || string(a.Stdout) != "begun\n" {
		t.Errorf("at its limit: %+v, %v", a, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	time.AfterFunc(2*time.Second, cancel)
	a, err = h.Run(ctx, Question{Argv: []string{"sh", "-c", "exec sleep 87655"}, Most: 10})
	if err == nil || !a.Sent || a.Ended {
		t.Errorf("given up here: %+v, %v", a, err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		a, err = h.run(t, 20*time.Second, "", "sh", "-c", `for p in /proc/[0-9]*; do tr '\0' ' ' <$p/cmdline 2>/dev/null; echo; done | grep "^sleep 8765[45]" || true`)
		if err == nil && a.Code == 0 && len(a.Stdout) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it still runs there: %q, exit %d, %v", a.Stdout, a.Code, err)
		}
	}
}

// needs skips a test whose programs are not there, or fails it where they must be.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
				t.Fatalf("%s must not be skipped here: %v", t.Name(), err)
			}
			t.Skip(err)
		}
	}
}

// Each transport has a form of identity, takes its example and nothing else, and refuses words that its program would misread.
func TestWays(t *testing.T) {
	for _, k := range Transports.All() {
		w := k.New()
		with := w.(interface{ With() any }).With()
		if Forms()[k.Name] == nil || !strings.Contains(k.Example, "by: "+k.Name) || strictyaml.Fill(k.Name, map[string]any{"nonsense": "x"}, with) == nil {
			t.Errorf("%s: %s", k.Name, k.Example)
		}
	}
	for _, c := range []struct {
		w   target.Judge
		key string
	}{
		{sshWith{User: "drill", Key: "/root/.ssh/id", KnownHosts: "/etc/known", Program: "/usr/bin/ssh", Port: 22}, ""}, {sshWith{User: "-oProxyCommand=x"}, "user"},
		{sshWith{Key: "id"}, "key"}, {sshWith{KnownHosts: "/a/../b"}, "knownHosts"}, {sshWith{KnownHosts: "/a b"}, "knownHosts"}, {sshWith{Program: "ssh"}, "program"},
		{dockerWith{Container: "orders-db-1", Context: "x"}, ""}, {dockerWith{Container: "--privileged"}, "container"}, {dockerWith{Container: "a b"}, "container"},
		{kubectlWith{Context: "e", Namespace: "n", Pod: "deployment/orders"}, ""}, {kubectlWith{Context: "e", Namespace: "-n", Pod: "p"}, "namespace"},
		{kubectlWith{Context: "e", Namespace: "n", Pod: "p", Kubeconfig: "config"}, "kubeconfig"},
	} {
		if key, wrong, hint := c.w.Wrong(nil, false); key != c.key || (key == "") != (wrong == "") || (key == "") != (hint == "") {
			t.Errorf("%+v: %q %s, want %q", c.w, key, wrong, c.key)
		}
	}
	if _, err := Make(target.Host{Name: "x"}); err == nil {
		t.Error("a host without a transport was made")
	}
}

// kubectl is asked as its documentation says; what stands in for it here checks its arguments and runs the shell on this machine.
const kubectl = `#!/bin/sh
[ "$1 $2 $3 $4" = "--context east --kubeconfig KUBECONFIG" ] || { echo 'error: context "x" does not exist' >&2; exit 1; }
shift 4
if [ "$*" = "get namespace kube-system -o jsonpath={.metadata.uid}" ]; then echo 0f3c1a52-7a64-4a5b-9f39-6f6b2a1f0c11; exit; fi
[ "$1 $2 $3 $4" = "-n orders exec -i" ] && shift 4 || exit 9
[ "$1" = gone ] && { echo 'Error from server (NotFound): pods "gone" not found' >&2; exit 1; }
[ "$1 $2 $3 $4" = "orders-db-0 -c db --" ] && shift 4 && exec "$@"
exit 9
`

func TestKubectl(t *testing.T) {
	dir := t.TempDir()
	program, config := filepath.Join(dir, "kubectl"), filepath.Join(dir, "config")
	must(t, os.WriteFile(program, []byte(strings.ReplaceAll(kubectl, "KUBECONFIG", config)), 0o755))
	with := map[string]any{"context": "east", "namespace": "orders", "pod": "orders-db-0", "container": "db", "kubeconfig": config, "program": program}
	const id = "0f3c1a52-7a64-4a5b-9f39-6f6b2a1f0c11"
	arrives(t, made(t, "kubectl", with, id))
	endsThere(t, made(t, "kubectl", with, id))
	another := made(t, "kubectl", with, strings.Replace(id, "0f", "1f", 1))
	if a, err := another.run(t, 10*time.Second, "", "true"); !component.Refused(err) || a.Sent || !strings.Contains(fmt.Sprint(err), "it is "+id) {
		t.Errorf("another cluster: %+v, %v", a, err)
	}
	with["pod"] = "gone"
	if a, err := made(t, "kubectl", with, id).run(t, 10*time.Second, "", "true"); !component.Refused(err) || a.Sent || !strings.Contains(fmt.Sprint(err), "no such pod") {
		t.Errorf("no pod: %+v, %v", a, err)
	}
	with["context"] = "west"
	if _, err := made(t, "kubectl", with, "").Who(t.Context()); !component.Refused(err) || !strings.Contains(err.Error(), "no such context") {
		t.Errorf("no context: %v", err)
	}
}

func TestDocker(t *testing.T) {
	needs(t, "docker")
	name := fmt.Sprintf("blackstart-host-test-%d", os.Getpid())
	out, err := exec.Command("docker", "run", "-d", "--rm", "--network", "none", "--name", name, "debian:bookworm-slim", "sleep", "600").CombinedOutput()
	if err != nil {
		if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("no container can be run: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "-f", name).Run() })
	h := made(t, "docker", map[string]any{"container": name}, "")
	id, err := h.Who(t.Context())
	must(t, err)
	h = made(t, "docker", map[string]any{"container": name}, id)
	arrives(t, h)
	endsThere(t, h)
	if a, err := made(t, "docker", map[string]any{"container": name}, "another-engine").run(t, 10*time.Second, "", "true"); !component.Refused(err) || a.Sent {
		t.Errorf("another engine: %+v, %v", a, err)
	}
	if a, err := made(t, "docker", map[string]any{"container": name + "-x"}, id).run(t, 10*time.Second, "", "true"); !component.Refused(err) || a.Sent || !strings.Contains(err.Error(), "no such container") {
		t.Errorf("no container: %+v, %v", a, err)
	}
	if a, err := made(t, "docker", map[string]any{"container": name, "user": "nobody-there"}, id).run(t, 10*time.Second, "", "true"); !component.Refused(err) || a.Sent {
		t.Errorf("no account: %+v, %v", a, err)
	}
}
