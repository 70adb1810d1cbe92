package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// Inputs is what was asked, fixed before the drill: data/inputs.json.
type Inputs struct {
	Format        string            `json:"format"`
	RunID         string            `json:"run_id"`
	PackID        string            `json:"pack_id"`
	Register      string            `json:"register"` // public half of the key of the register it was opened in; "": none
	Amends        string            `json:"amends"`
	SealPolicy    []string          `json:"seal_policy"`
	Approvals     []string          `json:"approvals"`
	ScenarioName  string            `json:"scenario_name"`
	ScenarioFiles []InputFile       `json:"scenario_files"`        // the scenario first, then the files it extends, in order
	TargetSHA256  string            `json:"target_sha256"`         // data/as-run/target.json: the target as asked for, before its start
	TargetFile    *InputFile        `json:"target_file,omitempty"` // that the target was described by; nil: a rehearsal target, which needs none
	PlanSHA256    string            `json:"plan_sha256"`           // data/as-run/plan.json
	ToolSHA256    string            `json:"tool_sha256"`
	ToolVersion   string            `json:"tool_version"`
	Profile       string            `json:"profile"`
	Overrides     map[string]string `json:"overrides"`
	Environment   string            `json:"environment"`
	ObserveOnly   bool              `json:"observe_only,omitempty"` // nothing was to be broken: a run of these inputs is no drill
	Executor      string            `json:"executor"`
	ExecutorProof string            `json:"executor_proof"` // how the executor was authenticated
	CIJob         string            `json:"ci_job"`         // "" outside CI
	RunKey        string            `json:"run_key"`        // public half of the key that signs checkpoints
	Anchor        harness.Stamp     `json:"anchor"`
	Phases        []string          `json:"checkpoints"` // those a drill that is not cut short signs
	Reports       []ReportSpec      `json:"reports"`     // those that are written after it
}

// InputFile is one file that was read before the drill.
type InputFile struct {
	Name   string `json:"name"` // as it is called where it was read; extends names files so
	File   string `json:"file"` // path in the pack
	SHA256 string `json:"sha256"`
}

// marshal is the one way JSON is written into a pack: indented, final newline, no HTML escapes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// writeJSON writes v, redacted, to a file of the bag and returns the digest of its bytes. What the strict reader would
// refuse is refused here.
func writeJSON(dir, name string, v any, redact *Redactor) (string, error) {
	data, err := marshal(v)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	data = redact.Bytes(data)
	if err := seal.CheckJSON(data); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return seal.Digest(data), writeFile(dir, name, data)
}

// writeFile writes one file of the bag, making its directory.
func writeFile(dir, name string, data []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// DrillFiles is what a drill is started with, as files of the pack.
type DrillFiles struct {
	Scenario []ScenarioFile      // the scenario first, then the files it extends, in order
	Target   harness.Description // as far as known before the start
	Plan     []harness.Plan

	TargetFile *ScenarioFile // that Target was made from; nil: a rehearsal target, which needs none
}

// ScenarioFile is one file of a scenario, or the target file: its bare name, and its exact bytes.
type ScenarioFile struct {
	Name string
	Data []byte
}

// WriteInputs writes the as-run files and inputs.json and returns the digest of the latter.
func WriteInputs(dir string, in Inputs, asked DrillFiles, redact *Redactor) (string, error) {
	in.ScenarioFiles = []InputFile{}
	for i, f := range asked.Scenario {
		data, file := redact.Bytes(f.Data), scenarioFile
		if i > 0 {
			file = fmt.Sprintf("%s%d.yaml", extendsDir, i)
		}
		if err := writeFile(dir, file, data); err != nil {
			return "", err
		}
		in.ScenarioFiles = append(in.ScenarioFiles, InputFile{Name: f.Name, File: file, SHA256: seal.Digest(data)})
	}
	var err error
	if in.TargetSHA256, err = writeJSON(dir, targetFile, asked.Target, redact); err != nil {
		return "", err
	}
	if f := asked.TargetFile; f != nil {
		data := redact.Bytes(f.Data)
		if err := writeFile(dir, describedFile, data); err != nil {
			return "", err
		}
		in.TargetFile = &InputFile{Name: f.Name, File: describedFile, SHA256: seal.Digest(data)}
	}
	if in.PlanSHA256, err = writeJSON(dir, planFile, asked.Plan, redact); err != nil {
		return "", err
	}
	return writeJSON(dir, seal.InputsFile, in, redact)
}
