package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A version names the sources, or says why it does not, in one word that can stand in a binary.
func TestTheVersionSaysWhatTheSourcesAre(t *testing.T) {
	const later = `^v1\.0\.0-1-g[0-9a-f]{12}$`
	for name, c := range map[string]struct {
		shell      string // what happened to a checkout with one commit; "" for no repository
		other      bool   // the checkout belongs to another account
		want, says string // regular expression; on stderr
	}{
		"tagged":            {shell: "git tag v1.0.0", want: `^v1\.0\.0$`},
		"annotated":         {shell: "git tag -a -m x v1.0.0", want: `^v1\.0\.0$`},
		"a commit later":    {shell: "git tag v1.0.0; git commit -q --allow-empty -m y", want: later},
		"short names":       {shell: "git tag v1.0.0; git commit -q --allow-empty -m y; git config core.abbrev 5", want: later},
		"another tag":       {shell: "git tag nightly", want: `^dev-[0-9a-f]{12}$`},
		"no tag":            {shell: "true", want: `^dev-[0-9a-f]{12}$`},
		"changed":           {shell: "git tag v1.0.0; echo >>file", want: `^v1\.0\.0-dirty$`},
		"a file more":       {shell: "git tag v1.0.0; echo >more.go", want: `^v1\.0\.0-dirty$`},
		"an ignored file":   {shell: "git tag v1.0.0; mkdir bin; echo >bin/x", want: `^v1\.0\.0$`},
		"changed, no tag":   {shell: "rm file", want: `^dev-[0-9a-f]{12}-dirty$`},
		"no repository":     {want: "^dev-unknown-no-git-repository$"},
		"another's account": {shell: "git tag v1.0.0", other: true, want: "^dev-unknown-checkout-of-another-account$", says: "safe.directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, map[string]string{".ci/version": text(t, ".ci/version"), "file": "x\n", ".gitignore": "/bin/\n"})
			env := append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "HOME="+t.TempDir())
			if c.shell != "" {
				repository(t, dir, c.shell)
			}
			if c.other {
				env = append(env, "GIT_TEST_ASSUME_DIFFERENT_OWNER=1")
			}
			cmd := exec.Command("/bin/sh", filepath.Join(dir, ".ci/version"))
			cmd.Env = env
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if got := strings.TrimSpace(string(out)); err != nil || !regexp.MustCompile(c.want).MatchString(got) || !strings.Contains(stderr.String(), c.says) {
				t.Errorf("%q, %v, says %q; want %q", got, err, stderr.String(), c.want)
			}
		})
	}
}

// put writes files, by their names below dir. What lies in .ci can be run.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file, mode := filepath.Join(dir, name), os.FileMode(0o644)
		if strings.HasPrefix(name, ".ci/") {
			mode = 0o755
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// repository commits what lies in dir and runs a line of shell there.
func repository(t *testing.T, dir, line string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-ec", "git init -q; git config user.name x; git config user.email x@y; git add .; git commit -qm x\n"+line)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}
