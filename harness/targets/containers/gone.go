package containers

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"blackstart/harness"
)

// Gone looks for a component's container and for the one that holds its network: without either it can neither run nor be
// started again.
func (r *run) Gone(ctx context.Context, component string) error {
	if err := r.goneUnit(ctx, component); err != nil {
		return err
	}
	return r.goneGate(ctx, component)
}

// goneUnit looks for a component's container. That the engine has none means that somebody else has removed it, since this run
// removes a container only when it ends.
func (r *run) goneUnit(ctx context.Context, component string) error {
	id := r.unit(component)
	there, err := r.engine.has(ctx, id)
	if there || err != nil {
		return err
	}
	return &harness.GoneError{Component: component, Found: fmt.Sprintf("its container was removed by somebody else "+
		"(no container with the id %.12s is left on the engine; who may use the engine can remove it, as docker container prune "+
		"does with stopped ones)", id)}
}

// goneGate looks for the container that holds a component's network, and with it its links.
func (r *run) goneGate(ctx context.Context, component string) error {
	g := r.gateOf(component)
	if g == nil {
		return nil
	}
	there, err := r.engine.has(ctx, g.id)
	if there || err != nil {
		return err
	}
	return &harness.GoneError{Component: component, Found: fmt.Sprintf("the container of its network was removed by somebody else "+
		"(no container with the id %.12s is left on the engine), and its links with it", g.id)}
}

// gateOf is the gate of a component: those outside share one.
func (r *run) gateOf(component string) *gate {
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
