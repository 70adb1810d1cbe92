// Package relay stands between two places and can stop every packet between
// them, as a cable that somebody pulls: a TCP [Link] with the verbs Cut and
// Heal.
//
// A cut is a black hole, never a refusal. While a link is cut
//
//   - a new connection gets no answer to its SYN;
//   - an open connection carries neither bytes nor FIN nor RST;
//   - on heal every connection that saw the cut is discarded with RST, because
//     what it lost cannot be made good, and the listener answers again.
//
// How: the link stops accepting, calls listen(fd, 0) again and parks one
// connection of its own in the accept queue; Linux drops every SYN while that
// queue is full. Each direction of an open connection has a gate in front of its
// writes, and whatever was read is dropped there: when Cut has returned, no more
// bytes are handed to the far end. None of this needs privileges. What it cannot
// do: our kernel still acknowledges what it receives, so a peer's keep-alive
// does not notice the cut; only the lack of answers does.
//
//	client ⇄ socket → delay → gate → socket ⇄ upstream       (and back likewise)
//
// Delay and bandwidth are toxics of Shopify/toxiproxy, used as a library inside
// one direction of one connection, so that a cut stops what they hold too.
//
// Linux only. The package never prints, never decides when to cut, and knows
// nothing of databases or drills.
package relay

import (
	"fmt"
	"time"
)

// A Direction says which way packets travel, seen from the client that dials.
type Direction uint8

// The directions of a link. Both is the cable pulled out.
const (
	ToUpstream Direction = 1 << iota
	ToClient
	Both = ToUpstream | ToClient
)

// String returns the direction as written in plans and logs.
func (d Direction) String() string {
	switch d {
	case 0:
		return "none"
	case ToUpstream:
		return "to-upstream"
	case ToClient:
		return "to-client"
	case Both:
		return "both"
	}
	return fmt.Sprintf("direction(%d)", uint8(d))
}

// Limits of a relay.
const (
	// DialTimeout bounds the connection from the relay to its upstream.
	DialTimeout = 5 * time.Second
	// parkTimeout bounds the connection that Cut parks; on loopback the answer
	// comes at once or not at all.
	parkTimeout = 50 * time.Millisecond
	// chunkSize is the most that one read takes from a socket, in bytes.
	chunkSize = 64 << 10
	// acceptPause is the wait after an accept that failed for want of resources.
	acceptPause = 10 * time.Millisecond
)

// Stats counts what a relay has carried since it began.
type Stats struct {
	Accepted   int64 // connections accepted
	Refused    int64 // connections reset because the upstream did not answer the dial
	Open       int64 // connections open now, those held by a cut included
	ToUpstream int64 // bytes handed to the upstream
	ToClient   int64 // bytes handed to clients
	Dropped    int64 // bytes read and dropped because of a cut
	Discarded  int64 // connections discarded with RST by Heal or a change of shape
}
