package processes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/relay"
)

// writeTimeout bounds the write that RefusesWrites tries.
const writeTimeout = 2 * time.Second

// Execute carries out one action. It checks every name before it touches anything.
func (d *Driver) Execute(ctx context.Context, a harness.Action) error {
	r, err := d.started("execute " + string(a.Kind))
	if err != nil {
		return err
	}
	if err := r.check(a); err != nil {
		return fmt.Errorf("execute %s: %w", a.Kind, err)
	}
	switch a.Kind {
	case harness.LinkCut:
		err = r.cut(a)
	case harness.LinkHeal:
		err = r.heal(a)
	case harness.ComponentKill:
		err = r.kill(a)
	case harness.ComponentStart:
		err = r.startAgain(ctx, a)
	case harness.ComponentFence:
		err = r.fence(ctx, a)
	case harness.RunbookCall:
		err = r.call(ctx)
	}
	if err != nil {
		return fmt.Errorf("execute %s: %w", a.Kind, err)
	}
	return nil
}

// check refuses an action that names what is not there, or nothing at all.
func (r *run) check(a harness.Action) error {
	var errs []error
	switch a.Kind {
	case harness.LinkCut, harness.LinkHeal:
		if len(a.Links) == 0 {
			errs = append(errs, errors.New("it names no link"))
		}
		for _, name := range a.Links {
			if r.links[name] == nil {
				errs = append(errs, fmt.Errorf("there is no link %q", name))
			}
		}
	case harness.ComponentKill, harness.ComponentStart, harness.ComponentFence:
		if len(a.Components) == 0 {
			errs = append(errs, errors.New("it names no component"))
		}
		for _, name := range a.Components {
			_, ok := r.described.ComponentByName(name)
			if !ok {
				errs = append(errs, fmt.Errorf("there is no component %q", name))
			} else if a.Kind == harness.ComponentFence && r.clusters[name] == nil {
				errs = append(errs, fmt.Errorf("component %s is not a database", name))
			}
		}
	case harness.RunbookCall:
		if a.Call != callFailover {
			errs = append(errs, fmt.Errorf("there is no call %q", a.Call))
		}
	default:
		errs = append(errs, errors.New("this target cannot carry it out"))
	}
	return errors.Join(errs...)
}

// directionOf translates a direction seen from the region to one seen from the
// end that dials.
func (r *run) directionOf(a harness.Action, link harness.Link) (relay.Direction, error) {
	if a.Direction == "" || a.Direction == harness.Both {
		return relay.Both, nil
	}
	if a.Direction != harness.In && a.Direction != harness.Out {
		return 0, fmt.Errorf("direction %q is not known", a.Direction)
	}
	to, _ := r.described.ComponentByName(link.To)
	switch a.Region {
	case to.Region:
		if a.Direction == harness.In {
			return relay.ToUpstream, nil
		}
		return relay.ToClient, nil
	case link.From:
		if a.Direction == harness.In {
			return relay.ToClient, nil
		}
		return relay.ToUpstream, nil
	}
	return 0, fmt.Errorf("link %s has no end in region %q, of which the direction speaks", link.Name, a.Region)
}

func (r *run) cut(a harness.Action) error {
	directions := make([]relay.Direction, len(a.Links))
	for i, name := range a.Links {
		link, _ := r.described.LinkByName(name)
		var err error
		if directions[i], err = r.directionOf(a, link); err != nil {
			return err
		}
	}
	var errs []error
	for i, name := range a.Links {
		errs = append(errs, r.links[name].Cut(directions[i]))
	}
	return errors.Join(errs...)
}

func (r *run) heal(a harness.Action) error {
	var errs []error
	for _, name := range a.Links {
		errs = append(errs, r.links[name].Heal())
	}
	return errors.Join(errs...)
}

