package architecture

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// small is a module with the programs that .ci/build builds. They tell the path of their source, as a panic would.
var small = map[string]string{
	"go.mod":                             "module blackstart\n\ngo 1.26\n",
	"cmd/blackstart/main.go":             "package main\n\nimport \"runtime\"\n\nvar version string\n\nfunc main() { _, f, _, _ := runtime.Caller(0); println(version, f) }\n",
	"cmd/finrag/main.go":                 "package main\n\nimport \"blackstart/cmd/finrag/internal/vector\"\n\nvar build string\n\nfunc main() { println(build, vector.Rule) }\n",
	"cmd/finrag/internal/vector/rule.go": "package vector\n\nvar Rule = \"2\"\n",
}

// builder is a place in which somebody builds: his folder, his habits, his build cache.
type builder struct {
	dir, cache string
	umask      string
	env        []string
}

// builders are two that have nothing in common but the sources and the release of Go; both have an empty build cache.
// The second has a setting against every line of the recipe that keeps it away.
func builders(t *testing.T) (first, second builder) {
	first = builder{dir: t.TempDir(), cache: t.TempDir(), umask: "022", env: []string{"TZ=UTC", "GOFLAGS="}}
	put(t, first.dir, small)
	above := t.TempDir()
	second = builder{
		dir: filepath.Join(above, "a longer path", "with more folders"), cache: t.TempDir(), umask: "077",
		env: []string{
			"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "HOME=" + above, "GOFLAGS=-tags=mine", "GOOS=darwin", "GOARCH=arm64", "GOAMD64=v3",
			"CGO_ENABLED=1", "GOFIPS140=latest", "GO_EXTLINK_ENABLED=1",
		},
	}
	put(t, second.dir, small)
	put(t, above, map[string]string{"go.work": "go 1.26\n"})
	repository(t, second.dir, "git tag v7")
	return first, second
}

// build runs a recipe and gives the digests of what it built, one a line.
func (b builder) build(t *testing.T, recipe string) (string, error) {
	t.Helper()
	put(t, b.dir, map[string]string{".ci/build": recipe})
	bin := t.TempDir()
	cmd := exec.Command("/bin/sh", "-c", "umask "+b.umask+"; exec .ci/build \"$0\" amd64", bin)
	cmd.Dir = b.dir
	cmd.Env = append(append(os.Environ(), b.env...), "GOCACHE="+b.cache, "VERSION=v1.2.3")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	var digests strings.Builder
	for _, program := range []string{"blackstart", "finrag", "finrag-previous"} {
		data, err := os.ReadFile(filepath.Join(bin, program))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&digests, "%x %s\n", sha256.Sum256(data), program)
	}
	return digests.String(), nil
}

// TestTheRecipeGivesTheSameBytesAnywhere compiles a small module twice, Go's library included, and then takes every guard out
// of the recipe, one at a time, whereupon the bytes must differ or nothing be built.
func TestTheRecipeGivesTheSameBytesAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles Go's runtime half a dozen times")
	}
	recipe := text(t, ".ci/build")
	first, second := builders(t)
	want, err := first.build(t, recipe)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := second.build(t, recipe); err != nil || got != want {
		t.Fatalf("one builder has\n%sanother has\n%s%v", want, got, err)
	}
	for _, guard := range []string{
		"-trimpath ", "-buildvcs=false ", "export GOFLAGS='-trimpath -buildvcs=false -mod=readonly'", "CGO_ENABLED=0 ", "GOOS=linux ",
		"GOAMD64=v1 ", "GOFIPS140=off ", " GOWORK=off", "unset GO_EXTLINK_ENABLED",
	} {
		weaker := strings.Replace(recipe, guard, "", 1)
		if weaker == recipe {
			t.Errorf("%q is not in the recipe", guard)
		}
		if got, err := second.build(t, weaker); err == nil && got == want {
			t.Errorf("without %q the bytes are the same: it is not needed, or this test does not try it", guard)
		}
	}
}

// TestTheRecipeRefusesAnotherLanguage sees that an experiment of Go is refused by name.
func TestTheRecipeRefusesAnotherLanguage(t *testing.T) {
	first, _ := builders(t)
	first.env = append(first.env, "GOEXPERIMENT=arenas")
	if _, err := first.build(t, text(t, ".ci/build")); err == nil || !strings.Contains(err.Error(), "GOEXPERIMENT is set to 'arenas'") {
		t.Errorf("GOEXPERIMENT: %v", err)
	}
}

// TestTheArchiveIsTheSameAnywhere packs the same files as two people have them, and then takes out what makes them the same.
func TestTheArchiveIsTheSameAnywhere(t *testing.T) {
	script := text(t, ".ci/archive")
	pack := func(script, umask, zone string, order []string, at time.Time) string {
		dir := t.TempDir()
		put(t, dir, map[string]string{".ci/archive": script})
		cmd := exec.Command("/bin/sh", "-ec", `umask "$0"; mkdir -p tree/sub; for f; do echo "$f" >"tree/$f"; done; chmod +x tree/b; touch -d "$AT" tree/*
			.ci/archive tree 1700000000; sha256sum <tree.tar.gz`, umask)
		cmd.Args = append(cmd.Args, order...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TZ="+zone, "AT="+at.Format(time.RFC3339), "TAR_OPTIONS=--exclude=b")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	now := time.Now()
	mine := func(script string) string { return pack(script, "022", "UTC", []string{"a", "b", "sub/c"}, now) }
	yours := func(script string) string {
		return pack(script, "027", "Asia/Tokyo", []string{"sub/c", "b", "a"}, now.Add(-time.Hour))
	}
	if mine(script) != yours(script) {
		t.Error("the same files give two archives")
	}
	for _, guard := range []string{`--mtime="@$2" `, "--mode=u=rwX,go=rX ", "unset TAR_OPTIONS GZIP"} {
		weaker := strings.Replace(script, guard, "", 1)
		if weaker == script || mine(script) == yours(weaker) {
			t.Errorf("%q is not in the script, or not needed", guard)
		}
	}
}

// TestAReleaseNeedsAKey sees what is refused before anything is built, with the sentence that says what to do.
func TestAReleaseNeedsAKey(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, make, says string }{
		{"", "", "say RELEASE_KEY=none"},
		{dir + "/missing.pem", "", "cannot be read"},
		{dir + "/text.pem", `echo no key >"$0"`, "no private key in PEM"},
		{dir + "/public.pem", `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkey -pubout >"$0"`, "no private key in PEM"},
		{dir + "/rsa.pem", `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$0" 2>/dev/null`, "RSA key of 2048 bits"},
		{dir + "/ec.pem", `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime192v1 -out "$0"`, "EC key of 192 bits"},
		{dir + "/ed.pem", `openssl genpkey -algorithm ED25519 -out "$0"`, "neither EC nor RSA"},
		{"none", "", "holds something that is no release"},
	} {
		if c.make != "" {
			if out, err := exec.Command("/bin/sh", "-c", c.make, c.name).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", c.make, err, out)
			}
		}
		dist := filepath.Join(dir, "dist")
		put(t, dist, map[string]string{"letter": "x"})
		cmd := exec.Command(filepath.Join(root, ".ci/release"), dist)
		cmd.Env = append(os.Environ(), "RELEASE_KEY="+c.name)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.says) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("RELEASE_KEY=%s: %v, says %q; want one line with %q", c.name, err, out, c.says)
		}
		if left, err := os.ReadDir(dist); err != nil || len(left) != 1 {
			t.Errorf("RELEASE_KEY=%s: left %v, %v", c.name, left, err)
		}
	}
}
