package processes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
)

// FinragVariable is the environment variable that names the finrag program.
const FinragVariable = "BLACKSTART_FINRAG"

// Options say what to run. The zero value finds everything by itself.
type Options struct {
	Finrag   string // path of the program; empty: beside ours, else on PATH
	Postgres string // as postgres.Options.Source
	CacheDir string // keeps the PostgreSQL bundle; empty: cache/ in the state directory of the run
}

// OptionsFromEnvironment reads BLACKSTART_FINRAG and BLACKSTART_POSTGRES.
func OptionsFromEnvironment() Options {
	return Options{Finrag: os.Getenv(FinragVariable), Postgres: os.Getenv(postgres.SourceVariable)}
}

// Driver runs the target for one drill. It implements harness.Driver and
// harness.Autopsy.
type Driver struct {
	options Options
	install *postgres.Install // found by Check or Start

	mu  sync.RWMutex // guards run, for Running and Access
	run *run         // nil before Start
}

var (
	_ harness.Driver  = (*Driver)(nil)
	_ harness.Autopsy = (*Driver)(nil)
)

// New makes a driver; it touches nothing.
func New(o Options) *Driver { return &Driver{options: o} }

// run is what one Start has made. Its maps are complete before it is published
// and do not change afterwards, but for fenced.
type run struct {
	*layout
	req       harness.StartRequest
	settings  Settings
	all       map[string]string // settings as text, defaults included
	timings   timings
	finrag    string
	build     string
	password  string
	secrets   map[string]string // by file name
	ca        *authority
	leaves    map[string]leaf // by region
	table     *procs.Table
	clusters  map[string]*postgres.Cluster // by component
	specs     map[string]procs.Spec        // of the other components
	described harness.Description

	fenced  map[string]bool // databases that must not be started but alone; owned by the drill's goroutine
	stopped bool
}

// Check tells what is missing to run the target here: settings, profile, the
// finrag program, PostgreSQL.
func (d *Driver) Check(ctx context.Context, req harness.StartRequest) error {
	_, _, err := ParseSettings(req.Settings)
	_, profileErr := profileOf(req.Profile)
	if err := errors.Join(err, profileErr); err != nil {
		return &Error{Component: "settings", Err: err}
	}
	if _, err := d.findFinrag(); err != nil {
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

// findFinrag looks for the program: the option, beside the running program, PATH.
func (d *Driver) findFinrag() (string, error) {
	const hint = "build it with `make build`, or name it in " + FinragVariable
	if d.options.Finrag != "" {
		path, err := exec.LookPath(d.options.Finrag)
		if err != nil {
			return "", &Error{Component: "finrag", Err: err, Hint: hint}
		}
		return filepath.Abs(path)
	}
	if self, err := os.Executable(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(self), "finrag")); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("finrag")
	if err != nil {
		return "", &Error{Component: "finrag", Err: errors.New("the program was found neither beside this one nor on PATH"), Hint: hint}
	}
	return filepath.Abs(path)
}

// Can lists the actions the driver carries out.
func (d *Driver) Can() []harness.ActionKind {
	return []harness.ActionKind{
		harness.LinkCut, harness.LinkHeal, harness.ComponentKill, harness.ComponentStart, harness.ComponentFence,
		harness.RunbookCall,
	}
}

// Start brings the target up. After an error nothing of it is left running; the
// logs stay in the state directory.
func (d *Driver) Start(ctx context.Context, req harness.StartRequest) error {
	if d.current() != nil {
		return errors.New("start the target: this driver has started one already")
	}
	if req.Progress == nil {
		req.Progress = func(string) {}
	}
	if err := d.Check(ctx, req); err != nil {
		return err
	}
	r, err := d.prepare(ctx, req)
	if err == nil {
		err = r.bringUp(ctx)
	}
	if err == nil {
		err = r.pin(ctx)
	}
	if r != nil {
		d.mu.Lock()
		d.run = r // also after an error: its logs can still be asked for
		d.mu.Unlock()
	}
	if err != nil {
		if r != nil {
			err = errors.Join(err, r.stop())
		}
		return fmt.Errorf("start the target: %w", err)
	}
	return nil
}

// prepare makes everything that is not a process.
func (d *Driver) prepare(ctx context.Context, req harness.StartRequest) (*run, error) {
	finrag, err := d.findFinrag()
	if err != nil {
		return nil, err
	}
	r := &run{
		req: req, finrag: finrag, password: postgres.NewPassword(),
		secrets: map[string]string{}, leaves: map[string]leaf{}, fenced: map[string]bool{},
	}
	if r.settings, r.all, err = ParseSettings(req.Settings); err != nil {
		return nil, err
	}
	if r.timings, err = profileOf(req.Profile); err != nil {
		return nil, err
	}
	if r.build, err = askBuild(ctx, finrag); err != nil {
		return nil, err
	}
	if r.layout, err = newLayout(req.Dir, r.settings); err != nil {
		return nil, err
	}
	if err := r.makeParts(d.install); err != nil {
		return nil, errors.Join(err, r.layout.close())
	}
	return r, nil
}

func (r *run) makeParts(in *postgres.Install) error {
	var err error
	if r.table, err = procs.NewTable(r.dir); err != nil {
		return err
	}
	if r.ca, err = newAuthority(); err != nil {
		return err
	}
	for _, region := range []string{east, west} {
		if r.leaves[region], err = r.ca.issueLeaf(r.config(""), region); err != nil {
			return err
		}
	}
	if r.settings.WALLatency > 0 {
		if err := r.links[walLink].SetLatency(r.settings.WALLatency); err != nil {
			return err
		}
	}
	if err := r.writeConfigs(); err != nil {
		return err
	}
	r.makeSpecs()
	return r.makeClusters(in)
}

func askBuild(ctx context.Context, finrag string) (string, error) {
	out, err := exec.CommandContext(ctx, finrag, "version").Output()
	var answer struct{ Build string }
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	if err != nil {
		return "", &Error{Component: "finrag", Err: fmt.Errorf("ask %s for its version: %w", finrag, err), Hint: "is it the finrag program?"}
	}
	return answer.Build, nil
}

// digest returns the SHA-256 of a file, or "" if it cannot be read.
func digest(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (d *Driver) current() *run {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.run
}

// started returns the run, or says that there is none.
func (d *Driver) started(op string) (*run, error) {
	if r := d.current(); r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("%s: the target was not started", op)
}

// Stop ends every process, closes the links and removes the sockets. The state
// directory stays. Stopping twice changes nothing.
func (d *Driver) Stop(context.Context) error {
	r := d.current()
	if r == nil {
		return nil
	}
	return r.stop()
}

func (r *run) stop() error {
	if r.stopped {
		return nil
	}
	// The links go last: a standby that stops in good order says farewell through one.
	err := errors.Join(r.table.StopAll(), r.layout.close())
	r.stopped = err == nil
	if err != nil {
		return fmt.Errorf("stop the target: %w", err)
	}
	return nil
}
