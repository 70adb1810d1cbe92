package containers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
)

// StartAlone kills a database if it still runs, fences it, and starts another container on its volume, at an address that
// nobody knows: it follows nobody and refuses writes. stop removes that container.
func (d *Driver) StartAlone(ctx context.Context, component string) (harness.Access, func(context.Context) error, error) {
	r, err := d.started("start " + component + " alone")
	if err != nil {
		return harness.Access{}, nil, err
	}
	a, _, stop, err := r.startAlone(ctx, component)
	if err != nil {
		return harness.Access{}, nil, fmt.Errorf("start %s alone: %w", component, err)
	}
	return a, stop, nil
}

func (r *rehearsal) startAlone(ctx context.Context, component string) (a harness.Access, id string, stop func(context.Context) error, err error) {
	c, ok := r.Described.ComponentByName(component)
	if !ok || c.Kind != "postgres" {
		return a, "", nil, errors.New("it is not a database")
	}
	if r.alone[component] != "" {
		return a, "", nil, errors.New("it runs alone already")
	}
	_, rest := harness.Gone(r.Site.Fence(ctx, r, []string{component})) // without its container, the volume may still be there
	if err := errors.Join(rest...); err != nil {
		return a, "", nil, err
	}
	volume := r.nameOf(component)
	if _, err := r.engine.VolumeInspect(ctx, volume, client.VolumeInspectOptions{}); err != nil { // a mount would make it anew, empty
		return a, "", nil, fmt.Errorf("find its volume %s: %w", volume, err)
	}
	name := component + ".alone"
	id, err = r.launchAlone(ctx, c, name)
	if err != nil {
		return a, "", nil, err
	}
	stop = func(ctx context.Context) error { return r.stopAlone(ctx, component, id) }
	info, err := r.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return a, "", nil, errors.Join(err, stop(context.WithoutCancel(ctx)))
	}
	end := info.Container.NetworkSettings.Networks[r.networks[c.Region].name]
	if end == nil || !end.IPAddress.IsValid() {
		return a, "", nil, errors.Join(errors.New("it has no address"), stop(context.WithoutCancel(ctx)))
	}
	r.alone[component] = join(end.IPAddress.String(), databasePort)
	r.mu.Lock()
	r.units[name] = id
	r.mu.Unlock()
	if err := r.await(ctx, name, DatabaseReady, r.takesQuestions(component)); err != nil {
		return a, "", nil, errors.Join(err, stop(context.WithoutCancel(ctx)))
	}
	return r.DatabaseAccess(r.alone[component]), id, stop, nil
}

func (r *rehearsal) launchAlone(ctx context.Context, c harness.Component, name string) (string, error) {
	script, err := startScript()
	if err != nil {
		return "", err
	}
	return r.launch(ctx, testcontainers.ContainerRequest{
		Image: r.images[imagePostgres].ref, Entrypoint: []string{"/bin/sh", inside + "postgres-start.sh", "alone"},
		Name: r.nameOf(name), Labels: map[string]string{labelComponent: name}, Networks: []string{r.networks[c.Region].name},
		Files:              r.databaseFiles(c.Region, script),
		Mounts:             testcontainers.Mounts(testcontainers.VolumeMount(r.nameOf(c.Name), "/data")),
		HostConfigModifier: withoutCapabilities,
	})
}

// stopAlone keeps the log and stops the server in good order, so that it can be started alone again.
func (r *rehearsal) stopAlone(ctx context.Context, component, id string) error {
	name := component + ".alone"
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	patience := int(stopPatience.Seconds())
	_, stopErr := r.engine.ContainerStop(ctx, id, client.ContainerStopOptions{Signal: "SIGINT", Timeout: &patience})
	logErr := r.engine.saveLog(ctx, id, r.LogFile(name))
	_, err := r.engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	delete(r.alone, component)
	r.mu.Lock()
	delete(r.units, name)
	r.mu.Unlock()
	return errors.Join(ignoreNotFound(stopErr), ignoreNotFound(logErr), ignoreNotFound(err))
}

// LedgerCommits reads, from the WAL of the old primary, the commits that touched the table after the promoted database had
// left its timeline.
func (d *Driver) LedgerCommits(ctx context.Context, old, promoted, table string) (report harness.WALReport, commits []harness.WALCommit, err error) {
	r, err := d.started("read the WAL of " + old)
	if err != nil {
		return harness.WALReport{}, nil, err
	}
	fork, err := r.forkPoint(ctx, promoted)
	if err != nil {
		return harness.WALReport{}, nil, fmt.Errorf("read the WAL of %s: %s was not promoted: %w", old, promoted, err)
	}
	_, id, stop, err := r.startAlone(ctx, old)
	if err != nil {
		return harness.WALReport{}, nil, fmt.Errorf("read the WAL of %s: %w", old, err)
	}
	defer func() { err = errors.Join(err, stop(context.WithoutCancel(ctx))) }()
	conn, err := r.Connect(ctx, old)
	if err != nil {
		return harness.WALReport{}, nil, fmt.Errorf("read the WAL of %s: %w", old, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	dump := func(ctx context.Context, timeline uint32, begin, end postgres.LSN) ([]byte, error) {
		return r.engine.exec(ctx, id, "pg_waldump", "-p", dataDir+"/pg_wal", "-t", fmt.Sprint(timeline), "-s", begin.String(), "-e", end.String())
	}
	wal, err := postgres.RemoteLedgerCommits(ctx, conn, dump, table, fork.At)
	if err != nil {
		return harness.WALReport{}, nil, fmt.Errorf("read the WAL of %s: %w", old, err)
	}
	return wal.Report(fork), wal.Listed(), nil
}

// forkPoint reads where a database that was promoted left its timeline.
func (r *rehearsal) forkPoint(ctx context.Context, component string) (postgres.Fork, error) {
	r.mu.Lock()
	id := r.units[component]
	r.mu.Unlock()
	if id == "" || !strings.HasSuffix(component, ".db") {
		return postgres.Fork{}, errors.New("it is not a database")
	}
	out, err := r.engine.exec(ctx, id, "/bin/sh", "-c",
		"cd "+dataDir+`/pg_wal && for f in *.history; do newest=$f; done && [ -s "$newest" ] && echo "$newest" && cat "$newest"`)
	if err != nil {
		return postgres.Fork{}, err
	}
	name, content, _ := strings.Cut(string(out), "\n")
	return postgres.ParseHistory(name, []byte(content))
}

// exec runs a program in a container and returns what it printed.
func (e *engine) exec(ctx context.Context, container string, argv ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	made, err := e.ExecCreate(ctx, container, client.ExecCreateOptions{AttachStdout: true, AttachStderr: true, Cmd: argv})
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", argv[0], err)
	}
	talk, err := e.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", argv[0], err)
	}
	defer talk.Close()
	defer context.AfterFunc(ctx, talk.Close)() // wakes whoever reads
	var out, complaint strings.Builder
	if _, err := stdcopy.StdCopy(&out, &complaint, io.LimitReader(talk.Reader, dumpLimit)); err != nil {
		return nil, fmt.Errorf("run %s: %w", argv[0], err)
	}
	info, err := e.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", argv[0], err)
	}
	if info.ExitCode != 0 {
		return nil, fmt.Errorf("run %s: exit code %d: %s", argv[0], info.ExitCode, tail(complaint.String()))
	}
	return []byte(out.String()), nil
}
