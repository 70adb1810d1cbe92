package evidence_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"blackstart/evidence/seal"
)

// An attack is what somebody does to an honest pack who holds the key that seals packs, but not the key of the run.
type attack struct {
	name   string
	kind   string // of the honest pack that is needed; "" is one that passed
	do     func(b *bag)
	told   bool                // the log and the record are made anew to tell what the changed files hold
	signed bool                // a new run key signs all that is told anew, so that only what contradicts itself can be found
	anew   bool                // everything that is derived is made anew by the product itself
	zip    func([]byte) []byte // what is done to the sealed pack
	hand   *byHand             // it is sealed by hand, in this form
	fits   bool                // under its new run key nothing contradicts it: it may be accepted, within bounds
	names  []string            // verify must name one of these; "" is the pack as a whole; nil: anything
}

// attacks are all tables of this package.
func attacks() []attack {
	return slices.Concat(sampleAttacks(), ledgerAttacks(), eventAttacks(), checkpointAttacks(), recordAttacks(), inputsAttacks(),
		fileAttacks(), derivedAttacks(), endAttacks(), formAttacks(), zipAttacks(), manifestAttacks(), signatureAttacks(), tagAttacks(),
		headerAttacks())
}

// TestAttacks changes an honest pack in every way that its forger can think of, seals it with a key whose root the verifier is
// given, and runs the real command: it must call the pack altered or contradictory, and name the file.
func TestAttacks(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range attacks() {
		if seen[a.name] {
			t.Fatalf("two attacks are called %s", a.name)
		}
		seen[a.name] = true
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			a.run(t)
		})
	}
}

func (a attack) run(t *testing.T) {
	b := openBagOf(t, a.kind, a.signed)
	a.do(b)
	if a.told {
		b.tellAnew()
	}
	if a.signed {
		b.signAnew()
	}
	var pack, root string
	if a.hand != nil {
		pack, root = b.sealByHand(*a.hand)
	} else {
		pack, root = b.seal(a.name, a.anew)
	}
	if a.zip != nil {
		data, err := os.ReadFile(pack)
		must(t, err)
		must(t, os.WriteFile(pack, a.zip(data), 0o600))
	}
	keep(t, a.name, pack, root)
	got := verify(t, pack, root)
	// What only the reports tell is told anew by whoever makes them anew.
	if a.signed && !slices.ContainsFunc(got.files(), bound) {
		pack, root = b.seal(a.name, true)
		keep(t, a.name, pack, root)
		got = verify(t, pack, root)
	} else if a.signed && os.Getenv(attacksDir) != "" { // a mutation run asks which check finds it where everything derived fits
		if pack, root, err := b.trySeal(a.name, true); err == nil {
			keep(t, a.name+"-anew", pack, root)
		}
	}
	if why, ok := known[a.name]; ok && got.exit == 0 {
		t.Logf("known: %s", why)
		return
	}
	if got.exit != 20 {
		t.Fatalf("exit %d, want 20\n%s", got.exit, got.failures())
	}
	if !slices.ContainsFunc(got.files(), a.named) {
		t.Errorf("names %q, want one of %q\n%s", got.files(), a.names, got.failures())
	}
}

// named tells whether a file is one that the attack must be found in; a name that ends in a slash stands for all below it.
func (a attack) named(file string) bool {
	return a.names == nil || slices.ContainsFunc(a.names, func(want string) bool {
		return file == want || strings.HasSuffix(want, "/") && strings.HasPrefix(file, want)
	})
}

// known are attacks that are accepted today, and what each tells otherwise than the rest of its pack. Those whose names end in
// -signed need a new run key.
var known = map[string]string{
	"exchanged-charts":                  "layout is compared by the build that wrote it alone",
	"verify-md-command":                 "layout is compared by the build that wrote it alone",
	"plot-png-of-another":               "layout is compared by the build that wrote it alone",
	"plot-svg-text":                     "layout is compared by the build that wrote it alone",
	"form-findings-spaces":              "white space in findings, of which numbers and verdicts are compared",
	"form-findings-crlf":                "white space in findings, of which numbers and verdicts are compared",
	"form-record-spaces-signed":         "white space in the record, whose new digest a new run key has signed",
	"form-record-crlf-signed":           "white space in the record, whose new digest a new run key has signed",
	"log-removed-with-its-event-signed": "a component's log, of which nothing else tells",
	"event-load-started-removed-signed": "a load that never began: no document promises the event",
}

