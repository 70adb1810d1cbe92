package processes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/relay"
)

// directionOf translates a direction seen from the region to one seen from the
// end that dials.
func (r *rehearsal) directionOf(a harness.Action, link harness.Link) (relay.Direction, error) {
	if a.Direction == "" || a.Direction == harness.Both {
		return relay.Both, nil
	}
	if a.Direction != harness.In && a.Direction != harness.Out {
		return 0, fmt.Errorf("direction %q is not known", a.Direction)
	}
	to, _ := r.Described.ComponentByName(link.To)
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

// Cut cuts links.
func (r *rehearsal) Cut(_ context.Context, a harness.Action) error {
	directions := make([]relay.Direction, len(a.Links))
	for i, name := range a.Links {
		link, _ := r.Described.LinkByName(name)
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

// Heal heals links.
func (r *rehearsal) Heal(_ context.Context, a harness.Action) error {
	var errs []error
	for _, name := range a.Links {
		errs = append(errs, r.links[name].Heal())
	}
	return errors.Join(errs...)
}

// Kill finds every process first and then kills them all, the databases first:
// looking for them while the first is dying would leave backends that still
// acknowledge.
func (r *rehearsal) Kill(_ context.Context, components []string) error {
	var all []procs.Victims
	var errs []error
	for _, name := range components {
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

// StartAgain starts a component that does not run.
func (r *rehearsal) StartAgain(ctx context.Context, component string) error {
	if cluster := r.clusters[component]; cluster != nil {
		if err := goneWithout(component, "data directory", cluster.DataDir()); err != nil {
			return err
		}
		return cluster.Start(ctx)
	}
	return r.start(component)
}

// Gone finds a database gone that does not run and has no data directory. Other components start from what this program has.
func (r *rehearsal) Gone(_ context.Context, component string) error {
	cluster := r.clusters[component]
	if cluster == nil {
		return nil
	}
	if runs, err := cluster.Runs(); err != nil || runs {
		return err
	}
	return goneWithout(component, "data directory", cluster.DataDir())
}

// goneWithout tells that a component is gone whose process runs no more, if what it would start from is not there either.
func goneWithout(component, what, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return &harness.GoneError{Component: component, Found: fmt.Sprintf("its process does not run and its %s was removed by somebody else (%s is not there)",
		what, path)}
}

// Fence stops databases as a crash would.
func (r *rehearsal) Fence(ctx context.Context, components []string) error {
	var errs []error
	for _, name := range components {
		cluster := r.clusters[name]
		err := cluster.Stop(ctx, postgres.Immediate)
		runs := false
		if err == nil {
			runs, err = cluster.Runs()
		}
		switch {
		case err != nil:
			errs = append(errs, err)
		case runs:
			errs = append(errs, fmt.Errorf("%s still runs", name))
		default:
			errs = append(errs, goneWithout(name, "data directory", cluster.DataDir()))
		}
	}
	return errors.Join(errs...)
}

// Runs answers from the process table.
func (r *rehearsal) Runs(_ context.Context, component string) (bool, error) {
	if cluster := r.clusters[component]; cluster != nil {
		return cluster.Runs()
	}
	p := r.table.Get(component)
	if p == nil {
		return false, nil
	}
	return p.Runs()
}

// Accepts tells whether a database runs: one that was started alone is the same process.
func (r *rehearsal) Accepts(ctx context.Context, component string) (bool, error) {
	return r.Runs(ctx, component)
}

// Connect connects to a database by its private socket.
func (r *rehearsal) Connect(ctx context.Context, component string) (*pgx.Conn, error) {
	cluster := r.clusters[component]
	if cluster == nil {
		return nil, fmt.Errorf("connect to %s: it is not a database", component)
	}
	return cluster.Connect(ctx)
}

// ReadFile reads a file of ours: every component is on this machine.
func (r *rehearsal) ReadFile(_ context.Context, _, path string) ([]byte, error) {
	return os.ReadFile(path)
}

// WriteFile replaces a file as a whole.
func (r *rehearsal) WriteFile(_ context.Context, _, path string, content []byte) error {
	return procs.WriteFile(path, content, 0o644)
}

// Reload sends SIGHUP.
func (r *rehearsal) Reload(_ context.Context, component string) error {
	p := r.table.Get(r.processOf(component))
	if p == nil || !p.Alive() {
		return nil
	}
	return p.Signal(syscall.SIGHUP)
}
