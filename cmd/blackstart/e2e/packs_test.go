package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

func readJSON(t *testing.T, b box, pack, name string, v any) {
	t.Helper()
	p, err := seal.Open(b.pack(pack))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	data, err := p.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

func readRecord(t *testing.T, b box, pack string) (rec harness.Record) {
	t.Helper()
	readJSON(t, b, pack, "data/record.json", &rec)
	return rec
}

func readFindings(t *testing.T, b box, pack string) (f harness.Findings) {
	t.Helper()
	readJSON(t, b, pack, "data/findings.json", &f)
	return f
}

// flipEveryFile changes one byte in the middle of each file of the pack: each must be caught and named.
func flipEveryFile(t *testing.T, b box, name string) {
	whole, err := os.ReadFile(b.pack(name))
	if err != nil {
		t.Fatal(err)
	}
	p, err := seal.Open(b.pack(name))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	root := filepath.Join(b.out, name+".root.pem")
	bad := filepath.Join(t.TempDir(), "bad.zip")
	for _, file := range p.Names() {
		s, err := p.Section(file)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(s)
		if err != nil {
			t.Fatal(err)
		}
		if len(content) == 0 {
			continue
		}
		at := bytes.Index(whole, content) + len(content)/2
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		fixCRC(t, changed, file, p.Base())
		if err := os.WriteFile(bad, changed, 0o644); err != nil {
			t.Fatal(err)
		}
		o := b.run(t, "verify", bad, "--root", root)
		if o.exit != harness.ExitAltered || !strings.Contains(o.stdout+o.stderr, file) {
			t.Errorf("%s changed: exit %d and it is not named\n%s%s", file, o.exit, o.stdout, o.stderr)
		}
	}
}

// noSecrets looks in the pack of a drill whose state was kept, and on the screen, for every secret the target was given.
func noSecrets(t *testing.T, b box, o outcome, name string) {
	secrets := map[string]string{}
	err := filepath.WalkDir(filepath.Join(b.state, "runs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "/bag/") {
			return err
		}
		ext := filepath.Ext(path)
		if ext != ".pass" && ext != ".token" && ext != ".secret" && d.Name() != "pagerduty.key" {
			return nil
		}
		data, err := os.ReadFile(path)
		if err == nil && len(strings.TrimSpace(string(data))) >= 8 {
			secrets[strings.TrimSpace(string(data))] = d.Name()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(secrets) < 3 {
		t.Fatalf("only %d secrets were found to look for: %v", len(secrets), secrets)
	}
	pack, err := os.ReadFile(b.pack(name))
	if err != nil {
		t.Fatal(err)
	}
	for secret, file := range secrets {
		if bytes.Contains(pack, []byte(secret)) || strings.Contains(o.stdout+o.stderr, secret) {
			t.Errorf("the secret of %s is in the pack or on the screen", file)
		}
	}
}
