package processes

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
)

// Options say what to run. The zero value finds everything by itself.
type Options struct {
	Finrag   string // path of the program; empty: beside ours, else on PATH
	Postgres string // as postgres.Options.Source
	CacheDir string // keeps the PostgreSQL bundle; empty: cache/ in the state directory of the run
}

// OptionsFromEnvironment reads BLACKSTART_FINRAG and BLACKSTART_POSTGRES.
func OptionsFromEnvironment() Options {
	return Options{Finrag: os.Getenv(finrag.ProgramVariable), Postgres: os.Getenv(postgres.SourceVariable)}
}

// Driver runs the target for one drill. It implements harness.Driver and
// harness.OracleReader.
type Driver struct {
	finrag.Driver
	options Options
	install *postgres.Install // found by Check or Start
}

var (
	_ harness.Driver       = (*Driver)(nil)
	_ harness.OracleReader = (*Driver)(nil)
	_ finrag.Ground        = (*rehearsal)(nil)
)

// kind is how a description speaks of this ground.
var kind = finrag.Kind{Name: "processes", Simulated: func(finrag.Settings) []string {
	return []string{"two regions on one machine: links are relays on loopback, without the latency of distance"}
}}

// New makes a driver; it touches nothing.
func New(o Options) *Driver { return &Driver{options: o} }

// rehearsal is what one Start has made. Its maps are complete before it is published
// and do not change afterwards.
type rehearsal struct {
	*finrag.Site
	*layout
	table    *procs.Table
	clusters map[string]*postgres.Cluster // by component
	specs    map[string]procs.Spec        // of the other components
	ended    bool
}

// Check tells what is missing to run the target here: settings, profile, the
// finrag program, PostgreSQL.
func (d *Driver) Check(ctx context.Context, req harness.StartRequest) error {
	if err := finrag.CheckRequest(req.Settings, req.Profile); err != nil {
		return err
	}
	if _, err := finrag.FindProgram(d.options.Finrag); err != nil {
		return err
	}
	return d.findPostgres(ctx, req)
}

func (d *Driver) findPostgres(ctx context.Context, req harness.StartRequest) error {
	if d.install != nil {
		return nil
	}
	cache := d.options.CacheDir
	if cache == "" && req.Dir != "" {
		cache = filepath.Join(req.Dir, "cache")
	}
	in, err := postgres.Find(ctx, postgres.Options{Source: d.options.Postgres, CacheDir: cache, Notice: req.Progress})
	if err != nil {
		return err
	}
	d.install = in
	return nil
}

// Outline describes the target before it is started, with the fast timings: no addresses, no identities.
func (d *Driver) Outline(settings map[string]string) (harness.Description, error) {
	programs, _ := finrag.FindPrograms(context.Background(), d.options.Finrag) // Check says what is missing
	return kind.Outline(settings, programs)
}

// Can lists the actions the driver carries out.
func (d *Driver) Can() []harness.ActionKind { return finrag.Can(d.MissingBuild() == "") }

// MissingBuild says why no other build can be deployed here; "" if one can.
func (d *Driver) MissingBuild() string { return finrag.MissingBuild(d.options.Finrag) }

// Start brings the target up. After an error nothing of it is left running; the
// logs stay in the state directory.
func (d *Driver) Start(ctx context.Context, req harness.StartRequest) error {
	return d.Begin(ctx, req, d.Check, d.prepare)
}

// prepare makes everything that is not a process.
func (d *Driver) prepare(ctx context.Context, req harness.StartRequest) (*finrag.Site, finrag.Ground, error) {
	programs, err := finrag.FindPrograms(ctx, d.options.Finrag)
	if err != nil {
		return nil, nil, err
	}
	r := &rehearsal{}
	if r.Site, err = finrag.NewSite(kind, req); err != nil {
		return nil, nil, err
	}
	r.Programs = programs
	if r.layout, err = newLayout(r.Dir, r.Settings); err != nil {
		return nil, nil, err
	}
	if err := r.makeParts(d.install); err != nil {
		return nil, nil, errors.Join(err, r.close())
	}
	return r.Site, r, nil
}

func (r *rehearsal) makeParts(in *postgres.Install) error {
	var err error
	if r.table, err = procs.NewTable(r.Dir); err != nil {
		return err
	}
	if r.Settings.WALLatency > 0 {
		if err := r.links[finrag.WALLink].SetLatency(r.Settings.WALLatency); err != nil {
			return err
		}
	}
	r.Layout = r.where(r.Site)
	if err := r.layReleases(); err != nil {
		return err
	}
	if _, err := r.WriteConfigs(r.Layout); err != nil {
		return err
	}
	r.makeSpecs()
	return r.makeClusters(in)
}

// started returns the run, or says that there is none.
func (d *Driver) started(op string) (*rehearsal, error) {
	_, ground, err := d.Started(op)
	if err != nil {
		return nil, err
	}
	return ground.(*rehearsal), nil // Start gave it
}

// Examine fills in what of a component only shows when it runs.
func (r *rehearsal) Examine(_ context.Context, c *harness.Component) error {
	switch cluster := r.clusters[c.Name]; {
	case cluster != nil:
		id, err := cluster.SystemIdentifier()
		c.Version, c.SHA256, c.Identity = cluster.Install.Version, finrag.Digest(cluster.Install.Bin+"/postgres"), id
		return err
	case c.Kind == "redis":
		c.SHA256 = finrag.Digest(r.specs[c.Name].Argv[0])
	default:
		c.Version, c.SHA256 = r.Programs[0].Version, r.Programs[0].SHA256
	}
	return nil
}

// KeepLogs has little to do: the processes write where the logs are kept.
func (r *rehearsal) KeepLogs(context.Context) error { return keepAudit(r.Dir) }

// End ends every process, closes the links and removes the sockets.
func (r *rehearsal) End(context.Context) error {
	if r.ended {
		return nil
	}
	// The links go last: a standby that stops in good order says farewell through one.
	err := errors.Join(r.table.StopAll(), r.close())
	r.ended = err == nil
	return err
}
