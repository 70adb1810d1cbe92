// Package component holds the kinds of component that a target file may name, one file each: how one is reached, and how its
// version, role, clock and identity are read.
//
// It only reads. It never retries, never tries a second address, and never chooses a component by what it is.
package component

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"blackstart/harness"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

// Kinds are the kinds of component.
var Kinds registry.Registry[Kind]

// Kind is one kind, with its parameters.
type Kind interface {
	Traits() target.Traits
	// Look asks a component once what it is.
	Look(ctx context.Context, at At) (Seen, error)
}

// Identified is a kind whose components tell who they are: what is asked before anything else.
type Identified interface {
	Identity(ctx context.Context, at At) (string, error)
}

// Linked is a kind whose components tell whether they are connected to another.
type Linked interface {
	// ConnectedTo says in words how the component sees its connection to an address. No connection is a Refusal.
	ConnectedTo(ctx context.Context, at At, address string) (string, error)
}

// Accessed is a kind whose components are reached with more than an address.
type Accessed interface {
	// Access gives all that a probe or a load needs to reach a component. It dials nobody.
	Access(ctx context.Context, at At) (harness.Access, error)
}

// Holding is a kind on whose components something may be written: what its Traits say it holds.
type Holding interface {
	// MayWrite finds out, without leaving anything, whether a thing could be written by what opens the component, and says how that is
	// known. What is lacking is a Refusal.
	MayWrite(ctx context.Context, at At, write string) (string, error)
}

// AccessTo gives the way to a component of a kind. It resolves secrets and dials nobody.
func AccessTo(ctx context.Context, k Kind, at At) (harness.Access, error) {
	if a, ok := k.(Accessed); ok {
		return a.Access(ctx, at)
	}
	return harness.Access{Address: at.Address}, nil
}

// Needing is a kind whose components must let us do something, in words of their own, for a change ticket.
type Needing interface{ Needs() string }

// At is where a component is, and what opens it.
type At struct {
	Address string // "host:port"
	Secrets Secrets
	Pin     string // the identity that each connection is held to, but those of Identity; "" for none
}

// Pins are the identities that a component may have; none if none is written.
func (a At) Pins() []string {
	if a.Pin == "" {
		return nil
	}
	return []string{a.Pin}
}

// Secrets resolves references.
type Secrets func(ctx context.Context, ref secret.Reference) (secret.Secret, error)

// Roles of a component that has one.
const (
	Leads   = "leads"   // it takes writes
	Follows = "follows" // it copies another
)

// Seen is what one look at a component showed.
type Seen struct {
	Version string // as it names itself, with its product; "" if it does not say
	Role    string // Leads, Follows, or "" where its kind has none
	Clock   *Offset
	Windows bool      // it says that it runs on Windows
	Also    string    // what else a person should know, in words
	Expires time.Time // end of its certificate; zero where it shows none
	Ends    Ends      // of the connection that it was seen by
}

// Contradicts says what speaks against the role of a component's region; "" for nothing.
func (s Seen) Contradicts(role string) string {
	switch {
	case role == harness.Primary && s.Role == Follows:
		return "it is in recovery, and its region is primary"
	case role == harness.Standby && s.Role == Leads:
		return "it takes writes, and its region is standby"
	}
	return ""
}

// Ends are the addresses of one connection: what was connected, whatever a name leads to by now.
type Ends struct{ Local, Remote netip.Addr }

// EndsOf reads the ends of a TCP connection; those of none are not valid.
func EndsOf(c net.Conn) (e Ends) {
	if c == nil {
		return e
	}
	if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
		e.Local = a.AddrPort().Addr().Unmap()
	}
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		e.Remote = a.AddrPort().Addr().Unmap()
	}
	return e
}

// Offset is how far a clock is ahead of ours: between Lo and Hi.
type Offset struct{ Lo, Hi time.Duration }

// String is the offset with its bound: "+1.2ms ±300µs".
func (o Offset) String() string {
	middle, half := (o.Lo+o.Hi)/2, (o.Hi-o.Lo)/2
	sign := "+"
	if middle < 0 {
		sign = ""
	}
	return fmt.Sprintf("%s%v ±%v", sign, middle.Round(10*time.Microsecond), max(half, time.Microsecond).Round(time.Microsecond))
}

// Within tells whether the offset may be at most so much, whichever way: the nearest end of the interval counts.
func (o Offset) Within(most time.Duration) bool { return o.Lo <= most && o.Hi >= -most }

// between gives the offset of a clock that was read at a moment between asked and got.
func between(asked, got, read time.Time) *Offset {
	return &Offset{Lo: read.Sub(got), Hi: read.Sub(asked)}
}

// A Refusal is an answer that says no. Other errors mean that there was no answer.
type Refusal struct{ Err error }

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Refused tells whether an error is an answer.
func Refused(err error) bool { return errors.As(err, new(*Refusal)) }

// Refuse makes an answer that says no.
func Refuse(text string, args ...any) error { return &Refusal{fmt.Errorf(text, args...)} }

// Traits gives what the reader of target files must know of each kind.
func Traits() map[string]target.Traits {
	all := map[string]target.Traits{}
	for _, k := range Kinds.All() {
		t := k.New().Traits()
		t.Speaks = cmp.Or(t.Speaks, k.Name)
		all[k.Name] = t
	}
	return all
}

// Make makes the kind of a component, with its parameters.
func Make(c target.Component) (Kind, error) {
	k, ok := Kinds.Get(c.Kind)
	if !ok {
		return nil, fmt.Errorf("there is no kind of component %q", c.Kind)
	}
	return k.Make(c.With)
}

// Key resolves the key of a client certificate, if there is one.
func (s Secrets) Key(ctx context.Context, t target.TLS) (secret.Secret, error) {
	if t.Key == nil {
		return secret.Secret{}, nil
	}
	return s(ctx, *t.Key)
}
