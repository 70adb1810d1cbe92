package processes

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
)

func (r *rehearsal) makeSpecs() {
	r.specs = map[string]procs.Spec{}
	spec := func(component, program, command, config string) {
		r.specs[component] = procs.Spec{
			Name: component, Argv: []string{program, command, "--config", r.Config(config)},
			Dir: r.Dir, Log: r.LogFile(component),
		}
	}
	for _, region := range finrag.Regions() {
		spec(region+".api", r.release(region, r.Programs[0].Name), "region", region+".yaml")
	}
	spec("outside.dns", r.Programs[0].Path, "dns", "dns.yaml")
	spec("outside.controller", r.Programs[0].Path, "controller", "controller.yaml")
}

func (r *rehearsal) makeClusters(in *postgres.Install) error {
	r.clusters = map[string]*postgres.Cluster{}
	for _, region := range []string{east, west} {
		component := region + ".db"
		host, port, err := splitPort(r.listen[component])
		if err != nil {
			return err
		}
		r.clusters[component] = &postgres.Cluster{
			Name: region, Install: in, Table: r.table, Log: r.LogFile(component), Password: r.Password,
			Dir: filepath.Join(r.Dir, region), Sockets: filepath.Join(r.sockets, region), Host: host, Port: port,
			Settings: r.DatabaseSettings(region),
		}
	}
	return nil
}

// Stages start everything in the order in which one thing needs another.
func (r *rehearsal) Stages() []finrag.Stage {
	return []finrag.Stage{
		{Name: "databases", Do: r.startDatabases},
		{Name: "caches", Do: r.startCaches},
		{Name: "east.api and west.api", Do: r.startAPIs},
		{Name: "outside.dns", Do: r.startDNS},
		{Name: "outside.controller", Do: r.startController},
	}
}

// startDatabases makes the primary, copies it cold for the standby, starts both
// and waits until the WAL streams.
func (r *rehearsal) startDatabases(ctx context.Context) error {
	primary, standby := r.clusters["east.db"], r.clusters["west.db"]
	if err := primary.InitDB(ctx); err != nil {
		return err
	}
	host, port, err := splitPort(r.links[finrag.WALLink].Addr())
	if err != nil {
		return err
	}
	if err := standby.MakeStandby(ctx, primary, host, port); err != nil {
		return err
	}
	if err := primary.Start(ctx); err != nil {
		return err
	}
	if err := primary.Prepare(ctx, west); err != nil {
		return err
	}
	if err := standby.Start(ctx); err != nil {
		return err
	}
	return r.await(ctx, "west.db", StreamReady, r.Streams(primary.Connect))
}

// startCaches starts a Redis server in each region where the setting asks for one.
func (r *rehearsal) startCaches(ctx context.Context) error {
	if !r.Settings.Cache {
		return nil
	}
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		return &Error{Component: "east.cache", Err: err, Hint: "install Redis, for instance: apt-get install redis-server; or set cache: none"}
	}
	for _, region := range []string{east, west} {
		component := region + ".cache"
		host, port, err := splitPort(r.listen[component])
		if err != nil {
			return err
		}
		r.specs[component] = procs.Spec{
			Name: component, Dir: r.Dir, Log: r.LogFile(component),
			Argv: []string{redis, "--bind", host, "--port", fmt.Sprint(port), "--save", "", "--appendonly", "no", "--daemonize", "no"},
		}
		if err := r.start(component); err != nil {
			return err
		}
	}
	for _, region := range []string{east, west} {
		if err := r.await(ctx, region+".cache", CacheReady, r.CacheAnswers(region)); err != nil {
			return err
		}
	}
	return nil
}

func (r *rehearsal) startAPIs(ctx context.Context) error {
	for _, component := range []string{"east.api", "west.api"} {
		if err := r.start(component); err != nil {
			return err
		}
	}
	for _, region := range []string{east, west} {
		if err := r.await(ctx, region+".api", APIReady, r.APIServes(region)); err != nil {
			return err
		}
	}
	return nil
}

func (r *rehearsal) startDNS(ctx context.Context) error {
	if err := r.start("outside.dns"); err != nil {
		return err
	}
	return r.await(ctx, "outside.dns", DNSReady, r.NameResolves)
}

func (r *rehearsal) startController(ctx context.Context) error {
	if err := r.start("outside.controller"); err != nil {
		return err
	}
	return r.await(ctx, "outside.controller", ControllerReady, r.ControllerWatches)
}

// start starts a component that is not a database.
func (r *rehearsal) start(component string) error {
	if _, err := r.table.Start(r.specs[component]); err != nil {
		return &Error{Component: component, Err: err, Hint: finrag.HintFor(err.Error(), hints(r.Dir))}
	}
	return nil
}

// await asks until the component is ready, its process ends, or the limit has passed.
func (r *rehearsal) await(ctx context.Context, component string, limit time.Duration, ask func(context.Context) error) error {
	p := r.table.Get(r.processOf(component))
	err := finrag.Await(ctx, limit, func() bool { return p != nil && !p.Alive() }, ask)
	if err != nil {
		return r.Explain(ctx, component, err)
	}
	return nil
}

// processOf returns the name of the component's process in the table.
func (r *rehearsal) processOf(component string) string {
	if c := r.clusters[component]; c != nil {
		return c.Name
	}
	return component
}

// Explain is an error about a component with the end of its log.
func (r *rehearsal) Explain(_ context.Context, component string, err error) error {
	log := procs.Tail(r.LogFile(component), logLines)
	return &Error{Component: component, Err: err, Log: log, Hint: finrag.HintFor(err.Error()+log, hints(r.Dir))}
}
