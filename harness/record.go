package harness

import (
	"strings"

	"blackstart/loadgen"
)

// OutcomeCode is one row of the table of outcomes.
type OutcomeCode = loadgen.OutcomeCode

// Status says how a drill ended, apart from its verdict.
type Status string

// Every way a drill can end.
const (
	Completed   Status = "completed"
	Stopped     Status = "stopped"     // a guard or an interrupt ended it; everything was undone
	Interrupted Status = "interrupted" // the process died; a later command undid and sealed
	Unsteady    Status = "unsteady"    // the steady state did not hold: nothing was broken
	Broken      Status = "error"       // a harness problem ended it
)

// Record is everything a drill produced, machine-readable. All judgement is made from it and from the files it names.
type Record struct {
	Format       string            `json:"format"`
	Rules        string            `json:"rules"` // version of the measuring rules, measure/N, that findings are made by
	RunID        string            `json:"run_id"`
	PackID       string            `json:"pack_id"`
	Register     string            `json:"register"`
	Amends       string            `json:"amends"`
	SealPolicy   []string          `json:"seal_policy"`
	Approvals    []string          `json:"approvals"`
	Status       Status            `json:"status"`
	StatusReason string            `json:"status_reason"`
	Inputs       string            `json:"inputs_sha256"`
	Scenario     Scenario          `json:"scenario"` // resolved: profile applied
	Profile      string            `json:"profile"`
	Environment  string            `json:"environment"`
	ObserveOnly  *ObserveOnly      `json:"observe_only,omitempty"` // missing: a drill; else nothing was broken, and it proves nothing
	Executor     string            `json:"executor"`
	Tool         Tool              `json:"tool"`
	Target       Description       `json:"target"`
	Anchor       Stamp             `json:"anchor"`
	Started      Stamp             `json:"started"`
	Ended        Stamp             `json:"ended"`
	Baseline     Interval          `json:"baseline"`    // the steady-state window
	Observation  Interval          `json:"observation"` // from the first fault (or baseline's end) to the end of watching
	Clock        []ClockReading    `json:"clock"`
	TargetClocks []TargetClock     `json:"target_clocks,omitempty"` // readings of clocks of the target
	Acts         []Act             `json:"acts"`                    // what was done, in order; the last may have failed
	Faults       []FaultRecord     `json:"faults"`
	People       []PersonRecord    `json:"people,omitempty"` // what people were asked to do, and said of it
	Places       []Place           `json:"places"`           // where clients can stand; named by index
	Hosts        []Host            `json:"hosts"`            // machines that clients run on; named by index
	Outcomes     []OutcomeCode     `json:"outcomes"`         // what the numbers in samples mean, by code
	Streams      []Stream          `json:"streams"`
	Probes       []ProbeSeries     `json:"probes"`
	Arrivals     []Arrival         `json:"arrivals"`
	Polls        []PollSeries      `json:"polls,omitempty"` // of channels whose state is asked for
	Decisions    []Decision        `json:"decisions"`
	DecisionsErr string            `json:"decisions_error"` // why the log could not be read, "" if it was
	Undo         UndoRecord        `json:"undo"`
	Ledger       LedgerRecord      `json:"ledger"`
	Components   []ComponentStatus `json:"components"`
	Shortages    []string          `json:"shortages,omitempty"` // of the harness's own machine: where, what, how often
	Restores     []RestoreRecord   `json:"restores,omitempty"`  // what brought redundancy back, or was to
	Released     []string          `json:"released,omitempty"`  // what of a fault somebody else has undone while it was to be in force, in words
	Gaps         []Gap             `json:"gaps,omitempty"`      // over which the harness could not measure
	Redactions   []string          `json:"redactions"`          // what was taken out, by name
}

// Tool says which build of the tool ran, and where.
type Tool struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	CPUs    int    `json:"cpus"`
}

// Act is one thing that was done, and its part of the drill's wall time.
type Act struct {
	Kind  string   `json:"kind"`  // setup, plan, soak, baseline, inject, watch, step, end, settle, undo, watch-undo, reconcile, stop
	Name  string   `json:"name"`  // which of its kind: the kind of the fault, the name of the step; "" where there is one only
	Fault string   `json:"fault"` // id of the fault that is put in force or ended, "" if it has none
	By    string   `json:"by"`    // who carried it out: harness, target or person
	At    Interval `json:"at"`
}

// Who carries out an act.
const (
	ByHarness = "harness"
	ByTarget  = "target" // its own automation
	ByPerson  = "person"
)

// FaultRecord is what became of one fault.
type FaultRecord struct {
	Plan      Plan     `json:"plan"`
	Do        Interval `json:"do"`        // from before the first Do to after the last
	InForce   Interval `json:"in_force"`  // T_f: [before the first Do, first confirmation from the victim's side]
	Confirmed bool     `json:"confirmed"` // every check of the plan held in time
	Detail    string   `json:"detail"`    // why it was not confirmed
	Undone    Interval `json:"undone"`
	Restored  bool     `json:"restored"` // every check of the restoration held that does not speak of a fenced database
}

