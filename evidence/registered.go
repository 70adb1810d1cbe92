package evidence

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"

	"blackstart/evidence/register"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// registerKind is event 1 of a run that was opened in a register before it started.
const registerKind = "register.opened"

// maxWords bounds what an entry of the register tells of objectives or faults in words, in bytes of JSON; maxRegisterReason a reason.
const (
	maxWords          = 2 << 10
	maxRegisterReason = 1 << 10
)

// ReadInputs reads what was asked from a bag under construction, and its digest.
func ReadInputs(dir string) (Inputs, string, error) {
	var in Inputs
	data, err := os.ReadFile(dir + "/" + seal.InputsFile)
	if err == nil {
		err = seal.StrictDecode(data, &in)
	}
	if err != nil {
		return in, "", fmt.Errorf("read what was asked: %w", err)
	}
	return in, seal.Digest(data), nil
}

// OpenedEntry is what a register is told of a run before it starts: a function of what was asked.
func OpenedEntry(in Inputs, inputsSHA string, s harness.Scenario, redact *Redactor) *register.Opened {
	var files strings.Builder // as sha256sum prints them
	for _, f := range in.ScenarioFiles {
		fmt.Fprintf(&files, "%s  %s\n", f.SHA256, f.Name)
	}
	objectives, faults := []string{}, []string{}
	for _, o := range s.Objectives {
		objectives = append(objectives, redact.Text(objectiveLine(o)))
	}
	for _, f := range s.Faults {
		faults = append(faults, redact.Text(faultLine(f)))
	}
	if in.ObserveOnly {
		faults = []string{"none: observed only"}
	}
	return &register.Opened{Run: in.RunID, Pack: in.PackID, InputsSHA256: inputsSHA, Scenario: in.ScenarioName, Class: in.Environment, Profile: in.Profile,
		ScenarioSHA256: seal.Digest([]byte(files.String())), Objectives: fewWords(objectives), Faults: fewWords(faults),
		TargetSHA256: in.TargetSHA256, PlanSHA256: in.PlanSHA256, ToolSHA256: in.ToolSHA256, ToolVersion: in.ToolVersion}
}

// objectiveLine tells an objective on one line. What is not set is left out, so that a later build, which may know more that
// can be set, writes the same line of an earlier pack.
func objectiveLine(o harness.Objective) string {
	words := o.ID + ": " + o.Measure
	for _, part := range [][2]string{{"load", o.Load}, {"cohort", o.Cohort}, {"channel", o.Channel}, {"from", o.From}, {"after", o.After}, {"fault", o.Fault},
		{"at most", o.AtMost}, {"is", o.Is}, {"carries", listed(o.Carries)}, {"stale after", length(o.StaleAfter)},
		{"source", o.Source}} {
		if part[1] != "" {
			words += " " + part[0] + " " + part[1]
		}
	}
	return oneLine(words)
}

// faultLine does so with a fault.
func faultLine(f harness.FaultSpec) string {
	words := f.Kind + " on " + f.On + " at " + f.At.String()
	if f.For > 0 {
		words += " for " + f.For.String()
	}
	if f.ID != "" {
		words += " id " + f.ID
	}
	if f.StartsClock {
		words += " starts clock"
	}
	if f.ConfirmWithin > 0 {
		words += " confirmed within " + f.ConfirmWithin.String()
	}
	return oneLine(words + " " + listed(f.With))
}

func length(d harness.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// listed is a map as JSON, whose keys are sorted; "" if it is empty.
func listed(m any) string {
	if reflect.ValueOf(m).IsZero() || reflect.ValueOf(m).Kind() == reflect.Map && reflect.ValueOf(m).Len() == 0 {
		return ""
	}
	data, err := marshal(m)
	if err != nil {
		return "?"
	}
	return oneLine(string(data))
}

// fewWords keeps an entry short: of a scenario that has too many to tell, the digest stands for them.
func fewWords(lines []string) []string {
	all := strings.Join(lines, "\n")
	if written, err := marshal(lines); err == nil && len(written) <= maxWords {
		return lines
	}
	return []string{fmt.Sprintf("%d, SHA-256 %s", len(lines), seal.Digest([]byte(all)))}
}

// Opened tells, as event 1, under which entry of its register the run was opened.
func (j *Journal) Opened(o register.Opening) error {
	e := j.now(registerKind, fmt.Sprintf("opened in the register as entry %d", o.Index), o.Detail())
	e.Phase = "setup"
	return j.Append(e)
}

// takeRegister keeps event 1 of a run that was opened in a register.
func (b *bindings) takeRegister(seq int64, e harness.Event) error {
	if seq != 1 {
		return fmt.Errorf("event %d: %s stands as event 1 or not at all", seq, registerKind)
	}
	b.register = &e
	return nil
}

// registered checks that the run was opened as the inputs say: in no register, or in the one they name, for these inputs, before
// it started.
func (c *checker) registered() error {
	key, told := c.inputs.Register, c.binding.register
	switch {
	case key == "" && told == nil:
		return nil
	case key == "":
		return errors.New("the events tell of a register, the inputs name none")
	case told == nil:
		return errors.New("the inputs name a register, and event 1 does not tell that the run was opened in it")
	}
	o, err := register.ParseOpening(told.Detail)
	if err != nil {
		return err
	}
	entry, opened, err := o.Check(key)
	if err != nil {
		return err
	}
	rec := c.out.Record
	want := OpenedEntry(c.inputs, rec.Inputs, rec.Scenario, NewRedactor())
	if !reflect.DeepEqual(opened, want) {
		return fmt.Errorf("the register's entry %d was not made for what was asked here: %s", entry.Index, firstDifference(*opened, *want))
	}
	if entry.By != c.inputs.Executor {
		return fmt.Errorf("the register's entry %d was made by %q, the executor is %q", entry.Index, entry.By, c.inputs.Executor)
	}
	if at := entry.Time(); at.After(told.At.Lo.Time()) || told.At.Lo > rec.Started {
		return fmt.Errorf("the register's entry %d was not made before the run started", entry.Index)
	}
	c.out.Opened = &entry
	return nil
}

// demandedRegister adds that the register is none of those that the caller's trust file demands. That the run was opened in the one that its
// inputs name is a question of its own, about integrity.
func (c *checker) demandedRegister() {
	key := ""
	if c.out.Opened != nil {
		key = c.inputs.Register
	}
	if err := c.o.Trust.DemandsRegister(key); err != nil {
		c.out.Add(seal.Check{Question: seal.Origin, Name: "register is one that the trust file demands", Status: seal.Failed, File: seal.InputsFile, Detail: err.Error()})
	}
}

// firstDifference names a field in which two entries differ.
func firstDifference(a, b register.Opened) string {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			return fmt.Sprintf("%s is %.200q there, %.200q here", x.Type().Field(i).Tag.Get("json"), fmt.Sprint(x.Field(i)), fmt.Sprint(y.Field(i)))
		}
	}
	return ""
}

