// Package controls holds the catalogues of requirements ("frameworks") that a report maps its evidence to, as data.
//
// A catalogue states each requirement in our own words, the evidence that can bear on it, when a drill exercises it, and
// what that evidence does not show. The package never says that anybody complies with anything: its strongest word is
// "supports".
package controls

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

//go:embed *.yaml
var own embed.FS

// catalogues are the texts of all catalogues, by name.
var catalogues = map[string][]byte{}

var _ = Add(own)

// Add adds every catalogue of a folder: each is one file, named as the framework is, NAME.yaml. A file says var _ = Add(…) of what
// it embeds. It panics at what no user can mend: a catalogue that is not one, or a name that is taken.
func Add(folder fs.FS) []string {
	files, err := fs.Glob(folder, "*.yaml")
	for _, file := range files {
		name := strings.TrimSuffix(file, ".yaml")
		b, err1 := fs.ReadFile(folder, file)
		f, err2 := Parse(b)
		if err := errors.Join(err1, err2); err != nil || f.Name != name || catalogues[name] != nil {
			panic(fmt.Sprintf("controls: add %s, which calls itself %q: it is no catalogue, or its name is taken: %v", file, f.Name, err))
		}
		catalogues[name] = b
	}
	if err != nil || len(files) == 0 {
		panic(fmt.Sprintf("controls: add a folder that has no catalogue: %v", err))
	}
	return files
}

// Level is how far the evidence of a drill bears on a clause.
type Level string

// The levels, strongest first.
const (
	Supports     Level = "supports"
	Partial      Level = "partial"
	NotAddressed Level = "not addressed"
)

// Flag is one fact about a drill that decides which clauses it exercised. The caller derives flags from the record.
type Flag string

// The facts that coverage rules may name.
const (
	PlanReferenced          Flag = "plan_referenced"         // the plan's reference and digest are recorded
	DataRecovery            Flag = "data_recovery_exercised" // data was recovered and compared with what was acknowledged
	MissionCritical         Flag = "mission_critical_system" // the system stands on the firm's own list
	Assessment              Flag = "assessment_exercised"
	CustomerCommunications  Flag = "customer_communications_exercised"
	EmployeeCommunications  Flag = "employee_communications_exercised" // over an alternate channel, not ordinary paging
	AlternateLocation       Flag = "alternate_location_exercised"
	CounterpartyImpact      Flag = "counterparty_impact_measured"
	RegulatoryReporting     Flag = "regulatory_reporting_exercised"
	RegulatorCommunications Flag = "regulator_communications_exercised"
	CustomerAccess          Flag = "customer_access_exercised"
	DeliveredToPrincipal    Flag = "delivered_to_principal"
	CustomerDisclosure      Flag = "customer_disclosure_recorded"
	ContactTree             Flag = "contact_tree_exercised"
	ProvenanceRecorded      Flag = "provenance_recorded" // source, extraction, row count and digest of every artefact
	RawSeriesKept           Flag = "raw_series_kept"
	ExceptionsRecorded      Flag = "exceptions_recorded"
	LedgerReconciled        Flag = "ledger_reconciled"
	WORMLocked              Flag = "worm_locked"
	AmendmentChain          Flag = "amendment_chain"
	LessonsRecorded         Flag = "lessons_recorded"
)

// Flags lists every flag that exists.
func Flags() []Flag {
	return []Flag{PlanReferenced, DataRecovery, MissionCritical, Assessment, CustomerCommunications, EmployeeCommunications,
		AlternateLocation, CounterpartyImpact, RegulatoryReporting, RegulatorCommunications, CustomerAccess,
		DeliveredToPrincipal, CustomerDisclosure, ContactTree, ProvenanceRecorded, RawSeriesKept, ExceptionsRecorded, LedgerReconciled,
		WORMLocked, AmendmentChain, LessonsRecorded}
}

// Framework is one catalogue.
type Framework struct {
	Name    string   `yaml:"name"`
	Title   string   `yaml:"title"`
	Scope   string   `yaml:"scope"` // what the rule asks for, and what a drill can therefore be used for
	Clauses []Clause `yaml:"clauses"`
}

// Clause is one requirement.
type Clause struct {
	Clause        string   `yaml:"clause"`
	Title         string   `yaml:"title"`
	Requirement   string   `yaml:"requirement"` // in our own words
	Evidence      []string `yaml:"evidence"`    // the fields of a report that bear on it
	Coverage      Coverage `yaml:"coverage"`
	DoesNotShow   string   `yaml:"does_not_show"`
	Source        string   `yaml:"source"`
	Verified      bool     `yaml:"verified"`       // false: the wording has not been checked
	VerifiedLevel string   `yaml:"verified_level"` // against what: primary, secondary or unverified
}

