package containers

import (
	"context"
	"fmt"
	"io/fs"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	"golang.org/x/sync/errgroup"

	"blackstart/docker"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/postgres"
)

// nameOf is the name of a thing of this run on the engine.
func (r *rehearsal) nameOf(thing string) string { return "blackstart-" + r.Request.RunID + "-" + thing }

func (r *rehearsal) labels() map[string]string {
	l := testcontainers.GenericLabels() // by which its reaper, if there is one, finds them too
	l[labelRun] = r.Request.RunID
	return l
}

// Stages start everything in the order in which one thing needs another.
func (r *rehearsal) Stages() []finrag.Stage {
	return []finrag.Stage{
		{Name: "images", Do: r.findImages},
		{Name: "networks", Do: r.makeNetworks},
		{Name: "gates", Do: r.openGates},
		{Name: "databases", Do: r.startDatabases},
		{Name: "caches", Do: r.startCaches},
		{Name: "east.api and west.api", Do: r.startAPIs},
		{Name: "outside.dns", Do: r.startDNS},
		{Name: "outside.controller", Do: r.startController},
	}
}

func (r *rehearsal) findImages(ctx context.Context) error {
	kinds := []string{imageGate, imagePostgres, imageFinrag}
	if r.Settings.Cache {
		kinds = append(kinds, imageRedis)
	}
	for _, kind := range kinds {
		img, err := r.engine.findImage(ctx, kind, r.options, r.Programs, r.Request.Progress)
		if err != nil {
			return err
		}
		r.images[kind] = img
	}
	return nil
}

func startScript() ([]byte, error) { return fs.ReadFile(docker.Files, "postgres-start.sh") }

func withoutCapabilities(h *container.HostConfig) { h.CapDrop = []string{"ALL"} }

func withCapability(names ...string) func(*container.HostConfig) {
	return func(h *container.HostConfig) { h.CapAdd = names }
}

// launch makes and starts a container with the labels of the run and returns its id. Once begun, it is not interrupted: a
// container that is half made could appear after everything was removed.
func (r *rehearsal) launch(ctx context.Context, req testcontainers.ContainerRequest) (string, error) {
	if req.Labels == nil {
		req.Labels = map[string]string{}
	}
	req.Labels[labelRun] = r.Request.RunID
	req.Image = asFound(req.Image, testcontainers.ReadConfig().Config.HubImageNamePrefix)
	if err := ctx.Err(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), launchLimit)
	defer cancel()
	id := ""
	err := calmly(func() error {
		c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
			ContainerRequest: req, Started: true, Logger: tclog.NewNoopLogger(),
		})
		if err == nil {
			id = c.GetContainerID()
		}
		return err
	})
	return id, err
}

