package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness/component"
	"blackstart/harness/target"
)

func TestHere(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "machine-id")
	must(t, os.WriteFile(file, []byte("3d1219c7c4c5404aaa1f6d2a48adfda4\n"), 0o644))
	h := made(t, "here", nil, "")
	h.transport.(*hereTransport).machineID = []string{filepath.Join(dir, "none"), file}
	id, err := h.Who(t.Context())
	if err != nil || !Forms()["here"].MatchString(id) || strings.Contains(id, "3d1219c7") {
		t.Fatalf("it is %s, %v", id, err)
	}
	h.Identity = id
	arrives(t, h)
	endsThere(t, h)
	h.Identity = strings.Repeat("0", 32)
	if a, err := h.run(t, 10*time.Second, "", "true"); !component.Refused(err) || a.Sent {
		t.Errorf("another machine: %+v, %v", a, err)
	}
	for _, text := range []string{"", "uninitialized\n", "3d1219c7"} {
		must(t, os.WriteFile(file, []byte(text), 0o644))
		if _, err := h.Who(t.Context()); !component.Refused(err) || !strings.Contains(err.Error(), "has no ID") {
			t.Errorf("an ID %q: %v", text, err)
		}
	}
	if _, err := Make(target.Host{Name: "x", By: "here", With: map[string]any{"user": "root"}}); err == nil {
		t.Error("it takes an account")
	}
}

// A program runs in the network namespace that the file names, and nowhere else.
func TestHereInANamespace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("makes a network namespace")
	}
	const name = "bs-here-test"
	_ = exec.Command("ip", "netns", "del", name).Run()
	must(t, exec.Command("ip", "netns", "add", name).Run())
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	inside := made(t, "here", map[string]any{"netns": name}, "")
	a, err := inside.run(t, 10*time.Second, "", "readlink", "/proc/self/ns/net")
	must(t, err)
	ours, err := os.Readlink("/proc/self/ns/net")
	must(t, err)
	if got := strings.TrimSpace(string(a.Stdout)); got == ours || !strings.HasPrefix(got, "net:[") {
		t.Errorf("it ran in %q, and we run in %q", got, ours)
	}
	arrives(t, inside)
	if a, err := made(t, "here", map[string]any{"netns": "bs-none"}, "").run(t, 10*time.Second, "", "true"); !component.Refused(err) || a.Sent || !strings.Contains(err.Error(), "no such network namespace") {
		t.Errorf("no such namespace: %+v, %v", a, err)
	}
}
