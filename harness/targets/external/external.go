// Package external is the target that we did not start: a system that a target file describes. It is attached to, watched and left
// as it was. Nothing of it is broken or mended but by the means and calls of its file, under a lease of the hosts that carry them out, and
// nothing is written there but what its file allows.
//
// There is no private path: every place has the way from outside. Who needs another is told that it is not available.
package external

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/lease"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/target/check"
	"blackstart/internal/route"
)

// KeptFile is the copy of the target file in a run's state directory: references to secrets, and no secret.
const KeptFile = "target.yaml"

// File is a target file as it was read.
type File struct {
	Path   string // absolute
	Bytes  []byte
	Target *target.Target

	ObserveOnly bool   // nothing is broken there, and what may not be written is left out
	Unwritten   string // why nothing is written there, whatever its allows list; "": what they list may be
}

// Driver attaches to the system that a file describes.
type Driver struct {
	File
	redact func(string) string

	held held // what is done there, and by whom it is undone

	mu      sync.Mutex // guards what follows
	runID   string
	secrets *secret.Resolver
	parts   []part // in the order of the file, once attached
	entry   *harness.Access
	about   harness.Description
	ways    *route.Ways // of this machine to the target
}

// part is a component with its kind, and the way to it.
type part struct {
	target.Component
	kind   component.Kind
	at     component.At
	access harness.Access
}

// New makes the driver of a file. redact takes what AddSecrets of a StartRequest was told out of a text.
func New(f File, redact func(string) string) *Driver {
	return &Driver{File: f, redact: redact, held: held{leases: map[string]*lease.Lease{}, inForce: map[string]deed{}, known: map[string]bool{}}}
}

// resolve resolves a reference. Every secret is told to the request's AddSecrets before anybody else has it.
func (d *Driver) resolve(ctx context.Context, ref secret.Reference) (secret.Secret, error) {
	d.mu.Lock()
	r := d.secrets
	d.mu.Unlock()
	s, _, err := r.Resolve(ctx, ref)
	return s, err
}

// begin makes the resolver of a run, once.
func (d *Driver) begin(req harness.StartRequest) *secret.Resolver {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runID = req.RunID
	if d.secrets == nil {
		hide := req.AddSecrets
		if hide == nil {
			hide = func(...string) {}
		}
		d.secrets = &secret.Resolver{Hide: hide}
	}
	return d.secrets
}

// RefusedError says what does not work of a target before anything was done there.
type RefusedError struct {
	Name string
	Rows []check.Row // none of which works
}

// Error lists what does not work, and why.
func (e *RefusedError) Error() string {
	text := "target " + e.Name + " cannot be drilled as its file describes it"
	for i, r := range e.Rows {
		text += map[bool]string{true: ": ", false: "; "}[i == 0] + fmt.Sprintf("%s %s: %s: %s", r.Of, r.Name, r.State, r.Text)
	}
	return text
}

// Answered tells whether something said no, which somebody must change; else nothing answered.
func (e *RefusedError) Answered() bool {
	for _, r := range e.Rows {
		if r.State == check.Refused {
			return true
		}
	}
	return false
}

// Check asks who everything is and, once that is certain, whether each component, its clock, what may be written, and the entry work.
// Whoever is another than the file says is a *check.Mistaken, and nothing else has been asked; what does not work is a *RefusedError.
func (d *Driver) Check(ctx context.Context, req harness.StartRequest) error {
	rows, err := check.Attach(ctx, check.Request{Target: d.Target, Secrets: d.begin(req), Redact: d.redact, Now: time.Now()})
	if err != nil {
		return err
	}
	refused := &RefusedError{Name: d.Target.Metadata.Name}
	for _, r := range rows {
		if r.State != check.Works {
			refused.Rows = append(refused.Rows, r)
		}
	}
	if len(refused.Rows) > 0 {
		return refused
	}
	return nil
}

// Start attaches: everything is checked, and what it says of itself is described. A copy of the file is kept for whoever has to take
// something back when this process is gone.
func (d *Driver) Start(ctx context.Context, req harness.StartRequest) error {
	if err := keep(filepath.Join(req.Dir, KeptFile), d.Bytes); err != nil {
		return fmt.Errorf("keep the target file for an undo: %w", err)
	}
	if err := d.Attach(ctx, req); err != nil {
		return err
	}
	req.Progress(fmt.Sprintf("attached to %s (%s): %d components answer and are who the file says", d.Target.Metadata.Name,
		d.Target.Metadata.Environment, len(d.Target.Components)))
	return nil
}

// Attach is Start without a trace on disk.
func (d *Driver) Attach(ctx context.Context, req harness.StartRequest) error {
	if err := d.Check(ctx, req); err != nil {
		return err
	}
	return d.open(ctx, req, true)
}

// open makes the ways to everything, and asks each component what it is; all must answer if strict.
func (d *Driver) open(ctx context.Context, req harness.StartRequest, strict bool) error {
	about, err := d.Outline(req.Settings)
	if err != nil {
		return err
	}
	about.Timings.Profile = req.Profile
	var parts []part
	for i, c := range d.Target.Components {
		p, err := d.part(ctx, c)
		if err == nil {
			if err = describe(ctx, p, &about.Components[i]); !strict {
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("attach to %s: %w", c.Name, err)
		}
		parts = append(parts, p)
	}
	entry, err := d.way(ctx)
	if err != nil {
		return fmt.Errorf("attach to the entry: %w", err)
	}
	ways := d.findWays(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parts, d.entry, d.about, d.ways = parts, entry, about, ways
	return nil
}

// part makes the kind of a component and the way to it.
func (d *Driver) part(ctx context.Context, c target.Component) (p part, err error) {
	p = part{Component: c, at: component.At{Address: d.Target.AddressOf(c), Secrets: d.resolve, Pin: c.Identity}}
	if p.kind, err = component.Make(c); err != nil {
		return p, err
	}
	p.access, err = component.AccessTo(ctx, p.kind, p.at)
	return p, err
}

// way is the way to the public entry; nil where the file has none.
func (d *Driver) way(ctx context.Context) (*harness.Access, error) {
	e := d.Target.Entry
	if e == nil {
		return nil, nil
	}
	a, err := component.Secrets(d.resolve).Web(ctx, e.URL, e.TLS, e.Headers, e.Identities...)
	return &a, err
}

// keep writes a file for the account that drills alone.
func keep(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// Logs copies none: they are on machines of theirs. A line says so.
func (d *Driver) Logs(_ context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("say that there are no logs: %w", err)
	}
	text := "not available: the logs of target " + d.Target.Metadata.Name + " lie on its own machines, and are not copied\n"
	if err := os.WriteFile(filepath.Join(dir, harness.External+".log"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("say that there are no logs: %w", err)
	}
	return nil
}

// Stop detaches. Nothing of the target is ended, and no connection is held. Hosts on which everything is undone are released.
func (d *Driver) Stop(ctx context.Context) error {
	err := d.disarm(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parts, d.entry = nil, nil
	return err
}
