// Package procs runs the operating-system processes of a target so that none of
// them outlives us: they end when they are told to, when we end, and when we are
// killed with -9.
//
// Two things see to that. Every child carries a parent-death signal (SIGKILL),
// and is forked from one thread that lives as long as we do, because the kernel
// fires that signal at the death of the forking *thread*. And every child is
// written down with its pid and start time in procs.json before anybody relies
// on it, so that a later command can end what is left all the same (see [Reap]).
//
// The package never signals a process whose start time differs from the one it
// wrote down, never signals by name, and never decides what to start. Linux only.
package procs

import "time"

// Limits.
const (
	// StopWait is how long a process may take to end after its stop signal
	// before it is killed.
	StopWait = 2 * time.Second
	// KillWait is how long a killed process may take to leave the process table.
	KillWait = 5 * time.Second
	// pollEvery is the wait between two looks at a process that is not our child.
	pollEvery = 5 * time.Millisecond
	// maxTailBytes is the most that Tail reads from the end of a log.
	maxTailBytes = 16 << 10
	// recordFile is the name of the list of processes in the state directory.
	recordFile = "procs.json"
)
