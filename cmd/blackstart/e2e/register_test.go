package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/evidence/seal"
)

// TestRegisterOfADrill: a real drill is opened before anything is started and closed after its pack was sealed, and the store has
// the same pack.
func TestRegisterOfADrill(t *testing.T) {
	b := newBox(t)
	dir := filepath.Dir(b.state)
	store, key := filepath.Join(dir, "store"), filepath.Join(dir, "register.pem")
	if o := b.run(t, "store", "init", store, "--register-key", key); o.exit != 0 {
		t.Fatal(o.stderr)
	}
	b.env = append(b.env, "BLACKSTART_STORE="+store, "BLACKSTART_REGISTER_KEY="+key)
	o := b.run(t, "run", "--out", b.out, scenarioDir+"null.yaml")
	if !strings.Contains(o.stdout, ": opened as entry 0, closed as 1, ") {
		t.Fatalf("exit %d\n%s\n%s", o.exit, o.stdout, o.stderr)
	}
	var kinds []string
	p, err := seal.Open(b.pack("null"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	log, err := p.ReadFile(seal.EventsFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(log) {
		var e struct{ Kind string }
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, e.Kind)
	}
	if kinds[0] != "log.opened" || kinds[1] != "register.opened" || kinds[2] != "act.started" {
		t.Errorf("the log begins with %v", kinds[:3])
	}
	pack, err := os.ReadFile(b.pack("null"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(store, "runs/*/pack.zip"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%d packs in the store: %v", len(kept), err)
	}
	if same, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(same, pack) {
		t.Errorf("the store has another pack: %v", err)
	}
	if got := b.accepted(t, "null"); !strings.Contains(got.stdout, "register    opened: as entry 0") {
		t.Errorf("verify says\n%s", got.stdout)
	}
	if got := b.run(t, "register", "verify", "--packs", b.out); got.exit != 0 || !strings.Contains(got.stdout, "1 packs agree") {
		t.Errorf("exit %d\n%s%s", got.exit, got.stdout, got.stderr)
	}
}
