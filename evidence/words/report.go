// Package words says in sentences, numbers and units what package facts found: everything that the reports of a drill and the
// labels of its charts print. It takes facts only, and the words of a measure from the measure's own row; it reads no file and
// knows nothing of pages.
//
// What nobody told stays an empty string, which the layout prints as "not recorded" or "not measured". Nothing here says that
// anybody complies with anything.
package words

import (
	"blackstart/evidence/facts"
	"blackstart/harness"
)

// Words printed where a value is missing.
const (
	NotRecorded = "not recorded"
	NotMeasured = "not measured"
)

// Report is everything the two reports print. Empty strings are printed as "not recorded" or "not measured"; an empty
// list is printed as such. Times, durations and amounts come formatted, with their units and bounds.
type Report struct {
	Identity    Identity
	Verdict     Verdict
	Summary     string     // what was done and what users felt, in a few sentences
	Warnings    []string   // what must not be overlooked on the first page, one sentence each
	Failures    []Failure  // each objective that was not met or could not be judged, and what shows why
	KeyEvents   []KeyEvent // what happened, in order, in few lines
	Zero        string     // what happened at moment 0, from which times are counted
	Limits      []string   // what the result does not show, one sentence each
	Examiner    []Field    // what an examiner asks first; the unanswered questions stand together
	Plan        []Field    // scenario digest, objective sources, criteria frozen beforehand, change ticket, approval
	People      []Field    // executor, approver, reviewer, participants, independence, how each was authenticated
	Readiness   []Field    // readiness checks, market hours, production-likeness
	Objectives  []Objective
	Timeline    []Moment
	NotExecuted []Field // manual, skipped and not-executed steps
	Measures    []Measure
	Checks      []Check
	Faults      []Fault
	Load        []Stream
	Outcomes    []Outcome
	Known       KnownAnswers
	Replication []Field // how old the standby's data was; empty: not a subject of this drill
	Decisions   []DecisionStep
	Disputed    []string // where the target's own log and the outside disagree, one sentence each
	Ledger      []LedgerClass
	Oracle      string // how the ledger was compared with the old primary, and the result
	Channels    []Notification
	Components  []Component
	Simulated   []string // everything that stood in for the real thing
	Clock       []Field
	Exceptions  []Exception
	Provenance  []Artefact
	Integrity   []Field
	Commands    []string // to verify offline; a command of several lines has line ends in it
	Population  []Field
	Retention   []Field
}

// Of says what is known of a drill. commands are those that verify its pack offline.
func Of(d facts.Drill, commands []string) Report {
	rec, f, z := d.Record, d.Findings, zero(d.Zero)
	r := Report{
		Identity: identity(rec, d.Scenario), Verdict: verdict(rec, f), Summary: summary(rec, f), Warnings: warnings(f),
		Failures: failures(d, z), KeyEvents: keyEvents(d, z), Zero: ZeroWords(rec), Limits: limits(rec), Examiner: examiner(rec),
		Plan: plan(rec), People: people(rec), Readiness: readiness(rec, f), Objectives: objectives(f), Timeline: timeline(rec, d.Events, z),
		NotExecuted: notExecuted(rec), Measures: measures(f, rec.Streams), Checks: checks(f), Faults: faults(rec, z), Load: loads(rec, d.Loads),
		Outcomes: outcomes(rec, d.Loads, z), Known: knownAnswers(d.Answers, f, z), Replication: replication(d, z), Decisions: decisions(d, z), Disputed: disputed(f),
		Ledger: ledger(f), Oracle: f.LedgerNote, Channels: channels(d.Channels, z), Components: components(rec), Simulated: rec.Target.Simulated,
		Clock: clockSource(rec), Exceptions: exceptions(f), Provenance: provenance(rec, d.Artefacts, d.EventLog, len(d.Events)),
		Integrity: integrity(d.EventLog, len(d.Events)), Commands: commands, Population: population(rec), Retention: retention(rec),
	}
	if rec.Status == harness.Interrupted {
		r.interrupted(rec.StatusReason)
	}
	if rec.ObserveOnly != nil {
		r.observed(rec)
	}
	return r
}

// Identity names the run.
type Identity struct {
	PackID, RunID, Sequence, PreviousDigest string
	Activity                                string // "disaster-recovery drill"
	Environment                             string // rehearsal, staging or production
	Cadence, CadenceBasis, Amends           string
	Scenario, ScenarioDigest, Target        string
	Profile, Started, Ended                 string
	Tool, ToolDigest                        string
}

// Verdict is the result of the drill; whether it could be judged at all stands apart in Validity.
type Verdict struct {
	Result   string // pass, fail or inconclusive
	Reason   string // one sentence
	Validity string // passed, failed, inconclusive, stopped or error, and why
}

// Requirements are those of one framework, each with what the drill is worth for it.
type Requirements struct {
	Framework, Title, Scope string
	Rehearsal, Observed     bool // it supports none of them
	Clauses                 []Control
}

// Control is one clause of a framework.
type Control struct{ Clause, Requirement, Level, Evidence, Limits string }

// The rows of the report's tables.
type (
	Field     struct{ Name, Value string }
	Objective struct{ Name, Bound, Source, Measured, Interval, Verdict string }
	Moment    struct{ At, SinceFault, Event, Detail string }
	Measure   struct{ Name, Value, Bounds, Method, Raw string }
	Check     struct{ Name, Result, Detail string }
	Fault     struct{ Kind, Target, What, InForce, Confirmed, Undone string }
	// Failure is one objective that was not met, or not judged.
	Failure struct{ Objective, Verdict, Asked, Found, Why string }
	// KeyEvent is one line of what happened.
	KeyEvent struct{ SinceFault, What string }
	// Outcome counts the requests of one load and cohort that ended in one way.
	Outcome struct{ Load, Cohort, Class, Count, Share, First, Last string }
	// DecisionStep holds a step of the target's own log against what was seen from outside.
	DecisionStep struct{ Step, Log, LogAt, Outside, OutsideAt string }
	// Answer is one answer to a known question that was not the right one, beside the right one.
	Answer struct{ At, Question, Kind, Got, By, Right, RightBy string }
	Stream struct{ Name, Place, Intended, Offered, Achieved, Outcomes string }
	// LedgerClass is one row of the classification of all write attempts.
	LedgerClass struct{ Class, Count, Amount, Meaning string }
	// Notification is what came on an alert channel.
	Notification struct{ Channel, Carry, Accepted, Received, Acknowledged, Resolved, Latency, Verdict string }
	Component    struct{ Name, Region, Version, Digest string }
	Exception    struct{ Cause, Severity, Owner, Due, Retest string }
	// Artefact says where one file of the pack comes from.
	Artefact struct{ Path, Source, Query, Extracted, Rows, Total, Digest string }
)

// KnownAnswers is how the questions were answered whose answers are known. Asked "" means that there were none.
type KnownAnswers struct {
	Asked, Right, Wrong, Stale, Foreign string
	First                               []Answer // the first that were not right
	File                                string   // where every answer stands
	Note                                string   // why nothing can be said, or what to bear in mind
}
