// Package loadgen drives any Op at an open-loop rate and writes down what
// became of every request that was due.
//
// The schedule alone decides when a request is due: request n is due at
// start + floor(n × per ÷ freq), whatever the system under test does. A bounded
// pool of workers sends the requests, and latency counts from the due time, so a
// stall of the target shows up in full (no coordinated omission). A request that
// finds no free worker within the timeout is written down as unsent. Each due
// request is exactly one fixed-size record in the stream's file; docs/formats.md
// describes the layout for readers in other languages.
//
// It never re-sends a request, never slows down for a slow target, never starts
// a goroutine per request, never drops or invents a record, and never prints.
package loadgen
