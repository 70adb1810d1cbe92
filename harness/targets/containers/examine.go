package containers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
)

// await asks until the component is ready, its container ends, or the limit has passed.
func (r *rehearsal) await(ctx context.Context, component string, limit time.Duration, ask func(context.Context) error) error {
	ended := func() bool {
		runs, err := r.Runs(ctx, component)
		return err == nil && !runs
	}
	if err := finrag.Await(ctx, limit, ended, ask); err != nil {
		return r.Explain(ctx, component, err)
	}
	return nil
}

// takesQuestions holds when the database answers by the private path.
func (r *rehearsal) takesQuestions(component string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := r.connectTo(ctx, component, "postgres")
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	}
}

// Examine fills in what of a component only shows when it runs.
func (r *rehearsal) Examine(ctx context.Context, c *harness.Component) (err error) {
	switch c.Kind {
	case "postgres":
		c.SHA256 = r.images[imagePostgres].digest
		c.Version, c.Identity, err = r.askDatabase(ctx, c.Name)
	case "redis":
		c.SHA256 = r.images[imageRedis].digest
	default:
		c.SHA256 = r.images[imageFinrag].digest
		c.Version, err = r.askBuild(ctx)
	}
	return err
}

// askBuild asks what runs which build it is, once: the image may be one of the user's own.
func (r *rehearsal) askBuild(ctx context.Context) (string, error) {
	if r.build != "" {
		return r.build, nil
	}
	ctx, cancel := context.WithTimeout(ctx, PartReady)
	defer cancel()
	var answer struct{ Build string }
	if err := r.Get(ctx, "https://"+finrag.ServerName+"/version", r.Layout.Inside["east.api"], &answer); err != nil {
		return "", fmt.Errorf("ask for its build: %w", err)
	}
	r.build = answer.Build
	return r.build, nil
}

// askDatabase asks by the private path which version runs and which system it is.
func (r *rehearsal) askDatabase(ctx context.Context, component string) (version, system string, err error) {
	conn, err := r.Connect(ctx, component)
	if err != nil {
		return "", "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, "SELECT current_setting('server_version'), system_identifier::text FROM pg_control_system()").Scan(&version, &system)
	version, _, _ = strings.Cut(version, " ")
	return version, system, err
}
