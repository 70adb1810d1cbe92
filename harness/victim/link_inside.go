package victim

import (
	"context"
	"errors"
	"fmt"

	"blackstart/harness"
)

// fromInside asks a link between two parts of a system that a file describes from the end that connects: from anywhere else another way
// would be asked. inside is false of a link from outside, and of a rehearsal, whose relays are the same for everybody.
func (v Victim) fromInside(link harness.Link, want string) (ask Ask, inside bool, err error) {
	if v.Target.Kind != harness.External || link.From == harness.Outside {
		return nil, false, nil
	}
	asking, ok := v.Driver.(harness.LinkAsking)
	if !ok {
		return nil, true, errors.New("nobody can ask it from its own end")
	}
	if err := asking.AsksLink(link.Name); err != nil {
		return nil, true, err
	}
	return func(ctx context.Context, asked func()) error {
		got, err := asking.AskLink(ctx, link.Name)
		asked()
		switch {
		case err != nil:
			return fmt.Errorf("could not be asked from its own end: %w", err)
		case got != want:
			return found("asked from its own end, it is %s", got)
		}
		return nil
	}, true, nil
}
