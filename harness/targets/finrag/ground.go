package finrag

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
)

// A Ground is what one start has made, and how its parts are reached and changed: what differs between processes and
// containers. Its methods are called by the drill's goroutine, but for Runs.
type Ground interface {
	// Stages bring the target up, in the order in which one thing needs another.
	Stages() []Stage
	// Examine fills in the version, the digest and, of a database, the identity of a component that runs.
	Examine(ctx context.Context, c *harness.Component) error
	// Explain is an error about a component, with the end of its log and what to do.
	Explain(ctx context.Context, component string, err error) error
	// Cut and Heal change links; every name in the action is known.
	Cut(ctx context.Context, a harness.Action) error
	Heal(ctx context.Context, a harness.Action) error
	// Kill sends SIGKILL to every process of all components at the same time.
	Kill(ctx context.Context, components []string) error
	// Fence stops databases at once, as a crash would. What they had committed is on disk. A stop in good order would first
	// send their WAL to a standby, which is what a fence is to prevent.
	Fence(ctx context.Context, components []string) error
	// StartAgain starts a component that does not run.
	StartAgain(ctx context.Context, component string) error
	// Runs tells by the private path whether a component's process runs.
	Runs(ctx context.Context, component string) (bool, error)
	// Accepts tells whether a database would answer by the private path, be it started alone.
	Accepts(ctx context.Context, component string) (bool, error)
	// Gone gives a *harness.GoneError if nothing is left of a component that runs or could be started again, and another error if
	// that cannot be told.
	Gone(ctx context.Context, component string) error
	// Connect connects to finrag's database of a component by the private path.
	Connect(ctx context.Context, component string) (*pgx.Conn, error)
	// ReadFile and WriteFile reach a file of a component, by the path it has there, whether the component runs or not. A file
	// that is written is the component's own: it may replace it.
	ReadFile(ctx context.Context, component, path string) ([]byte, error)
	WriteFile(ctx context.Context, component, path string, content []byte) error
	// Reload has a component read its files again, by SIGHUP. One that does not run will do so when it starts.
	Reload(ctx context.Context, component string) error
	// KeepLogs puts the logs of all components below logs/ in the target's directory.
	KeepLogs(ctx context.Context) error
	// End ends the target; only the state directory stays. Ending twice changes nothing.
	End(ctx context.Context) error
}

// A Stage is one step of a start.
type Stage struct {
	Name string
	Do   func(context.Context) error
}

// Driver is the part of a harness.Driver that both grounds share. Its zero value has started nothing.
type Driver struct {
	mu     sync.RWMutex // guards both, for Running and Access
	site   *Site        // nil before Begin
	ground Ground
}

// Begin checks what was asked for, prepares it, brings it up and describes it. After an error nothing of it is left; its logs can still be asked for.
func (d *Driver) Begin(ctx context.Context, req harness.StartRequest, check func(context.Context, harness.StartRequest) error,
	prepare func(context.Context, harness.StartRequest) (*Site, Ground, error),
) error {
	if site, _ := d.current(); site != nil {
		return errors.New("start the target: this driver has started one already")
	}
	err := check(ctx, req)
	var site *Site
	var ground Ground
	if err == nil {
		site, ground, err = prepare(ctx, req)
	}
	if err != nil {
		return fmt.Errorf("start the target: %w", err)
	}
	if err = site.bringUp(ctx, ground); err == nil {
		err = site.pin(ctx, ground)
	}
	d.mu.Lock()
	d.site, d.ground = site, ground
	d.mu.Unlock()
	if err != nil {
		return fmt.Errorf("start the target: %w", errors.Join(err, ground.End(context.WithoutCancel(ctx))))
	}
	return nil
}

func (s *Site) bringUp(ctx context.Context, w Ground) error {
	for _, stage := range w.Stages() {
		began := time.Now()
		if err := stage.Do(ctx); err != nil {
			return err
		}
		s.Request.Progress(fmt.Sprintf("%s ready after %.1f s", stage.Name, time.Since(began).Seconds()))
	}
	return s.describe(ctx, w)
}

func (d *Driver) current() (*Site, Ground) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.site, d.ground
}

// Started returns what was started, or says that nothing was.
func (d *Driver) Started(op string) (*Site, Ground, error) {
	if site, ground := d.current(); site != nil {
		return site, ground, nil
	}
	return nil, nil, fmt.Errorf("%s: the target was not started", op)
}

// Description describes the target as it was when it had started.
func (d *Driver) Description() harness.Description {
	if site, _ := d.current(); site != nil {
		return site.Described
	}
	return harness.Description{}
}

// Can lists the actions that are carried out on every target; deploys tells whether there is another build to deploy.
func Can(deploys bool) []harness.ActionKind {
	can := []harness.ActionKind{
		harness.LinkCut, harness.LinkHeal, harness.ComponentKill, harness.ComponentStart, harness.ComponentFence,
		harness.RunbookCall, harness.SQLRun, harness.CertificateSwap, harness.CertificateRestore,
	}
	if deploys {
		can = append(can, harness.CodeDeploy)
	}
	return can
}

// Stop ends the target. The state directory stays. Stopping twice changes nothing.
func (d *Driver) Stop(ctx context.Context) error {
	site, ground := d.current()
	if site == nil {
		return nil
	}
	if err := ground.End(ctx); err != nil {
		return fmt.Errorf("stop the target: %w", err)
	}
	return nil
}