// ReadKept reads from a pack what it keeps of the register it was opened in, and checks that this belongs together and to the
// pack's inputs, and how the pack says its run ended; the rest of the pack is Verify's to check. Key is "" of a pack that was opened in none.
func ReadKept(path string) (register.Kept, error) {
	k := register.Kept{Pack: path}
	p, err := seal.Open(path)
	if err != nil {
		return k, fmt.Errorf("read %s: %w", path, err)
	}
	defer p.Close()
	c := &checker{pack: p}
	if err := c.decode(seal.InputsFile, &c.inputs); err != nil {
		return k, fmt.Errorf("read %s of %s: %w", seal.InputsFile, path, err)
	}
	k.Run, k.Key = c.inputs.RunID, c.inputs.Register
	if k.Key == "" {
		return k, nil
	}
	if c.binding, err = c.readBindings(); err != nil {
		return k, fmt.Errorf("read %s: %w", path, err)
	}
	if c.binding.register == nil {
		return k, fmt.Errorf("read %s: its inputs name a register, and event 1 does not tell of it", path)
	}
	if k.Opening, err = register.ParseOpening(c.binding.register.Detail); err != nil {
		return k, fmt.Errorf("read %s: %w", path, err)
	}
	_, opened, err := k.Opening.Check(k.Key)
	if err != nil {
		return k, fmt.Errorf("read %s: %w", path, err)
	}
	data, err := p.ReadFile(seal.InputsFile)
	if err == nil && opened.InputsSHA256 != seal.Digest(data) {
		err = errors.New("it was opened in the register for other inputs")
	}
	if err != nil {
		return k, fmt.Errorf("read %s: %w", path, err)
	}
	k.Ending, err = Ending(path, k.Opening.Index)
	return k, err
}

// Ending is what a register is told when a run is closed with a pack, which was verified or has just been sealed.
func Ending(path string, opened int64) (register.Closed, error) {
	p, err := seal.Open(path)
	if err != nil {
		return register.Closed{}, fmt.Errorf("read how the run ended: %w", err)
	}
	defer p.Close()
	c := &checker{pack: p}
	var rec harness.Record
	var f harness.Findings
	sig, err := p.ReadFile(seal.SignatureFile)
	if err = errors.Join(err, c.decode(RecordFile, &rec), c.decode(FindingsFile, &f)); err != nil {
		return register.Closed{}, fmt.Errorf("read how the run ended: %w", err)
	}
	sum, err := fileSHA(path)
	return register.Closed{Run: rec.RunID, Opened: opened, Result: resultOf(&rec, f), Exit: f.Exit, Reason: ShortReason(f.Reason),
		PackSHA256: sum, Signature: seal.Digest(sig)}, err
}

func resultOf(rec *harness.Record, f harness.Findings) string {
	switch {
	case f.Exit == harness.ExitUndo:
		return register.UndoOpen
	case rec.Status == harness.Interrupted:
		return register.Interrupted
	case f.Exit == harness.ExitPass && f.Verdict == harness.Pass:
		return register.Passed
	case f.Exit == harness.ExitFail:
		return register.Failed
	case f.Exit == harness.ExitStopped:
		return register.Stopped
	}
	return register.Inconclusive
}

// ShortReason is a reason as a register takes it: one line, of at most maxRegisterReason bytes.
func ShortReason(text string) string {
	text = oneLine(text)
	for len(text) > maxRegisterReason || !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text[:min(len(text), maxRegisterReason)], "")
	}
	if text == "" {
		return "not recorded"
	}
	return text
}

func fileSHA(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return seal.DigestReader(io.Reader(f))
}