// bound tells whether a file is none of those that are derived after the end.
func bound(file string) bool {
	return !slices.Contains([]string{findingsFile, controlsFile, "data/VERIFY.md"}, file) &&
		!strings.HasPrefix(file, "data/report-") && !strings.HasPrefix(file, "data/plots/")
}

// both makes two attacks of one change of raw files: bare, to be found in the file, and told anew, to be found in the checkpoints
// that nobody but the run could sign.
func both(name, file string, do func(b *bag)) []attack {
	return []attack{
		{name: name, do: do, names: []string{file, file + ".tree"}},
		{name: name + "-told", do: do, told: true, names: []string{seal.CheckpointDir}},
	}
}

// TestUnchangedPackIsAccepted shows that the attacks are found for what they change, and not for how they are sealed.
func TestUnchangedPackIsAccepted(t *testing.T) {
	for _, kind := range []string{"pass", "fail", "inconclusive", "stopped", "interrupted"} {
		for _, how := range []string{"sealed", "told", "anew"} {
			t.Run(kind+"/"+how, func(t *testing.T) {
				t.Parallel()
				b := openBag(t, kind)
				if how == "told" {
					b.tellAnew()
					if b.changed() {
						t.Error("telling the same anew changes bytes")
					}
				}
				pack, root := b.seal("unchanged-"+kind+"-"+how, how == "anew")
				if got := verify(t, pack, root); got.exit != 0 {
					t.Errorf("exit %d, want 0\n%s", got.exit, got.failures())
				}
			})
		}
	}
}

// TestNewRunKeyIsSaidToBeUnknown is the one forgery that cannot be found without a register: the whole log signed by a new key.
// The command says so.
func TestNewRunKeyIsSaidToBeUnknown(t *testing.T) {
	t.Parallel()
	b := openBagOf(t, "pass", true)
	pack, root := b.seal("new-run-key", false)
	keep(t, "new-run-key", pack, root)
	if got := verify(t, pack, root); got.exit != 0 {
		t.Fatalf("exit %d, want 0\n%s", got.exit, got.failures())
	}
	path, err := command()
	must(t, err)
	out, err := exec.Command(path, "verify", pack, "--root", root).CombinedOutput()
	must(t, err)
	if !strings.Contains(string(out), "nothing outside this pack says that this run key is the first") {
		t.Errorf("it is not said that the run key is unproven:\n%s", out)
	}
}

// attacksDir names the folder in which attacks are kept.
const attacksDir = "BLACKSTART_ATTACKS"

// keep leaves a pack and its root where the environment says, for cmd/blackstart/mutate.
func keep(t *testing.T, name, pack, root string) {
	dir := os.Getenv(attacksDir)
	if dir == "" {
		return
	}
	must(t, os.MkdirAll(dir, 0o750))
	for ext, from := range map[string]string{".zip": pack, ".root.pem": root} {
		data, err := os.ReadFile(from)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name+ext), data, 0o600))
	}
}

// A verdictOf is what the command said of a pack.
type verdictOf struct {
	exit   int
	out    string
	checks []struct{ Name, Status, File, Detail string }
}

// files are those that failed checks name.
func (v verdictOf) files() (files []string) {
	for _, c := range v.checks {
		if c.Status == "failed" {
			files = append(files, c.File)
		}
	}
	return files
}

func (v verdictOf) failures() string {
	var s strings.Builder
	for _, c := range v.checks {
		if c.Status == "failed" {
			s.WriteString("  " + c.File + ": " + c.Name + ": " + c.Detail + "\n")
		}
	}
	return s.String()
}

// command builds blackstart once for all tests.
var command = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "attack-command-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "blackstart")
	out, err := exec.Command("go", "build", "-o", path, "blackstart/cmd/blackstart").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func verify(t *testing.T, pack, root string) verdictOf {
	t.Helper()
	path, err := command()
	must(t, err)
	cmd := exec.Command(path, "verify", pack, "--root", root, "--recompute", "--json")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	v := verdictOf{exit: cmd.ProcessState.ExitCode(), out: string(out) + stderr.String()}
	var report struct {
		Checks []struct{ Name, Status, File, Detail string } `json:"checks"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("exit %d: %v\n%s", v.exit, err, v.out)
	}
	v.checks = report.Checks
	return v
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
