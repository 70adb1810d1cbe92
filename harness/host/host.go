// Package host holds the transports by which a program is run on a host of the target, one file each, and runs it there.
//
// A transport only builds the command of this machine that begins a shell there. What is run, and with which arguments, goes to that shell by
// its stdin, after it has said that it is ready: no login shell reads a word of it, and a program whose name never left has certainly not
// been run. It runs there under a limit of its own, which holds when we are gone.
package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/harness/targets/procs"
	"blackstart/internal/registry"
)

// Transports are the kinds of transport.
var Transports registry.Registry[Transport]

// Transport is one kind, with its parameters.
type Transport interface {
	// Shell is the command of this machine that has a POSIX shell run a script on the host, with our stdin, stdout and stderr as its own.
	// The script is one line without quotes.
	Shell(h target.Host, script string) []string
	// Identity asks who the host is, and nothing else. A refusal (component.Refused) is an answer.
	Identity(ctx context.Context, h target.Host) (string, error)
	// IdentityForm is the form of an identity.
	IdentityForm() *regexp.Regexp
	// Explain says, in words of our own, why no shell was ready; "" if what was complained of does not tell. refused tells that
	// somebody has answered.
	Explain(complaint string) (why string, refused bool)
	// Needs says what a change ticket must ask for: the account, and whoever must let it in.
	Needs(h target.Host) string
}

// meaning is what a phrase in the complaints of a program means, in words of our own; refused tells that somebody has answered.
type meaning struct {
	phrase, why string
	refused     bool
}

// explain gives the meaning of the first phrase that a complaint holds.
func explain(complaint string, all []meaning) (why string, refused bool) {
	for _, m := range all {
		if strings.Contains(complaint, m.phrase) {
			return m.why, m.refused
		}
	}
	return "", false
}

// Reaching is a transport that connects to the host itself, at a port.
type Reaching interface{ Port() string }

// Telling is a transport whose every connection tells who the host is, in what its program complains of, before a shell is ready.
type Telling interface{ Told(complaint string) string }

// Label is what rows and readings call a host, so that none is taken for a component.
func Label(name string) string { return "host " + name }

// Host is a host with its transport.
type Host struct {
	target.Host
	transport Transport
}

// Make makes a host. One without a transport is an error: nothing is run there.
func Make(h target.Host) (*Host, error) {
	k, ok := Transports.Get(h.By)
	if !ok {
		return nil, fmt.Errorf("make host %s: there is no transport %q", h.Name, h.By)
	}
	w, err := k.Make(h.With)
	if err != nil {
		return nil, fmt.Errorf("make host %s: %w", h.Name, err)
	}
	return &Host{h, w}, nil
}

// Named finds the host of a target by its name, and makes it.
func Named(t *target.Target, name string) (*Host, error) {
	for _, h := range t.Hosts {
		if h.Name == name {
			return Make(h)
		}
	}
	return nil, fmt.Errorf("there is no host %q", name)
}

// Forms are the forms of the identities, by kind of transport.
func Forms() map[string]*regexp.Regexp {
	all := map[string]*regexp.Regexp{}
	for _, k := range Transports.All() {
		all[k.Name] = k.New().IdentityForm()
	}
	return all
}

// Needs says what a change ticket must ask for.
func (h *Host) Needs() string { return h.transport.Needs(h.Host) }

// Port is the port of the host that is connected to, "" where it is not the host itself.
func (h *Host) Port() string {
	if r, ok := h.transport.(Reaching); ok {
		return r.Port()
	}
	return ""
}

// Program is the program of this machine that gets there.
func (h *Host) Program() string { return h.transport.Shell(h.Host, "")[0] }

// Who asks who the host is.
func (h *Host) Who(ctx context.Context) (string, error) { return h.transport.Identity(ctx, h.Host) }

// Question is a program that is run on a host for what it says.
type Question struct {
	Argv  []string
	Stdin []byte
	Most  int // bytes that are kept of what it says
}

