package external

import (
	"context"
	"errors"
	"fmt"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/target/check"
)

// lookTime bounds one question to a component.
const lookTime = check.LookTime

// errDetached is the error of a question to a target that is not attached to.
var errDetached = errors.New("not available: the target is not attached to")

// find gives a component of the attached target.
func (d *Driver) find(name string) (part, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.parts == nil {
		return part{}, errDetached
	}
	for _, p := range d.parts {
		if p.Name == name {
			return p, nil
		}
	}
	return part{}, fmt.Errorf("target %s has no component %s", d.Target.Metadata.Name, name)
}

// Access gives the way from outside to a component or to the entry: whoever stands elsewhere has the same.
func (d *Driver) Access(_, name string) (harness.Access, error) {
	if name == harness.EntryName {
		d.mu.Lock()
		defer d.mu.Unlock()
		switch {
		case d.parts == nil:
			return harness.Access{}, errDetached
		case d.entry == nil:
			return harness.Access{}, fmt.Errorf("not available: target %s has no entry", d.Target.Metadata.Name)
		}
		return ownCopy(*d.entry), nil
	}
	p, err := d.find(name)
	if err != nil {
		return harness.Access{}, fmt.Errorf("reach %s: %w", name, err)
	}
	return ownCopy(p.access), nil
}

// ownCopy lets nobody change what the next one gets.
func ownCopy(a harness.Access) harness.Access {
	a.TLS, a.Headers = a.TLS.Clone(), a.Headers.Clone()
	return a
}

// Running asks the means of a component whether it runs; without one, itself, from outside: one that works runs. Of one that gives no good answer it is not known, which is
// an error and never a no.
func (d *Driver) Running(ctx context.Context, name string) (bool, error) {
	p, err := d.find(name)
	if err != nil {
		return false, err
	}
	if running, known, err := d.runs(ctx, name); known {
		return running, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if _, err := p.kind.Look(ctx, p.at); err != nil {
		return false, fmt.Errorf("not available: there is no private path to %s, and from outside it gives no good answer: %w", name, err)
	}
	return true, nil
}

// Allowed implements harness.Allowing.
func (d *Driver) Allowed(name, table string) error {
	if d.Unwritten != "" {
		return &harness.NotAllowedError{Why: d.Unwritten}
	}
	if write := thing(table); d.Target.MayWrite(write, name) {
		return nil
	}
	return &harness.NotAllowedError{Why: fmt.Sprintf("allows does not list %s on %s", thing(table), name)}
}

// thing is the word of a target file for a table, or for what keys begin with.
func thing(table string) string {
	for _, t := range component.Traits() {
		for write, where := range t.Holds {
			if where == table {
				return write
			}
		}
	}
	return table
}

// Writable implements harness.Allowing.
func (d *Driver) Writable(ctx context.Context, name, table string) error {
	if err := d.Allowed(name, table); err != nil {
		return err
	}
	p, err := d.find(name)
	if err != nil {
		return err
	}
	holder, ok := p.kind.(component.Holding)
	if write := thing(table); !ok || p.kind.Traits().Holds[write] != table {
		return fmt.Errorf("not available: %s holds no %s", name, table)
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	_, err = holder.MayWrite(ctx, p.at, thing(table))
	return err
}
