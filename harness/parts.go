package harness

import (
	"context"
	"time"
)

// Event is one thing that happened, as it stands in the event log.
type Event struct {
	Kind   string            `json:"kind"` // thing.event, e.g. fault.in-force
	At     Interval          `json:"at"`
	Phase  string            `json:"phase"`
	Text   string            `json:"text"` // one line for people
	Detail map[string]string `json:"detail"`
}

// Journal is the event log as a drill needs it. Append must keep the event even if the process is killed afterwards.
type Journal interface {
	Append(e Event) error
	// Checkpoint signs the head of the log: start, fault.
	Checkpoint(name string) error
	// LoadCheckpoint binds what the loads have written so far: an event with the root over each file's records, and a signed
	// head of the log behind it.
	LoadCheckpoint(written []Written) error
}

// Written is how far one binary file of a load has come.
type Written struct {
	File    string // path in the pack
	Kind    string // samples or ledger
	Records uint64 // in the file, in order
	Waiting int    // records that wait for one before them
}

// Inbox is where the target's alerts arrive.
type Inbox interface {
	Deliveries() []Delivery
	Arrivals() []Arrival
}

// Looking is an Inbox that also asks channels for their state.
type Looking interface{ Polls() []PollSeries }

// Load is one named load at work.
type Load interface {
	Start(ctx context.Context) error
	// Stop ends the schedule now; requests in flight keep their timeout.
	Stop()
	// Flush hands what can be written to the operating system, and says how far each file has come. It may be called at any
	// time, by another goroutine too.
	Flush() ([]Written, error)
	// Wait returns when every file is closed, with one Stream per file.
	Wait() ([]Stream, error)
	// Live is what the last seconds looked like, for the screen and for the gate before a fault; never for a verdict.
	Live() LoadSnapshot
}

// LoadSnapshot is what the last seconds of a load looked like.
type LoadSnapshot struct {
	Load    string
	Due     int     // requests due since the start
	Results int     // results within the window
	Success float64 // share of OK within the window, 0 to 1
	P99     time.Duration
}

// ProbeRun is a probe ready to run on one subject, or one that cannot be asked of what the target lacks.
type ProbeRun struct {
	ID      string // under which it is listed; "": it runs without being listed
	Probe   string
	On      string // what it asks: see Subject
	Role    string // role of its region when the drill starts
	Every   time.Duration
	Run     func(ctx context.Context, sink func(Observation)) // returns when ctx ends
	Slowed  string                                            // why it is asked less often than it is meant to be; "": it is not
	Missing string                                            // what the target lacks; all else but ID, Probe, Writes and Needs is zero then
	Writes  bool                                              // missing because it would write what may not be written
	Needs   string                                            // what of the scenario, besides steady state and guards, needs it: "objective rto"; "": nothing
}

// RunningTarget is what loads, probes and reconciliation see of a running target.
type RunningTarget struct {
	RunID   string
	Clock   *Clock
	Target  Description
	Access  func(place, component string) (Access, error)
	Allowed Allowing // what may be written there; nil: anything, and what is missing may be made
	DataDir string   // root of the files that go into the pack: data/
}

// Progress is what a person sees of a running drill.
type Progress struct {
	Phase     string
	Since     time.Duration // into the phase
	Left      time.Duration // of the phase; negative when it cannot be known
	DrillLeft time.Duration // of all that is left, estimated
	Loads     []LoadSnapshot
	Event     *Event // set when this report is an event, nil when it is a tick
}

// Parts is everything Run ties together. All fields must be set unless the comment says otherwise.
type Parts struct {
	Scenario    Scenario
	Profile     string
	RunID       string
	PackID      string
	Register    string // public half of the key of the register that the drill was opened in; "": none
	InputsSHA   string
	Executor    string
	Environment string
	ObserveOnly *ObserveOnly // nothing is broken, and what it lists is left out; nil: a drill
	Tool        Tool
	Clock       *Clock
	StateDir    string // undo log and the target's state
	DataDir     string
	Driver      Driver
	Inbox       Inbox
	Journal     Journal
	Watch       func(Progress)
	LeaveEarly  context.Context // done: leave as soon as nothing is in force; may be nil
	Undone      func()          // called when nothing is in force any more; may be nil

	Injector  func(FaultSpec) (Injector, error)
	OpenLoad  func(id int, spec LoadSpec, s RunningTarget) (Load, int, error) // also how many stream ids it uses
	OpenProbe func(s RunningTarget) []ProbeRun
	People    People // who carry out what the harness does not; nil: nobody
	// Witness asks again and again until every check holds in one round, or ctx ends. Lo is the begin of the last round in which
	// each was seen not to hold, 0 if there was none; Hi is when the last question of the round was asked in which all held.
	Witness    func(ctx context.Context, s RunningTarget, checks []Check) (Interval, error)
	Await      func(ctx context.Context, s RunningTarget, checks []Check, within time.Duration) (Interval, error)
	Follows    func(kind CheckKind) bool // whether a check holds only while a standby follows the primary
	Decisions  func(ctx context.Context, log DecisionLog) ([]Decision, error)
	Reconcile  func(ctx context.Context, s RunningTarget, rec *Record) error
	Prepare    func(ctx context.Context, s RunningTarget) error // makes the ledger's table before the load starts
	Kernel     func(phase string) ClockReading
	Announce   func(ctx context.Context) error // tells people that the drill begins; nil: nobody is told
	StandDown  func(ctx context.Context) error // tells people that it is over; nil: nobody is told
	AddSecrets func(secrets ...string)         // secrets that are made from now on to be taken out; may be nil
	Redact     func(line []byte) []byte        // takes secrets out of what is about to be written
	Slept      func() time.Duration            // how long this machine has slept since it was started; nil: not known
	Shortages  func() []string                 // what this machine was short of so far, in sentences; nil: nobody watches
	Save       func(rec *Record) error         // keeps the record as it stands, for a run that is killed; may be nil
}
