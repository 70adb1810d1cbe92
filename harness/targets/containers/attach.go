package containers

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/undostate"
)

// attachFile, in the target's directory, holds what another process needs to reach what a run has started. The secrets are
// beside it, in files of their own.
const attachFile = "attach.json"

// attachment is what one run has started.
type attachment struct {
	Described harness.Description     `json:"described"`
	Units     map[string]string       `json:"units"`    // container by component
	Gates     map[string]attachedGate `json:"gates"`    // by component
	Gateways  map[string]string       `json:"gateways"` // address of the host, by network
	WAL       string                  `json:"wal"`      // address for the standby
	Deploys   bool                    `json:"deploys"`
}

type attachedGate struct {
	ID      string            `json:"id"`
	Address map[string]string `json:"address"` // by network
}

// saveAttachment keeps the attachment of a target that has started.
func (r *rehearsal) saveAttachment() error {
	a := attachment{
		Described: r.Described, Units: r.units, Gates: map[string]attachedGate{}, Gateways: map[string]string{},
		WAL: r.Layout.WAL, Deploys: r.Layout.Releases != nil,
	}
	for name, g := range r.gates {
		a.Gates[name] = attachedGate{g.id, g.address}
	}
	for name, n := range r.networks {
		a.Gateways[name] = n.gateway
	}
	b, err := json.Marshal(a)
	if err == nil {
		err = procs.WriteFile(filepath.Join(r.Dir, attachFile), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("note down what was started: %w", err)
	}
	return nil
}

// attach reaches what a run that was killed has started. The relay of the WAL, if there was one, died with it and is put
// back where the standby looks for it.
func attach(e *engine, runDir string) (*rehearsal, error) {
	b, err := os.ReadFile(filepath.Join(finrag.TargetDir(runDir), attachFile))
	if err != nil {
		return nil, err
	}
	var a attachment
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, fmt.Errorf("read what was started: %w", err)
	}
	r := newRehearsal(Options{})
	r.engine, r.units = e, a.Units
	if r.Site, err = finrag.Reopen(kind, runDir, a.Described); err != nil {
		return nil, err
	}
	for name, g := range a.Gates {
		r.gates[name] = &gate{engine: e, name: name, id: g.ID, address: g.Address}
	}
	for name, gateway := range a.Gateways {
		r.networks[name] = network{gateway: gateway}
	}
	if r.Settings.WALLatency > 0 {
		_, port, err := net.SplitHostPort(a.WAL)
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, err
		}
		if err := r.openRelay(n); err != nil {
			return nil, err
		}
	}
	r.Layout = r.where()
	if !a.Deploys {
		r.Layout.Releases = nil
	}
	return r, nil
}

// undoOpenSteps takes back, on what still runs, the faults of a run that was killed, as far as that needs no fence.
func undoOpenSteps(ctx context.Context, e *engine, runDir string, l *undostate.State) error {
	r, err := attach(e, runDir)
	if err != nil {
		return err
	}
	defer r.detach()
	for _, entry := range l.Open {
		if do := entry.Step.Do; do.Kind == harness.LinkCut && l.Fences(entry) { // what others have cut stays cut
			for _, name := range do.Links {
				r.cuts[name] = cutDirections{true, true}
			}
		}
	}
	d := &finrag.Driver{}
	d.Attach(r.Site, r)
	d.UndoOpenSteps(ctx, l)
	return nil
}

func (r *rehearsal) detach() {
	for _, g := range r.gates {
		g.close()
	}
	for _, l := range r.relays {
		_ = l.Close() // nothing hangs on it: everything is removed next
	}
}
