package containers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

const engineHint = "start a Docker-compatible engine on this machine and see that `docker info` answers, or name one in DOCKER_HOST; or rehearse with --on processes"

// quiet keeps testcontainers from printing: what is to be said, the driver says.
var quiet = sync.OnceFunc(func() { tclog.SetDefault(tclog.NewNoopLogger()) })

// engine is the container engine that testcontainers finds.
type engine struct {
	*testcontainers.DockerClient
}

// openEngine finds the engine and asks it for a sign of life, within EngineAnswer.
func openEngine(ctx context.Context) (*engine, error) {
	quiet()
	ctx, cancel := context.WithTimeout(ctx, EngineAnswer)
	defer cancel()
	type answer struct {
		client *testcontainers.DockerClient
		err    error
	}
	answers := make(chan answer, 1)
	go func() { // parts of the search heed no context; it ends with its own timeouts
		c, err := testcontainers.NewDockerClientWithOpts(ctx)
		if err == nil {
			_, err = c.Client.Info(ctx, client.InfoOptions{})
		}
		answers <- answer{c, err}
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			return nil, &Error{Component: "engine", Err: fmt.Errorf("no container engine answers: %w", short(a.err)), Hint: engineHint}
		}
		return &engine{a.client}, nil
	case <-ctx.Done():
		return nil, &Error{Component: "engine", Err: fmt.Errorf("no container engine answers within %v", EngineAnswer), Hint: engineHint}
	}
}

// short keeps the first line of an error that joins all that was tried.
func short(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(text)
}

// ofRun selects what one run has made.
func ofRun(runID string) client.Filters {
	return client.Filters{}.Add("label", labelRun+"="+runID)
}

// reap removes every container, network and volume of a run and returns the names of the components whose containers it
// found running. It goes on until two looks in a row find nothing: a request that was cut off may still be carried out.
func (e *engine) reap(ctx context.Context, runID string) (ended []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, ReapLimit)
	defer cancel()
	empty := 0
	for range reapRounds {
		found, names, roundErr := e.reapOnce(ctx, runID)
		ended, err = append(ended, names...), roundErr
		if found == 0 && roundErr == nil {
			if empty++; empty == 2 {
				return ended, nil
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
			errs = append(errs, missingIsFine(err))
		})
	}
	removing.Wait()
	networks, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: ofRun(runID)})
	errs = append(errs, err)
	for _, n := range networks.Items {
		_, err := e.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		errs = append(errs, missingIsFine(err))
	}
	volumes, err := e.VolumeList(ctx, client.VolumeListOptions{Filters: ofRun(runID)})
	errs = append(errs, err)
	for _, v := range volumes.Items {
		_, err := e.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
		errs = append(errs, missingIsFine(err))
	}
	return len(all.Items) + len(networks.Items) + len(volumes.Items), ended, errors.Join(errs...)
}
