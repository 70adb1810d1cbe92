package processes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
)

// maxLogLine bounds one line of a log, in bytes.
const maxLogLine = 1 << 20

// Access gives the way from a place to a component. From outside, and from the
// other region, it is a link; a region reaches its own components where they
// listen, which no link uses.
func (d *Driver) Access(place, component string) (harness.Access, error) {
	r, err := d.started("reach " + component)
	if err != nil {
		return harness.Access{}, err
	}
	c, ok := r.described.ComponentByName(component)
	if !ok {
		return harness.Access{}, fmt.Errorf("reach %s from %s: there is no such component", component, place)
	}
	a := harness.Access{}
	if c.Kind == "postgres" {
		a.User, a.Password, a.Database = postgres.User, r.password, postgres.Database
	}
	if place == c.Region {
		a.Address = r.listen[component]
		return a, nil
	}
	for _, l := range r.described.Links {
		if l.From == place && l.To == component {
			a.Address = l.Address
			return a, nil
		}
	}
	return harness.Access{}, fmt.Errorf("reach %s from %s: there is no link", component, place)
}

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
	r.fenced[component] = true
	if cluster.Alive() {
		if err := cluster.Stop(ctx, postgres.Immediate); err != nil {
			return harness.Access{}, nil, fmt.Errorf("start %s alone: %w", component, err)
		}
	}
	if err := cluster.ReadOnlyStart(ctx); err != nil {
		return harness.Access{}, nil, fmt.Errorf("start %s alone: %w", component, err)
	}
	a := harness.Access{
		Address: fmt.Sprintf("%s:%d", cluster.SocketDir(), cluster.Port),
		User:    postgres.User, Password: r.password, Database: postgres.Database,
	}
	return a, func(ctx context.Context) error { return cluster.Stop(ctx, postgres.Fast) }, nil
}

// LedgerCommits reads, from the WAL of the old primary, the commits that touched
// the table after the promoted database had left its timeline.
func (d *Driver) LedgerCommits(ctx context.Context, old, promoted, table string) (report harness.WALReport, err error) {
	r, err := d.started("read the WAL of " + old)
	if err != nil {
		return harness.WALReport{}, err
	}
	from, to := r.clusters[old], r.clusters[promoted]
	if from == nil || to == nil {
		return harness.WALReport{}, fmt.Errorf("read the WAL of %s against %s: both must be databases", old, promoted)
	}
	fork, err := to.ForkPoint()
	if err != nil {
		return harness.WALReport{}, fmt.Errorf("read the WAL of %s: %s was not promoted: %w", old, promoted, err)
	}
	_, stop, err := d.StartAlone(ctx, old)
	if err != nil {
		return harness.WALReport{}, err
	}
	defer func() { err = errors.Join(err, stop(context.WithoutCancel(ctx))) }()
	wal, err := from.LedgerCommits(ctx, table, fork.At)
	if err != nil {
		return harness.WALReport{}, err
	}
	report = harness.WALReport{
		Tool: wal.Reader, ForkLSN: fork.At.String(), Timeline: int(fork.Parent), Commits: len(wal.Commits),
	}
	if n := len(wal.Commits); n > 0 {
		report.FirstAt = harness.Stamp(wal.Commits[0].At.UnixNano())
		report.LastAt = harness.Stamp(wal.Commits[n-1].At.UnixNano())
	}
	if wal.Before != nil {
		report.BeforeAt = harness.Stamp(wal.Before.At.UnixNano())
	}
	return report, nil
}

// Logs copies every log to dir, NAME.log each, and the controller's audit log,
// without the secrets that may stand in them.
func (d *Driver) Logs(_ context.Context, dir string) error {
	r := d.current()
	if r == nil {
		return nil // nothing was started, so there are none
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("copy the logs: %w", err)
	}
	logs, err := filepath.Glob(r.logFile("*"))
	if err != nil {
		return fmt.Errorf("copy the logs: %w", err)
	}
	var errs []error
	for _, path := range logs {
		errs = append(errs, r.copyLog(path, filepath.Join(dir, filepath.Base(path))))
	}
	if _, err := os.Stat(r.auditFile()); err == nil {
		errs = append(errs, r.copyLog(r.auditFile(), filepath.Join(dir, "outside.controller.audit.jsonl")))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("copy the logs: %w", err)
	}
	return nil
}

func (r *run) copyLog(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	return errors.Join(redact(in, out, r.hidden()), out.Close())
}

// hidden replaces every secret of the run.
func (r *run) hidden() *strings.Replacer {
	var pairs []string
	add := func(secret string) {
		if secret != "" {
			pairs = append(pairs, secret, "[redacted]")
		}
	}
	for _, s := range r.secrets {
		add(s)
	}
	for _, d := range r.req.Deliveries {
		add(d.Secret)
	}
	return strings.NewReplacer(pairs...)
}

func redact(in io.Reader, out io.Writer, hide *strings.Replacer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLogLine)
	w := bufio.NewWriter(out)
	for lines.Scan() {
		if _, err := hide.WriteString(w, lines.Text()+"\n"); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), w.Flush())
}
