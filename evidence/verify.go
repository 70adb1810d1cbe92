package evidence

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"blackstart/evidence/register"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// VerifyOptions say what a pack is checked against.
type VerifyOptions struct {
	Roots     []*x509.Certificate // the root that lies beside a rehearsal's pack: it can refuse a signer, and proves none
	Trust     *seal.Trust
	Recompute bool // judge again from the raw samples and compare
	// Resolve reads a scenario again from its files in the pack, under a profile; nil: not checked.
	Resolve func(files []ScenarioFile, profile string) (*harness.Scenario, error)
	// ToolSHA256 is the digest of this program: the reports of a pack it made itself are laid out again and compared.
	ToolSHA256 string
	Now        time.Time
}

// Checked is what Verify found.
type Checked struct {
	seal.Report
	Class      string            // environment class, "" if it cannot be read
	Record     *harness.Record   // nil if it cannot be read
	Findings   *harness.Findings // as the pack says
	Recomputed *harness.Findings // nil unless asked for and possible
	// Corrections are of rules that are known by now to be wrong: both numbers stand side by side. Only with Recompute.
	Corrections []measure.Correction
	Unbound     string          // of an interrupted run: how far its evidence is bound by the run's key
	Opened      *register.Entry // of the register that the run was opened in; nil: in none
	Demanded    []string        // layers that the policy in inputs.json demands; a pack of this format carries none
	ReportNote  string          // what could not be said about the reports, and why; "" if nothing was left open
}

// Verify checks a pack: the seal, that its files belong to each other, its reports' signatures, and on request that the raw
// samples lead to the same findings. What is wrong with the pack is a failed check; the error is about this machine.
func Verify(ctx context.Context, path string, o VerifyOptions) (Checked, error) {
	p, err := seal.Open(path)
	var refused *seal.Refusal
	if errors.As(err, &refused) {
		report, err := seal.Verify(ctx, path, seal.Options{Roots: o.Roots, Trust: o.Trust, Now: o.Now})
		return Checked{Report: report}, err
	}
	if err != nil {
		return Checked{}, err
	}
	defer p.Close()
	c := &checker{pack: p, o: o}
	report, err := seal.VerifyPack(ctx, p, seal.Options{Roots: o.Roots, Trust: o.Trust, Now: o.Now, Content: c.content})
	if err != nil {
		return Checked{}, err
	}
	c.out.Report = report
	if c.out.Record == nil {
		return c.out, nil
	}
	if err := bounded(c.out.Record); err != nil {
		c.check("record names what a drill can have", RecordFile, err)
		return c.out, nil
	}
	if err := boundedInputs(c.inputs); err != nil {
		c.check("inputs list what a drill can have", seal.InputsFile, err)
		return c.out, nil
	}
	c.bound(ctx)
	c.out.Unbound = c.unbound()
	c.together()
	c.consistent()
	c.reports()
	c.demandedRegister()
	if o.Recompute {
		c.recompute()
		if c.out.Findings != nil {
			c.rendered()
		}
	}
	return c.out, nil
}

// checker is one verification.
type checker struct {
	pack    *seal.Pack
	o       VerifyOptions
	inputs  Inputs
	binding *bindings
	out     Checked
}

// check adds the answer to one question about integrity.
func (c *checker) check(name, file string, err error) {
	k := seal.Check{Question: seal.Integrity, Name: name, Status: seal.OK, File: file}
	if err != nil {
		k.Status, k.Detail = seal.Failed, err.Error()
	}
	c.out.Report.Add(k)
}

func (c *checker) decode(name string, v any) error {
	data, err := c.pack.ReadFile(name)
	if err != nil {
		return err
	}
	return seal.StrictDecode(data, v)
}

