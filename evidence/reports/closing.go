package reports

import (
	"strings"

	"github.com/johnfercher/maroto/v2/pkg/components/row"
	"github.com/johnfercher/maroto/v2/pkg/components/text"
	"github.com/johnfercher/maroto/v2/pkg/props"
)

// system prints what was drilled and under which conditions.
func (s *sheet) system(r Report) {
	s.section("System: components, versions, digests")
	rows := make([][]string, 0, len(r.Components))
	for _, c := range r.Components {
		rows = append(rows, []string{c.Name, c.Region, c.Version, c.Digest})
	}
	s.table([]column{{"Component", 13, NotRecorded, strong}, {"Region", 8, NotRecorded, plain}, {"Version", 17, NotRecorded, plain}, {"Digest", 22, NotRecorded, machine}},
		rows, "Components: "+NotRecorded+".")
	s.fields([]Field{{"Scenario digest", r.Identity.ScenarioDigest}, {"Tool", r.Identity.Tool}, {"Tool digest", r.Identity.ToolDigest}}, "")
	s.section("Plan and preparation")
	s.fields(r.Plan, "Plan: "+NotRecorded+".")
	s.fields(r.Readiness, "Readiness: "+NotRecorded+".")
	s.section("People")
	s.fields(r.People, "People: "+NotRecorded+".")
	s.section("Clock")
	s.fields(r.Clock, "Clock source and offsets: "+NotRecorded+".")
}

func (s *sheet) exceptions(r Report) {
	s.section("Exceptions")
	rows := make([][]string, 0, len(r.Exceptions))
	for _, e := range r.Exceptions {
		rows = append(rows, []string{e.Cause, e.Severity, e.Owner, e.Due, e.Retest})
	}
	s.table([]column{{"What, and why", 26, NotRecorded, plain}, {"Severity", 8, NotRecorded, strong}, {"Owner", 9, NotRecorded, plain}, {"Due", 8, NotRecorded, plain},
		{"Retest, or risk accepted", 9, NotRecorded, plain}}, rows, "No exception is recorded for this run.")
}

func (s *sheet) lessons(r Report) {
	s.section("Lessons and recipients")
	for _, l := range r.Lessons {
		s.say("• " + l)
	}
	if len(r.Lessons) == 0 {
		s.say("Lessons and changes to the plan: " + NotRecorded + ".")
	}
	rows := make([]Field, 0, len(r.Recipients))
	for _, p := range r.Recipients {
		rows = append(rows, Field{"Recipient", p})
	}
	s.fields(rows, "Recipients: "+NotRecorded+".")
}

// provenance says where each file of the pack comes from.
func (s *sheet) provenance(list []Artefact) {
	s.section("Provenance of every artefact")
	rows := make([][]string, 0, len(list))
	for _, a := range list {
		rows = append(rows, []string{a.Path, a.Source, a.Query, a.Extracted, a.Rows, a.Total, a.Digest})
	}
	s.table([]column{{"Artefact", 10, NotRecorded, strong}, {"Source", 9, NotRecorded, plain}, {"Query and parameters", 11, NotRecorded, plain},
		{"Extracted at, by", 9, NotRecorded, plain}, {"Rows", 5, NotRecorded, plain}, {"Control total", 6, NotRecorded, plain}, {"sha256", 10, NotRecorded, machine}},
		rows, "Provenance: "+NotRecorded+".")
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
		s.m.AddRows(row.New(step).Add(text.NewCol(columns, clean(l), props.Text{Family: mono, Size: small - 1})))
	}
	s.note(CommandsEnd + " ROOT names the file with the root you were given. VERIFY.md says what each command shows, and why the time of the certificate is left out.")
}

// closing is the end of both reports: how to check it, what it stands among, how long it is kept, what it is not.
func (s *sheet) closing(r Report) {
	s.section("Integrity, and how to verify it")
	s.fields(append([]Field{{"record.json sha256", r.RecordDigest}, {"Digest of the entry before", r.Identity.PreviousDigest}, {"Amends", r.Identity.Amends}}, r.Integrity...), "")
	s.commands(r.Commands)
	s.section("Population: which runs there were")
	s.fields(r.Population, "Register: not recorded.")
	s.section("Retention and limits")
	s.fields(r.Retention, "Retention: "+NotRecorded+".")
	for _, d := range append([]string{Disclaimer}, r.Disclaimer...) {
		s.say(d)
	}
}

// Disclaimer ends every report.
const Disclaimer = "This report is evidence of one run and no more. It is no legal advice, no opinion and no certification, and it makes nobody compliant with anything: " +
	"what a rule asks for, and whether that is met, is for the firm, its advisers, its auditor and its regulator to say. Rules are paraphrased; their texts decide."
