package harness

import (
	"context"
	"crypto/tls"
	"net/http"
)

// External is the kind of a target that we did not start: a file describes it.
const External = "external"

// Ownership says whose a target is that somebody else runs, by the file that describes it; nil of a rehearsal target.
type Ownership struct {
	Owner    string `json:"owner"`    // who answers for it
	Service  string `json:"service"`  // the business service that depends on it
	Plan     string `json:"plan"`     // the continuity plan that it falls under, with its section
	Critical bool   `json:"critical"` // whether it is on the firm's list of critical systems
}

// Access is how one place reaches a component or the public entry. It holds secrets and is never written anywhere.
type Access struct {
	Address  string // host:port
	User     string
	Password string
	Database string
	Identity string      // of a PostgreSQL server: the system identifier that each connection is held to; "": none
	Auth     string      // of a database: the methods by which it may ask for the password; "": any
	TLS      *tls.Config // what is trusted and shown; nil: no TLS. Who wants to change it clones it
	URL      string      // of an HTTP component or of the entry; "" of anything else
	Headers  http.Header // of a request to URL; nil: none
	Status   int         // of a good answer there; 0: 200
}

// InPlace is what a driver offers whose databases nobody may start or stop: what was left behind is read where it stands.
type InPlace interface {
	// LeftBehind gives access to a database that no longer serves, once it has said itself that it takes no writes, nobody was seen to
	// write there, and it still has what it had: a copy of the one that serves now has lost it. Else the error says why not.
	LeftBehind(ctx context.Context, component, serving string) (Standing, error)
}

// Standing is a database that is read where it stands, while nobody may write there.
type Standing struct {
	Access Access
	Basis  string                      // on whose word it rests that nobody writes there, in words
	Still  func(context.Context) error // asked once it was read; an error says that it has changed meanwhile, or may have
}

// A NotAllowedError says why something may not be written.
type NotAllowedError struct{ Why string }

func (e *NotAllowedError) Error() string { return e.Why }

// Allowing is what a driver offers on whose target nothing is written but what somebody has allowed, and no table is ever made.
type Allowing interface {
	// Allowed says why a table (schema.name) may not be written on a component, as a *NotAllowedError; nil if it may. It asks nobody.
	Allowed(component, table string) error
	// Writable asks the component whether the table is there and may be written; nothing is written.
	Writable(ctx context.Context, component, table string) error
}

// LinkAsking is what a driver offers that can ask a link from its own end, inside the target.
type LinkAsking interface {
	// AskLink connects from there and says in one word what came of it: LinkWordAnswers, LinkWordRefused or LinkWordSilent.
	AskLink(ctx context.Context, link string) (string, error)
	// AsksLink says why it cannot; nil if it can. It asks nobody.
	AsksLink(link string) error
}

// What comes of connecting through a link.
const (
	LinkWordAnswers = "answers" // a connection was taken
	LinkWordRefused = "refused" // somebody said no
	LinkWordSilent  = "silent"  // nobody said anything
)
