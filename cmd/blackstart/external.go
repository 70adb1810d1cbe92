package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/probes"
	"blackstart/harness/reconcile"
	"blackstart/harness/target/check"
	"blackstart/harness/targets/external"
	"blackstart/harness/victim"
	"blackstart/internal/strictyaml"
	"blackstart/scenarios"
)

// rehearsalTarget is the target that the tool brings along.
const rehearsalTarget = "finrag"

// namesFile tells whether a value of --target is a target file: a path, or a file that is there.
func namesFile(target string) bool {
	if strings.ContainsRune(target, filepath.Separator) || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(target)) {
		return true
	}
	info, err := os.Stat(target)
	return err == nil && !info.IsDir()
}

// readTarget reads the target file that --target names, if it names one. A way to make a rehearsal target is none to attach to another.
func (f *runFlags) readTarget(onGiven bool) error {
	switch {
	case f.target == "" || f.target == rehearsalTarget:
		return nil
	case !namesFile(f.target):
		return usage(fmt.Errorf("there is no target %q", f.target), "write finrag, or the path of a target file")
	}
	if onGiven {
		return usage(fmt.Errorf("--on says how a rehearsal target is made, and %s describes one that runs already", f.target), "leave --on out")
	}
	path, err := filepath.Abs(f.target)
	if err != nil {
		return harnessError(err, "")
	}
	f.file, err = targetFile(path)
	return err
}

// targetFile reads a target file, and keeps its bytes.
func targetFile(path string) (*external.File, error) {
	t, data, err := targetReader().Load(path)
	var problems strictyaml.Problems
	switch {
	case errors.As(err, &problems):
		return nil, usage(err, "blackstart target init prints a file to begin with; docs/external-targets.md explains every key")
	case err != nil:
		return nil, usage(err, "name a target file that exists")
	}
	return &external.File{Path: path, Bytes: data, Target: t}, nil
}

// readerFor reads scenarios for the target of a file, as reader does for the rehearsal target; f is nil for that.
func readerFor(f *external.File) scenarios.Reader {
	r := reader()
	if f == nil {
		return r
	}
	r.Known.Profiles, r.Known.Settings, r.Known.Carried = nil, map[string]func(string) error{}, alertFields()
	r.Known.Listed = f.Target.Probes
	r.Known.Refuses = func(s harness.Scenario) []harness.Refusal { return cannotThere(f, s) }
	r.Known.Target = func(harness.Scenario) harness.Description { return outlineThere(f) }
	return r
}

// outlineThere is the target of a file, without its roots where they cannot be read: what is missing is said when it is attached to.
func outlineThere(f *external.File) harness.Description {
	about, _ := external.New(*f, nil).Outline(nil) //nolint:errcheck // said by outline
	return about
}

// cannotThere is what cannot be done of a scenario on the target of a file: nothing is broken there but by its people.
func cannotThere(f *external.File, s harness.Scenario) []harness.Refusal {
	d, about := external.New(*f, nil), outlineThere(f)
	plans, refused := harness.PlanAll(context.Background(), s, about, withPeople(d.Can()), injector)
	refused = slices.Concat(reconcile.Refusals(s.Load, about), reconcile.UnfencedLedgers(s.Load, about, plans), refused)
	for i, r := range refused {
		var cannot *harness.CannotError
		if errors.As(r.Err, &cannot) {
			why := "its file has no means or call for that: write one, or write kind: fault.manual, which its people carry out"
			if about.Environment == harness.Production {
				why = "nothing is broken in production by the harness: write kind: fault.manual, which its people carry out"
			}
			refused[i].Err = fmt.Errorf("%w, and %s", r.Err, why)
		}
	}
	for _, p := range plans {
		if err := d.Leasable([]harness.Plan{p}); err != nil {
			i := slices.IndexFunc(s.Faults, func(f harness.FaultSpec) bool {
				return f.ID == p.Fault.ID && f.Kind == p.Fault.Kind && f.At == p.Fault.At
			})
			refused = append(refused, harness.Refusal{At: []any{"faults", i}, Err: fmt.Errorf("plan %s: %w", p.Fault.Kind, err)})
		}
		if err := victim.Askable(about, d, slices.Concat(p.InForce, p.Follows, p.Restored)); err != nil {
			i := slices.IndexFunc(s.Faults, func(f harness.FaultSpec) bool {
				return f.ID == p.Fault.ID && f.Kind == p.Fault.Kind && f.At == p.Fault.At
			})
			refused = append(refused, harness.Refusal{At: []any{"faults", i}, Err: fmt.Errorf("plan %s: %w", p.Fault.Kind, err)})
		}
	}
	refused = append(refused, unshown(about, d, s)...)
	if f.ObserveOnly { // nothing is broken, and nobody takes their time
		s, plans = s.Observed(nil), nil
	}
	refused = append(refused, harness.TooLong(s, plans, f.Target.Limits.LongestDrill.D())...)
	refused = slices.Concat(refused, loadsThere(d, about, s.Load), limited(about, s.Load, harness.PlannedLength(s, plans)), guarded(f.Target, s, about, probes.TraitsOf))
	return slices.DeleteFunc(refused, func(r harness.Refusal) bool { return ofLeftLoad(f, s, r) })
}

