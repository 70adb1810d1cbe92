package external

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/lease"
	"blackstart/harness/means"
	"blackstart/harness/target"
)

// Can lists what the means and calls of the file carry out. Nothing is carried out where nothing may be broken by the harness: in an
// observation, and in production.
func (d *Driver) Can() []harness.ActionKind {
	if d.ObserveOnly || d.Target.Metadata.Environment == harness.Production {
		return nil
	}
	var all []harness.ActionKind
	add := func(kind harness.ActionKind) {
		if kind != "" && !slices.Contains(all, kind) {
			all = append(all, kind)
		}
	}
	for _, m := range d.Target.Means {
		for _, act := range means.ActsOf(m) {
			add(act)
			add(harness.UndoOf(act))
		}
	}
	for _, c := range d.Target.Calls {
		if c.OneWay || c.Undo != "" {
			add(harness.RunbookCall)
		}
		if c.Undo != "" {
			add(harness.CallMake)
		}
	}
	if slices.ContainsFunc(d.Target.Components, func(c target.Component) bool { return c.Fencing != nil }) {
		add(harness.ComponentFence)
	}
	return all
}

// Execute carries out one action: a fault under the lease of the hosts that it is carried out on, and what undoes it.
func (d *Driver) Execute(ctx context.Context, a harness.Action) error {
	if !slices.Contains(d.Can(), a.Kind) {
		return fmt.Errorf("carry out %s: not available: nothing of target %s is changed by the harness so", a.Kind, d.Target.Metadata.Name)
	}
	switch a.Kind {
	case harness.RunbookCall:
		return d.make(ctx, a.Call)
	case harness.ComponentFence:
		return d.fence(ctx, a.Components)
	case harness.CallMake:
		return d.callMake(ctx, a)
	}
	if d.undoes(a.Kind) {
		return d.undoEach(ctx, a)
	}
	all, err := d.deeds(a)
	if err != nil {
		return err
	}
	return each(all, func(one deed) error { return d.do(ctx, one) })
}

// undoes tells whether a kind of action takes back what a means does.
func (d *Driver) undoes(kind harness.ActionKind) bool {
	return slices.ContainsFunc(d.Target.Means, func(m target.Means) bool {
		return slices.ContainsFunc(means.ActsOf(m), func(act harness.ActionKind) bool { return harness.UndoOf(act) == kind })
	})
}

// each does all at once, and gives every error.
func each[T any](all []T, do func(T) error) error {
	errs := make([]error, len(all))
	var wait sync.WaitGroup
	for i, one := range all {
		wait.Add(1)
		go func() {
			defer wait.Done()
			errs[i] = do(one)
		}()
	}
	wait.Wait()
	return errors.Join(errs...)
}

// do carries out one act on its host, under its lease.
func (d *Driver) do(ctx context.Context, one deed) error {
	l, err := d.leaseOn(one.host)
	if err != nil {
		return err
	}
	d.held.mu.Lock()
	d.held.inForce[one.entry.ID] = one // whatever becomes of it
	d.held.mu.Unlock()
	_, err = l.Do(ctx, one.entry)
	var undone *lease.NotDoneError
	if errors.As(err, &undone) && !one.entry.Held && undone.Result.Ran && slices.Contains(one.entry.Free, undone.Result.Now) {
		return nil // a moment: somebody there has started it again already
	}
	if err != nil {
		return fmt.Errorf("%s, on host %s: %w", one.entry.ID, one.host, err)
	}
	return nil
}

// undoEach undoes what was done to each component or link. A component that led is not started beside another that leads by now.
func (d *Driver) undoEach(ctx context.Context, a harness.Action) error {
	return each(slices.Concat(a.Components, a.Links), func(on string) error {
		id := entryID(a.Kind, on)
		host := d.hostFor(a.Kind, on)
		if a.Kind == harness.ComponentStart {
			if why := d.superseded(ctx, on); why != "" {
				return errors.Join(d.leave(ctx, host, id), &harness.LeftError{Component: on, Why: why})
			}
		}
		return d.undoOne(ctx, host, id)
	})
}

// hostFor is the host where what an action undoes was done.
func (d *Driver) hostFor(undo harness.ActionKind, on string) string {
	for _, m := range d.Target.Means {
		if slices.Contains(m.On, on) && slices.ContainsFunc(means.ActsOf(m), func(act harness.ActionKind) bool { return harness.UndoOf(act) == undo }) {
			return m.Host
		}
	}
	return ""
}

// undoOne undoes an entry on its host. One that is undone already, or never was done, is no error.
func (d *Driver) undoOne(ctx context.Context, host, id string) error {
	l, err := d.leaseOn(host)
	if err != nil {
		return err
	}
	d.held.mu.Lock()
	d.held.known[id] = true // nobody else undoes it from now on
	d.held.mu.Unlock()
	until := time.Now().Add(d.Target.LeaseTime() + roundTrip)
	for {
		_, err := l.Undo(ctx, id)
		var busy *lease.BusyError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &busy) || d.armed() || time.Now().After(until): // the run that was killed may still hold it, until it has been silent for its lease
			return fmt.Errorf("%s, on host %s: %w", id, host, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s, on host %s: %w", id, host, errors.Join(err, ctx.Err()))
		case <-time.After(time.Second):
		}
	}
}

