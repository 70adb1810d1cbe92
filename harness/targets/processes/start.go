package processes

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
)

func (r *run) makeSpecs() {
	r.specs = map[string]procs.Spec{}
	finrag := func(component, command, config string) {
		r.specs[component] = procs.Spec{
			Name: component, Argv: []string{r.finrag, command, "--config", r.config(config)},
			Dir: r.dir, Log: r.logFile(component),
		}
	}
	finrag("east.api", "region", "east.yaml")
	finrag("west.api", "region", "west.yaml")
	finrag("outside.dns", "dns", "dns.yaml")
	finrag("outside.controller", "controller", "controller.yaml")
}

func (r *run) makeClusters(in *postgres.Install) error {
	r.clusters = map[string]*postgres.Cluster{}
	for _, region := range []string{east, west} {
		component := region + ".db"
		host, port, err := splitPort(r.listen[component])
		if err != nil {
			return err
		}
		r.clusters[component] = &postgres.Cluster{
			Name: region, Install: in, Table: r.table, Log: r.logFile(component), Password: r.password,
			Dir: filepath.Join(r.dir, region), Sockets: filepath.Join(r.sockets, region), Host: host, Port: port,
		}
	}
	r.clusters["east.db"].Settings = []string{"synchronous_commit = local"}
	if r.settings.Synchronous {
		r.clusters["east.db"].Settings = []string{"synchronous_commit = on", "synchronous_standby_names = 'west'"}
	}
	return nil
}

// bringUp starts everything in the order in which one thing needs another.
func (r *run) bringUp(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"databases", r.startDatabases},
		{"caches", r.startCaches},
		{"east.api and west.api", r.startAPIs},
		{"outside.dns", r.startDNS},
		{"outside.controller", r.startController},
	} {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return err
		}
		r.req.Progress(fmt.Sprintf("%s ready after %.1f s", step.what, time.Since(began).Seconds()))
	}
	return r.describe()
}

// startDatabases makes the primary, copies it cold for the standby, starts both
// and waits until the WAL streams.
func (r *run) startDatabases(ctx context.Context) error {
	primary, standby := r.clusters["east.db"], r.clusters["west.db"]
	if err := primary.InitDB(ctx); err != nil {
		return err
	}
	host, port, err := splitPort(r.links[walLink].Addr())
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
	return r.await(ctx, "west.db", StreamReady, r.streams)
}

// streams holds when the standby streams, and counts as synchronous where it should.
func (r *run) streams(ctx context.Context) error {
	conn, err := r.clusters["east.db"].Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var state, sync string
	const ask = `SELECT coalesce(max(state), 'none'), coalesce(max(sync_state), 'none') FROM pg_stat_replication WHERE application_name = $1`
	if err := conn.QueryRow(ctx, ask, west).Scan(&state, &sync); err != nil {
		return err
	}
	if state != "streaming" {
		return fmt.Errorf("replication state is %s, not streaming", state)
	}
	if r.settings.Synchronous && sync != "sync" {
		return fmt.Errorf("the standby is %s, not synchronous", sync)
	}
	return nil
}

// startCaches starts a Redis server in each region where the setting asks for one.
func (r *run) startCaches(ctx context.Context) error {
	if !r.settings.Cache {
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
			Name: component, Dir: r.dir, Log: r.logFile(component),
			Argv: []string{redis, "--bind", host, "--port", fmt.Sprint(port), "--save", "", "--appendonly", "no", "--daemonize", "no"},
		}
		if err := r.start(component); err != nil {
			return err
		}
	}
	for _, region := range []string{east, west} {
		if err := r.await(ctx, region+".cache", CacheReady, r.cacheAnswers(region)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) startAPIs(ctx context.Context) error {
	for _, component := range []string{"east.api", "west.api"} {
		if err := r.start(component); err != nil {
			return err
		}
	}
	for _, region := range []string{east, west} {
		if err := r.await(ctx, region+".api", APIReady, r.apiServes(region)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) startDNS(ctx context.Context) error {
	if err := r.start("outside.dns"); err != nil {
		return err
	}
	return r.await(ctx, "outside.dns", DNSReady, r.nameResolves)
}

func (r *run) startController(ctx context.Context) error {
	if err := r.start("outside.controller"); err != nil {
		return err
	}
	return r.await(ctx, "outside.controller", ControllerReady, r.controllerWatches)
}

// start starts a component that is not a database.
func (r *run) start(component string) error {
	if _, err := r.table.Start(r.specs[component]); err != nil {
		return &Error{Component: component, Err: err, Hint: hintFor(err.Error(), r.dir)}
	}
	return nil
}

// await asks until the component is ready, its process ends, or the limit has passed.
func (r *run) await(ctx context.Context, component string, limit time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var ended <-chan struct{}
	if p := r.table.Get(r.processOf(component)); p != nil {
		ended = p.Done()
	}
	for {
		one, done := context.WithTimeout(ctx, askTimeout)
		err := ask(one)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return r.trouble(component, errors.New("its process has ended"))
		case <-ctx.Done():
			return r.trouble(component, fmt.Errorf("not ready within %v: %w", limit, err))
		case <-time.After(pollEvery):
		}
	}
}

// processOf returns the name of the component's process in the table.
func (r *run) processOf(component string) string {
	if c := r.clusters[component]; c != nil {
		return c.Name
	}
	return component
}

func (r *run) trouble(component string, err error) error {
	log := procs.Tail(r.logFile(component), logLines)
	return &Error{Component: component, Err: err, Log: log, Hint: hintFor(err.Error()+log, r.dir)}
}

// hintFor says what to do about troubles that are known.
func hintFor(text, dir string) string {
	switch {
	case strings.Contains(text, "address already in use"):
		return "another process has taken the port meanwhile: run again, another one will be found"
	case strings.Contains(text, "no space left on device"):
		return "the disk that holds " + dir + " is full: free some space"
	case strings.Contains(text, "permission denied"):
		return "make the program and " + dir + " accessible to the account that runs this"
	case strings.Contains(text, "too many open files"):
		return "raise the limit of open files: ulimit -n 8192"
	}
	return "its log is kept in " + filepath.Join(dir, "logs")
}
