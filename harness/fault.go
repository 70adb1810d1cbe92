package harness

import (
	"context"
	"slices"
	"time"
)

// ActionKind names the smallest change a driver can make.
type ActionKind string

// The actions of the first faults. More come with the faults that need them.
const (
	LinkCut         ActionKind = "link.cut"         // Links, Direction
	LinkHeal        ActionKind = "link.heal"        // Links
	ComponentKill   ActionKind = "component.kill"   // Components: SIGKILL to every process of each
	ComponentStop   ActionKind = "component.stop"   // Components: ended as their own stop does
	ComponentPause  ActionKind = "component.pause"  // Components: frozen, with everything open
	ComponentStart  ActionKind = "component.start"  // Components: what ComponentKill or ComponentStop ended
	ComponentResume ActionKind = "component.resume" // Components: what ComponentPause froze
	RunbookCall     ActionKind = "runbook.call"     // Call: a step that people would take, by its name in the description
	ComponentFence  ActionKind = "component.fence"  // Components that replicate, whatever their kind: they take no writes any more, by the private path
	SQLRun          ActionKind = "sql.run"          // Components: databases that run SQL, by the private path

	AutomationPause  ActionKind = "automation.pause"  // Components, each of a cluster that decides by itself who leads: it decides nothing any more
	AutomationResume ActionKind = "automation.resume" // Components: what AutomationPause paused decides again
	CallMake         ActionKind = "call.make"         // Call: one of the target's own that has a way back, or that is one

	CertificateSwap    ActionKind = "certificate.swap"    // Components serve Certificate; what they served is kept first
	CertificateRestore ActionKind = "certificate.restore" // Components serve again what was kept
	CodeDeploy         ActionKind = "code.deploy"         // Components run Build, one of the description's builds

	PersonAct ActionKind = "person.act" // Person: somebody does it, and says when it is begun and done
)

// FaultManual is the kind of fault that people carry out and take back: the acts of a scenario with one are theirs.
const FaultManual = "fault.manual"

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

// PersonTask is what a person is asked to do.
type PersonTask struct {
	What    string   `json:"what"`              // in words, for whoever does it
	By      string   `json:"by"`                // who is to do it: a name, or a role that people know
	Takes   Duration `json:"takes,omitempty"`   // planned; 0: nobody said
	Within  Duration `json:"within,omitempty"`  // the longest that is waited for somebody to say that it is done
	Undoing bool     `json:"undoing,omitempty"` // it takes back what a person did before
	Again   string   `json:"again,omitempty"`   // why it is asked once more: what the victim says, who was said to be done with
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
	Person      *PersonTask      `json:"person,omitempty"`
}

// Step is an action and how it is taken back.
type Step struct {
	Do   Action `json:"do"`
	Undo Action `json:"undo"`
}

// CheckKind names a question about the victim that has a yes or no. What each asks, and when it holds, stands with its kind in
// package victim.
type CheckKind string

// The checks of the faults that exist. A check that a new fault brings along needs no name here.
const (
	LinkSilent      CheckKind = "link.silent"
	LinkAnswers     CheckKind = "link.answers"
	LinkUnanswered  CheckKind = "link.unanswered"
	ComponentRuns   CheckKind = "component.runs"
	ComponentGone   CheckKind = "component.gone"
	HeartbeatStalls CheckKind = "heartbeat.stalls"
	HeartbeatFlows  CheckKind = "heartbeat.flows"
	ReceiverGone    CheckKind = "receiver.gone"
	ReceiverStreams CheckKind = "receiver.streams"
	SlotInactive    CheckKind = "slot.inactive"
	SlotActive      CheckKind = "slot.active"
	ReplayPaused    CheckKind = "replay.paused"
	ReplayRuns      CheckKind = "replay.runs"
	PrimaryAlone    CheckKind = "primary.alone"
	LogsAgree       CheckKind = "logs.agree"
	CertificateIs   CheckKind = "certificate.is"
	BuildIs         CheckKind = "build.is"
	AnswerIs        CheckKind = "answer.is"

	AutomationPaused CheckKind = "automation.paused"
	AutomationRuns   CheckKind = "automation.runs"
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

// within is how long the victim may take to show the fault.
func (p Plan) within() time.Duration {
	if within := p.Fault.ConfirmWithin.D(); within > 0 {
		return within
	}
	return defaultWithin
}

// Task is what a person does to put the fault in force; nil where nobody is asked.
func (p Plan) Task() *PersonTask {
	if len(p.Steps) != 1 {
		return nil
	}
	return p.Steps[0].Do.Person
}

// Ages tells whether the fault is to let the standby's data get old, by what is to follow from it.
func (p Plan) Ages() bool {
	return slices.ContainsFunc(slices.Concat(p.InForce, p.Follows), func(c Check) bool { return c.Kind == HeartbeatStalls })
}

// Injector plans one kind of fault. It may look at the description but touches nothing.
type Injector interface {
	Plan(ctx context.Context, target Description, fault FaultSpec) (Plan, error)
}

// UndoOf is the kind of action that takes an act on a component or link back; "" for what has none of its own.
func UndoOf(act ActionKind) ActionKind {
	switch act {
	case ComponentStop, ComponentKill:
		return ComponentStart
	case ComponentPause:
		return ComponentResume
	case LinkCut:
		return LinkHeal
	case AutomationPause:
		return AutomationResume
	}
	return ""
}
