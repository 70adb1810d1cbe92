package harness

import "context"

// ActionKind names the smallest change a driver can make.
type ActionKind string

// The actions of the first faults. More come with the faults that need them.
const (
	LinkCut        ActionKind = "link.cut"        // Links, Direction
	LinkHeal       ActionKind = "link.heal"       // Links
	ComponentKill  ActionKind = "component.kill"  // Components: SIGKILL to every process of each
	ComponentStart ActionKind = "component.start" // Components
	RunbookCall    ActionKind = "runbook.call"    // Call: a step that people would take, by its name in the description
	ComponentFence ActionKind = "component.fence" // Components: databases take no writes any more, by the private path
	SQLRun         ActionKind = "sql.run"         // Components: databases that run SQL, by the private path

	CertificateSwap    ActionKind = "certificate.swap"    // Components serve Certificate; what they served is kept first
	CertificateRestore ActionKind = "certificate.restore" // Components serve again what was kept
	CodeDeploy         ActionKind = "code.deploy"         // Components run Build, one of the description's builds
)

// What can be wrong with a certificate. Each is what a client that checks finds.
const (
	CertificateOK            = "ok"
	CertificateExpired       = "expired"
	CertificateExpiring      = "expiring" // in CertificateSpec.Days days; valid until then
	CertificateWrongName     = "wrong-name"
	CertificateUnknownIssuer = "unknown-issuer"
)

// CertificateSpec says which certificate is to be issued, for a component that keeps its key.
type CertificateSpec struct {
	Wrong string `json:"wrong"` // expired, expiring, wrong-name or unknown-issuer
	Days  int    `json:"days"`  // until it ends, with expiring
}

// Directions of a cut, as packets go: in is towards Region, out is from it.
const (
	Both = "both"
	In   = "in"
	Out  = "out"
)

// Action is the smallest change, as data.
type Action struct {
	Kind       ActionKind `json:"kind"`
	Region     string     `json:"region,omitempty"` // name of the region that Direction speaks of
	Direction  string     `json:"direction,omitempty"`
	Links      []string   `json:"links,omitempty"`
	Components []string   `json:"components,omitempty"`
	Call       string     `json:"call,omitempty"`
	SQL        string     `json:"sql,omitempty"`

	Certificate *CertificateSpec `json:"certificate,omitempty"`
	Build       string           `json:"build,omitempty"` // name of a build
}

// Step is an action and how it is taken back.
type Step struct {
	Do   Action `json:"do"`
	Undo Action `json:"undo"`
}

// CheckKind names a question about the victim that has a yes or no.
type CheckKind string

const (
	// LinkSilent holds when a dial or a request through the link gets no answer of any kind.
	LinkSilent CheckKind = "link.silent"
	// LinkAnswers holds when something answers through the link.
	LinkAnswers CheckKind = "link.answers"
	// ComponentRuns holds when the private path shows the component's process running.
	ComponentRuns CheckKind = "component.runs"
	// ComponentGone holds when the private path shows no process of the component.
	ComponentGone CheckKind = "component.gone"
	// HeartbeatStalls holds when the age of the last heartbeat that a standby has applied, read by the private path, is
	// above one second and has grown by as much time as has passed. HeartbeatFlows is the contrary: an age below a second.
	HeartbeatStalls CheckKind = "heartbeat.stalls"
	HeartbeatFlows  CheckKind = "heartbeat.flows"
	// ReceiverGone holds when a standby has no WAL receiver that streams; ReceiverStreams when it has one.
	ReceiverGone    CheckKind = "receiver.gone"
	ReceiverStreams CheckKind = "receiver.streams"
	// SlotInactive holds when no replication slot of a primary is in use; SlotActive when one is.
	SlotInactive CheckKind = "slot.inactive"
	SlotActive   CheckKind = "slot.active"
	// ReplayPaused holds when a standby's replay is paused; ReplayRuns when it is not.
	ReplayPaused CheckKind = "replay.paused"
	ReplayRuns   CheckKind = "replay.runs"
	// LogsAgree holds when a standby has received all log that the primary had written when it was asked, or more.
	LogsAgree CheckKind = "logs.agree"
	// CertificateIs holds when a handshake through the link ends the way Want says: ok, expired, wrong-name, unknown-issuer,
	// or "expiring N": valid, and over within N days.
	CertificateIs CheckKind = "certificate.is"
	// BuildIs holds when the API behind the link tells the version Want.
	BuildIs CheckKind = "build.is"
	// AnswerIs holds when the API behind the link answers the description's first known question with the document Want.
	AnswerIs CheckKind = "answer.is"
)

// Check is one question about one link or component.
type Check struct {
	Kind CheckKind `json:"kind"`
	On   string    `json:"on"` // name of the link or component
	Want string    `json:"want,omitempty"`
}

// Plan is a fault as data: what is done, how it is undone, what shows that it is in force, and what shows that it is over.
type Plan struct {
	Fault    FaultSpec `json:"fault"`
	Label    string    `json:"label"`    // the kind, and what tells two faults of one kind apart: "certificate.expire (expired)"
	What     string    `json:"what"`     // what it does to the region, for people: "cut off from everything"
	Isolates bool      `json:"isolates"` // nothing of the region can be reached, or reaches anything, while it is in force
	Steps    []Step    `json:"steps"`
	InForce  []Check   `json:"in_force"` // all must hold, from the victim's side: they date the fault
	Follows  []Check   `json:"follows"`  // must hold too, within the same time: effects that come later and date nothing
	Restored []Check   `json:"restored"` // all must hold after the undo
	Fences   []string  `json:"fences"`   // databases that refuse writes before the undo, by name: promotion may have begun; none: it needs none
}

// Injector plans one kind of fault. It may look at the description but touches nothing.
type Injector interface {
	Plan(ctx context.Context, target Description, fault FaultSpec) (Plan, error)
}
