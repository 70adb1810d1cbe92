package containers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/jackc/pgx/v5"
	"github.com/moby/moby/client"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
)

// Kill sends SIGKILL to all containers at the same time: the kernel ends every process of a container with its first one,
// so that no backend is left to acknowledge.
func (r *rehearsal) Kill(ctx context.Context, components []string) error {
	errs := make([]error, len(components))
	var killing sync.WaitGroup
	for i, name := range components {
		killing.Go(func() { errs[i] = r.killOne(ctx, name) })
	}
	killing.Wait()
	return errors.Join(errs...)
}

func (r *rehearsal) killOne(ctx context.Context, component string) error {
	id := r.unit(component)
	if id == "" {
		return fmt.Errorf("component %s was never started", component)
	}
	_, err := r.engine.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "SIGKILL"})
	running, askErr := r.Runs(ctx, component)
	if askErr == nil && !running {
		return nil // it may have been down before
	}
	if err := errors.Join(err, askErr); err != nil {
		return fmt.Errorf("kill %s: %w", component, err)
	}
	return fmt.Errorf("kill %s: it still runs", component)
}

// Fence kills databases: what they had committed is on their volumes. Of one whose container is gone it says so.
func (r *rehearsal) Fence(ctx context.Context, components []string) error {
	errs := []error{r.Kill(ctx, components)}
	for _, name := range components {
		errs = append(errs, r.goneUnit(ctx, name))
	}
	return errors.Join(errs...)
}

// StartAgain starts the container of a component again.
func (r *rehearsal) StartAgain(ctx context.Context, component string) error {
	_, err := r.engine.ContainerStart(ctx, r.unit(component), client.ContainerStartOptions{})
	if err != nil {
		gone := r.Gone(ctx, component)
		if missing, rest := harness.Gone(gone); len(missing) > 0 && len(rest) == 0 {
			return gone
		}
		return errors.Join(r.Explain(ctx, component, fmt.Errorf("start its container again: %w", err)), gone)
	}
	if strings.HasSuffix(component, ".db") {
		return r.await(ctx, component, DatabaseReady, r.takesQuestions(component))
	}
	return nil
}

// unit is the container of a component, "" if it was never started.
func (r *rehearsal) unit(component string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.units[component]
}

// Runs asks the engine.
func (r *rehearsal) Runs(ctx context.Context, component string) (bool, error) {
	id := r.unit(component)
	if id == "" {
		return false, nil
	}
	info, err := r.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return false, nil // what is not there does not run
	}
	if err != nil {
		return false, err
	}
	return info.Container.State != nil && info.Container.State.Running, nil
}

// Accepts tells whether a database runs, be it alone.
func (r *rehearsal) Accepts(ctx context.Context, component string) (bool, error) {
	if r.alone[component] != "" {
		return true, nil
	}
	return r.Runs(ctx, component)
}

// Connect connects to finrag's database of a component by the private path.
func (r *rehearsal) Connect(ctx context.Context, component string) (*pgx.Conn, error) {
	return r.connectTo(ctx, component, postgres.Database)
}

func (r *rehearsal) connectTo(ctx context.Context, component, database string) (*pgx.Conn, error) {
	address := r.alone[component]
	if address == "" {
		address = r.Layout.Inside[component]
	}
	return r.Dial(ctx, address, database)
}
