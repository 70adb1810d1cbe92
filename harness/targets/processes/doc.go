// Package processes is the rehearsal target: two regions of finrag as real
// operating-system processes on this machine, and the driver that carries out
// what a drill asks of them.
//
//	outside    dns, controller        clients and receivers stand here too
//	   │  └──────────────┐
//	   │ links           │ links      every link is a relay of ours
//	┌──▼─────────┐   ┌───▼────────┐
//	│ east       │   │ west       │
//	│ api → db ◀─┼───┼─ db ◀ api  │   west.db→east.db carries the WAL
//	└────────────┘   └────────────┘
//
// Addresses, x being free when the target starts:
//
//	127.77.x.1   entry of east: its API, on the one port all APIs share, and its database
//	127.77.x.2   entry of west
//	127.77.x.11, .12, .13   where the processes of east, west and outside listen
//
// The package starts finrag as anybody would, by its configuration files, and
// knows it over the network only. It never promotes anything, never changes a
// role, and judges nothing; faults come from outside as actions. Linux only.
package processes

import (
	"fmt"
	"time"
)

// Limits of a start.
const (
	// APIReady bounds the start of a region's API until it answers and its index holds documents.
	APIReady = 20 * time.Second
	// StreamReady bounds the time until the standby streams.
	StreamReady = 20 * time.Second
	// DNSReady bounds the start of the DNS server until it answers the public name.
	DNSReady = 5 * time.Second
	// ControllerReady bounds the start of the controller until it has seen both regions complete.
	ControllerReady = 20 * time.Second
	// CacheReady bounds the start of a Redis server.
	CacheReady = 5 * time.Second

	askTimeout     = time.Second           // one question while waiting
	pollEvery      = 25 * time.Millisecond // between two questions
	logLines       = 8                     // quoted in an error
	portTries      = 64                    // addresses tried for a free set
	maxAnswerBytes = 1 << 20
)

// The places and what stands in them.
const (
	east    = "east"
	west    = "west"
	walLink = "west.db→east.db"

	serverName = "api.finrag.test" // in the certificates, and the public name without its dot
	entryName  = serverName + "."
)

// An Error is a trouble with one component that a person has to mend.
type Error struct {
	Component string // east.db, outside.dns, …; or finrag, settings
	Err       error
	Log       string // the last lines of its log, if there are any
	Hint      string // what to do
}

// Error returns the trouble, the end of the log and what to do.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %v", e.Component, e.Err)
	if e.Log != "" {
		s += "\n" + e.Log
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
