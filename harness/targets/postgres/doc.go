// Package postgres finds PostgreSQL on this machine, or fetches it, and runs
// clusters of it for a rehearsal: a primary, streaming standbys, and after a
// drill the old primary alone, so that its ledger and its WAL can be read.
//
// It starts real servers with fsync on, data checksums and password
// authentication. It never touches a server that it did not start, never decides
// about roles (promotion belongs to the system under test), and never prints.
// As root it drops to an unprivileged account, because PostgreSQL refuses root.
package postgres

import (
	"fmt"
	"time"
)

// Limits.
const (
	// MinMajor is the oldest major version that will do.
	MinMajor = 14
	// ReadyTimeout bounds the start of a server until it answers queries.
	ReadyTimeout = 30 * time.Second
	// StopTimeout bounds a shutdown before the server is killed.
	StopTimeout = 10 * time.Second
	// FetchTimeout bounds the download of the bundle.
	FetchTimeout = 3 * time.Minute
	// toolTimeout bounds one call of initdb, pg_config or pg_waldump.
	toolTimeout = 60 * time.Second
	// connectTimeout bounds one connection attempt.
	connectTimeout = 2 * time.Second
	// pollEvery is the wait between two looks at a server that starts.
	pollEvery = 10 * time.Millisecond
	// maxSocketPath is the longest path of a unix socket, in bytes.
	maxSocketPath = 107
	// logLines is how much of a log an error quotes.
	logLines = 8
)

// An Error is a failure that a person has to mend.
type Error struct {
	Op    string // what was tried, a verb: find, fetch, start, …
	Thing string // of what: PostgreSQL, cluster east
	Err   error
	Hint  string // what to do
}

// Error returns the failure with what to do about it.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %v (%s)", e.Op, e.Thing, e.Err, e.Hint)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
