package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/internal/fakebucket"
)

// withBucket begins a bucket whose account is that of this test.
func withBucket(t *testing.T) *fakebucket.Bucket {
	t.Helper()
	for name, value := range fakebucket.Environment() {
		t.Setenv(name, value)
	}
	return fakebucket.Start(t)
}

// TestRunInABucket: opened, sealed while the bucket refuses, and closed by an undo whose environment names neither region nor endpoint; then
// read by every command. Credentials stand nowhere.
func TestRunInABucket(t *testing.T) {
	server := withBucket(t)
	t.Setenv("AWS_REGION", fakebucket.Region)
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	dir, said := t.TempDir(), ""
	d, b, _ := openedIn(t, dir, storeFlags{"s3://evidence/firm/drills", filepath.Join(dir, "register.pem")})
	out := filepath.Join(dir, "out")
	d.flags.out, d.scenario = out, b.rec.Scenario
	server.Mood = func(string, string) fakebucket.Mood { return fakebucket.Forbidden }
	if err := errors.Join(b.bind(), b.die(out), os.MkdirAll(out, 0o755)); err != nil {
		t.Fatal(err)
	}
	_, err := d.seal(t.Context(), b.rec)
	if !strings.Contains(fmt.Sprint(err), "these credentials may not do that here") {
		t.Fatalf("the bucket refuses: %v", err)
	}
	said += fmt.Sprint(err)
	server.Mood = nil
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_ENDPOINT_URL_S3", "")
	l := unfinishedRun{dir: d.dir, info: runInfo{RunID: d.runID, Name: d.scenario.Metadata.Name, Out: out, Store: d.register.flags.place, RegisterKey: d.register.flags.key}}
	if err := l.keepRecord(t.Context(), false, undoOutcome{}, d.redact, func(text string) { said += text }); err != nil {
		t.Fatal(err)
	}
	sum, err := digestOf(filepath.Join(out, d.scenario.Metadata.Name+".zip"))
	if r := outcomeIn(t, d.register.flags.place); err != nil || r.PackSHA256 != sum {
		t.Errorf("%+v, %v", r, err)
	}
	if !strings.Contains(d.register.flags.place, server.URL) {
		t.Errorf("the run knows its store as %s", d.register.flags.place)
	}
	t.Setenv(storeEnv, d.register.flags.place)
	for args, want := range map[string]string{"list": "closed", "population": "rehearsal", "sample --seed 7": "apart", "verify --packs " + out: "1 packs agree"} {
		text, code := command(t, append([]string{"register"}, strings.Fields(args)...)...)
		if said += text; code != 0 || !strings.Contains(text, want) {
			t.Errorf("%s: exit %d\n%s", args, code, text)
		}
	}
	server.Set("firm/drills/register/entry/0.json", []byte("{}"))
	text, code := command(t, "register", "verify")
	if said += text; code != harness.ExitAltered || !strings.Contains(text, "first altered entry: 0") {
		t.Errorf("altered: exit %d\n%s", code, text)
	}
	noCredentials(t, said, dir)
}

// noCredentials demands that they stand neither in what was said nor in a file.
func noCredentials(t *testing.T, said, dir string) {
	t.Helper()
	hasOne := func(text string) bool {
		return strings.Contains(text, fakebucket.Secret) || strings.Contains(text, fakebucket.Access)
	}
	if hasOne(said) {
		t.Errorf("credentials are said: %s", said)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if hasOne(string(data)) {
			t.Errorf("credentials stand in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestStoreInitInABucket says how it keeps what it has, and refuses one that does not.
func TestStoreInitInABucket(t *testing.T) {
	server := withBucket(t)
	key := filepath.Join(t.TempDir(), "register.pem")
	for i, c := range []struct {
		set  func()
		code int
		want string
	}{
		{func() {}, 0, "no Object Lock: whoever may delete"},
		{func() { server.Retention = "COMPLIANCE" }, 0, "Object Lock, COMPLIANCE: every file is held for 7 years"},
		{func() { server.Mood = func(string, string) fakebucket.Mood { return fakebucket.LooksFirst } }, harness.ExitHarness, "create-only is not atomic"},
		{func() { server.Mood = func(string, string) fakebucket.Mood { return fakebucket.Forgetful } }, harness.ExitHarness, "create-only is ignored"},
	} {
		c.set()
		place := server.Place(fmt.Sprint("p", i))
		out, code := command(t, "store", "init", place, "--register-key", key)
		if told := strings.Join(strings.Fields(out), " "); code != c.code || !strings.Contains(told, c.want) || code == 0 && !strings.Contains(told, "nothing is encrypted") {
			t.Errorf("exit %d\n%s", code, out)
		}
		if made := server.File(fmt.Sprint("p", i, "/", "store.json")) != nil; made != (c.code == 0) {
			t.Errorf("%s: made %v", c.want, made)
		}
	}
	if out, code := command(t, "store", "init", server.Place("p0"), "--register-key", key); code != harness.ExitHarness || !strings.Contains(out, "there is one already") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// TestStoresThatAreNone are refused with what to write, before anything is asked.
func TestStoresThatAreNone(t *testing.T) {
	withBucket(t)
	for store, c := range map[string]struct {
		code int
		want string
	}{
		"gs://bucket/x":                       {harness.ExitUsage, `"gs://" is no kind of store`},
		"s3://AKIAX:hush@evidence/x":          {harness.ExitUsage, "credentials do not stand in a store's name"},
		"s3://evidence/x?profile=audit":       {harness.ExitUsage, "region= and endpoint= may stand"},
		"s3://evidence/x":                     {harness.ExitHarness, "no region is named"},
		"s3://evidence/x?endpoint=http://[::": {harness.ExitUsage, "no http:// or https:// address"},
	} {
		out, code := command(t, "register", "list", "--store", store)
		if code != c.code || !strings.Contains(strings.Join(strings.Fields(out), " "), c.want) || strings.Contains(out, "hush") {
			t.Errorf("%s: exit %d\n%s", store, code, out)
		}
	}
	f := storeFlags{place: "s3://evidence/it's?region=x"}
	if got := f.asArgument(); got != `'s3://evidence/it'\''s?region=x'` {
		t.Error(got)
	}
}