// Answer is how it ended and what it said.
type Answer struct {
	Ready  bool // a shell there was ready
	Sent   bool // it was told to run the program: where it was not, nothing has been run
	Ended  bool // the program has ended, or was ended at its limit
	Absent bool // there is no such program there, so nothing has been run
	Code   int  // its exit code, of one that has ended
	Over   bool // it said more than was kept
	Stdout []byte
	Stderr int // bytes that it complained of; they may hold anything, secrets above all

	Asked, Got time.Time // when it was told to run, and when it had ended
}

// ByLimit tells whether a program that has ended may have been ended at its limit, or by a signal: nobody knows what it has done.
func (a Answer) ByLimit() bool { return a.Code == codeOfLimit || a.Code > codeOfSignals }

// What timeout(1) and the shell say of programs that did not end by themselves.
const (
	codeOfLimit   = 124
	codeOfSignals = 128
)

// Run runs a program on the host until it ends, or until a second before ctx does: then it is ended there. It runs without a shell
// of its own, in LC_ALL=C, TZ=UTC, and the standard path. The error says why there is no exit code, and never what was said.
func (h *Host) Run(ctx context.Context, q Question) (Answer, error) {
	until, ok := ctx.Deadline()
	if !ok {
		return Answer{}, errors.New("run a program on a host: it has no limit")
	}
	if h.Identity != "" {
		if _, tells := h.transport.(Telling); !tells {
			got, err := h.Who(ctx)
			if err != nil {
				return Answer{}, fmt.Errorf("ask who host %s is: %w", h.Name, err)
			}
			if got != h.Identity {
				return Answer{}, component.Another(got, h.Identity)
			}
		}
	}
	t := &talk{host: h, q: q, until: until, nonce: rand.Text()}
	a, err := procs.Ask(ctx, procs.Question{Argv: h.transport.Shell(h.Host, t.script()), Most: q.Most, Gate: t.line})
	return t.answer(a, err)
}

// Find looks for a program as Run does, and runs nothing but what looks for it.
func (h *Host) Find(ctx context.Context, program string) (string, error) {
	a, err := h.Run(ctx, Question{Argv: []string{"sh", "-c", `command -v "$1"`, "sh", program}, Most: mostKept})
	switch {
	case err != nil:
		return "", err
	case a.Code != 0:
		return "", component.Refuse("there is no program %s on %s, on the path %s", program, h.Name, procs.StandardPath)
	}
	return strings.TrimSpace(string(a.Stdout)) + " is there, on " + h.Name, nil
}

// Seen is what a host tells of itself.
type Seen struct {
	System, Account string
	Clock           component.Offset
}

// Look asks the host what it is, as which account programs run there, and how late it is. A shell must be ready there, and timeout.
func (h *Host) Look(ctx context.Context) (Seen, error) {
	a, err := h.Run(ctx, Question{Argv: []string{"sh", "-c", `uname -srm; id -un; date +%s.%N`}, Most: mostKept})
	if err != nil {
		return Seen{}, err
	}
	lines := strings.Split(strings.TrimSpace(string(a.Stdout)), "\n")
	if a.Code != 0 || len(lines) != 3 {
		return Seen{}, component.Refuse("uname, id and date do not say there what they should (exit code %d)", a.Code)
	}
	seen := Seen{System: lines[0], Account: lines[1]}
	seconds, fraction, _ := strings.Cut(lines[2], ".")
	whole, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return Seen{}, component.Refuse("its date does not say how late it is")
	}
	nanos, err := strconv.ParseInt(fraction, 10, 64)
	width := time.Nanosecond
	if err != nil || len(fraction) != 9 { // a date that has no %N tells whole seconds
		nanos, width = 0, time.Second
	}
	read := time.Unix(whole, nanos)
	seen.Clock = component.Offset{Lo: read.Sub(a.Got), Hi: read.Add(width).Sub(a.Asked)}
	return seen, nil
}