// Coverage says when a drill exercises a clause, and what its evidence is then worth.
type Coverage struct {
	Any       []Flag `yaml:"any"`       // one of these facts is enough
	Level     Level  `yaml:"level"`     // with it
	Otherwise Level  `yaml:"otherwise"` // without it
}

// Exercised is what clauses are held against: what a drill exercised, and which fields of evidence its record really has.
type Exercised struct {
	Rehearsal bool // on a bundled system, or nobody knows on what
	Observed  bool // nothing was broken: it was no drill
	Facts     map[Flag]bool
	Recorded  map[string]bool // by the name that a clause's evidence has
}

// Bearing is how far the evidence of one drill bears on one clause.
type Bearing struct {
	Level     Level
	Exercised bool
	Evidence  []string // what of the clause's evidence is recorded; nothing else may be claimed
}

// Judge says how far a drill bears on a clause. A rehearsal bears on none, in any framework, and neither does an observation; and where none of the evidence is
// recorded, nothing was exercised that could be shown.
func (c Clause) Judge(d Exercised) Bearing {
	none := Bearing{Level: NotAddressed, Evidence: []string{}}
	if d.Rehearsal || d.Observed {
		return none
	}
	b := Bearing{Level: c.Coverage.Otherwise, Evidence: none.Evidence}
	for _, e := range c.Evidence {
		if d.Recorded[e] {
			b.Evidence = append(b.Evidence, e)
		}
	}
	if len(b.Evidence) == 0 {
		return none
	}
	for _, f := range c.Coverage.Any {
		if d.Facts[f] {
			b.Level, b.Exercised = c.Coverage.Level, true
		}
	}
	return b
}

// Digest is the SHA-256 of a catalogue as this build has it, in hexadecimal; "" if it has none of this name.
func Digest(framework string) string {
	b, ok := catalogues[framework]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// Names lists the catalogues, sorted.
func Names() []string { return slices.Sorted(maps.Keys(catalogues)) }

// Load gives one catalogue by its name.
func Load(name string) (Framework, error) {
	b, ok := catalogues[name]
	if !ok {
		return Framework{}, fmt.Errorf("load framework %q: there is none; choose one of %s", name, strings.Join(Names(), ", "))
	}
	return Parse(b)
}

// Parse decodes a catalogue strictly: unknown keys, a second document and missing statements are errors, all of which
// are reported at once.
func Parse(b []byte) (Framework, error) {
	var f Framework
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return Framework{}, fmt.Errorf("decode framework: %w", err)
	}
	var second any
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return Framework{}, errors.New("decode framework: a second document follows")
	}
	return f, f.check()
}

func (f Framework) check() error {
	var errs []error
	if f.Name == "" || f.Title == "" || f.Scope == "" || len(f.Clauses) == 0 {
		errs = append(errs, errors.New("check framework: name, title, scope and clauses are needed"))
	}
	seen := map[string]bool{}
	for i, c := range f.Clauses {
		if seen[c.Clause] {
			errs = append(errs, fmt.Errorf("check clause %q: it stands twice", c.Clause))
		}
		seen[c.Clause] = true
		if err := c.check(); err != nil {
			errs = append(errs, fmt.Errorf("check clause %d (%q): %w", i+1, c.Clause, err))
		}
	}
	return errors.Join(errs...)
}

func (c Clause) check() error {
	var errs []error
	for field, v := range map[string]string{"clause": c.Clause, "title": c.Title, "requirement": c.Requirement,
		"does_not_show": c.DoesNotShow, "source": c.Source} {
		if strings.TrimSpace(v) == "" {
			errs = append(errs, fmt.Errorf("%s is missing", field))
		}
	}
	if len(c.Evidence) == 0 {
		errs = append(errs, errors.New("evidence is missing"))
	}
	if len(c.Coverage.Any) == 0 {
		errs = append(errs, errors.New("coverage.any is missing"))
	}
	for _, flag := range c.Coverage.Any {
		if !slices.Contains(Flags(), flag) {
			errs = append(errs, fmt.Errorf("coverage.any: there is no flag %q", flag))
		}
	}
	if c.Coverage.Level != Supports && c.Coverage.Level != Partial {
		errs = append(errs, fmt.Errorf("coverage.level %q: supports or partial", c.Coverage.Level))
	}
	if c.Coverage.Otherwise != Partial && c.Coverage.Otherwise != NotAddressed {
		errs = append(errs, fmt.Errorf("coverage.otherwise %q: partial or not addressed", c.Coverage.Otherwise))
	}
	if !slices.Contains([]string{"primary", "secondary", "unverified"}, c.VerifiedLevel) || c.Verified == (c.VerifiedLevel == "unverified") {
		errs = append(errs, fmt.Errorf("verified_level %q does not fit verified: %t", c.VerifiedLevel, c.Verified))
	}
	return errors.Join(errs...)
}