// armed tells whether this process holds the leases.
func (d *Driver) armed() bool {
	d.held.mu.Lock()
	defer d.held.mu.Unlock()
	return d.held.stop != nil
}

// leave has a host undo an entry no more.
func (d *Driver) leave(ctx context.Context, host, id string) error {
	l, err := d.leaseOn(host)
	if err != nil {
		return err
	}
	_, err = l.Leave(ctx, id)
	return err
}

// superseded says why a component that led is not to act again by an undo, and what people must do; "" if it may.
func (d *Driver) superseded(ctx context.Context, on string) string {
	c, ok := d.Target.ComponentByName(on)
	if !ok || len(d.leaders(on)) == 0 || c.Fencing != nil && c.Fencing.By == harness.FencedBySelf {
		return ""
	}
	other, err := d.LeadsBeside(ctx, on)
	switch {
	case err != nil:
		return fmt.Sprintf("it is not known who leads by now (%v); see who does, then rebuild it as a copy, or start it if nobody does", err)
	case other != "":
		return other + " leads by now; rebuild it as a copy of " + other
	}
	return ""
}

// LeadsBeside implements harness.Fencing: whoever could stand in for it is asked.
func (d *Driver) LeadsBeside(ctx context.Context, name string) (string, error) {
	var errs []error
	leads := ""
	for _, c := range d.standsIn(name) {
		p, err := d.find(c.Name)
		if err != nil {
			return "", err
		}
		one, cancel := context.WithTimeout(ctx, lookTime)
		seen, err := p.kind.Look(one, p.at)
		cancel()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		} else if seen.Role == component.Leads {
			leads = c.Name
		}
	}
	if leads != "" {
		return leads, nil
	}
	return "", errors.Join(errs...)
}

// standsIn lists what could lead in place of a component: whatever of its kind is joined to it by links, from one to the next; all of its kind
// where the file has no such link.
func (d *Driver) standsIn(name string) []target.Component {
	of, _ := d.Target.ComponentByName(name)
	joined := map[string]bool{name: true}
	for grown := true; grown; {
		grown = false
		for _, l := range d.Target.Links {
			from, _ := d.Target.ComponentByName(l.From)
			to, _ := d.Target.ComponentByName(l.To)
			if from.Kind == of.Kind && to.Kind == of.Kind && joined[l.From] != joined[l.To] {
				joined[l.From], joined[l.To], grown = true, true, true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(d.Target.Components), func(c target.Component) bool {
		return c.Name == name || c.Kind != of.Kind || len(joined) > 1 && !joined[c.Name]
	})
}

// callMake makes a call that is a fault, or the one that undoes it: by its host under the lease where one can, else by itself.
func (d *Driver) callMake(ctx context.Context, a harness.Action) error {
	for _, c := range d.Target.Calls { // of an undo: the call that it undoes
		if c.Undo != a.Call || c.Undo == "" {
			continue
		}
		one, err := d.callDeed(c.Name)
		if err != nil {
			return err
		}
		if one.host == "" {
			return d.make(ctx, a.Call)
		}
		return d.undoOne(ctx, one.host, one.entry.ID)
	}
	one, err := d.callDeed(a.Call)
	switch {
	case err != nil:
		return err
	case one.host == "":
		return d.make(ctx, a.Call)
	}
	return d.do(ctx, one)
}

// make makes a call of the file once, and demands that it is done.
func (d *Driver) make(ctx context.Context, name string) error {
	c, said, err := d.said(ctx, name)
	if err != nil {
		return err
	}
	if e := call.Kept(c, said); e.Outcome != call.Done {
		return fmt.Errorf("call %s ended %s: %s", name, e.Outcome, e.Why)
	}
	return nil
}

// said makes a call of the file once.
func (d *Driver) said(ctx context.Context, name string) (target.Call, call.Said, error) {
	c, ok := d.Target.CallByName(name)
	if !ok {
		return c, call.Said{}, fmt.Errorf("target %s has no call %s", d.Target.Metadata.Name, name)
	}
	kind, err := call.Make(c)
	if err != nil {
		return c, call.Said{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout.D())
	defer cancel()
	return c, kind.Call(ctx, call.Around{Secrets: d.resolve, Database: d.database, Pins: d.pins, Redis: d.redis, Host: d.host}, c.Reads), nil
}

// fence has each component fenced as its file says.
func (d *Driver) fence(ctx context.Context, names []string) error {
	for _, name := range names {
		c, _ := d.Target.ComponentByName(name)
		if c.Fencing == nil || c.Fencing.Call == "" {
			return fmt.Errorf("fence %s: the file of target %s names no call for that", name, d.Target.Metadata.Name)
		}
		if err := d.make(ctx, c.Fencing.Call); err != nil {
			return fmt.Errorf("fence %s: %w", name, err)
		}
	}
	return nil
}
