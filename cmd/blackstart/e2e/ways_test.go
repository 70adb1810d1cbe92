package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
)

// TestFetchedPostgres runs the drill on the pinned bundle, as on a machine where no PostgreSQL is installed.
func TestFetchedPostgres(t *testing.T) {
	b := newBox(t)
	b.env = append(b.env, "BLACKSTART_POSTGRES=bundle")
	o := b.drill(t, scenarioDir+"region-partition.yaml")
	if o.exit != harness.ExitPass {
		t.Fatalf("exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	rec := readRecord(t, b, "region-partition")
	if !rec.Ledger.OldRead || rec.Ledger.WAL.Tool != "pg_walinspect" {
		t.Errorf("old primary read %v (%s), its log by %q (%s): the bundle has no pg_waldump", rec.Ledger.OldRead, rec.Ledger.OldDetail,
			rec.Ledger.WAL.Tool, rec.Ledger.WALDetail)
	}
	for _, c := range rec.Target.Components {
		if c.Kind == "postgres" && !strings.HasPrefix(c.Version, "16.") {
			t.Errorf("%s is version %s, the bundle's is 16", c.Name, c.Version)
		}
	}
	b.nothingLeft(t)
}

// TestOneWayPartition drops packets towards the region only: what it sends still leaves it.
func TestOneWayPartition(t *testing.T) {
	b := newBox(t)
	dir := t.TempDir()
	base, err := os.ReadFile(scenarioDir + "region-partition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	child := `extends: region-partition.yaml
metadata: {name: one-way, title: "Packets towards the primary region vanish"}
faults:
  - {at: 0s, kind: region.partition, on: primary, with: {direction: in}, startsClock: true, confirmWithin: 2s}
`
	for name, text := range map[string]string{"region-partition.yaml": string(base), "one-way.yaml": child} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := b.drill(t, filepath.Join(dir, "one-way.yaml"))
	if o.exit != harness.ExitPass {
		t.Errorf("exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	rec := readRecord(t, b, "one-way")
	if do := rec.Faults[0].Plan.Steps[0].Do; do.Direction != harness.In || !rec.Faults[0].Confirmed || !rec.Faults[0].Restored {
		t.Errorf("fault %+v", rec.Faults[0])
	}
	b.nothingLeft(t)
}
