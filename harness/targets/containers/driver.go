package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
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
	return Options{Finrag: os.Getenv(finrag.ProgramVariable), Images: map[string]string{
		imagePostgres: os.Getenv(PostgresImageVariable), imageFinrag: os.Getenv(FinragImageVariable),
	}}
}

// Driver runs the target for one drill. It implements harness.Driver and harness.OracleReader.
type Driver struct {
	finrag.Driver
	options Options
}

var (
	_ harness.Driver       = (*Driver)(nil)
	_ harness.OracleReader = (*Driver)(nil)
	_ finrag.Ground        = (*rehearsal)(nil)
)

// kind is how a description speaks of this ground.
var kind = finrag.Kind{Name: "containers", Simulated: func(s finrag.Settings) []string {
	said := []string{
		"two regions on one machine: links are the engine's bridge networks, without the latency of distance",
		"alerts pass a forwarder of ours from the network outside to the receivers on loopback",
	}
	if s.WALLatency > 0 {
		said = append(said, "the WAL passes a relay of ours, which delays it")
	}
	return said
}}

// New makes a driver; it touches nothing.
func New(o Options) *Driver { return &Driver{options: o} }

// network is one network of the run.
type network struct {
	name    string // on the engine
	gateway string // address of the host in it
}

// rehearsal is what one Start has made. Its maps are complete before it is published, but for those of which it is said.
type rehearsal struct {
	*finrag.Site
	options  Options
	engine   *engine
	images   map[string]image   // by kind
	networks map[string]network // by our name of it
	gates    map[string]*gate   // by component; outside for those that stand there
	configs  map[string][]byte  // by file name
	build    string             // that the regions tell
	walRelay *relay.Link        // nil unless the setting wal.latency asks for one
	relays   []*relay.Link      // all, to be closed

	mu    sync.Mutex        // guards units: Runs may be asked at any time
	units map[string]string // container by component

	// Owned by the drill's goroutine.
	cuts  map[string]cutDirections // by link
	alone map[string]string        // address of databases that were started alone
	ended bool
}

// Check tells what is missing to run the target here: settings, profile, the finrag program, an engine. It answers within
// three seconds.
func (d *Driver) Check(ctx context.Context, req harness.StartRequest) error {
	if err := finrag.CheckRequest(req.Settings, req.Profile); err != nil {
		return err
	}
	e, err := openEngine(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	if d.options.Images[imageFinrag] != "" {
		return nil
	}
	programs, err := finrag.FindPrograms(ctx, d.options.Finrag)
	if err != nil {
		return err
	}
	if _, err := contextOf(imageFinrag, programs); err != nil {
		return &Error{Component: "finrag", Err: err, Hint: finrag.BuildHint}
	}
	return nil
}

// programs are the builds of finrag that go into its image: none if the image is the user's own.
func (d *Driver) programs(ctx context.Context) ([]finrag.Program, error) {
	if d.options.Images[imageFinrag] != "" {
		return nil, nil
	}
	return finrag.FindPrograms(ctx, d.options.Finrag)
}

// Prepare builds the images that the engine does not have yet, which takes minutes where the network is slow; Start does so
// too, but within its own limit. say gets one line for each image that is built.
func (d *Driver) Prepare(ctx context.Context, say func(string)) error {
	programs, err := d.programs(ctx)
	if err != nil {
		return err
	}
	e, err := openEngine(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	for _, kind := range []string{imageGate, imagePostgres, imageFinrag} {
		if _, err := e.findImage(ctx, kind, d.options, programs, say); err != nil {
			return err
		}
	}
	return nil
}

// Outline describes the target before it is started, with the fast timings: no addresses, no identities.
func (d *Driver) Outline(settings map[string]string) (harness.Description, error) {
	programs, _ := d.programs(context.Background()) // Check says what is missing
	return kind.Outline(settings, programs)
}

// Can lists the actions the driver carries out.
func (d *Driver) Can() []harness.ActionKind { return finrag.Can(d.MissingBuild() == "") }

// MissingBuild says why no other build can be deployed here; "" if one can.
func (d *Driver) MissingBuild() string {
	if image := d.options.Images[imageFinrag]; image != "" {
		return "no other build can be deployed: which builds lie in the image " + image + " is not known"
	}
	return finrag.MissingBuild(d.options.Finrag)
}

// Start brings the target up. After an error nothing of it is left; the logs stay in the state directory.
func (d *Driver) Start(ctx context.Context, req harness.StartRequest) error {
	if err := d.Begin(ctx, req, d.Check, d.prepare); err != nil {
		return err
	}
	r, err := d.started("note down what was started")
	if err == nil {
		err = r.saveAttachment()
	}
	if err != nil {
		return fmt.Errorf("start the target: %w", errors.Join(err, d.Stop(context.WithoutCancel(ctx))))
	}
	return nil
}

// prepare makes everything that is not on the engine, and notes down what Recover needs before anything is.
func (d *Driver) prepare(ctx context.Context, req harness.StartRequest) (*finrag.Site, finrag.Ground, error) {
	if !nameable.MatchString(req.RunID) {
		return nil, nil, fmt.Errorf("run id %q cannot be part of a container's name", req.RunID)
	}
	r := newRehearsal(d.options)
	var err error
	if r.Site, err = finrag.NewSite(kind, req); err != nil {
		return nil, nil, err
	}
	if r.Programs, err = d.programs(ctx); err != nil {
		return nil, nil, err
	}
	if r.engine, err = openEngine(ctx); err != nil {
		return nil, nil, err
	}
	for name, text := range map[string]string{runFile: req.RunID + "\n", untouchedFile: ""} {
		if err := procs.WriteFile(filepath.Join(r.Dir, name), []byte(text), 0o644); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("note down the run: %w", err), r.engine.Close())
		}
	}
	return r.Site, r, nil
}

func newRehearsal(o Options) *rehearsal {
	return &rehearsal{
		options: o, images: map[string]image{}, networks: map[string]network{}, gates: map[string]*gate{},
		units: map[string]string{}, cuts: map[string]cutDirections{}, alone: map[string]string{},
	}
}

// started returns the run, or says that there is none.
func (d *Driver) started(op string) (*rehearsal, error) {
	_, ground, err := d.Started(op)
	if err != nil {
		return nil, err
	}
	return ground.(*rehearsal), nil // Start gave it
}

// KeepLogs fetches the logs from the engine, unless the end has done so already.
func (r *rehearsal) KeepLogs(ctx context.Context) error {
	if r.ended {
		return nil
	}
	return r.engine.saveLogs(ctx, r.Request.RunID, r.Dir)
}

// End keeps the logs and removes every container, network and volume of the run.
func (r *rehearsal) End(ctx context.Context) error {
	if r.ended {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	err := errors.Join(r.engine.saveLogs(ctx, r.Request.RunID, r.Dir), touch(r.Dir))
	for _, g := range r.gates {
		g.close()
	}
	for _, l := range r.relays {
		err = errors.Join(err, l.Close())
	}
	r.relays = nil
	_, reapErr := r.engine.reap(ctx, r.Request.RunID)
	r.ended = reapErr == nil
	if r.ended {
		err = errors.Join(err, r.engine.Close())
	}
	return errors.Join(err, reapErr)
}
