package e2e

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"blackstart/evidence"
	"blackstart/harness"
)

const released = "v9.8.7"

// TestARelease makes a release of a copy of this checkout, builds it again elsewhere, and runs a drill with the program out of
// its archive; then it checks the release and the pack with the commands of docs/release.md, as they stand there. Only this
// machine's architecture: compiling everything for another one takes a minute and a half more.
func TestARelease(t *testing.T) {
	b := newBox(t)
	above := filepath.Dir(b.state)
	sources, dist := filepath.Join(above, "sources"), filepath.Join(above, "dist")
	copyOfCheckout(t, sources)
	// Packs, keys and archive lie as an auditor has them.
	sh(t, above, `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem
		openssl pkey -in key.pem -pubout -out release.pub.pem`)
	out := sh(t, sources, `make release DIST=../dist RELEASE_KEY=../key.pem ARCHES=`+runtime.GOARCH)
	if key := sh(t, above, `openssl pkey -pubin -in release.pub.pem -outform DER | sha256sum | cut -c-64`); !strings.Contains(out, key) || strings.Contains(out, "warning") {
		t.Errorf("the release of a tag tells no key, or warns:\n%s", out)
	}
	t.Run("built again", func(t *testing.T) { builtAgain(t, sources, dist) })
	t.Run("contents", func(t *testing.T) { tellsItsContents(t, dist) })
	t.Run("as the page says", func(t *testing.T) { checkedAsThePageSays(t, b, dist) })
}

func copyOfCheckout(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	sh(t, "../../..", `git ls-files -z -co --exclude-standard | while IFS= read -r -d '' f; do if test -e "$f"; then printf '%s\0' "$f"; fi; done |
		tar --null -T - -cf - | tar -xf - -C "`+dir+`"`)
	sh(t, dir, `git init -q; git config user.name x; git config user.email x@y; git add -A; git commit -qm x; git tag -a -m x `+released)
}

// sh runs lines of shell and gives what they print. Go's flags are not those of whoever runs the tests.
func sh(t *testing.T, dir, lines string) string {
	t.Helper()
	out, err := tried(t, dir, lines)
	if err != nil {
		t.Fatalf("%s\n%v\n%s", lines, err, out)
	}
	return strings.TrimSpace(out)
}

func tried(t *testing.T, dir, lines string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", lines)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// builtAgain builds in another folder under other habits; a list with another digest must be told.
func builtAgain(t *testing.T, sources, dist string) {
	other := filepath.Join(t.TempDir(), "another place")
	sh(t, sources, `git clone -q . "`+other+`"`)
	const habits = `umask 077; export TZ=Asia/Tokyo GOFLAGS=-tags=mine GOAMD64=v3 CGO_ENABLED=1 GOARCH=riscv64; `
	out := sh(t, other, habits+`make -s reproduce SUMS=`+dist+`/SHA256SUMS`)
	if n := strings.Count(out, "same     linux-"); n != 3 || strings.Contains(out, "DIFFERS") {
		t.Errorf("%d programs of 3 were built again:\n%s", n, out)
	}
	for lines, want := range map[string]string{
		`sed -E 's,^.(.*amd64/finrag)$,0\1,; s,^.(.*amd64/blackstart)$,f\1,' "$DIST/SHA256SUMS" >list; .ci/reproduce list`:                             "is v9.8.7-dirty",
		`sed -E 's,^....(.*-` + runtime.GOARCH + `/finrag)$,ffff\1,' "$DIST/SHA256SUMS" | grep ` + runtime.GOARCH + ` >../list; .ci/reproduce ../list`: "DIFFERS  linux-" + runtime.GOARCH + "/finrag ffff",
		`git commit -q --allow-empty -m y; .ci/reproduce "$DIST/SHA256SUMS"`:                                                                           "git checkout " + released,
		`grep tar.gz "$DIST/SHA256SUMS" >../list; .ci/reproduce ../list`:                                                                               "lists no programs",
		`echo "go      go1.2" >../BUILD; cp "$DIST/SHA256SUMS" ..; .ci/reproduce ../SHA256SUMS`:                                                        "was built by go1.2,",
	} {
		again := filepath.Join(t.TempDir(), "again")
		sh(t, sources, `git clone -q . "`+again+`"; git -C "`+again+`" config user.name x; git -C "`+again+`" config user.email x@y`)
		if out, err := tried(t, again, `DIST=`+dist+`; `+lines); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v, says %q; want %q", lines, err, out, want)
		}
	}
}

