package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"

	"blackstart/evidence/register"
	"blackstart/harness"
)

// writerOf opens the register of a store to write to it.
func writerOf(ts *testscript.TestScript, store, key string) *registerWriter {
	w, err := (&storeFlags{ts.MkAbs(store), ts.MkAbs(key)}).writer(context.Background())
	ts.Check(err)
	return w
}

// enrol makes a fixture that was opened and closed in a register as a run is, and writes its pack and root to DIR/NAME.
func enrol(w *registerWriter, kind, dir, name string) error {
	fixtures.Lock()
	defer fixtures.Unlock()
	tmp, err := os.MkdirTemp("", "blackstart-enrolled-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	k := fixtureKinds[kind]
	k.register = w
	run := uuid.Must(uuid.NewV7()).String()
	b, err := newBagOf(k, filepath.Join(tmp, "run"), run, "queries", "edge")
	if err != nil {
		return err
	}
	if err := b.seal(dir, name); err != nil {
		return err
	}
	ctx := context.Background()
	_, err = w.closeRun(ctx, run, "a tester", filepath.Join(dir, name+".zip"), "")
	return err
}

// enrolled DIR NAME STORE KEY [KIND] writes such a pack.
func putEnrolled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || len(args) > 5 {
		ts.Fatalf("usage: enrolled DIR NAME STORE KEY [KIND]")
	}
	ts.Check(enrol(writerOf(ts, args[2], args[3]), strings.Join(args[4:], ""), ts.MkAbs(args[0]), args[1]))
}

// rewrite STORE KEY N makes entry N and all after it anew, with every checkpoint, as somebody can who has store and key.
func rewriteRegister(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: rewrite STORE KEY N")
	}
	n, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	ts.Check(rewriteFrom(ts.MkAbs(args[0]), ts.MkAbs(args[1]), n))
}

func rewriteFrom(store, key string, n int64) error {
	ctx := context.Background()
	f := &storeFlags{store, key}
	old, err := f.writer(ctx)
	if err != nil {
		return err
	}
	for i := n; i < old.log.Size(); i++ {
		for _, name := range []string{fmt.Sprintf("entry/%d.json", i), fmt.Sprintf("checkpoints/%d", i+1)} {
			if err := os.Remove(filepath.Join(store, "register", filepath.FromSlash(name))); err != nil {
				return err
			}
		}
	}
	w, err := f.writer(ctx)
	if err != nil {
		return err
	}
	for i, line := range old.log.Lines()[n:] {
		by := line.By
		if i == 0 {
			by = "nobody"
		}
		if _, err := w.log.Append(ctx, w.key, by, line.Time(), line.Kind, line.Entry.Body); err != nil {
			return err
		}
	}
	return nil
}

// command runs a command line in this process.
func command(t *testing.T, args ...string) (string, int) {
	t.Helper()
	var out, errs bytes.Buffer
	code := execute(t.Context(), args, &out, &errs)
	return out.String() + errs.String(), code
}

