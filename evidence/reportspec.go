package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	"blackstart/evidence/controls"
	"blackstart/evidence/reports"
	"blackstart/evidence/seal"
)

// ReportSpec is one report of a pack, as inputs.json lists it: where it lies, and what another build needs to know of it.
type ReportSpec struct {
	Path            string `json:"path"`
	Framework       string `json:"framework"`        // name of the catalogue that its controls come from
	CatalogueSHA256 string `json:"catalogue_sha256"` // of that catalogue, as this build has it
	Layout          string `json:"layout"`           // version of the layout
	Facts           string `json:"facts"`            // version of the list of facts
}

// ReportSpecs lists the reports that this build writes, for inputs.json.
func ReportSpecs() []ReportSpec {
	var all []ReportSpec
	for _, name := range controls.Names() {
		all = append(all, ReportSpec{Path: "data/report-" + name + ".pdf", Framework: name, CatalogueSHA256: controls.Digest(name), Layout: reports.Layout, Facts: FactsVersion})
	}
	return all
}

// maxReports bounds how many reports a pack may list.
const maxReports = 16

var reportPath = regexp.MustCompile(`^data/report-[a-z0-9][a-z0-9.-]{0,60}\.pdf$`)

// checkSpecs refuses a list of reports that no build can have written.
func checkSpecs(list []ReportSpec) error {
	if len(list) == 0 || len(list) > maxReports {
		return fmt.Errorf("it lists %d reports; 1 to %d are possible", len(list), maxReports)
	}
	seen := map[string]bool{}
	for _, r := range list {
		if !reportPath.MatchString(r.Path) || seen[r.Path] || seen["framework "+r.Framework] || r.Framework == "" {
			return fmt.Errorf("report %q of framework %q: no report has this name, or it stands twice", r.Path, r.Framework)
		}
		if r.Facts != FactsVersion {
			return fmt.Errorf("report %s has facts of version %q, this build reads %s: use a build that knows them", r.Path, r.Facts, FactsVersion)
		}
		if chartsOf[r.Layout] == nil {
			return fmt.Errorf("report %s has the layout %q, whose charts this build does not know: use a build that does", r.Path, r.Layout)
		}
		seen[r.Path], seen["framework "+r.Framework] = true, true
	}
	return nil
}

// readSpecs reads the list of reports from the inputs of a bag or a pack.
func readSpecs(source fs.FS) ([]ReportSpec, error) {
	data, err := fs.ReadFile(source, seal.InputsFile)
	if err != nil {
		return nil, err
	}
	var in Inputs
	if err := seal.StrictDecode(data, &in); err != nil {
		return nil, err
	}
	return in.Reports, checkSpecs(in.Reports)
}

// ofThisBuild tells whether a report's catalogue is the one that this build has.
func (r ReportSpec) ofThisBuild() bool {
	return slices.Contains(controls.Names(), r.Framework) && controls.Digest(r.Framework) == r.CatalogueSHA256
}

// controlRow is one row of data/controls.json.
type controlRow struct {
	Framework   string   `json:"framework"`
	Clause      string   `json:"clause"`
	Title       string   `json:"title"`
	Level       string   `json:"level"` // supports, partial, not addressed
	Exercised   bool     `json:"exercised"`
	Evidence    []string `json:"evidence"` // recorded fields only
	DoesNotShow string   `json:"does_not_show"`
	Source      string   `json:"source"`
	Verified    string   `json:"verified"`
}

// controlMap is data/controls.json.
type controlMap struct {
	Format   string       `json:"format"`
	Controls []controlRow `json:"controls"`
}

// controlRows maps what the drill exercised to the clauses of one framework.
func controlRows(framework string, drill controls.Exercised) ([]controlRow, error) {
	fw, err := controls.Load(framework)
	if err != nil {
		return nil, err
	}
	var rows []controlRow
	for _, c := range fw.Clauses {
		b := c.Judge(drill)
		rows = append(rows, controlRow{framework, c.Clause, c.Title, string(b.Level), b.Exercised, b.Evidence, c.DoesNotShow, c.Source, c.VerifiedLevel})
	}
	return rows, nil
}

// controlsJSON maps what the drill exercised to the framework of every report: data/controls.json.
func controlsJSON(format string, specs []ReportSpec, drill controls.Exercised) ([]byte, error) {
	m := controlMap{Format: format}
	for _, r := range specs {
		rows, err := controlRows(r.Framework, drill)
		if err != nil {
			return nil, err
		}
		m.Controls = append(m.Controls, rows...)
	}
	return marshal(m)
}

// sameControls holds the rows of one framework against what this build maps, clause by clause.
func sameControls(have []controlRow, framework string, drill controls.Exercised) error {
	want, err := controlRows(framework, drill)
	if err != nil {
		return err
	}
	a, err1 := marshal(of(have, framework))
	b, err2 := marshal(want)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return fmt.Errorf("its rows of %s are not what record and findings lead to", framework)
	}
	return nil
}

func of(rows []controlRow, framework string) []controlRow {
	var some []controlRow
	for _, r := range rows {
		if r.Framework == framework {
			some = append(some, r)
		}
	}
	return some
}

// wellFormed holds the rows of a catalogue of another build to what every row must be.
func wellFormed(rows []controlRow, noDrill bool) error {
	if len(rows) == 0 {
		return errors.New("it has no row")
	}
	seen := map[string]bool{}
	for _, r := range rows {
		level := controls.Level(r.Level)
		if !slices.Contains([]controls.Level{controls.Supports, controls.Partial, controls.NotAddressed}, level) {
			return fmt.Errorf("clause %q has the level %q", r.Clause, r.Level)
		}
		if noDrill && (level != controls.NotAddressed || r.Exercised) {
			return fmt.Errorf("clause %q: a rehearsal or an observation supports nothing", r.Clause)
		}
		if r.Clause == "" || seen[r.Clause] || r.DoesNotShow == "" || r.Exercised && len(r.Evidence) == 0 {
			return fmt.Errorf("clause %q stands twice, or says too little", r.Clause)
		}
		seen[r.Clause] = true
	}
	return nil
}
