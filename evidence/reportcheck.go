package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"blackstart/evidence/facts"
	"blackstart/evidence/pades"
	"blackstart/evidence/reports"
	"blackstart/evidence/seal"
)

// faces are the fonts of reports; copying them takes longer than reading a page.
var faces = sync.OnceValue(func() pades.Faces { return reports.Faces() })

// reports checks each report that the inputs list: the signature inside it, that its facts are those of record and findings,
// and that it shows nothing that hides or contradicts what it says to a machine.
func (c *checker) reports() {
	now := c.o.Now
	if now.IsZero() {
		now = time.Now()
	}
	for _, r := range c.inputs.Reports {
		pdf, err := c.readReport(r.Path)
		if err != nil {
			c.check("report", r.Path, err)
			continue
		}
		report, err := pades.Verify(pdf, nil, now)
		c.check("signature inside the report", r.Path, errors.Join(c.signedAlike(report, err), c.signedAs(report)))
		lines, err := pades.ReadBlock(pdf, "facts="+FactsVersion+" ", faces())
		c.check("report shows what it says", r.Path, err)
		if err == nil {
			c.check("facts of the report are the record's", r.Path, sameFacts(lines, c.facts(r.Framework)))
		}
	}
	c.note()
}

// facts are the lines that record and findings lead to; none if they cannot be read, which no block of facts is.
func (c *checker) facts(framework string) []string {
	data, err := c.pack.ReadFile(RecordFile)
	if err != nil || c.out.Findings == nil {
		return nil
	}
	return FactLines(c.out.Record, *c.out.Findings, seal.Digest(data), framework)
}

// readReport reads a report that is small enough to be one.
func (c *checker) readReport(name string) ([]byte, error) {
	s, err := c.pack.Section(name)
	if err != nil {
		return nil, err
	}
	if s.Size() > pades.MaxReport {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", s.Size(), pades.MaxReport)
	}
	return c.pack.ReadFile(name)
}

// signedAlike judges the signature in a report: the manifest's signer made it. Whether that signer is trusted, the answer about
// origin says.
func (c *checker) signedAlike(report pades.Report, err error) error {
	if errors.Is(err, pades.ErrOrigin) {
		err = nil
	}
	if err == nil && c.out.Report.Signature != nil && len(report.Signatures) > 0 &&
		!bytes.Equal(report.Signatures[0].Signer.Raw, c.out.Report.Signature.Signer().Raw) {
		err = errors.New("it is signed by another certificate than the manifest")
	}
	if err == nil && (len(report.Signatures) != 1 || !report.Signatures[0].Certifies) {
		err = errors.New("it does not carry one signature, which certifies it: reviews are copies outside the pack")
	}
	return err
}

// signedAs holds what the signature in a report says of itself against the record.
func (c *checker) signedAs(report pades.Report) error {
	if len(report.Signatures) == 0 {
		return nil // that it is unsigned is an error already
	}
	s, rec := report.Signatures[0], c.out.Record
	return errors.Join(differs("executor", rec.Executor, s.Name), differs("time", rec.Ended.Time().Unix(), s.ClaimedTime.Unix()))
}

// sameFacts names the first line of the block that is not what record and findings lead to.
func sameFacts(have, want []string) error {
	if len(want) == 0 {
		return errors.New("the pack's findings cannot be read")
	}
	for i, line := range want {
		if i >= len(have) {
			return fmt.Errorf("the line %q is missing", line)
		}
		if have[i] != line {
			return fmt.Errorf("it says %q, record and findings say %q", have[i], line)
		}
	}
	if len(have) > len(want) {
		return fmt.Errorf("it says %q, which record and findings do not", have[len(want)])
	}
	return nil
}

// note says, of a pack of another build, what was not compared, for the first screen.
func (c *checker) note() {
	switch {
	case !c.sameBuild():
		build := c.out.Record.Tool.SHA256
		c.out.ReportNote = fmt.Sprintf("facts match; layout, charts and other text not compared; byte equality needs build %s %s", c.out.Record.Tool.Version, build[:min(16, len(build))])
	case !c.o.Recompute:
		c.out.ReportNote = "facts match; layout, charts and other text not compared; --recompute compares them"
	}
	for _, k := range c.out.Report.Checks {
		if k.Status == seal.Failed && c.ofReport(k.File) {
			c.out.ReportNote = "the reports are not those of this record: see the checks that failed"
		}
	}
}

