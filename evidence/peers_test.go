package evidence

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackstart/evidence/seal"
)

// Programs that others wrote are asked about the signatures of a pack: over the manifest and inside a report, at sealing and
// eight years ahead. None of them may say of a throw-away key that has run out that the bytes were altered. Each is asked where
// it is installed; with BLACKSTART_NEEDS_PEERS set, none may be missing.

// missing skips the test, saying why.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("BLACKSTART_NEEDS_PEERS") != "" {
		t.Fatalf("%s must not be skipped here: %s", t.Name(), why)
	}
	t.Skip(why)
}

// question is one signed file, asked about at a moment, under a root.
type question struct {
	name, root, at, file, detached string
}

func (q question) String() string {
	return strings.TrimSpace(strings.Join([]string{q.root, q.at, q.file, q.detached}, " "))
}

// questions are asked of every peer, in this order.
func questions(t *testing.T) []question {
	t.Helper()
	h := makeHonest(t)
	h.reseal(t)
	stranger, err := seal.NewThrowawayIdentity("a stranger")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root, other := write("root.pem", h.key.RootPEM), write("other.pem", stranger.RootPEM)
	p7s, manifest, report := h.path(seal.SignatureFile), h.path(seal.ManifestFile), h.path(icfrReport)
	altered := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/3] ^= 1
		return write("altered-"+filepath.Base(path), data)
	}
	now, later := time.Now().UTC().Format(time.RFC3339), time.Now().UTC().AddDate(8, 0, 0).Format(time.RFC3339)
	return []question{
		{"manifest, at sealing", root, now, p7s, manifest}, {"report, at sealing", root, now, report, ""},
		{"manifest, later", root, later, p7s, manifest}, {"report, later", root, later, report, ""},
		{"manifest, another root", other, now, p7s, manifest}, {"report, another root", other, now, report, ""},
		{"manifest, altered", root, now, p7s, altered(manifest)}, {"report, altered", root, now, altered(report), ""},
	}
}

// asksPeer gives the questions to a program, a line each, and demands an answer to each that begins as it has to.
func asksPeer(t *testing.T, want map[string]string, argv ...string) {
	t.Helper()
	all := questions(t)
	var in, out, diag bytes.Buffer
	for _, q := range all {
		in.WriteString(q.String() + "\n")
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &diag
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", argv[0], err, out.String(), diag.String())
	}
	answers := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(answers) != len(all) {
		t.Fatalf("%d answers to %d questions:\n%s%s", len(answers), len(all), out.String(), diag.String())
	}
	for i, q := range all {
		t.Logf("%s: %s", q.name, answers[i])
		if !strings.HasPrefix(answers[i], want[q.name]) || want[q.name] == "" {
			t.Errorf("%s: %s, want %s", q.name, answers[i], want[q.name])
		}
	}
}

func TestEUDSSAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("a Java program of some size is started")
	}
	if _, err := exec.LookPath("java"); err != nil {
		missing(t, "java is not installed")
	}
	const late = "INDETERMINATE OUT_OF_BOUNDS_NOT_REVOKED intact=true" // the certificate has run out, and nothing proves when it was used
	const stranger = "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND intact=true"
	asksPeer(t, map[string]string{
		"manifest, at sealing": "TOTAL_PASSED null intact=true", "report, at sealing": "TOTAL_PASSED null intact=true",
		"manifest, later": late, "report, later": late, "manifest, another root": stranger, "report, another root": stranger,
		"manifest, altered": "TOTAL_FAILED HASH_FAILURE intact=false", "report, altered": "TOTAL_FAILED HASH_FAILURE intact=false",
	}, "java", "-cp", filepath.Join(dssJars(t), "*"), "testdata/peers/Dss.java")
}

// dssJars is the directory with EU DSS: BLACKSTART_DSS, or a cache that maven fills once.
func dssJars(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("BLACKSTART_DSS"); dir != "" {
		return dir
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		missing(t, "neither is mvn installed nor does BLACKSTART_DSS name a directory with the jars of EU DSS")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		missing(t, err.Error())
	}
	dir := filepath.Join(cache, "blackstart", "dss-6.2")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", "testdata/peers/pom.xml", "dependency:copy-dependencies", "-DoutputDirectory="+dir).CombinedOutput()
	if err != nil {
		missing(t, "maven cannot get EU DSS: "+string(out))
	}
	return dir
}

func TestPyHankoAgrees(t *testing.T) {
	python := os.Getenv("BLACKSTART_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import pyhanko").CombinedOutput(); err != nil {
		missing(t, "pyHanko is not installed for "+python+" (BLACKSTART_PYTHON names another): "+string(out))
	}
	const good, unproven, bad = "intact=True valid=True trusted=True", "intact=True valid=True trusted=False", "intact=False"
	asksPeer(t, map[string]string{
		"manifest, at sealing": good, "report, at sealing": good, "manifest, later": unproven, "report, later": unproven,
		"manifest, another root": unproven, "report, another root": unproven, "manifest, altered": bad, "report, altered": bad,
	}, python, "testdata/peers/hanko.py")
}

// TestOpensslNeedsNoClockLater: the command that is printed says, once the key has run out, what -no_check_time leaves to ask.
func TestOpensslNeedsNoClockLater(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		missing(t, "openssl is not installed")
	}
	h := makeHonest(t)
	h.reseal(t)
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.key.Root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	verify := func(content string, more ...string) error {
		argv := append([]string{"cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", h.path(seal.SignatureFile), "-content", content,
			"-CAfile", root, "-out", os.DevNull}, more...)
		return exec.Command("openssl", argv...).Run()
	}
	later := strconv.FormatInt(time.Now().AddDate(8, 0, 0).Unix(), 10)
	manifest := h.path(seal.ManifestFile)
	if err := verify(manifest); err != nil {
		t.Errorf("at sealing: %v", err)
	}
	if verify(manifest, "-attime", later) == nil {
		t.Error("eight years ahead the key has not run out")
	}
	if err := verify(manifest, "-no_check_time"); err != nil {
		t.Errorf("without a clock: %v", err)
	}
	if verify(h.path(RecordFile), "-no_check_time") == nil {
		t.Error("another file has the same signature")
	}
	c, err := Verify(t.Context(), h.reseal(t), VerifyOptions{Roots: []*x509.Certificate{h.key.Root}, Now: time.Now().AddDate(8, 0, 0)})
	if err != nil || c.Answer(seal.Integrity) != seal.OK || c.Rooted == nil {
		t.Errorf("our own: %v, %v", err, c.Err())
	}
}
