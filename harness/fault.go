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
)

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
)

// Check is one question about one link or component.
type Check struct {
	Kind CheckKind `json:"kind"`
	On   string    `json:"on"` // name of the link or component
}

// Plan is a fault as data: what is done, how it is undone, what shows that it is in force, and what shows that it is over.
type Plan struct {
	Fault     FaultSpec `json:"fault"`
	Steps     []Step    `json:"steps"`
	InForce   []Check   `json:"in_force"` // all must hold, from the victim's side
	Restored  []Check   `json:"restored"` // all must hold after the undo
	FencesOld bool      `json:"fences_old"`
}

// Injector plans one kind of fault. It may look at the description but touches nothing.
type Injector interface {
	Plan(ctx context.Context, target Description, fault FaultSpec) (Plan, error)
}
