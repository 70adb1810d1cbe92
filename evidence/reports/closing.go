package reports

import (
	"blackstart/evidence/words"
	"strings"

	"github.com/johnfercher/maroto/v2/pkg/components/row"
	"github.com/johnfercher/maroto/v2/pkg/components/text"
	"github.com/johnfercher/maroto/v2/pkg/props"
)

// system prints what was drilled and under which conditions.
func (s *sheet) system(r Report) {
	s.section("System: components, versions, digests")
	rows := rowsOf(r.Components, func(c words.Component) []string { return []string{c.Name, c.Region, c.Version, c.Digest} })
	s.table([]column{{"Component", 13, words.NotRecorded, strong}, {"Region", 8, words.NotRecorded, plain}, {"Version", 17, words.NotRecorded, plain}, {"Digest", 22, words.NotRecorded, machine}},
		rows, "Components: "+words.NotRecorded+".")
	s.fields([]words.Field{{Name: "Scenario digest", Value: r.Identity.ScenarioDigest}, {Name: "Tool", Value: r.Identity.Tool}, {Name: "Tool digest", Value: r.Identity.ToolDigest}}, "")
	s.section("Plan and preparation")
	s.fields(r.Plan, "Plan: "+words.NotRecorded+".")
	s.fields(r.Readiness, "Readiness: "+words.NotRecorded+".")
	s.section("People")
	s.fields(r.People, "People: "+words.NotRecorded+".")
	s.section("Clock")
	s.fields(r.Clock, "Clock source and offsets: "+words.NotRecorded+".")
}

func (s *sheet) exceptions(r Report) {
	s.section("Exceptions")
	rows := rowsOf(r.Exceptions, func(e words.Exception) []string { return []string{e.Cause, e.Severity, e.Owner, e.Due, e.Retest} })
	s.table([]column{{"What, and why", 26, words.NotRecorded, plain}, {"Severity", 8, words.NotRecorded, strong}, {"Owner", 9, words.NotRecorded, plain}, {"Due", 8, words.NotRecorded, plain},
		{"Retest, or risk accepted", 9, words.NotRecorded, plain}}, rows, "No exception is recorded for this run.")
}

func (s *sheet) lessons(Report) {
	s.section("Lessons and recipients")
	s.say("Lessons and changes to the plan: " + words.NotRecorded + ".")
	s.say("Recipients: " + words.NotRecorded + ".")
}

// provenance says where each file of the pack comes from.
func (s *sheet) provenance(r Report) {
	s.section("Provenance of every artefact")
	rows := rowsOf(r.Provenance, func(a words.Artefact) []string {
		return []string{a.Path, a.Source, a.Query, a.Extracted, a.Rows, a.Total, a.Digest}
	})
	s.table([]column{{"Artefact", 10, words.NotRecorded, strong}, {"Source", 9, words.NotRecorded, plain}, {"Query and parameters", 11, words.NotRecorded, plain},
		{"Extracted at, by", 9, words.NotRecorded, plain}, {"Rows", 5, words.NotRecorded, plain}, {"Control total", 6, words.NotRecorded, plain}, {"sha256", 10, words.NotRecorded, machine}},
		rows, "Provenance: "+words.NotRecorded+".")
}

// Marks of the commands in a report's text: they stand between the two, as they are typed.
const (
	CommandsBegin = "Commands, none of them ours, for a POSIX shell in the pack's directory, in order (the same stand in VERIFY.md):"
	CommandsEnd   = "Roots and keys must reach the verifier outside the pack:"
)

// commands prints commands as they are typed, a line for a line, on one page: a line that the layout breaks is another command.
func (s *sheet) commands(list []string) {
	var lines []string
	for _, c := range list {
		lines = append(lines, strings.Split(c, "\n")...)
	}
	const step = 3.0 // mm
	s.room(step*float64(len(lines)) + 12)
	s.paragraph(CommandsBegin, heading)
	for _, l := range lines {
		s.m.AddRows(row.New(step).Add(text.NewCol(columns, printable(l), props.Text{Family: mono, Size: small - 1})))
	}
	s.note(CommandsEnd + " ROOT names the file with the root you were given. VERIFY.md says what each command shows, and why the time of the certificate is left out.")
}

// closing is the end of both reports: how to check it, what it stands among, how long it is kept, what it is not.
func (s *sheet) closing(r Report) {
	s.section("Integrity, and how to verify it")
	s.fields(append([]words.Field{{Name: "record.json sha256", Value: r.RecordDigest}, {Name: "Digest of the entry before", Value: r.Identity.PreviousDigest}, {Name: "Amends", Value: r.Identity.Amends}}, r.Integrity...), "")
	s.commands(r.Commands)
	s.section("Population: which runs there were")
	s.fields(r.Population, "Register: not recorded.")
	s.section("Retention and limits")
	s.fields(r.Retention, "Retention: "+words.NotRecorded+".")
	s.say(Disclaimer)
}

// Disclaimer ends every report.
const Disclaimer = "This report is evidence of one run and no more. It is no legal advice, no opinion and no certification, and it makes nobody compliant with anything: " +
	"what a rule asks for, and whether that is met, is for the firm, its advisers, its auditor and its regulator to say. Rules are paraphrased; their texts decide."
