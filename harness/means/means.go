// Package means holds the ready-made means of breaking something and of taking it back, one file each: a process, a container, a link.
//
// A means builds scripts and runs nothing. Each act comes with the way back and with a question that tells how the thing is, so that an
// undo is made of what is ours and of nothing else.
package means

import (
	"fmt"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

// Means are the kinds of means.
var Means registry.Registry[Kind]

// Kind is one kind, with its parameters.
type Kind interface {
	// Of says whether it acts on components or on links.
	Of() Scope
	// Acts lists what it does: harness.ComponentStop, ComponentKill, ComponentPause, AutomationPause, or LinkCut.
	Acts() []harness.ActionKind
	// Scripts builds one act on one subject.
	Scripts(act harness.Action, on Subject) (lease.Scripts, error)
	// Needs says what it needs on the executor.
	Needs(on Subject) Needs
}

// Scope is what a means acts on.
type Scope string

// The scopes.
const (
	Components Scope = "component"
	Links      Scope = "link"
)

// Subject is the one thing that an act is on.
type Subject struct {
	Run       string           // of the run, which marks what is ours: letters, digits and dashes
	Sudo      bool             // the account of the executor needs sudo for what only root may do
	Component target.Component // of Components; of Links the one that is connected to
	Address   string           // its host:port
	Link      target.Link      // of Links
	From      string           // of Links: address of the end that connects, "" where it is outside
}

// Needs is what a means needs.
type Needs struct {
	Programs []string // on the path of the executor
	Root     []string // commands that the account runs as root, as sudoers writes them
	Ticket   string   // what else a change ticket must ask for
	Try      string   // POSIX sh that changes nothing and ends with 0 if everything is permitted; else its last line on stderr says what is not
	Reboot   string   // what a reboot of the executor, or of what is broken, leaves of it
}

// Root is what stands before a command that only root may run.
func (s Subject) Root() string {
	if s.Sudo {
		return "sudo -n "
	}
	return ""
}

// Traits are what the reader of target files must know of every kind.
func Traits() map[string]target.MeansTraits {
	all := map[string]target.MeansTraits{}
	for _, k := range Means.All() {
		m := k.New()
		all[k.Name] = target.MeansTraits{Links: m.Of() == Links, Acts: m.Acts()}
	}
	return all
}

// Make makes the kind of a means with its parameters.
func Make(m target.Means) (Kind, error) {
	k, ok := Means.Get(m.Means)
	if !ok {
		return nil, fmt.Errorf("make means %s: there is no kind %q", m.Name, m.Means)
	}
	return k.Make(m.With)
}
