package harness

// A GoneError is what a driver answers when an action meets a component that no longer exists: neither it nor anything it
// could be started from again is left, and the driver has not removed it. It cannot take a write, so it is no failure of an
// undo; what is known is only what was looked for.
type GoneError struct {
	Component string
	Found     string // what was looked for and not found, and who could have removed it
}

// Error says which component is gone and what was found of it.
func (e *GoneError) Error() string { return e.Component + " is gone: " + e.Found }

// Gone takes an error apart: what is gone, and every other trouble in it. Whatever is not known to be only a component that
// is gone stays a trouble: an error that hides one behind another counts for both.
func Gone(err error) (gone []*GoneError, rest []error) {
	switch e := err.(type) {
	case nil:
	case *GoneError:
		gone = append(gone, e)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			g, r := Gone(one)
			gone, rest = append(gone, g...), append(rest, r...)
		}
	case interface{ Unwrap() error }:
		g, r := Gone(e.Unwrap())
		if gone = g; len(r) > 0 || len(g) == 0 {
			rest = []error{err}
		}
	default:
		rest = []error{err}
	}
	return gone, rest
}
