package processes

import (
	"context"
	"errors"
	"fmt"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
)

// StartAlone stops a database if it still runs, fences it, and starts it with
// nobody attached: it listens on its private socket only, follows nobody and
// refuses writes. stop ends it again.
func (d *Driver) StartAlone(ctx context.Context, component string) (harness.Access, func(context.Context) error, error) {
	r, err := d.started("start " + component + " alone")
	if err != nil {
		return harness.Access{}, nil, err
	}
	cluster := r.clusters[component]
	if cluster == nil {
		return harness.Access{}, nil, fmt.Errorf("start %s alone: it is not a database", component)
	}
	r.Fenced[component] = true
	runs, err := cluster.Runs()
	if err == nil && runs {
		err = cluster.Stop(ctx, postgres.Immediate)
	}
	if err != nil {
		return harness.Access{}, nil, fmt.Errorf("start %s alone: %w", component, err)
	}
	if err := goneWithout(component, "data directory", cluster.DataDir()); err != nil {
		return harness.Access{}, nil, fmt.Errorf("start %s alone: %w", component, err)
	}
	if err := cluster.ReadOnlyStart(ctx); err != nil {
		return harness.Access{}, nil, fmt.Errorf("start %s alone: %w", component, err)
	}
	return r.DatabaseAccess(fmt.Sprintf("%s:%d", cluster.SocketDir(), cluster.Port)), func(ctx context.Context) error { return cluster.Stop(ctx, postgres.Fast) }, nil
}

// LedgerCommits reads, from the WAL of the old primary, the commits that touched
// the table after the promoted database had left its timeline.
func (d *Driver) LedgerCommits(ctx context.Context, old, promoted, table string) (report harness.WALReport, commits []harness.WALCommit, err error) {
	r, err := d.started("read the WAL of " + old)
	if err != nil {
		return harness.WALReport{}, nil, err
	}
	from, to := r.clusters[old], r.clusters[promoted]
	if from == nil || to == nil {
		return harness.WALReport{}, nil, fmt.Errorf("read the WAL of %s against %s: both must be databases", old, promoted)
	}
	fork, err := to.ForkPoint()
	if err != nil {
		return harness.WALReport{}, nil, fmt.Errorf("read the WAL of %s: %s was not promoted: %w", old, promoted, err)
	}
	_, stop, err := d.StartAlone(ctx, old)
	if err != nil {
		return harness.WALReport{}, nil, err
	}
	defer func() { err = errors.Join(err, stop(context.WithoutCancel(ctx))) }()
	wal, err := from.LedgerCommits(ctx, table, fork.At)
	if err != nil {
		return harness.WALReport{}, nil, err
	}
	return wal.Report(fork), wal.Listed(), nil
}
