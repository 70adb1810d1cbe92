package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

const engineHint = "start a Docker-compatible engine on this machine and see that `docker info` answers, or name one in DOCKER_HOST; or rehearse with --on processes"

// hostVariable names the engine.
const hostVariable = "DOCKER_HOST"

// reaperVariable switches the reaper of testcontainers off or on.
const reaperVariable = "TESTCONTAINERS_RYUK_DISABLED"

// settle keeps testcontainers from printing, because what is to be said, the driver says; and from starting its reaper
// unless somebody has asked for it: what a run makes is removed by its label, after its logs are kept.
var settle = sync.OnceFunc(func() {
	tclog.SetDefault(tclog.NewNoopLogger())
	if _, asked := os.LookupEnv(reaperVariable); !asked {
		_ = os.Setenv(reaperVariable, "true") // fails for malformed names only
	}
})

// engine is the container engine that testcontainers finds.
type engine struct {
	*testcontainers.DockerClient
}

// openEngine finds the engine and asks it for a sign of life, within EngineAnswer.
func openEngine(ctx context.Context) (*engine, error) {
	settle()
	home, _ := os.UserHomeDir() // without one there are no files of docker's to read
	wanted, err := findEngine(os.Getenv, home)
	if err != nil {
		return nil, err
	}
	wanted.lead()
	ctx, cancel := context.WithTimeout(ctx, EngineAnswer)
	defer cancel()
	type answer struct {
		client *testcontainers.DockerClient
		err    error
	}
	answers := make(chan answer, 1)
	go func() { // parts of the search heed no context, others panic at its end; it ends with its own timeouts
		var a answer
		search, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*EngineAnswer)
		defer cancel()
		a.err = calmly(func() (err error) {
			if a.client, err = testcontainers.NewDockerClientWithOpts(search); err == nil {
				_, err = a.client.Client.Info(search, client.InfoOptions{})
			}
			return err
		})
		answers <- a
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			return nil, &Error{Component: "engine", Err: fmt.Errorf("no container engine answers: %w", short(a.err)), Hint: engineHint}
		}
		if err := isNamed(wanted, a.client.DaemonHost()); err != nil {
			return nil, err
		}
		return &engine{a.client}, nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		return nil, &Error{Component: "engine", Err: fmt.Errorf("no container engine answers within %v", EngineAnswer), Hint: engineHint}
	}
}

// isNamed refuses an engine that was found in place of the one somebody named: testcontainers goes on searching where the
// named one does not answer, and a drill must not break anything on another engine.
func isNamed(wanted engineAddress, found string) error {
	if wanted.host == "" || wanted.host == found {
		return nil
	}
	return &Error{Component: "engine", Err: fmt.Errorf("%s names %s, and it was %s that answered", wanted.by, wanted.host, found),
		Hint: "start the engine that " + wanted.by + " names, or name the other in " + hostVariable}
}

// lead makes testcontainers go to the engine that is named, and nobody to it through a proxy. Both read the environment.
func (n engineAddress) lead() {
	if n.host == "" {
		return
	}
	_ = os.Setenv(hostVariable, n.host) // fails for malformed names only
	for _, variable := range []string{"NO_PROXY", "no_proxy"} {
		if without := noProxies(n.host, os.Getenv(variable)); without != "" {
			_ = os.Setenv(variable, without)
		}
	}
}

// calmly makes an error of a panic: testcontainers panics where its own search for the engine fails.
func calmly(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("testcontainers: %v", p)
		}
	}()
	return f()
}

// short keeps the first line of an error that joins all that was tried. The search ends with rootless Docker, which is all
// that testcontainers then speaks of.
func short(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if strings.Contains(text, "rootless Docker not found") || strings.Contains(text, "socket not found") {
		text = "none was found in the usual places"
	}
	return errors.New(text)
}

// ofRun selects what one run has made.
func ofRun(runID string) client.Filters {
	if runID == "" { // only to look: nothing is ever removed by it
		return client.Filters{}.Add("label", labelRun)
	}
	return client.Filters{}.Add("label", labelRun+"="+runID)
}

// reap removes every container, network and volume of a run and returns the names of the components whose containers it
// found running. It goes on until two looks in a row find nothing: a request that was cut off may still be carried out.
func (e *engine) reap(ctx context.Context, runID string) (ended []string, err error) {
	if runID == "" {
		return nil, errors.New("remove what a run has made: no run is named")
	}
	ctx, cancel := context.WithTimeout(ctx, ReapLimit)
	defer cancel()
	empty := 0
	for range reapRounds {
		found, names, roundErr := e.reapOnce(ctx, runID)
		ended, err = append(ended, names...), roundErr
		if found == 0 && roundErr == nil {
			if empty++; empty == 2 {
				slices.Sort(ended)
				return slices.Compact(ended), nil
			}
		} else {
			empty = 0
		}
		select {
		case <-ctx.Done():
			return ended, fmt.Errorf("remove what run %s has made: %w", runID, errors.Join(ctx.Err(), err))
		case <-time.After(reapPause):
		}
	}
	return ended, fmt.Errorf("remove what run %s has made: some of it is still there: %w", runID, err)
}

func (e *engine) reapOnce(ctx context.Context, runID string) (found int, ended []string, err error) {
	all, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ofRun(runID)})
	if err != nil {
		return 0, nil, err
	}
	var mu sync.Mutex // guards errs
	var errs []error
	var removing sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, c := range all.Items {
		if name := c.Labels[labelComponent]; name != "" && c.State == "running" {
			ended = append(ended, name)
		}
		removing.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			_, err := e.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, ignoreNotFound(err))
		})
	}
	removing.Wait()
	networks, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: ofRun(runID)})
	errs = append(errs, err)
	for _, n := range networks.Items {
		_, err := e.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		errs = append(errs, ignoreNotFound(err))
	}
	volumes, err := e.VolumeList(ctx, client.VolumeListOptions{Filters: ofRun(runID)})
	errs = append(errs, err)
	for _, v := range volumes.Items {
		_, err := e.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
		errs = append(errs, ignoreNotFound(err))
	}
	return len(all.Items) + len(networks.Items) + len(volumes.Items), ended, errors.Join(errs...)
}
