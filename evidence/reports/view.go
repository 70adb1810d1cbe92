// Package reports lays out the two reports of a drill as PDF: the business continuity drill report for FINRA Rule 4370,
// and the ICFR-relevant observations.
//
// It prints what it is given: plain views of a finished record, every value already in words. It measures nothing,
// judges nothing, and never fills a gap: what is missing is printed as "not recorded" or "not measured". It never says
// that anybody complies with anything, and on every page it says what kind of environment was drilled. The same input
// gives the same bytes.
package reports

import (
	"time"

	"blackstart/evidence/controls"
)

// Words printed where a value is missing.
const (
	NotRecorded = "not recorded"
	NotMeasured = "not measured"
)

// Report is everything the two reports print. Empty strings are printed as "not recorded" or "not measured"; an empty
// list is printed as such. Times, durations and amounts come formatted, with their units and bounds.
type Report struct {
	Identity     Identity
	RecordDigest string    // hexadecimal SHA-256 of record.json
	Sealed       time.Time // the date inside the PDF: from the record, so that rendering again gives the same bytes
	Block        []string  // the block of facts: lines of ASCII that fit the page in a fixed width
	Verdict      Verdict
	Summary      string    // what was done and what users felt, in a few sentences
	Heed         []string  // what must not be overlooked on the first page, one sentence each
	Failures     []Failure // each objective that was not met or could not be judged, and what shows why
	Story        []Told    // what happened, in order, in few lines
	Zero         string    // what happened at moment 0, from which times are counted
	Limits       []string  // what the result does not show, one sentence each
	Answers      Answers
	Plan         []Field // scenario digest, objective sources, criteria frozen beforehand, change ticket, approval
	People       []Field // executor, approver, reviewer, participants, independence, how each was authenticated
	Readiness    []Field // readiness checks, market hours, production-likeness
	Objectives   []Objective
	Timeline     []Moment
	NotExecuted  []Field // manual, skipped and not-executed steps
	Measures     []Measure
	Checks       []Check
	Faults       []Fault
	Load         []Stream
	Outcomes     []Outcome
	Known        Known
	Replication  []Field // how old the standby's data was; empty: not a subject of this drill
	Decisions    []Decided
	Discord      []string // where the target's own log and the outside disagree, one sentence each
	Ledger       []LedgerClass
	Oracle       string // how the ledger was compared with the old primary, and the result
	Alerts       []Alert
	Components   []Component
	Simulated    []string // everything that stood in for the real thing
	Clock        []Field
	Exceptions   []Exception
	Lessons      []string
	Recipients   []string
	Drill        controls.Drill // what the drill exercised and recorded; decides the control map
	Provenance   []Artefact
	Integrity    []Field
	Commands     []string // to verify offline; a command of several lines has line ends in it
	Population   []Field
	Retention    []Field
	Disclaimer   []string
	Plots        []Plot
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

// Answers are what an examiner asks first.
type Answers struct {
	Operator        string // which natural person ran it
	Authority       string // on whose authority
	KeyHolders      string // who else can use the signing key
	Runs            string // which runs there were in the period
	Reconciled      string // against which source outside the tool
	MissionCritical string // is the system on the firm's list
	PlanVersion     string // the plan in force
	Principal       string // did the responsible principal receive this
	PriorFindings   string // owner, due, retested
	ToolValidation  string // how the tool is validated and changed
	ObjectiveEditor string // who may edit objectives
	Deletion        string // who can delete this
}

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
	// Told is one moment of the story.
	Told struct{ SinceFault, What string }
	// Outcome counts the requests of one load and cohort that ended in one way.
	Outcome struct{ Load, Cohort, Class, Count, Share, First, Last string }
	// Decided holds a step of the target's own log against what was seen from outside.
	Decided struct{ Step, Log, LogAt, Outside, OutsideAt string }
	// Answer is one answer to a known question that was not the right one, beside the right one.
	Answer struct{ At, Question, Kind, Got, By, Right, RightBy string }
	Stream struct{ Name, Place, Intended, Offered, Achieved, Outcomes string }
	// LedgerClass is one row of the classification of all write attempts.
	LedgerClass struct{ Class, Count, Amount, Meaning string }
	Alert       struct{ Channel, Carry, Accepted, Received, Acknowledged, Resolved, Latency, Verdict string }
	Component   struct{ Name, Region, Version, Digest string }
	Exception   struct{ Cause, Severity, Owner, Due, Retest string }
	// Artefact says where one file of the pack comes from.
	Artefact struct{ Path, Source, Query, Extracted, Rows, Total, Digest string }
	// Plot is a PNG of the given width on the page.
	Plot struct {
		Title, Caption string
		PNG            []byte
	}
)

// Known is how the questions were answered whose answers are known. Asked "" means that there were none.
type Known struct {
	Asked, Right, Wrong, Stale, Foreign string
	First                               []Answer // the first that were not right
	File                                string   // where every answer stands
	Note                                string   // why nothing can be said, or what to bear in mind
}

// Document is a rendered report.
type Document struct {
	PDF      []byte
	SignPage int        // the page with the two places for signatures, counted from 1
	SignBox  [4]float64 // for the executor: left, bottom, right, top in points from the lower left corner
	Review   [4]float64 // for the reviewer
}
