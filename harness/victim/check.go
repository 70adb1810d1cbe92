package victim

import (
	"context"
	"errors"
	"fmt"
	"net"

	"blackstart/harness"
	"blackstart/internal/registry"
)

// Kind is one kind of check: what it is asked about, what it takes for granted, and how it is asked.
type Kind struct {
	Scope    Scope  // what its On names
	Protocol string // kind of the component that it asks, or that its link leads to; "": any
	Wants    bool   // it compares with what is wanted (want)
	Follows  bool   // it holds only while a standby follows the primary: never once a database was fenced or is gone
	// Plan finds out how a check of the kind is asked. What Of, Speaks and Wants say has been seen to be so.
	Plan func(v Victim, check harness.Check) (Ask, error)
}

// Scope is what a kind of check is asked about.
type Scope string

// What a check can be asked about.
const (
	ScopeLink      Scope = "link"
	ScopeComponent Scope = "component"
)

// Checks holds every kind of check.
var Checks registry.Registry[Kind]

// Ask answers one check: nil if it holds, otherwise why not. It calls asked once its question has left; one that does not
// is taken to have asked when it answered. What a question finds was so by the time it was asked: silence, in particular,
// is the fate of a packet that was sent at a moment, and is merely known later.
type Ask func(ctx context.Context, asked func()) error

// Victim is what is asked, and by which means.
type Victim struct {
	Target *harness.Description
	Driver Driver
	Clock  *harness.Clock
}

// Follows tells whether a kind of check holds only while a standby follows the primary.
func Follows(kind harness.CheckKind) bool {
	k, ok := Checks.Get(string(kind))
	return ok && k.New().Follows
}

// ask finds out how a check is asked.
func (v Victim) ask(check harness.Check) (Ask, error) {
	registered, ok := Checks.Get(string(check.Kind))
	if !ok {
		return nil, errors.New("no such kind of check")
	}
	kind := registered.New()
	if kind.Wants && check.Want == "" {
		return nil, errors.New("it does not say what is wanted (want)")
	}
	if err := kind.checkSubject(v, check.On); err != nil {
		return nil, err
	}
	return kind.Plan(v, check)
}

// checkSubject refuses what a check cannot be asked about.
func (k Kind) checkSubject(v Victim, on string) error {
	if k.Scope == ScopeLink {
		link, to, err := v.Link(on)
		if err == nil && k.Protocol != "" && (to.Kind != k.Protocol || link.Protocol != "tcp") {
			return fmt.Errorf("link leads over %s to a component of kind %q: only one of kind %q over tcp is asked this",
				link.Protocol, to.Kind, k.Protocol)
		}
		return err
	}
	c, ok := v.Target.ComponentByName(on)
	switch {
	case !ok:
		return fmt.Errorf("target %s has no such component", v.Target.Name)
	case k.Protocol != "" && c.Kind != k.Protocol:
		return fmt.Errorf("it is of kind %q: only a component of kind %q is asked this", c.Kind, k.Protocol)
	case v.Driver == nil:
		return errors.New("no driver is given, so there is no private path")
	}
	return nil
}

// Link finds a link, and what is at its other end.
func (v Victim) Link(name string) (harness.Link, harness.Component, error) {
	link, ok := v.Target.LinkByName(name)
	if !ok {
		return harness.Link{}, harness.Component{}, fmt.Errorf("target %s has no such link", v.Target.Name)
	}
	to, ok := v.Target.ComponentByName(link.To)
	if !ok {
		return harness.Link{}, harness.Component{}, fmt.Errorf("link leads to component %q, which target %s does not have",
			link.To, v.Target.Name)
	}
	if _, _, err := net.SplitHostPort(link.Address); err != nil {
		return link, to, fmt.Errorf("read address of the link: %w", err)
	}
	return link, to, nil
}
