package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// chartsOf lists the charts of a pack, by version of its layout. A layout with other charts is another version.
var chartsOf = map[string][]string{reports.Layout: {"latency", "success", "replication", "timeline", "classes"}}

func chartFiles(name string) []string {
	return []string{"data/plots/" + name + ".png", "data/plots/" + name + ".svg", "data/plots/" + name + ".csv"}
}

// chartNames lists the charts that the pack must have.
func (c *checker) chartNames() []string {
	var all []string
	for _, r := range c.inputs.Reports {
		for _, n := range chartsOf[r.Layout] {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}

// payload checks that the pack has the files it must have and no other, and that those which follow from the rest do.
func (c *checker) payload() {
	required, allowed := c.expectedFiles(c.out.Record)
	for _, f := range c.inputs.ScenarioFiles {
		required = append(required, f.File)
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
	c.words("instructions are the tool's", verifyFile, []byte(verifyText(c.out.Record, c.inputs.Reports)))
	c.pictures()
	if c.out.Findings != nil {
		c.controlMap()
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
func (c *checker) expectedFiles(rec *harness.Record) (required []string, allowed func(string) bool) {
	required = []string{seal.InputsFile, seal.EventsFile, RecordFile, FindingsFile, controlsFile, verifyFile, targetFile, planFile, formatsFile}
	for _, r := range c.inputs.Reports {
		required = append(required, r.Path)
	}
	if c.inputs.TargetFile != nil {
		required = append(required, describedFile)
	}
	for _, s := range rec.Streams {
		required = append(required, s.File)
		if s.Closed {
			required = append(required, s.File+seal.TreeExt)
		}
		if s.IDs != "" {
			required = append(required, s.IDs)
		}
	}
	for _, p := range rec.Probes {
		required = append(required, p.File)
	}
	for _, x := range rec.Ledger.Copies {
		required = append(required, x.File, x.File+seal.TreeExt)
	}
	if name := rec.Ledger.WAL.File; name != "" {
		required = append(required, name)
	}
	if anyInjected(rec) {
		required = append(required, undoFile)
	}
	for _, n := range c.chartNames() {
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

// pictures holds each picture to what a chart can hold, in every build.
func (c *checker) pictures() {
	for _, name := range c.chartNames() {
		for ending, plain := range map[string]func([]byte) error{".svg": safeSVG, ".png": plainPNG} {
			file := "data/plots/" + name + ending
			s, err := c.pack.Section(file)
			if err == nil && s.Size() > maxPicture {
				err = fmt.Errorf("it has %d bytes, at most %d are read", s.Size(), maxPicture)
			}
			var picture []byte
			if err == nil {
				picture, err = c.pack.ReadFile(file)
			}
			if err == nil {
				err = plain(picture)
			}
			c.check("chart holds lines and text only", file, err)
		}
	}
}

// numbers holds the numbers behind each chart against the raw data, in every build. The layout's version fixes their words.
func (c *checker) numbers() {
	events, err := c.events()
	var csv map[string][]byte
	if err == nil {
		csv = chartNumbers(c.out.Record, events, packFS{c.pack})
	}
	for _, name := range c.chartNames() {
		file := "data/plots/" + name + ".csv"
		err := err
		if err == nil {
			err = c.same(file, csv[name])
		}
		c.check("numbers of the chart follow from the raw data", file, err)
	}
}
