package containers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/moby/moby/client"

	"blackstart/harness"
	"blackstart/harness/targets/processes"
)

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
		err = r.cut(ctx, a)
	case harness.LinkHeal:
		err = r.heal(ctx, a)
	case harness.ComponentKill:
		err = r.kill(ctx, a.Components)
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
			if _, ok := r.described.LinkByName(name); !ok {
				errs = append(errs, fmt.Errorf("there is no link %q", name))
			}
		}
	case harness.ComponentKill, harness.ComponentStart, harness.ComponentFence:
		if len(a.Components) == 0 {
			errs = append(errs, errors.New("it names no component"))
		}
		for _, name := range a.Components {
			c, ok := r.described.ComponentByName(name)
			if !ok {
				errs = append(errs, fmt.Errorf("there is no component %q", name))
			} else if a.Kind == harness.ComponentFence && c.Kind != "postgres" {
				errs = append(errs, fmt.Errorf("component %s is not a database", name))
			}
		}
	case harness.RunbookCall:
		if a.Call != processes.CallFailover {
			errs = append(errs, fmt.Errorf("there is no call %q", a.Call))
		}
	default:
		errs = append(errs, errors.New("this target cannot carry it out"))
	}
	return errors.Join(errs...)
}

// kill sends SIGKILL to all containers at the same time: the kernel ends every process of a container with its first one,
// so that no backend is left to acknowledge.
func (r *run) kill(ctx context.Context, components []string) error {
	errs := make([]error, len(components))
	var killing sync.WaitGroup
	for i, name := range components {
		killing.Go(func() { errs[i] = r.killOne(ctx, name) })
	}
	killing.Wait()
	return errors.Join(errs...)
}

func (r *run) killOne(ctx context.Context, component string) error {
	r.mu.Lock()
	id := r.units[component]
	r.mu.Unlock()
	if id == "" {
		return fmt.Errorf("component %s was never started", component)
	}
	_, err := r.engine.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "SIGKILL"})
	running, askErr := r.running(ctx, component)
	if askErr == nil && !running {
		return nil // it may have been down before
	}
	if err := errors.Join(err, askErr); err != nil {
		return fmt.Errorf("kill %s: %w", component, err)
	}
	return fmt.Errorf("kill %s: it still runs", component)
}

// rank is the order of starting: what others need comes first.
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

// startAgain starts components that do not run, databases first. A fenced database stays down: starting it would make two
// primaries.
func (r *run) startAgain(ctx context.Context, a harness.Action) error {
	names := slices.Clone(a.Components)
	slices.SortStableFunc(names, func(x, y string) int { return r.rank(x) - r.rank(y) })
	var errs []error
	for _, name := range names {
		if r.fenced[name] {
			r.req.Progress(name + " stays down: it was fenced")
			continue
		}
		if running, err := r.running(ctx, name); err != nil || running {
			errs = append(errs, err)
			continue
		}
		r.mu.Lock()
		id := r.units[name]
		r.mu.Unlock()
		if _, err := r.engine.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
			errs = append(errs, r.trouble(ctx, name, fmt.Errorf("start its container again: %w", err)))
		} else if r.rank(name) == 0 {
			errs = append(errs, r.await(ctx, name, DatabaseReady, r.takesQuestions(name)))
		}
	}
	return errors.Join(errs...)
}

// fence kills databases and keeps them down. What they had committed is on their volumes. A stop in good order would first
// send their WAL to a standby, which is what a fence is to prevent.
func (r *run) fence(ctx context.Context, a harness.Action) error {
	for _, name := range a.Components {
		r.fenced[name] = true
	}
	return r.kill(ctx, a.Components)
}

// call tells the controller to fail over, as its operator would: over HTTP, with the operator's token.
func (r *run) call(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.outsideAddress(controllerPort)+"/failover", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.secrets[callToken])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, answerLimit)) // the status alone is enough of an error
		return fmt.Errorf("the controller answers %s: %s", resp.Status, answer)
	}
	return nil
}

// Running asks the engine whether a component's container runs.
func (d *Driver) Running(ctx context.Context, component string) (bool, error) {
	r, err := d.started("look for " + component)
	if err != nil {
		return false, err
	}
	if _, ok := r.described.ComponentByName(component); !ok {
		return false, fmt.Errorf("look for %s: there is no such component", component)
	}
	running, err := r.running(ctx, component)
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", component, err)
	}
	return running, nil
}

// RefusesWrites tries to make a table by the private path, in a transaction that is not committed. A database that is down
// refuses.
func (d *Driver) RefusesWrites(ctx context.Context, component string) (bool, error) {
	r, err := d.started("try a write on " + component)
	if err != nil {
		return false, err
	}
	if c, ok := r.described.ComponentByName(component); !ok || c.Kind != "postgres" {
		return false, fmt.Errorf("try a write on %s: it is not a database", component)
	}
	if r.alone[component] == "" {
		running, err := r.running(ctx, component)
		if err != nil {
			return false, fmt.Errorf("try a write on %s: %w", component, err)
		}
		if !running {
			return true, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	conn, err := r.connect(ctx, component)
	if err != nil {
		return false, fmt.Errorf("try a write on %s: it runs, yet %w", component, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// One simple query: the server takes it all as one transaction, and the division makes that one fail after the write was
	// taken.
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