// startUnit starts the container of a component in the network that its gate holds.
func (r *rehearsal) startUnit(ctx context.Context, component string, gate *gate, req testcontainers.ContainerRequest) error {
	req.Name, req.Labels = r.nameOf(component), map[string]string{labelComponent: component}
	req.HostConfigModifier = func(h *container.HostConfig) {
		withoutCapabilities(h)
		h.NetworkMode = container.NetworkMode("container:" + gate.id)
	}
	id, err := r.launch(ctx, req)
	if err != nil {
		return r.Explain(ctx, component, fmt.Errorf("start its container: %w", err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.units[component] = id
	return nil
}

// volume makes the volume of a database.
func (r *rehearsal) volume(ctx context.Context, component string) error {
	_, err := r.engine.VolumeCreate(ctx, client.VolumeCreateOptions{Name: r.nameOf(component), Labels: r.labels()})
	return err
}

func (r *rehearsal) startDatabase(ctx context.Context, region string, args ...string) error {
	component := region + ".db"
	script, err := startScript()
	if err != nil {
		return err
	}
	if err := r.volume(ctx, component); err != nil {
		return r.Explain(ctx, component, fmt.Errorf("make its volume: %w", err))
	}
	return r.startUnit(ctx, component, r.gates[component], testcontainers.ContainerRequest{
		Image: r.images[imagePostgres].ref, Entrypoint: append([]string{"/bin/sh", inside + "postgres-start.sh"}, args...),
		Files:  r.databaseFiles(region, script),
		Mounts: testcontainers.Mounts(testcontainers.VolumeMount(r.nameOf(component), "/data")),
	})
}

// startDatabases makes the primary, has the standby copy it, and waits until the WAL streams.
func (r *rehearsal) startDatabases(ctx context.Context) error {
	if err := r.startDatabase(ctx, east, "primary"); err != nil {
		return err
	}
	if err := r.await(ctx, "east.db", DatabaseReady, r.takesQuestions("east.db")); err != nil {
		return err
	}
	if err := r.makeDatabase(ctx); err != nil {
		return r.Explain(ctx, "east.db", err)
	}
	direct := r.gates["east.db"].address[walNet]
	host, port := direct, fmt.Sprint(databasePort)
	if r.walRelay != nil {
		host, port, _ = net.SplitHostPort(r.walRelay.Addr()) // an address of a listener of ours
	}
	if err := r.startDatabase(ctx, west, "standby", direct, host, port, west); err != nil {
		return err
	}
	primary := func(ctx context.Context) (*pgx.Conn, error) { return r.Connect(ctx, "east.db") }
	if err := r.await(ctx, "west.db", DatabaseReady, r.Streams(primary)); err != nil {
		return err
	}
	return r.await(ctx, "west.db", DatabaseReady, r.takesQuestions("west.db"))
}

// makeDatabase makes the database of finrag and the slot of the standby.
func (r *rehearsal) makeDatabase(ctx context.Context) error {
	conn, err := r.connectTo(ctx, "east.db", "postgres")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+postgres.Database); err != nil {
		return fmt.Errorf("make its database: %w", err)
	}
	if _, err := conn.Exec(ctx, "SELECT pg_create_physical_replication_slot($1, true)", west); err != nil {
		return fmt.Errorf("make the slot of the standby: %w", err)
	}
	return nil
}

func (r *rehearsal) startCaches(ctx context.Context) error {
	if !r.Settings.Cache {
		return nil
	}
	for _, region := range []string{east, west} {
		component := region + ".cache"
		err := r.startUnit(ctx, component, r.gates[component], testcontainers.ContainerRequest{
			Image:      r.images[imageRedis].ref,
			Entrypoint: []string{"redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no"},
		})
		if err == nil {
			err = r.await(ctx, component, PartReady, r.CacheAnswers(region))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *rehearsal) startFinrag(ctx context.Context, component string, gate *gate, command, config string, files []testcontainers.ContainerFile) error {
	return r.startUnit(ctx, component, gate, testcontainers.ContainerRequest{
		Image: r.images[imageFinrag].ref, Cmd: []string{command, "--config", inside + config}, Files: files,
	})
}

func (r *rehearsal) startAPIs(ctx context.Context) error {
	group, both := errgroup.WithContext(ctx)
	for _, region := range []string{east, west} {
		group.Go(func() error {
			files, err := r.regionFiles(region)
			if err != nil {
				return err
			}
			component := region + ".api"
			if err := r.startFinrag(both, component, r.gates[component], "region", region+".yaml", files); err != nil {
				return err
			}
			return r.await(both, component, PartReady, r.APIServes(region))
		})
	}
	return group.Wait()
}

func (r *rehearsal) startDNS(ctx context.Context) error {
	files := r.configFiles("dns.yaml", finrag.DNSToken)
	if err := r.startFinrag(ctx, "outside.dns", r.gates[outside], "dns", "dns.yaml", files); err != nil {
		return err
	}
	return r.await(ctx, "outside.dns", PartReady, r.NameResolves)
}

func (r *rehearsal) startController(ctx context.Context) error {
	files := r.controllerFiles()
	if err := r.startFinrag(ctx, "outside.controller", r.gates[outside], "controller", "controller.yaml", files); err != nil {
		return err
	}
	return r.await(ctx, "outside.controller", PartReady, r.ControllerWatches)
}
