package finrag

import (
	"fmt"
	"strings"
)

// An Error is a trouble with one component that a person has to mend.
type Error struct {
	Component string // east.db, outside.dns, …; or finrag, settings, engine
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

// A Hint is what to do about a trouble whose text has one of these marks.
type Hint struct {
	Marks []string
	Do    string
}

// HintFor says what to do about a trouble: the first hint that fits, or how to keep the log, whose end the error has: the
// state of a run that did not start is removed when the command returns.
func HintFor(text string, known []Hint) string {
	for _, h := range known {
		for _, mark := range h.Marks {
			if strings.Contains(text, mark) {
				return h.Do
			}
		}
	}
	return "run it again with --keep-state to keep the whole log of every part"
}
