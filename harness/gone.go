package harness

import (
	"context"
	"slices"
	"strings"
)

// An Inventory is a Driver whose components somebody else can remove: it looks for all of them.
type Inventory interface {
	// MissingComponents gives a *GoneError for each component of which nothing is left that runs or could be started again, joined with
	// whatever kept it from looking; nil if everything is there.
	MissingComponents(ctx context.Context) error
}

// A GoneError is what a driver answers when an action meets a component that no longer exists: neither it nor anything it
// could be started from again is left, and the driver has not removed it. It cannot take a write, so it is no failure of an
// undo; what is known is only what was looked for.
type GoneError struct {
	Component string
	Found     string // what was looked for and not found, and who could have removed it
}

// isGone stands between the component and what was found of it.
const isGone = " is gone: "

// Error says which component is gone and what was found of it.
func (e *GoneError) Error() string { return e.Component + isGone + e.Found }

// GoneComponent reads the component from what a GoneError says.
func GoneComponent(text string) string {
	component, _, _ := strings.Cut(text, isGone)
	return component
}

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

// ChecksThatCanHold leaves out the checks that cannot hold because components are away: those that speak of one or of a link to
// it, and, where one that replicates is away, those that need a standby that follows: the undo restores links and processes, never roles.
func ChecksThatCanHold(target Description, checks []Check, away func(component string) bool, follows func(CheckKind) bool) []Check {
	apart := slices.ContainsFunc(target.Components, func(c Component) bool { return c.Replicates() && away(c.Name) })
	var ask []Check
	for _, c := range checks {
		on := c.On
		if l, ok := target.LinkByName(c.On); ok {
			on = l.To
		}
		if !away(on) && (!apart || !follows(c.Kind)) {
			ask = append(ask, c)
		}
	}
	return ask
}

// noteMissingComponents asks the driver which components are gone, tells of each once, and says whether there is one more than
// before.
func (d *drill) noteMissingComponents(ctx context.Context) bool {
	inventory, ok := d.Driver.(Inventory)
	if !ok || !d.started {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	before := len(d.gone)
	if err := d.tolerateGone(inventory.MissingComponents(ctx)); err != nil {
		d.note("target.unasked", "it could not be asked whether every component is still there: "+err.Error(), nil)
	}
	return len(d.gone) > before
}

// awaitRestored asks until a fault is seen to be over, by the checks that can hold, and says how many these were. If they do not
// hold, and more components turn out to be gone, the others are asked once more.
func (d *drill) awaitRestored(ctx context.Context, f *FaultRecord) (at Interval, asked int, err error) {
	d.awaitNetwork(ctx)
	for {
		ask := ChecksThatCanHold(d.rec.Target, f.Plan.Restored, func(name string) bool { return d.fencedNames[name] || d.gone[name] != "" }, d.Follows)
		if d.superseded {
			ask = slices.DeleteFunc(ask, func(c Check) bool { return d.Follows(c.Kind) })
		}
		if len(ask) == 0 {
			return Interval{}, 0, nil
		}
		at, err = d.Await(ctx, d.runningTarget(), ask, restoreLimit)
		if err == nil || ctx.Err() != nil || !d.noteMissingComponents(ctx) {
			return at, len(ask), err
		}
	}
}

// Replicates tells whether a component leads or follows others: one that does is what may be promoted, and what must be fenced.
func (c Component) Replicates() bool { return c.Role != "" }

// ComponentByRole finds the component of a kind in the region with a role.
func (d *Description) ComponentByRole(role, kind string) (Component, bool) {
	region, ok := d.RegionByRole(role)
	if !ok {
		return Component{}, false
	}
	return d.ComponentOf(region.Name, kind)
}