// content reads for package seal what only the JSON says.
func (c *checker) content(*seal.Pack) (seal.Content, error) {
	if err := c.decode(seal.InputsFile, &c.inputs); err != nil {
		return seal.Content{}, &seal.Refusal{File: seal.InputsFile, Reason: err.Error()}
	}
	var rec harness.Record
	if err := c.decode(RecordFile, &rec); err != nil {
		return seal.Content{}, &seal.Refusal{File: RecordFile, Reason: err.Error()}
	}
	for file, format := range map[string]string{seal.InputsFile: c.inputs.Format, RecordFile: rec.Format} {
		if format != harness.Format {
			return seal.Content{}, &seal.Refusal{File: file, Reason: fmt.Sprintf("format %q, this tool reads %s", format, harness.Format)}
		}
	}
	var err error
	if c.binding, err = c.readBindings(); err != nil {
		return seal.Content{}, &seal.Refusal{File: seal.EventsFile, Reason: err.Error()}
	}
	c.out.Record, c.out.Class, c.out.Demanded = &rec, rec.Environment, c.inputs.SealPolicy
	return seal.Content{Info: BagInfo(&rec), RunKey: c.inputs.RunKey, Class: rec.Environment, Phases: phasesOf(&rec), Counts: c.binding.counts()}, nil
}

// phasesOf lists the checkpoints a pack must have. The key of a run that was killed died with it: no end is signed then.
func phasesOf(rec *harness.Record) []string {
	phases := []string{"start"}
	if rec.Status == harness.Broken && len(rec.Acts) == 0 {
		phases = nil
	}
	if slices.ContainsFunc(rec.Faults, func(f harness.FaultRecord) bool { return f.Do.Lo != 0 }) {
		phases = append(phases, "fault")
	}
	if rec.Status != harness.Interrupted {
		phases = append(phases, "end")
	}
	return phases
}

// BagInfo is what bag-info.txt says: a pure function of the record.
func BagInfo(rec *harness.Record) seal.BagInfo {
	return seal.BagInfo{
		PackID: rec.PackID, RunID: rec.RunID, Sealed: rec.Ended.Time().Truncate(time.Second),
		Description: oneLine(rec.Scenario.Metadata.Title + " (" + rec.Environment + map[bool]string{true: ", observed only: no drill"}[rec.ObserveOnly != nil] + ")"), Software: oneLine("blackstart " + rec.Tool.Version),
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// together checks that inputs, record, findings and events speak of the same drill.
func (c *checker) together() {
	rec := c.out.Record
	digest := func(name string) string {
		data, err := c.pack.ReadFile(name)
		if err != nil {
			return "unreadable: " + err.Error()
		}
		return seal.Digest(data)
	}
	same := func(what, file, want, got string) {
		var err error
		if want != got {
			err = fmt.Errorf("%s is %s, the file's is %s", what, want, got)
		}
		c.check(what, file, err)
	}
	same("digest of the inputs in the record", seal.InputsFile, rec.Inputs, digest(seal.InputsFile))
	same("run id in the inputs", seal.InputsFile, rec.RunID, c.inputs.RunID)
	for i, f := range c.inputs.ScenarioFiles {
		want := scenarioFile
		if i > 0 {
			want = fmt.Sprintf("%s%d.yaml", extendsDir, i)
		}
		same("place of a scenario file in the inputs", seal.InputsFile, f.File, want)
		same("scenario digest in the inputs", f.File, f.SHA256, digest(f.File))
	}
	if f := c.inputs.TargetFile; f != nil {
		same("place of the target file in the inputs", seal.InputsFile, f.File, describedFile)
		same("digest of the target file in the inputs", f.File, f.SHA256, digest(f.File))
	}
	same("target digest in the inputs", targetFile, c.inputs.TargetSHA256, digest(targetFile))
	same("plan digest in the inputs", planFile, c.inputs.PlanSHA256, digest(planFile))
	same("environment class in the inputs", seal.InputsFile, rec.Environment, c.inputs.Environment)
	var f harness.Findings
	if err := c.decode(FindingsFile, &f); err != nil {
		c.check("findings can be read", FindingsFile, err)
		return
	}
	c.out.Findings = &f
	same("record digest in the findings", FindingsFile, f.Record, digest(RecordFile))
	same("run id in the findings", FindingsFile, f.RunID, rec.RunID)
	c.check("the reason says the verdict", FindingsFile, saysVerdict(f.Verdict, f.Reason))
}