// unshown refuses what is to bring redundancy back, where nothing could show that it has.
func unshown(about harness.Description, d victim.Driver, s harness.Scenario) (refused []harness.Refusal) {
	for i, r := range s.Restore {
		err := victim.Askable(about, d, r.Checks())
		for _, c := range r.Checks() {
			if _, ok := victim.Checks.Get(string(c.Kind)); ok && d == nil { // of a rehearsal, which has its private path once it runs
				err = nil
			}
		}
		if err != nil {
			refused = append(refused, harness.Refusal{At: []any{"restore", i, "shown"}, Err: fmt.Errorf("step %q: %w", r.Name, err)})
		}
	}
	return refused
}

// loadsThere refuses loads whose clients would stand inside the target, and those that would write what is not allowed.
func loadsThere(d *external.Driver, about harness.Description, all []harness.LoadSpec) (refused []harness.Refusal) {
	for i, l := range all {
		if l.Place != harness.Outside {
			refused = append(refused, harness.Refusal{At: []any{"load", i, "place"}, Err: fmt.Errorf(
				"load %s stands in the %s region, and clients of target %s stand outside: write place: outside", l.ID, l.Place, about.Name)})
		}
		traits, ok := loads.Traits(l)
		if ok && traits.Speaks == "" {
			refused = append(refused, elsewhere(about, i, l)...)
			if err := entryForLoads(about.Entry); err != nil {
				refused = append(refused, harness.Refusal{At: []any{"load", i, "workload"}, Err: fmt.Errorf("load %s goes to the public entry of target %s, and %w", l.ID, about.Name, err)})
			}
		}
		for _, request := range traits.Requests {
			if !d.Target.MayRequest(request) {
				refused = append(refused, harness.Refusal{At: []any{"load", i, "workload"}, Err: fmt.Errorf("load %s asks for %s, which may change something, and allows does not list it: "+
					"let the target's owner write {path: %s}", l.ID, request, request)})
			}
		}
		if !ok || !traits.Ledger || traits.Table == "" {
			continue
		}
		for _, c := range about.Components { // whichever of them leads is written to
			if err := d.Allowed(c.Name, traits.Table); err != nil && c.Kind == traits.Speaks {
				refused = append(refused, harness.Refusal{At: []any{"load", i, "workload"}, Err: fmt.Errorf("load %s writes there, and %w: "+
					"let the target's owner allow it, and its DBA run what blackstart target ddl prints", l.ID, err)})
			}
		}
	}
	return refused
}

// scenarioRows tells of each scenario, a file or all those in a directory, whether it could run on the target of a file, and why not.
// works tells that whatever a drill needs there does.
func scenarioRows(ctx context.Context, f *external.File, paths []string, works bool) (rows []check.Row, err error) {
	for _, path := range paths {
		files := []string{path}
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			if files, err = filepath.Glob(filepath.Join(path, "*.yaml")); err != nil || len(files) == 0 {
				return nil, usage(errors.Join(fmt.Errorf("there is no scenario in %s", path), err), "name a directory that holds some, or a file")
			}
		}
		for _, file := range files {
			rows = append(rows, scenarioRow(ctx, f, file, works))
		}
	}
	return rows, nil
}

func scenarioRow(ctx context.Context, f *external.File, file string, works bool) check.Row {
	row := check.Row{Of: "scenario", Name: strings.TrimSuffix(filepath.Base(file), ".yaml"), State: check.Works, Text: "it could run here"}
	_, _, err := readScenario(ctx, f, file, "")
	var problems scenarios.Problems
	switch {
	case errors.As(err, &problems):
		row.State, row.Text = check.Refused, problems[0].Message
		if n := len(problems) - 1; n > 0 {
			row.Text += fmt.Sprintf("; and %d more: blackstart validate %s --target shows all", n, file)
		}
	case err != nil:
		row.State, row.Text = check.NotAvailable, err.Error()
	case !works:
		row.State, row.Text = check.NotAvailable, "the target does not work as its file describes it: see the rows above"
	}
	return row
}

// drillable tells whether everything works that a drill asks for before it begins.
func drillable(rows []check.Row) bool {
	return !slices.ContainsFunc(rows, func(r check.Row) bool {
		return r.State != check.Works && slices.Contains([]string{"secret", "identity", "component", "clock", "write", "entry"}, r.Of)
	})
}

// attachError is the exit of a target that could not be attached to. Nothing was done there.
func attachError(err error, path string) error {
	var mistaken *check.Mistaken
	var refused *external.RefusedError
	hint := "nothing was touched; blackstart target check " + path + " shows every row"
	switch {
	case errors.As(err, &mistaken):
		return usage(err, "mend the address or the identity in "+path+"; nothing else was asked")
	case errors.As(err, &refused) && refused.Answered():
		return usage(err, hint)
	case errors.As(err, &refused):
		return harnessError(err, hint)
	}
	return harnessError(err, "")
}

// entryForLoads refuses an entry that a load cannot go to.
func entryForLoads(e harness.Entry) error {
	u, err := url.Parse(e.URL)
	_, _, named := net.SplitHostPort(e.Resolver)
	switch {
	case err != nil || e.URL == "":
		return errors.New("its file describes none: write entry: with its url")
	case named != nil && net.ParseIP(u.Hostname()) == nil:
		return errors.New("its clients ask for its name themselves: write entry.resolver as address:port")
	}
	return nil
}