// Stream is one binary file of samples or attempts.
type Stream struct {
	ID        int      `json:"id"`
	Load      string   `json:"load"`
	Kind      string   `json:"kind"` // samples or ledger
	File      string   `json:"file"` // path in the pack
	Workload  string   `json:"workload"`
	Place     int      `json:"place"`    // of its clients: index into places
	Host      int      `json:"host"`     // of its clients: index into hosts
	Recorded  *Traits  `json:"traits"`   // what the workload says of the load; null: nothing is known of it
	Cohorts   []string `json:"cohorts"`  // name of cohort n at index n; sample.cohort is the index
	StartNS   int64    `json:"start_ns"` // due time of seq 0, since the anchor
	Freq      int      `json:"freq"`     // due(seq) = start_ns + floor(seq × per_ns ÷ freq)
	PerNS     int64    `json:"per_ns"`
	StopNS    int64    `json:"stop_ns"` // no slot is due at or after this
	TimeoutNS int64    `json:"timeout_ns"`
	Count     int      `json:"count"`
	Root      string   `json:"merkle_root"`
	Closed    bool     `json:"closed"`
	IDs       string   `json:"ids,omitempty"` // of a ledger: path in the pack of the ids that the system gave its writes, one JSON object a line; "": they go by ours
}

// Traits are what the workload said of the load; nothing holds of a load of which it is not on record.
func (s Stream) Traits() Traits {
	if s.Recorded == nil {
		return Traits{}
	}
	return *s.Recorded
}

// Decision is one line of the target's own log.
type Decision struct {
	At     Stamp             `json:"at"`
	Event  string            `json:"event"`
	Detail map[string]string `json:"detail"`
}

// What an entry of any target's own log may tell, beside the events that DecisionLog gives a meaning.
const (
	notifyPrefix  = "notify."     // of an event about a message to people, on the channel that the detail names
	notifySent    = "notify.sent" // it was handed over
	skippedSuffix = ".skipped"    // of an event by which the target left out a step of its own
)

// Reason is why the target did so, by its own word; "" if it gives none.
func (d Decision) Reason() string { return d.Detail["reason"] }

// Region is the name of the region that the entry speaks of, "" if of none.
func (d Decision) Region() string { return d.Detail["region"] }

// Notifies tells whether the entry is about a message to people, on which channel, and whether it was handed over.
func (d Decision) Notifies() (channel string, sent, ok bool) {
	return d.Detail["channel"], d.Event == notifySent, strings.HasPrefix(d.Event, notifyPrefix)
}

// Skips tells whether the target left out a step of its own.
func (d Decision) Skips() bool { return strings.HasSuffix(d.Event, skippedSuffix) }

// UndoRecord is how the faults were taken back.
type UndoRecord struct {
	At           Interval `json:"at"`
	FencedBy     string   `json:"fenced_by"` // harness, target, or "" when nothing had to be fenced
	Fenced       bool     `json:"fenced"`
	FenceChecked bool     `json:"fence_checked"` // the old primary was seen to refuse a write
	Complete     bool     `json:"complete"`
	Watched      Interval `json:"watched,omitzero"`  // under load: from the begin of the undo to the end of the watch after it
	TwoLed       []string `json:"two_led,omitempty"` // what was seen to take writes while another led, before the undo, in words
	Left         []string `json:"left,omitempty"`    // what was left as it is on purpose, each with why and what people must do, in words
	Gone         []string `json:"gone"`              // components that the undo found gone, each with what was looked for, in words
	Detail       string   `json:"detail"`
}

// LedgerRecord is what was found of the written ids on both sides.
type LedgerRecord struct {
	Read          bool         `json:"read"`        // the new primary's ledger was read in full
	Primary       string       `json:"primary"`     // component that serves now, or entry: what was read is what it leads to
	OldPrimary    string       `json:"old_primary"` // component that was left behind
	OldRead       bool         `json:"old_read"`
	OldDetail     string       `json:"old_detail"`            // why the old one was not read: client side only
	OldBasis      string       `json:"old_basis,omitempty"`   // on whose word it rests that nobody wrote there, of one that was read where it stands
	OldOnly       int          `json:"old_only"`              // ids on the old primary that the new one lacks
	BusinessTwice int          `json:"business_twice"`        // business keys with two or more rows on the new primary
	ReplayFrozen  Stamp        `json:"replay_frozen"`         // pg_last_xact_replay_timestamp of the promoted node
	WAL           WALReport    `json:"wal"`                   // zero Tool: not read
	WALDetail     string       `json:"wal_detail"`            // why the log was not read
	Promoted      bool         `json:"promoted"`              // the standby left recovery
	RoleDetail    string       `json:"role_detail,omitempty"` // why nobody knows whether it did; "": it said so
	OldOnlyIDs    []uint64     `json:"old_only_ids"`          // the first of these, at most 1 000
	Copies        []CopiesFile `json:"copies"`                // what each reading of each database found
}

// RoleKnown tells whether the standby was asked at the end whether it had left recovery.
func (l LedgerRecord) RoleKnown() bool { return l.Primary != "" && l.RoleDetail == "" }

// Readings of a database: when it was read.
const (
	BeforeHeal   = "before-heal"   // while what was broken still was
	AfterHeal    = "after-heal"    // when everything had been undone
	AfterRestore = "after-restore" // when a backup had been restored
)

// Readings are all of them, in order of time.
var Readings = []string{BeforeHeal, AfterHeal, AfterRestore}

// CopiesFile is what one reading of one database found of the ids of one ledger: a binary file of its own, never written
// into the ledger, which is closed by then.
type CopiesFile struct {
	Stream  int    `json:"stream"` // id of the ledger's stream
	Load    string `json:"load"`
	Node    string `json:"node"`    // component that was read: ledger.primary or ledger.old_primary
	Reading string `json:"reading"` // when it was read: one of Readings
	File    string `json:"file"`    // path in the pack
	Count   int    `json:"count"`   // as many as the ledger has attempts
	Root    string `json:"merkle_root"`
}

// ComponentStatus says whether a component lived through the drill.
type ComponentStatus struct {
	Name    string `json:"name"`
	Running bool   `json:"running_at_end"`
	Unknown string `json:"unknown,omitempty"` // why it could not be seen whether it ran; then Running says nothing
}