// tellsItsContents holds the lists of contents against the programs themselves.
func tellsItsContents(t *testing.T, dist string) {
	files, err := filepath.Glob(dist + "/*/*.cdx.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d lists of contents, %v; want 3", len(files), err)
	}
	for _, file := range files {
		var list struct {
			SpecVersion string
			Metadata    struct {
				Component  struct{ Version string }
				Properties []struct{ Name, Value string }
			}
			Components []struct{ Name, Version string }
		}
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &list)
		}
		if err != nil {
			t.Fatal(err)
		}
		program := strings.TrimSuffix(file, ".cdx.json")
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"std " + info.GoVersion}
		for _, m := range info.Deps {
			want = append(want, m.Path+" "+m.Version)
		}
		var got []string
		for _, c := range list.Components {
			got = append(got, c.Name+" "+c.Version)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s lists\n%v\nthe program has\n%v", file, got, want)
		}
		digest := strings.Fields(sh(t, dist, "sha256sum "+program))[0]
		if list.Metadata.Component.Version != released || !slices.ContainsFunc(list.Metadata.Properties, func(p struct{ Name, Value string }) bool {
			return p.Name == "cdx:gomod:binary:hash:SHA-256" && p.Value == digest
		}) {
			t.Errorf("%s names version %s, or not the digest %s", file, list.Metadata.Component.Version, digest)
		}
	}
}

var runnable = regexp.MustCompile("(?s)<!-- a test runs these lines as they stand -->\n```sh\n(.*?)```")

// checkedAsThePageSays unpacks the archive, runs a drill with what comes out, and runs the page's commands on both. Each line that
// is spoiled must fail.
func checkedAsThePageSays(t *testing.T, b box, dist string) {
	page, err := os.ReadFile("../../../docs/release.md")
	if err != nil {
		t.Fatal(err)
	}
	m := runnable.FindSubmatch(page)
	if m == nil {
		t.Fatal("docs/release.md has no commands for an auditor")
	}
	name := "blackstart-" + released + "-linux-" + runtime.GOARCH
	commands := strings.NewReplacer("v0.1.0", released, "linux-amd64", "linux-"+runtime.GOARCH, "PACK", "null").Replace(string(m[1]))
	folder := filepath.Join(dist, "../installed", name)
	sh(t, dist, `mkdir ../installed; tar -xzf `+name+`.tar.gz -C ../installed`)
	b.with = filepath.Join(folder, "blackstart")
	if o := b.drill(t, filepath.Join(folder, "scenarios/finrag/null.yaml")); o.exit != harness.ExitPass {
		t.Fatalf("a drill with the released program: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	var in evidence.Inputs
	readJSON(t, b, "null", "data/inputs.json", &in)
	sums := sh(t, dist, "cat SHA256SUMS") + "\n"
	if in.ToolVersion != released || !strings.Contains(sums, in.ToolSHA256+"  "+name+"/blackstart\n") {
		t.Errorf("the pack names %s %s, which is not on the list", in.ToolVersion, in.ToolSHA256)
	}
	for _, c := range readRecord(t, b, "null").Target.Components {
		if c.Kind == "api" && !strings.Contains(sums, c.SHA256+"  "+name+"/finrag\n") {
			t.Errorf("the pack names %s for %s, which is not on the list", c.SHA256, c.Name)
		}
	}
	for spoil, want := range map[string]string{
		":":                          "",
		"echo >>SHA256SUMS":          "Verification failure",
		"echo >>" + name + ".tar.gz": name + ".tar.gz: FAILED",
		// signed by the releaser, but without the program that the pack names
		`sed -i '/blackstart$/d' SHA256SUMS; openssl dgst -sha256 -sign ` + filepath.Dir(b.state) + `/key.pem -out SHA256SUMS.sig SHA256SUMS`: "",
		"printf x | dd of=null.zip bs=1 seek=5000 conv=notrunc status=none":                                                                   "",
	} {
		downloads := t.TempDir()
		sh(t, downloads, `cp `+dist+`/*.tar.gz `+dist+`/SHA256SUMS* `+b.out+`/null.zip `+b.out+`/null.root.pem `+filepath.Dir(b.state)+`/release.pub.pem .; `+spoil)
		out, err := tried(t, downloads, "set -x\n"+commands)
		if (err == nil) != (spoil == ":") || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", spoil, err, out)
		}
	}
}
