package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/processes"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/relay"
)

// Environment variables that name images of the user's own, in place of those the target builds.
const (
	PostgresImageVariable = "BLACKSTART_IMAGE_POSTGRES"
	FinragImageVariable   = "BLACKSTART_IMAGE_FINRAG"
)

// Options say what to run. The zero value finds everything by itself.
type Options struct {
	Finrag string            // path of the program, linked static; empty: beside ours, else on PATH
	Images map[string]string // by kind (postgres, finrag, redis, gate): an image that is on the engine, in place of ours
}

// OptionsFromEnvironment reads BLACKSTART_FINRAG and the names of images.
func OptionsFromEnvironment() Options {
	return Options{Finrag: os.Getenv(processes.FinragVariable), Images: map[string]string{
		imagePostgres: os.Getenv(PostgresImageVariable), imageFinrag: os.Getenv(FinragImageVariable),
	}}
}

// Driver runs the target for one drill. It implements harness.Driver and harness.Autopsy.
type Driver struct {
	options Options

	mu  sync.RWMutex // guards run, for Running and Access
	run *run         // nil before Start
}

var (
	_ harness.Driver  = (*Driver)(nil)
	_ harness.Autopsy = (*Driver)(nil)
)

// New makes a driver; it touches nothing.
func New(o Options) *Driver { return &Driver{options: o} }

// madeNetwork is one network of the run.
type madeNetwork struct {
	name    string // on the engine
	gateway string // address of the host in it
}

// run is what one Start has made. Its maps are complete before it is published, but for those of which it is said.
type run struct {
	options   Options
	engine    *engine
	req       harness.StartRequest
	settings  processes.Settings
	all       map[string]string // settings as text, defaults included
	profile   processes.Profile
	dir       string // target/ below the run's state directory
	finrag    string
	build     string
	password  string
	secrets   map[string]string // by file name
	ca        *processes.Certificates
	leaves    map[string]processes.Certificate // by region
	images    map[string]image                 // by kind
	networks  map[string]madeNetwork           // by our name of it
	gates     map[string]*gate                 // by component; outside for those that stand there
	walRelay  *relay.Link                      // nil unless the setting wal.latency asks for one
	relays    []*relay.Link                    // all, to be closed
	delivered []harness.Delivery               // the deliveries as seen from the networks
	described harness.Description

	mu    sync.Mutex        // guards units: Running may be asked at any time
	units map[string]string // container by component

	// Owned by the drill's goroutine.
	cuts    map[string]sides  // by link
	fenced  map[string]bool   // databases that must not be started but alone
	alone   map[string]string // address of databases that were started alone
	stopped bool
}