// kill finds every process first and then kills them all, the databases first:
// looking for them while the first is dying would leave backends that still
// acknowledge.
func (r *run) kill(a harness.Action) error {
	var all []procs.Victims
	var errs []error
	names := slices.Clone(a.Components)
	slices.SortStableFunc(names, func(x, y string) int { return r.rank(x) - r.rank(y) })
	for _, name := range names {
		p := r.table.Get(r.processOf(name))
		if p == nil {
			errs = append(errs, fmt.Errorf("component %s was never started", name))
			continue
		}
		v, err := p.Resolve()
		errs = append(errs, err)
		all = append(all, v)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, v := range all {
		v.Signal()
	}
	for _, v := range all {
		errs = append(errs, v.Kill())
	}
	return errors.Join(errs...)
}

// rank is the order of starting and of killing: what others need comes first.
func (r *run) rank(component string) int {
	switch c, _ := r.described.ComponentByName(component); c.Kind {
	case "postgres":
		return 0
	case "redis":
		return 1
	case "api":
		return 2
	}
	return 3
}

// startAgain starts components that do not run, databases first. A fenced
// database stays down: starting it would make two primaries.
func (r *run) startAgain(ctx context.Context, a harness.Action) error {
	names := slices.Clone(a.Components)
	slices.SortStableFunc(names, func(x, y string) int { return r.rank(x) - r.rank(y) })
	var errs []error
	for _, name := range names {
		switch cluster := r.clusters[name]; {
		case r.fenced[name]:
			r.req.Progress(name + " stays down: it was fenced")
		case cluster != nil && !cluster.Alive():
			errs = append(errs, cluster.Start(ctx))
		case cluster == nil && !r.runs(name):
			errs = append(errs, r.start(name))
		}
	}
	return errors.Join(errs...)
}

// fence stops a database at once, as a crash would, and keeps it down. What it
// had committed is on its disk. A stop in good order would first send its WAL to
// a standby, which is what a fence is to prevent.
func (r *run) fence(ctx context.Context, a harness.Action) error {
	var errs []error
	for _, name := range a.Components {
		r.fenced[name] = true
		if err := r.clusters[name].Stop(ctx, postgres.Immediate); err != nil {
			errs = append(errs, err)
		} else if r.clusters[name].Alive() {
			errs = append(errs, fmt.Errorf("%s still runs", name))
		}
	}
	return errors.Join(errs...)
}

func (r *run) runs(component string) bool {
	if cluster := r.clusters[component]; cluster != nil {
		return cluster.Alive()
	}
	p := r.table.Get(component)
	return p != nil && p.Alive()
}

// Running answers from the process table whether a component runs.
func (d *Driver) Running(_ context.Context, component string) (bool, error) {
	r, err := d.started("look for " + component)
	if err != nil {
		return false, err
	}
	if _, ok := r.described.ComponentByName(component); !ok {
		return false, fmt.Errorf("look for %s: there is no such component", component)
	}
	return r.runs(component), nil
}

// RefusesWrites tries to make a table by the private path, in a transaction that
// is not committed. A database that is down refuses.
func (d *Driver) RefusesWrites(ctx context.Context, component string) (bool, error) {
	r, err := d.started("try a write on " + component)
	if err != nil {
		return false, err
	}
	cluster := r.clusters[component]
	if cluster == nil {
		return false, fmt.Errorf("try a write on %s: it is not a database", component)
	}
	if !cluster.Alive() {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	conn, err := cluster.Connect(ctx)
	if err != nil {
		return false, fmt.Errorf("try a write on %s: it runs, yet %w", component, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// One simple query: the server takes it all as one transaction, and the
	// division makes that one fail after the write was taken.
	_, err = conn.PgConn().Exec(ctx, "CREATE TABLE blackstart_fence_check (n int); SELECT 1/0").ReadAll()
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return false, fmt.Errorf("try a write on %s: %w", component, err)
	}
	switch answer.Code {
	case "25006": // read-only transaction, or a standby
		return true, nil
	case "22012": // division by zero: the write before it was taken
		return false, nil
	}
	return false, fmt.Errorf("try a write on %s: %w", component, err)
}