func (c *checker) ofReport(file string) bool {
	return slices.ContainsFunc(c.inputs.Reports, func(r ReportSpec) bool { return r.Path == file })
}

// rendered compares the numbers of the charts, then lays reports and charts out again and compares bytes, which only the build
// that wrote them can.
func (c *checker) rendered() {
	c.numbers()
	skip := func(file, name, why string) {
		c.out.Report.Add(seal.Check{Question: seal.Integrity, Name: name, Status: seal.NotChecked, File: file, Detail: why})
	}
	if !c.sameBuild() {
		for _, r := range c.inputs.Reports {
			skip(r.Path, "report laid out again", "it was made by another build of the tool: layout, charts and other text are not compared")
		}
		for _, name := range c.chartNames() {
			skip("data/plots/"+name+".png", "chart drawn again", "it was drawn by another build of the tool and is not compared")
		}
		return
	}
	again, err := c.renderAgain()
	for _, r := range c.inputs.Reports {
		err := err
		if err == nil {
			var got []byte
			if got, err = c.readReport(r.Path); err == nil && !bytes.HasPrefix(got, again[r.Path]) {
				err = errors.New("it does not print what the record says")
			}
		}
		c.check("report prints what the record says", r.Path, err)
	}
	for _, name := range c.chartNames() {
		for _, ending := range []string{".png", ".svg"} {
			file := "data/plots/" + name + ending
			err := err
			if err == nil {
				err = c.same(file, again[file])
			}
			c.check("chart shows what the record says", file, err)
		}
	}
	c.note()
}

// renderAgain gives the bytes of every report, before it is signed, and of every chart.
func (c *checker) renderAgain() (map[string][]byte, error) {
	events, err := c.events()
	if err != nil {
		return nil, err
	}
	data, err := c.pack.ReadFile(RecordFile)
	if err != nil {
		return nil, err
	}
	docs, all, err := render(c.out.Record, *c.out.Findings, c.inputs.Reports, events, packFS{c.pack}, seal.Digest(data))
	if err != nil {
		return nil, err
	}
	again := map[string][]byte{}
	for name, doc := range docs {
		again[name] = doc.PDF
	}
	for _, ch := range all {
		again["data/plots/"+ch.name+".png"], again["data/plots/"+ch.name+".svg"] = ch.images.PNG, ch.images.SVG
	}
	return again, nil
}

// controlMap holds controls.json against record and findings, framework by framework; one whose catalogue this build does not
// have is held to its form.
func (c *checker) controlMap() {
	const file = controlsFile
	var m controlMap
	if err := c.decode(file, &m); err != nil {
		c.check("controls can be read", file, err)
		return
	}
	rec := c.out.Record
	drill := facts.Coverage(rec, *c.out.Findings)
	rows := 0
	for _, r := range c.inputs.Reports {
		some := of(m.Controls, r.Framework)
		rows += len(some)
		if !r.ofThisBuild() {
			c.check("controls have the form of a catalogue", file, wellFormed(some, drill.Rehearsal || drill.Observed))
			c.out.Report.Add(seal.Check{Question: seal.Integrity, Name: "controls of " + oneLine(r.Framework), Status: seal.NotChecked, File: file, Detail: "not compared: catalogue of another build"})
			continue
		}
		c.check("controls follow from record and findings", file, sameControls(some, r.Framework, drill))
	}
	var err error
	if rows != len(m.Controls) || m.Format != rec.Format {
		err = errors.New("it has rows of a framework that no report is about, or another format than the record")
	}
	if err == nil && !c.canonical(file, m) {
		err = errors.New("it is not written as the tool writes it")
	}
	c.check("controls are those of the reports", file, err)
}

// canonical tells whether a file has the bytes that its content is written with.
func (c *checker) canonical(file string, v any) bool {
	data, err := marshal(v)
	return err == nil && c.same(file, data) == nil
}
