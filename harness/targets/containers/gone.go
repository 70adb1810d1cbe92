package containers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"blackstart/harness"
)

// Gone looks for a component's container and for the one that holds its network: without either it can neither run nor be
// started again.
func (r *rehearsal) Gone(ctx context.Context, component string) error {
	if err := r.goneUnit(ctx, component); err != nil {
		return err
	}
	return r.goneGate(ctx, component)
}

// goneUnit looks for a component's container.
func (r *rehearsal) goneUnit(ctx context.Context, component string) error {
	id := r.unit(component)
	there, err := r.engine.has(ctx, id)
	if there || err != nil {
		return err
	}
	return &harness.GoneError{Component: component, Found: fmt.Sprintf("its container was removed %s "+
		"(no container with the id %.12s is left on the engine; who may use the engine can remove it, as docker container prune "+
		"does with stopped ones)", r.by(), id)}
}

// goneGate looks for the container that holds a component's network, and with it its links.
func (r *rehearsal) goneGate(ctx context.Context, component string) error {
	g := r.gateOf(component)
	if g == nil {
		return nil
	}
	there, err := r.engine.has(ctx, g.id)
	if there || err != nil {
		return err
	}
	return &harness.GoneError{Component: component, Found: fmt.Sprintf("the container of its network was removed %s "+
		"(no container with the id %.12s is left on the engine), and its links with it", r.by(), g.id)}
}

// by says by whom what is gone can have been removed: by nobody of ours where neither the run nor an undo of it has begun to.
func (r *rehearsal) by() string {
	if _, err := os.Stat(filepath.Join(r.Dir, untouchedFile)); err == nil {
		return "by somebody else"
	}
	return "at the end of the run, by an undo before this one, or by somebody else"
}

// gateOf is the gate of a component: those outside share one.
func (r *rehearsal) gateOf(component string) *gate {
	if g := r.gates[component]; g != nil {
		return g
	}
	if strings.HasPrefix(component, outside+".") {
		return r.gates[outside]
	}
	return nil
}

// has tells whether the engine has a container, running or not. What was never started has no id and is not missed.
func (e *engine) has(ctx context.Context, id string) (bool, error) {
	if id == "" {
		return true, nil
	}
	_, err := e.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	return true, err
}
