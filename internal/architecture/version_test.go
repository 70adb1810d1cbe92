package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A version that is not known says why, in one word that can stand in a binary.
func TestTheVersionSaysWhyItIsNotKnown(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(root, ".ci/version"))
	if err != nil {
		t.Fatal(err)
	}
	checkout := func(t *testing.T, git bool) string {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, ".ci"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".ci/version"), script, 0o755); err != nil {
			t.Fatal(err)
		}
		if git {
			for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"}, {"tag", "v1"}} {
				cmd := exec.Command("git", args...)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("git %v: %v\n%s", args, err, out)
				}
			}
		}
		return dir
	}
	for name, c := range map[string]struct {
		git, other bool
		want, says string
	}{
		"tagged":          {git: true, want: "v1"},
		"no repository":   {want: "dev-unknown-no-git-repository"},
		"another account": {git: true, other: true, want: "dev-unknown-checkout-of-another-account", says: "safe.directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := checkout(t, c.git)
			cmd := exec.Command("/bin/sh", filepath.Join(dir, ".ci/version"))
			cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "HOME="+t.TempDir())
			if c.other {
				cmd.Env = append(cmd.Env, "GIT_TEST_ASSUME_DIFFERENT_OWNER=1")
			}
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if got := strings.TrimSpace(string(out)); err != nil || got != c.want || !strings.Contains(stderr.String(), c.says) {
				t.Errorf("%q, %v, says %q; want %q", got, err, stderr.String(), c.want)
			}
		})
	}
}
