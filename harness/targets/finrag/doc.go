// Package finrag is what both grounds of the rehearsal target share: what finrag is, whatever it is made of.
//
// It knows finrag's settings and timing profiles, writes its configuration, issues its certificates, describes it, asks
// whether its parts are ready, and carries out the actions that are the same everywhere. A Way, which is processes or
// containers, does the rest: it starts and kills components, cuts links, and knows where each component is.
//
// It meets finrag over the network and by its configuration files only; it never promotes anything and judges nothing.
package finrag

import "time"

// The places and what is known of them.
const (
	East    = "east"
	West    = "west"
	Outside = "outside" // harness.Outside

	WALLink = "west.db→east.db" // the link that carries the WAL

	ServerName = "api.finrag.test" // in the certificates, and the public name without its dot
	EntryName  = ServerName + "."  // the public name

	CallFailover = "failover" // the runbook step that the controller takes
)

// Limits.
const (
	askTimeout   = time.Second           // one question while waiting
	pollEvery    = 25 * time.Millisecond // between two questions
	pinLimit     = 20 * time.Second      // one question for an identity: an entry may be slow, never silent
	writeTimeout = 2 * time.Second       // the write that RefusesWrites tries
	callTimeout  = 3 * time.Second       // one call to the controller, or to a region's admin endpoint
	sqlTimeout   = 5 * time.Second       // the SQL of one action
	deployLimit  = 20 * time.Second      // until a region tells the build that was deployed
	answerLimit  = 1 << 20               // bytes of one answer
	maxLogLine   = 1 << 20               // bytes of one line of a log
)

// Regions lists the regions, the primary first.
func Regions() []string { return []string{East, West} }
