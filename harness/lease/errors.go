package lease

import (
	"fmt"
	"strings"
)

// BusyError says that the lease of a target is held: by another run, or, with the run of whoever asks, by another process.
type BusyError struct {
	Run, By string
	Why     string
}

func (e *BusyError) Error() string { return e.Why }

// ExpiredError says that nothing may be done any more: the lease has expired, or was ended, or is not there.
type ExpiredError struct {
	Run   string
	State State
	Why   string
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the lease of the run %s is %s: %s", e.Run, e.State, e.Why)
}

// ChangedError says that an undo changed nothing, because what it found is neither free nor what the Do has made.
type ChangedError struct {
	ID    string
	Found string   // before the Do
	Now   string   // when it was to be undone
	Ours  []string // what the Do may have made
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s was %s before the drill, is %s now, and the drill would have made it %s: somebody else has changed it, and nothing was undone", e.ID, e.Found, e.Now, strings.Join(e.Ours, " or "))
}

// NotDoneError says that a Do is not in force as it should be. It is to be undone all the same, unless nothing was run.
type NotDoneError struct {
	ID string
	Result
	Why string
}

func (e *NotDoneError) Error() string { return e.Why + ended(e.Result) }

// NotUndoneError says that an undo was done, and is not.
type NotUndoneError struct {
	ID string
	Result
}

func (e *NotUndoneError) Error() string {
	return fmt.Sprintf("%s was undone and is %s all the same%s", e.ID, e.Result.Now, ended(e.Result))
}

// ended tells how a script ended, where that says something.
func ended(r Result) string {
	switch {
	case !r.Ran || r.Code == 0:
		return ""
	case r.Code == 124:
		return " (it took too long, and was ended)"
	case r.Said == "":
		return fmt.Sprintf(" (exit code %d)", r.Code)
	}
	return fmt.Sprintf(" (exit code %d: %s)", r.Code, r.Said)
}

// RefusedError says that the executor did nothing, and why.
type RefusedError struct {
	Outcome string // tombstone, used, short, nospace, unfit, dead, locked, in-force, failed, lost
	Why     string
}

func (e *RefusedError) Error() string { return e.Why }

// UnwatchedError says that nobody there would take anything back: the watchdog does not run.
type UnwatchedError struct{ Run string }

func (e *UnwatchedError) Error() string {
	return fmt.Sprintf("the watchdog of the run %s does not run on the executor, so nothing would be undone there: where processes end with the session that began them, allow them to linger (loginctl enable-linger)", e.Run)
}

// UnknownError says that an answer was lost: what was asked for may have been done. Ask for the status.
type UnknownError struct {
	Act string
	Err error
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%s: it is not known whether it was done: %v", e.Act, e.Err)
}
func (e *UnknownError) Unwrap() error { return e.Err }

// wrong is the error that an answer stands for.
func (a answer) wrong(verb, run string, words []string) error {
	var id string
	if len(words) > 0 {
		id = words[0]
	}
	switch a.outcome {
	case "ok", "absent":
		return nil
	case "busy":
		return &BusyError{Run: a.Status.Run, By: a.By, Why: a.why}
	case "expired", "over", "released", "none", "other-run":
		return &ExpiredError{Run: run, State: State(a.outcome), Why: a.why}
	case "changed":
		return &ChangedError{ID: id, Found: a.before(id), Now: a.Result.Now, Ours: a.ours}
	case "not-free", "not-ours":
		return &NotDoneError{ID: id, Result: a.Result, Why: a.why}
	}
	switch verb + " " + a.outcome {
	case "undo failed":
		return &NotUndoneError{ID: id, Result: a.Result}
	case "arm in-force":
		return &BusyError{Run: a.Status.Run, By: a.By, Why: a.why}
	}
	return &RefusedError{Outcome: a.outcome, Why: a.why}
}

// before is what an entry was before its Do.
func (a answer) before(id string) string {
	for _, e := range a.Entries {
		if e.ID == id {
			return e.Found
		}
	}
	return "?"
}
