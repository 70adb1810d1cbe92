// Package call holds the kinds of call that a target file may name, one file each: a program, an HTTP request, a statement.
//
// A call ends done, refused or unknown. Unknown is what timed out, broke off, or came back as something that does not tell; it is
// never guessed, and nothing here tries again. What a call says is kept as size, digest and selected fields, as text only where
// the file says so, and what it complains of never.
package call

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/host"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

// Calls are the kinds of call.
var Calls registry.Registry[Kind]

// Kind is one kind, with its parameters.
type Kind interface {
	// Call makes the call once. Where reads is true it may only read, and the kind sees to that as far as it can.
	Call(ctx context.Context, around Around, reads bool) Said
	// Reach finds out, without making the call, whether it could be made. It says in words what it found.
	Reach(ctx context.Context, around Around) (string, error)
}

// Asking is a kind whose calls open a connection to a component of the target.
type Asking interface{ Asks() (component string) }

// Running is a kind whose calls run a program: on a host of the target, or on this machine ("").
type Running interface{ Runs() (on, program string) }

// Scripted is a kind whose calls a host could make by itself: a program there, without a secret.
type Scripted interface {
	// Script gives the host, "" for this machine, and the program with its arguments; none of a call that needs more.
	Script() (on string, argv []string)
}

// Around is what a call is made with.
type Around struct {
	Secrets component.Secrets
	// Database opens a connection to a component, which the caller closes.
	Database func(ctx context.Context, component string) (*pgx.Conn, error)
	// Pins gives the TLS keys that whoever listens on "host:port" may have, none where the file pins nobody there. The error says that
	// it is not certain who that is. It may be nil.
	Pins func(address string) ([]string, error)
	// Redis gives the way to a component that speaks Redis. It may be nil: there is none.
	Redis func(ctx context.Context, component string) (harness.Access, error)
	// Host gives a host of the target that programs can be run on. The error says why not. It may be nil: there are none.
	Host func(name string) (*host.Host, error)
}

func (a Around) host(name string) (*host.Host, error) {
	if a.Host == nil {
		return nil, fmt.Errorf("not available: nothing is run on %s for this", name)
	}
	return a.Host(name)
}

func (a Around) pins(address string) ([]string, error) {
	if a.Pins == nil {
		return nil, nil
	}
	return a.Pins(address)
}

// Outcome of a call.
type Outcome string

// The outcomes. Done and Refused are certain.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // it has changed nothing, or says itself that it failed
	Unknown Outcome = "unknown" // nobody here knows what it has done
)

// Said is how a call ended and what it said.
type Said struct {
	Outcome Outcome
	Unsent  bool   // it never left: Refused, because nothing was there to make it with or to take it
	Why     string // of what is not Done
	Output  []byte // at most MaxOutput
	Over    bool   // there was more

	// Answered tells that what is not Done was answered, by somebody who says no. It is not there where nobody answered.
	Answered bool
	Code     int // exit code of a program that has ended by itself
}

// Says reads the answer of a call that asks something by its end: yes by done, no by exit code 1, or by an answer of another kind that says
// no. Any other end is no answer.
func (s Said) Says() (yes bool, err error) {
	switch {
	case s.Outcome == Done:
		return true, nil
	case s.Outcome == Refused && s.Answered && s.Code <= 1:
		return false, nil
	}
	return false, fmt.Errorf("it does not say, and ended %s: %s", s.Outcome, s.Why)
}

// MaxOutput bounds what a call may say, in bytes.
const MaxOutput = 1 << 20

// Effect is what is kept of a call.
type Effect struct {
	Outcome Outcome           `json:"outcome"`
	Unsent  bool              `json:"unsent,omitempty"` // it never left
	Why     string            `json:"why,omitempty"`
	Bytes   int               `json:"bytes"`
	SHA256  string            `json:"sha256"` // of the output, lower-case hex
	Fields  map[string]string `json:"fields,omitempty"`
	Text    string            `json:"text,omitempty"` // only with keep: text, and not where there was more
}

// KeepText in a target file keeps the text of what a call says.
const KeepText = "text"

// Kept is what the file wants to keep of what a call said. A field that is missing makes it unknown: what it was meant to show was
// not shown.
func Kept(c target.Call, s Said) Effect {
	sum := sha256.Sum256(s.Output)
	e := Effect{Outcome: s.Outcome, Unsent: s.Unsent, Why: s.Why, Bytes: len(s.Output), SHA256: hex.EncodeToString(sum[:])}
	if s.Outcome == Done && s.Over {
		e.Outcome, e.Why = Unknown, fmt.Sprintf("it said more than %d bytes", MaxOutput)
	}
	if c.Keep == KeepText && !s.Over { // a text that was cut may end in a part of a secret, which nobody finds
		e.Text = string(s.Output)
	}
	if e.Outcome != Done {
		return e
	}
	for name, pointer := range c.Fields {
		v, err := component.Pointer(s.Output, pointer)
		if err != nil {
			e.Outcome, e.Why = Unknown, fmt.Sprintf("field %s: %v", name, err)
			continue
		}
		if e.Fields == nil {
			e.Fields = map[string]string{}
		}
		e.Fields[name] = v
	}
	return e
}

// Make makes a call's kind with its parameters.
func Make(c target.Call) (Kind, error) {
	k, ok := Calls.Get(c.Call)
	if !ok {
		return nil, fmt.Errorf("make call %s: there is no kind %q", c.Name, c.Call)
	}
	return k.Make(c.With)
}

// unsent ends a call that never left.
func unsent(err error) Said {
	return Said{Outcome: Refused, Unsent: true, Why: err.Error(), Answered: component.Refused(err)}
}

// over ends a call whose time is over, or that broke off: what it has done is not known.
func over(why string) Said { return Said{Outcome: Unknown, Why: why} }
