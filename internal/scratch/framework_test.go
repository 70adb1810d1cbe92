package scratch

import (
	"crypto/x509"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// sealed makes the pack of a drill in which nothing was asked and nothing was broken, and returns its bag.
func sealed(t *testing.T, path string) (bag string, key *seal.Throwaway) {
	t.Helper()
	bag = filepath.Join(t.TempDir(), "bag")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := seal.NewThrowawayIdentity("a tester")
	must(err)
	clock, redact, run, pack := harness.NewClock(), evidence.NewRedactor(), uuid.Must(uuid.NewV7()).String(), uuid.Must(uuid.NewV7()).String()
	runKey, err := seal.NewRunKey("blackstart/" + run)
	must(err)
	sha, err := evidence.WriteInputs(bag, evidence.Inputs{Format: harness.Format, RunID: run, PackID: pack, RunKey: runKey.Verifier(), Environment: harness.Production,
		Executor: "a tester", ToolSHA256: "this build", ScenarioName: "queue", Phases: []string{"start", "end"}, Anchor: clock.Anchor(), Reports: evidence.ReportSpecs()},
		evidence.DrillFiles{Scenario: []evidence.ScenarioFile{{Name: "queue.yaml", Data: []byte("kind: Scenario\n")}}, Plan: []harness.Plan{}}, redact)
	must(err)
	j, err := evidence.NewJournal(bag, sha, runKey, redact, clock)
	must(err)
	must(j.Checkpoint("start"))
	rec := &harness.Record{Format: harness.Format, Rules: harness.Rules, RunID: run, PackID: pack, Status: harness.Unsteady, StatusReason: "nothing answered", Inputs: sha,
		Executor: "a tester", Tool: harness.Tool{SHA256: "this build"}, Scenario: harness.Scenario{Metadata: harness.Metadata{Name: "queue"}},
		Environment: harness.Production, Anchor: clock.Anchor(), Started: clock.Anchor(), Ended: clock.Now()}
	must(evidence.Bind(t.Context(), evidence.Binding{Dir: bag, Journal: j, Record: rec, Redact: redact, Logs: filepath.Join(bag, "none"), UndoLog: filepath.Join(bag, "none"), Formats: []byte("formats\n")}))
	_, _, err = evidence.Seal(t.Context(), evidence.Sealing{Dir: bag, Base: "pack", Path: path, Redact: redact, Identity: key.Identity})
	must(err)
	return bag, key
}

// A framework is mapped in a pack's controls.json, has a report of its own, and both are compared when the pack is verified.
func TestAFrameworkIsOneFile(t *testing.T) {
	const report = "data/report-house-rule.pdf"
	path := filepath.Join(t.TempDir(), "pack.zip")
	bag, key := sealed(t, path)
	data, err := os.ReadFile(filepath.Join(bag, "data", "controls.json"))
	if err != nil {
		t.Fatal(err)
	}
	var mapped struct {
		Controls []struct {
			Framework, Clause, Level string
			Evidence                 []string
		}
	}
	if err := json.Unmarshal(data, &mapped); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(mapped.Controls, func(c struct {
		Framework, Clause, Level string
		Evidence                 []string
	}) bool {
		return c.Framework == "house-rule"
	})
	if i < 0 || mapped.Controls[i].Clause != "7.1" || mapped.Controls[i].Level != "partial" || strings.Join(mapped.Controls[i].Evidence, " ") != "digest of the record" {
		t.Errorf("mapped as %+v", mapped.Controls)
	}
	c, err := evidence.Verify(t.Context(), path, evidence.VerifyOptions{Roots: []*x509.Certificate{key.Root}, Recompute: true, ToolSHA256: "this build"})
	if err != nil {
		t.Fatal(err)
	}
	compared := []string{}
	for _, k := range c.Checks {
		if k.Status == seal.Failed && k.Question == seal.Integrity && k.File == report {
			t.Errorf("%s: %s", k.Name, k.Detail)
		}
		if k.Status == seal.OK && k.File == report {
			compared = append(compared, k.Name)
		}
	}
	if !slices.Contains(compared, "report prints what the record says") {
		t.Errorf("of the report, verify says %v", compared)
	}
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext is not installed")
	}
	text, err := exec.Command("pdftotext", "-layout", filepath.Join(bag, filepath.FromSlash(report)), "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Rule 7 of the house", "The house wants its drills written down.", "7.1", "Requirements, and what this drill exercised", "report=house-rule"} {
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}