// TestRewrittenRegisterIsFoundFromOnePack: an attacker who has store and key writes the last entries and their checkpoints anew.
// The register itself shows nothing; one old pack that was kept elsewhere names the first altered entry, to the command and to
// a stranger with thirty lines of Python.
func TestRewrittenRegisterIsFoundFromOnePack(t *testing.T) {
	dir := t.TempDir()
	store, key, kept := filepath.Join(dir, "store"), filepath.Join(dir, "register.pem"), filepath.Join(dir, "kept")
	if out, code := command(t, "store", "init", store, "--register-key", key); code != 0 {
		t.Fatal(out)
	}
	w, err := (&storeFlags{store, key}).writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 { // of the four the third is kept elsewhere: it was opened as entry 4
		where := filepath.Join(dir, "lost")
		if i == 2 {
			where = kept
		}
		if err := enrol(w, []string{"", "stopped"}[i%2], where, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	stranger := func() string {
		python, err := exec.LookPath("python3")
		if err != nil {
			t.Skip("python3 is not installed")
		}
		out, _ := exec.Command(python, "../../testdata/register.py", filepath.Join(kept, "2.zip"), store).CombinedOutput()
		return string(out)
	}
	if out, code := command(t, "register", "verify", "--store", store, "--packs", kept); code != 0 || !strings.Contains(out, "1 packs agree") {
		t.Errorf("before: exit %d\n%s", code, out)
	}
	if out := stranger(); !strings.HasPrefix(out, "consistent: 5 entries") {
		t.Errorf("before, the stranger says %s", out)
	}
	for _, first := range []int64{6, 4, 3, 1, 0} {
		if err := rewriteFrom(store, key, first); err != nil {
			t.Fatal(err)
		}
		if out, code := command(t, "register", "verify", "--store", store); code != 0 {
			t.Errorf("rewritten from %d: it shows without a pack: exit %d\n%s", first, code, out)
		}
		out, code := command(t, "register", "verify", "--store", store, "--packs", kept)
		said, want := stranger(), fmt.Sprintf("first altered entry: %d", first)
		if first > 4 { // it was opened before that
			if code != 0 || !strings.HasPrefix(said, "consistent") {
				t.Errorf("rewritten from %d: exit %d\n%s\n%s", first, code, out, said)
			}
			continue
		}
		if code != 20 || !strings.HasPrefix(out, "ALTERED: "+want+":") {
			t.Errorf("rewritten from %d: exit %d\n%s", first, code, out)
		}
		if strings.TrimSpace(said) != want {
			t.Errorf("rewritten from %d: the stranger says %s", first, said)
		}
	}
}

// TestRegisterJSON: population, list, sample and verify as machines read them.
func TestRegisterJSON(t *testing.T) {
	dir := t.TempDir()
	store, key := filepath.Join(dir, "store"), filepath.Join(dir, "register.pem")
	if out, code := command(t, "store", "init", store, "--register-key", key); code != 0 {
		t.Fatal(out)
	}
	w, err := (&storeFlags{store, key}).writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"", "stopped"} {
		if err := enrol(w, kind, dir, "pack"+kind); err != nil {
			t.Fatal(err)
		}
	}
	var p register.Population
	var s register.Sample
	var v verifiedRegister
	var l []listed
	for args, into := range map[string]any{"population": &p, "sample --seed 7": &s, "verify --packs " + dir + " --key " + w.key.Verifier(): &v, "list": &l} {
		out, code := command(t, append(append([]string{"register"}, strings.Fields(args)...), "--store", store, "--json")...)
		if err := json.Unmarshal([]byte(out), into); err != nil || code != 0 {
			t.Errorf("%s: exit %d, %v\n%s", args, code, err, out)
		}
	}
	if len(p.Runs) != 2 || p.NotPassed != 2 || p.Runs[1].Outcome != register.Stopped || p.Keeping != register.SelfKept || p.Completeness != register.NotTested {
		t.Errorf("population %+v", p)
	}
	if len(s.Apart) != 2 || s.Head != 4 || len(v.Packs) != 4 || v.Exit != 0 || len(l) != 4 || l[3].Kind != register.KindClosed {
		t.Errorf("sample %+v\nverify %+v\nlist %+v", s, v, l)
	}
}

// TestVerifyHoldsTheRegistersKeyAgainstOneFromOutside: without it a pack says nothing about its run key; another refuses the pack, and
// so does one of a pack that was opened in no register.
func TestVerifyHoldsTheRegistersKeyAgainstOneFromOutside(t *testing.T) {
	dir := t.TempDir()
	lines := map[string]string{}
	for _, name := range []string{"one", "two"} {
		f := storeFlags{filepath.Join(dir, name), filepath.Join(dir, name+".pem")}
		if out, code := command(t, "store", "init", f.place, "--register-key", f.key, "--name", "example.org/drills"); code != 0 {
			t.Fatal(out)
		}
		w, err := f.writer(t.Context())
		if err == nil {
			err = enrol(w, "", dir, "pack-"+name)
		}
		if err != nil {
			t.Fatal(err)
		}
		lines[name] = w.key.Verifier()
	}
	files, err := sealedFixture("")
	if err == nil {
		err = errors.Join(os.WriteFile(filepath.Join(dir, "pack-none.zip"), files["small.zip"], 0o600),
			os.WriteFile(filepath.Join(dir, "pack-none.root.pem"), files["small.root.pem"], 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pack, key string
		code      int
		first     bool // it is said that the run key may not be the first
	}{{"one", "", 0, true}, {"one", lines["one"], 0, false}, {"one", lines["two"], harness.ExitRefused, true}, {"none", lines["one"], harness.ExitRefused, true}} {
		out, code := command(t, "verify", filepath.Join(dir, "pack-"+c.pack+".zip"), "--register", c.key)
		if code != c.code || strings.Contains(out, firstKey) != c.first {
			t.Errorf("pack %s, key %q: exit %d\n%s", c.pack, c.key, code, out)
		}
	}
}

// TestATrustFileDemandsARegister: a pack that was opened in another, or in none, is refused, and so is a run before it starts.
func TestATrustFileDemandsARegister(t *testing.T) {
	dir := t.TempDir()
	f := storeFlags{filepath.Join(dir, "store"), filepath.Join(dir, "register.pem")}
	if out, code := command(t, "store", "init", f.place, "--register-key", f.key); code != 0 {
		t.Fatal(out)
	}
	w, err := f.writer(t.Context())
	if err == nil {
		err = enrol(w, "", dir, "in")
	}
	files, sealErr := sealedFixture("")
	if err := errors.Join(err, sealErr, os.WriteFile(filepath.Join(dir, "none.zip"), files["small.zip"], 0o600), os.WriteFile(filepath.Join(dir, "none.root.pem"), files["small.root.pem"], 0o600)); err != nil {
		t.Fatal(err)
	}
	other, err := register.NewKey("example.org/others", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	trust := filepath.Join(dir, "trust.json")
	for _, c := range []struct {
		pack, registers string
		code            int
		want            string
	}{
		{"in", "", 0, "unless its register's keeper"},
		{"in", `,"registers":["` + w.key.Verifier() + `"]`, 0, "its key is the one given"},
		{"in", `,"registers":["` + other.Verifier() + `","` + w.key.Verifier() + `"]`, 0, "its key is the one given"},
		{"in", `,"registers":["` + other.Verifier() + `"]`, harness.ExitRefused, "is none of those that the trust file demands"},
		{"none", "", 0, ""},
		{"none", `,"registers":["` + w.key.Verifier() + `"]`, harness.ExitRefused, "the trust file demands a register, and the run is opened in none"},
		{"in", `,"registers":["example.org/others"]`, harness.ExitUsage, "is not the line with a register's key"},
	} {
		text := fmt.Sprintf(`{"format":"blackstart.trust/1","anchors":[{"role":"executor","root_pem":%q,"not_before":"2020-01-01T00:00:00Z","not_after":"2099-01-01T00:00:00Z","highest_class":"rehearsal"}]%s}`,
			c.pack+".root.pem", c.registers)
		if err := os.WriteFile(trust, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, code := command(t, "verify", filepath.Join(dir, c.pack+".zip"), "--trust", trust)
		if code != c.code || !strings.Contains(strings.Join(strings.Fields(out), " "), c.want) {
			t.Errorf("%s%s: exit %d\n%s", c.pack, c.registers, code, out)
		}
		r := runFlags{trust: trust}
		if c.pack == "in" {
			r.store = f
		}
		if _, err := r.register(t.Context()); (err == nil) != (c.code == 0) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("run, %s%s: %v", c.pack, c.registers, err)
		}
	}
}

// TestClosingThatWasCutOff is told apart from one that agrees.
func TestClosingThatWasCutOff(t *testing.T) {
	dir := t.TempDir()
	f := storeFlags{filepath.Join(dir, "store"), filepath.Join(dir, "register.pem")}
	if out, code := command(t, "store", "init", f.place, "--register-key", f.key); code != 0 {
		t.Fatal(out)
	}
	w, err := f.writer(t.Context())
	if err == nil {
		err = enrol(w, "", dir, "pack")
	}
	if err := errors.Join(err, os.Remove(filepath.Join(f.place, "register/entry/1.json")), os.Remove(filepath.Join(f.place, "register/checkpoints/2"))); err != nil {
		t.Fatal(err)
	}
	out, code := command(t, "register", "verify", "--store", f.place, "--packs", filepath.Join(dir, "pack.zip"))
	told := strings.Join(strings.Fields(out), " ")
	if code != 0 || !strings.Contains(told, "0 packs agree, 1 are of runs that are not closed") || !strings.Contains(told, "was opened by entry 0 and is not closed") ||
		!strings.Contains(told, "no --key was given") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if out, _ := command(t, "register", "verify", "--store", f.place, "--key", w.key.Verifier()); strings.Contains(out, "no --key was given") {
		t.Error(out)
	}
}

// TestContradictoryRegisterIsSaid by every command that reads it, in words and as JSON: a run that is closed twice.
func TestContradictoryRegisterIsSaid(t *testing.T) {
	d, store := openedRun(t)
	w := d.register
	for _, reason := range []string{"first", "second"} {
		end := register.Closed{Run: d.runID, Result: register.Interrupted, Exit: harness.ExitStopped, Reason: reason}
		if _, err := w.log.Append(t.Context(), w.key, "a tester", time.Now(), register.KindClosed, &end); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{"population", "population --json", "sample --seed 7", "sample --seed 7 --json", "list", "list --json", "verify"} {
		out, code := command(t, append(append([]string{"register"}, strings.Fields(args)...), "--store", store)...)
		if strings.HasPrefix(args, "population") && !strings.Contains(out, "exception") {
			t.Errorf("%s: its page does not say so:\n%s", args, out)
		}
		if code != harness.ExitAltered || !strings.Contains(strings.Join(strings.Fields(out), " "), "was ended by entry 1 already") {
			t.Errorf("%s: exit %d\n%s", args, code, out)
		}
	}
	if r := outcomeIn(t, store); r.Reason != "first" {
		t.Errorf("%+v", r)
	}
}

// TestOtherZipsAreNoted: what is no pack is said and left; a pack that was renamed inside, or cut, is not taken for one.
func TestOtherZipsAreNoted(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]bool{"holiday.jpg": true, "x/data/inputs.json": false, "manifest-sha256.txt": false} {
		path := filepath.Join(dir, "some.zip")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		_, err = z.Create(name)
		if err := errors.Join(err, z.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		kept, notes, err := keptIn(dir)
		if len(kept) > 0 || (err == nil) != want || want && !strings.Contains(fmt.Sprint(notes), "some.zip is no pack") {
			t.Errorf("%s: %q, %v", name, notes, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "some.zip"), []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := keptIn(dir); err == nil {
		t.Error("what may be the rest of a pack is passed over")
	}
}
