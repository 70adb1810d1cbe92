package people

import (
	"context"
	"fmt"
	"slices"

	"blackstart/harness"
)

// Driver has people carry out what they are asked to, and hands every other action to the driver of the target.
type Driver struct {
	harness.Driver
	People harness.People
}

// Can lists what the target's driver carries out, and what people do.
func (d Driver) Can() []harness.ActionKind {
	return append(slices.Clone(d.Driver.Can()), harness.PersonAct)
}

// Execute returns when people say that it is done, or that it cannot be, or when the time is over that they have for it.
func (d Driver) Execute(ctx context.Context, a harness.Action) error {
	if a.Person == nil {
		return d.Driver.Execute(ctx, a)
	}
	ctx, cancel := context.WithTimeout(ctx, a.Person.Within.D())
	defer cancel()
	if _, err := d.People.Ask(ctx, *a.Person, func(string) {}); err != nil {
		return fmt.Errorf("people did not say that it is done: %s: %w", a.Person.What, err)
	}
	return nil
}
