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
// What finrag is, package finrag knows; here it is made of processes. It never
// promotes anything, never changes a role, and judges nothing; faults come from
// outside as actions. Linux only.
package processes

import (
	"time"

	"blackstart/harness/targets/finrag"
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

	logLines  = 8  // quoted in an error
	portTries = 64 // addresses tried for a free set
)

// The places.
const (
	east    = finrag.East
	west    = finrag.West
	outside = finrag.Outside
)

// An Error is a trouble with one component that a person has to mend.
type Error = finrag.Error

// hints are what to do about troubles that are known, below dir.
func hints(dir string) []finrag.Hint {
	return []finrag.Hint{
		{Marks: []string{"address already in use"}, Do: "another process has taken the port meanwhile: run again, another one will be found"},
		{Marks: []string{"no space left on device"}, Do: "the disk that holds " + dir + " is full: free some space"},
		{Marks: []string{"permission denied"}, Do: "make the program and " + dir + " accessible to the account that runs this"},
		{Marks: []string{"too many open files"}, Do: "raise the limit of open files: ulimit -n 8192"},
	}
}
