package finrag

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/undostate"
	"blackstart/harness/victim"
)

// proofLimit bounds the proof that one fault of a killed run is over.
const proofLimit = 20 * time.Second

// Attach gives the driver a target that another process has started.
func (d *Driver) Attach(site *Site, ground Ground) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.site, d.ground = site, ground
}

// UndoOpenSteps carries out, on what still runs, the open steps that need no fence, latest first, and asks the checks of each
// fault's end. A link that a fault with a fence has cut too stays cut: healing it could make two primaries.
func (d *Driver) UndoOpenSteps(ctx context.Context, l *undostate.State) {
	var stay []string
	for _, e := range l.Open {
		if l.Fences(e) {
			stay = append(stay, e.Step.Do.Links...)
		}
	}
	gone := d.missing(ctx, l)
	for _, e := range l.Open {
		if l.Fences(e) {
			continue
		}
		undo := e.Step.Undo
		if undo.Kind == harness.LinkHeal {
			undo.Links = slices.DeleteFunc(slices.Clone(undo.Links), func(n string) bool { return slices.Contains(stay, n) })
			if len(undo.Links) == 0 {
				l.Undone(e, "left as it was", "", errors.New("another fault has cut these links too, and its undo needs a fence"))
				continue
			}
		}
		d.undoOpenStep(ctx, l, e, undo, gone)
	}
	l.Prove(func(p harness.Plan) bool { return len(p.Fences) == 0 }, func(p harness.Plan) (harness.Interval, string, string, error) {
		ask := harness.ChecksThatCanHold(d.Description(), p.Restored, func(name string) bool { return gone[name] }, victim.Follows)
		if len(ask) == 0 {
			return l.Now(), "everything that could show it is gone, or needs a standby that follows what is gone", undostate.HowGone, nil
		}
		at, err := victim.Await(ctx, d.Description(), d, ask, proofLimit, l.Clock)
		return at, fmt.Sprintf("seen from the victim's side on what still ran (%d checks of %d)", len(ask), len(p.Restored)), undostate.HowRestored, err
	})
}

// undoOpenStep carries out one undo. Of what is gone it says so, and adds it to gone.
func (d *Driver) undoOpenStep(ctx context.Context, l *undostate.State, e harness.UndoEntry, undo harness.Action, gone map[string]bool) {
	on := strings.Join(append(slices.Clone(undo.Links), undo.Components...), ", ")
	missing, rest := harness.Gone(d.Execute(ctx, undo))
	if len(missing) == 0 || len(rest) > 0 {
		l.Undone(e, "carried out on "+on, undostate.HowRestored, errors.Join(rest...))
		return
	}
	var said []string
	for _, g := range missing {
		gone[g.Component] = true
		said = append(said, g.Error())
	}
	l.Undone(e, strings.Join(said, "; "), undostate.HowGone, nil)
}

// missing looks for every component, tells which are gone, and gives their names.
func (d *Driver) missing(ctx context.Context, l *undostate.State) map[string]bool {
	found, rest := harness.Gone(d.MissingComponents(ctx))
	gone := map[string]bool{}
	for _, g := range found {
		gone[g.Component] = true
		l.Event(harness.Event{Kind: "component.gone", At: l.Now(), Text: g.Error()}, "", "")
	}
	if err := errors.Join(rest...); err != nil {
		l.Note("target.unasked", "it could not be asked whether every component is still there: "+err.Error(), "", "")
	}
	return gone
}

// Reopen makes the site of a target that another process has started, from what that has kept: its description, and the
// secrets in the state directory. It issues no certificates.
func Reopen(kind Kind, runDir string, about harness.Description) (*Site, error) {
	s := &Site{
		Kind: kind, Dir: TargetDir(runDir), Described: about, Secrets: map[string]string{}, Leaves: map[string]Leaf{}, Fenced: map[string]bool{},
		Request: harness.StartRequest{Dir: runDir, Settings: maps.Clone(about.Settings), Profile: about.Timings.Profile, Progress: func(string) {}},
	}
	var err error
	if s.Settings, s.All, err = ParseSettings(about.Settings); err != nil {
		return nil, err
	}
	if s.Profile, err = ProfileOf(about.Timings.Profile); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(filepath.Join(s.Dir, "secrets"))
	if err != nil {
		return nil, fmt.Errorf("find the secrets of the run: %w", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(s.Secret(f.Name()))
		if err != nil {
			return nil, fmt.Errorf("find the secrets of the run: %w", err)
		}
		s.Secrets[f.Name()] = strings.TrimSpace(string(b))
	}
	s.Password = s.Secrets[DatabasePassword]
	return s, nil
}