// Check tells what is missing to run the target here: settings, profile, the finrag program, an engine. It answers within
// three seconds.
func (d *Driver) Check(ctx context.Context, req harness.StartRequest) error {
	_, _, err := processes.ParseSettings(req.Settings)
	_, profileErr := processes.ProfileOf(req.Profile)
	if err := errors.Join(err, profileErr); err != nil {
		return &Error{Component: "settings", Err: err}
	}
	e, err := openEngine(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	if d.options.Images[imageFinrag] != "" {
		return nil
	}
	path, _, err := processes.Options{Finrag: d.options.Finrag}.FindFinrag(ctx)
	if err != nil {
		return err
	}
	if _, err := contextOf(imageFinrag, path); err != nil {
		return &Error{Component: "finrag", Err: err, Hint: "build it with `make build`, or name it in " + processes.FinragVariable}
	}
	return nil
}

// Prepare builds the images that the engine does not have yet, which takes minutes where the network is slow; Start does so
// too, but within its own limit. say gets one line for each image that is built.
func (d *Driver) Prepare(ctx context.Context, say func(string)) error {
	finrag := ""
	if d.options.Images[imageFinrag] == "" {
		var err error
		if finrag, _, err = (processes.Options{Finrag: d.options.Finrag}).FindFinrag(ctx); err != nil {
			return err
		}
	}
	e, err := openEngine(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	for _, kind := range []string{imageGate, imagePostgres, imageFinrag} {
		if _, err := e.findImage(ctx, kind, d.options, finrag, say); err != nil {
			return err
		}
	}
	return nil
}

// Can lists the actions the driver carries out.
func (d *Driver) Can() []harness.ActionKind {
	return []harness.ActionKind{
		harness.LinkCut, harness.LinkHeal, harness.ComponentKill, harness.ComponentStart, harness.ComponentFence,
		harness.RunbookCall,
	}
}

// Start brings the target up. After an error nothing of it is left; the logs stay in the state directory.
func (d *Driver) Start(ctx context.Context, req harness.StartRequest) error {
	if d.current() != nil {
		return errors.New("start the target: this driver has started one already")
	}
	if req.Progress == nil {
		req.Progress = func(string) {}
	}
	if err := d.Check(ctx, req); err != nil {
		return err
	}
	r, err := d.prepare(ctx, req)
	if err == nil {
		err = r.bringUp(ctx)
	}
	if err == nil {
		err = r.pin(ctx)
	}
	if r != nil {
		d.mu.Lock()
		d.run = r // also after an error: its logs can still be asked for
		d.mu.Unlock()
	}
	if err != nil {
		if r != nil {
			err = errors.Join(err, r.stop(context.WithoutCancel(ctx)))
		}
		return fmt.Errorf("start the target: %w", err)
	}
	return nil
}

// prepare makes everything that is not on the engine, and notes down what Recover needs before anything is.
func (d *Driver) prepare(ctx context.Context, req harness.StartRequest) (*run, error) {
	if !nameable.MatchString(req.RunID) {
		return nil, fmt.Errorf("run id %q cannot be part of a container's name", req.RunID)
	}
	r := &run{
		options: d.options, req: req, dir: targetDir(req.Dir), password: postgres.NewPassword(),
		secrets: map[string]string{}, leaves: map[string]processes.Certificate{}, images: map[string]image{},
		networks: map[string]madeNetwork{}, gates: map[string]*gate{}, units: map[string]string{},
		cuts: map[string]sides{}, fenced: map[string]bool{}, alone: map[string]string{},
	}
	var err error
	if r.settings, r.all, err = processes.ParseSettings(req.Settings); err != nil {
		return nil, err
	}
	if r.profile, err = processes.ProfileOf(req.Profile); err != nil {
		return nil, err
	}
	if d.options.Images[imageFinrag] == "" {
		if r.finrag, _, err = (processes.Options{Finrag: d.options.Finrag}).FindFinrag(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.makeDirs(); err != nil {
		return nil, err
	}
	if r.ca, err = processes.NewCertificates(); err != nil {
		return nil, err
	}
	for _, region := range []string{east, west} {
		if r.leaves[region], err = r.ca.Issue(r.config(""), region); err != nil {
			return nil, err
		}
	}
	if r.engine, err = openEngine(ctx); err != nil {
		return nil, err
	}
	if err := procs.WriteFile(filepath.Join(r.dir, runFile), []byte(req.RunID+"\n"), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("note down the run: %w", err), r.engine.Close())
	}
	return r, nil
}

// targetDir is the part of a run's state directory that is the target's.
func targetDir(runDir string) string { return filepath.Join(runDir, "target") }

func (r *run) logFile(component string) string {
	return filepath.Join(r.dir, "logs", component+".log")
}
func (r *run) config(name string) string { return filepath.Join(r.dir, "config", name) }
func (r *run) secret(name string) string { return filepath.Join(r.dir, "secrets", name) }

func (r *run) makeDirs() error {
	for _, d := range []struct {
		name string
		mode os.FileMode
	}{{"", 0o755}, {"logs", 0o755}, {"config", 0o755}, {"secrets", 0o700}} {
		if err := os.MkdirAll(filepath.Join(r.dir, d.name), d.mode); err != nil {
			return fmt.Errorf("make the target's directory: %w", err)
		}
	}
	return nil
}

func (d *Driver) current() *run {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.run
}

// started returns the run, or says that there is none.
func (d *Driver) started(op string) (*run, error) {
	if r := d.current(); r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("%s: the target was not started", op)
}

// Stop keeps the logs and removes every container, network and volume of the run. The state directory stays. Stopping
// twice changes nothing.
func (d *Driver) Stop(ctx context.Context) error {
	r := d.current()
	if r == nil {
		return nil
	}
	return r.stop(ctx)
}

func (r *run) stop(ctx context.Context) error {
	if r.stopped {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	err := r.engine.saveLogs(ctx, r.req.RunID, r.dir)
	for _, g := range r.gates {
		g.close()
	}
	for _, l := range r.relays {
		err = errors.Join(err, l.Close())
	}
	r.relays = nil
	_, reapErr := r.engine.reap(ctx, r.req.RunID)
	r.stopped = reapErr == nil
	if r.stopped {
		err = errors.Join(err, r.engine.Close())
	}
	if err = errors.Join(err, reapErr); err != nil {
		return fmt.Errorf("stop the target: %w", err)
	}
	return nil
}
