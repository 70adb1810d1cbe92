package evidence

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// chartNames are the plots of every pack; laterCharts those that the first packs did not have.
var (
	chartNames  = []string{"latency", "success", "replication", "timeline"}
	laterCharts = []string{"classes"}
)

func chartFiles(name string) []string {
	return []string{"data/plots/" + name + ".png", "data/plots/" + name + ".svg", "data/plots/" + name + ".csv"}
}

// payload checks that the pack has the files it must have and no other, and that those which follow from the rest do.
func (c *checker) payload() {
	required, allowed := expectedFiles(c.out.Record)
	for _, f := range c.inputs.ScenarioFiles {
		required = append(required, f.File)
	}
	for _, n := range laterCharts {
		if slices.ContainsFunc(chartFiles(n), c.pack.Has) {
			required = append(required, chartFiles(n)...)
		}
	}
	for _, name := range required {
		if !c.pack.Has(name) {
			c.check("file is there", name, errors.New("it is missing"))
		}
	}
	for _, name := range c.pack.Names() {
		if strings.HasPrefix(name, seal.PayloadDir+"/") && !slices.Contains(required, name) && !allowed(name) {
			c.check("file belongs into a pack", name, errors.New("no file of a pack has this name"))
		}
	}
	c.words("instructions are the tool's", verifyFile, []byte(verifyText(c.out.Record)))
	if c.out.Findings == nil {
		return
	}
	v := &view{rec: c.out.Record, f: *c.out.Findings, redact: NewRedactor(), zero: zeroOf(c.out.Record), source: packFS{c.pack}}
	if data, err := controlsJSON(v.facts()); err != nil {
		c.check("controls follow from record and findings", controlsFile, err)
	} else {
		c.check("controls follow from record and findings", controlsFile, c.same(controlsFile, data))
	}
}

func (c *checker) same(name string, want []byte) error {
	got, err := c.pack.ReadFile(name)
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("its content is not what the tool writes there")
	}
	return err
}

// expectedFiles lists the payload files a pack must have, and tells which others it may have.
func expectedFiles(rec *harness.Record) (required []string, allowed func(string) bool) {
	required = []string{seal.InputsFile, seal.EventsFile, RecordFile, FindingsFile, FINRAReport, ICFRReport, controlsFile, verifyFile,
		targetFile, planFile, formatsFile}
	for _, s := range rec.Streams {
		required = append(required, s.File)
		if s.Closed {
			required = append(required, s.File+seal.TreeExt)
		}
	}
	for _, p := range rec.Probes {
		required = append(required, p.File)
	}
	for _, x := range rec.Ledger.Copies {
		required = append(required, x.File, x.File+seal.TreeExt)
	}
	for _, n := range chartNames {
		required = append(required, chartFiles(n)...)
	}
	return required, func(name string) bool {
		if rec.Status == harness.Interrupted && rawFile(name) {
			return true // it was killed before the record named what had been opened
		}
		return strings.HasPrefix(name, seal.CheckpointDir) || strings.HasPrefix(name, "data/as-run/logs/") ||
			name == undoFile || name == tornFile && rec.Status == harness.Interrupted
	}
}

// rawFile tells whether a name is that of raw data.
func rawFile(name string) bool {
	return strings.HasPrefix(name, "data/observations/") || strings.HasPrefix(name, "data/samples/") || strings.HasPrefix(name, "data/ledger/")
}

// rendered draws the reports again from record, findings and events, and demands that the signed ones begin with these very
// bytes: what they print is then what the record says. Another build may lay them out differently and cannot tell.
func (c *checker) rendered() {
	if c.o.ToolSHA256 == "" || c.o.ToolSHA256 != c.out.Record.Tool.SHA256 {
		c.out.Report.Add(seal.Check{Question: seal.Integrity, Name: "reports print what the record says", Status: seal.NotChecked, File: FINRAReport,
			Detail: "the pack was made by another build of the tool, which may lay reports out differently"})
		return
	}
	events, err := c.events()
	var docs map[string]reports.Document
	if err == nil {
		var data []byte
		if data, err = c.pack.ReadFile(RecordFile); err == nil {
			docs, _, err = render(c.out.Record, *c.out.Findings, events, NewRedactor(), packFS{c.pack}, seal.Digest(data))
		}
	}
	for _, name := range []string{FINRAReport, ICFRReport} {
		err := err
		if err == nil {
			var got []byte
			if got, err = c.pack.ReadFile(name); err == nil && !bytes.HasPrefix(got, docs[name].PDF) {
				err = errors.New("it does not print what the record says")
			}
		}
		c.check("report prints what the record says", name, err)
	}
}
