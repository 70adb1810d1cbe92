package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"blackstart/harness"
	"blackstart/injectors"
)

func planCommand() *cobra.Command {
	var asJSON bool
	var f runFlags
	cmd := &cobra.Command{
		Use:   "plan SCENARIO",
		Short: "dry run: every action with its undo; nothing is started",
		Long: `Validates the scenario, resolves the target, checks that it can carry out every
action, and prints what a run would do, in order. Nothing is started or touched.`,
		Example: `  blackstart plan scenarios/finrag/region-partition.yaml
  blackstart plan scenarios/finrag/region-kill.yaml --profile standard --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, _, err := loadScenario(cmd.Context(), f.file, args[0], f.profileName())
			if err != nil {
				return err
			}
			target, plans, err := outline(cmd.Context(), *s, f)
			if err != nil {
				return err
			}
			observe := observation(f.file, *s)
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", " ")
				all := map[string]any{"scenario": s, "profile": f.profileName(), "target": target, "plan": plans}
				if observe != nil {
					all["observe_only"] = observe
				}
				return enc.Encode(all)
			}
			printPlan(cmd.OutOrStdout(), f.played(*s), f.profileName(), target, plans, observe)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	f.targetFlags(cmd)
	return cmd
}

// outline plans a scenario against the target as far as it is known before its start.
func outline(ctx context.Context, s harness.Scenario, f runFlags) (harness.Description, []harness.Plan, error) {
	driver, err := f.driver(func(text string) string { return text })
	if err != nil {
		return harness.Description{}, nil, err
	}
	target, err := driver.Outline(s.Target.Settings)
	if err != nil {
		hint := "settings of the target stand under target.settings of the scenario"
		if f.file != nil {
			hint = "mend " + f.target
		}
		return harness.Description{}, nil, usage(err, hint)
	}
	plans, err := harness.PlanFaults(ctx, s, target, withPeople(driver.Can()), injector)
	if err != nil {
		return harness.Description{}, nil, usage(err, missingBuildHint(driver, err))
	}
	if plans == nil || observes(f.file) {
		plans = []harness.Plan{}
	}
	return target, plans, nil
}

// missingBuildHint says why a target has no second build, where that is what it lacks; else "".
func missingBuildHint(driver harness.Driver, refused error) string {
	var lacking *harness.LackingError
	l, ok := driver.(interface{ MissingBuild() string })
	if !ok || !errors.As(refused, &lacking) || lacking.Need != harness.NeedBuilds {
		return ""
	}
	return l.MissingBuild()
}

// injector makes what plans a fault, with the parameters that the fault is given.
func injector(f harness.FaultSpec) (harness.Injector, error) {
	k, ok := injectors.Faults.Get(f.Kind)
	if !ok {
		return nil, fmt.Errorf("no fault of kind %q exists: see `blackstart list faults`", f.Kind)
	}
	return k.Make(f.With)
}

// printPlan prints what a run would do of a scenario. observe is nil for a drill.
func printPlan(out io.Writer, s harness.Scenario, profile string, target harness.Description, plans []harness.Plan, observe *harness.ObserveOnly) {
	fmt.Fprintf(out, "%s: %s\n", s.Metadata.Name, s.Metadata.Title)
	fmt.Fprintf(out, "target %s (%s), profile %s\n\n", target.Name, target.Environment, profile)
	step := func(format string, args ...any) {
		for _, line := range wrap("  "+fmt.Sprintf(format, args...), 80, 6) {
			fmt.Fprintln(out, line)
		}
	}
	fmt.Fprintln(out, "before the fault")
	for _, p := range slices.Concat(s.Probes, target.Probes) {
		step("probe %s: %s%s", p.ID, p.Probe, describeProbe(p))
	}
	for _, l := range s.Load {
		step("load %s: %s at %s from %s, timeout %s", l.ID, l.Workload, l.Rate, l.Place, l.Timeout)
	}
	for _, k := range slices.Sorted(maps.Keys(target.Settings)) {
		step("target setting %s: %s", k, target.Settings[k])
	}
	step("steady state must hold for %s: %s", s.SteadyState.For, describeSteady(s))
	for _, g := range s.Guards {
		step("guard: %s stops the drill at once: undo, exit 4", describeGuard(g))
	}
	for _, p := range plans {
		printFault(out, step, p)
		printExecutors(step, target, p)
	}
	if observe != nil {
		fmt.Fprintln(out, "\nobserved only: nothing is broken, and these are left out, as is each probe that\nwould write what is not allowed")
		for _, l := range observe.LeftOut {
			step("%s", l)
		}
		fmt.Fprintf(out, "\nwatch for %s, settle for %s, then judge, seal: no drill, and no pass\n\nnothing was started or touched\n", s.Observe, s.Settle)
		return
	}
	if len(plans) == 0 {
		fmt.Fprintln(out, "\nno fault: a null drill")
	}
	if s.Recovery.By != "" {
		fmt.Fprintf(out, "\nrecovery by the %s\n", s.Recovery.By)
		for _, r := range s.Recovery.Steps {
			if r.Do != "" {
				step("at %s: %s (people: %s: %s)", r.At, r.Name, r.By, r.Do)
				continue
			}
			step("at %s: %s (%s %s)", r.At, r.Name, harness.RunbookCall, r.Call)
		}
		step("restored when every window of %s has at least %d due requests, %s of them OK, p99 at most %s",
			s.Recovered.Window, s.Recovered.MinRequests, s.Recovered.SuccessAtLeast, s.Recovered.P99AtMost)
	}
	printRestore(out, step, s, target, plans)
	if s.ObserveUndo > 0 {
		fmt.Fprintf(out, "\nwatch for %s, undo under load, watch for %s, settle for %s, then reconcile, judge, seal\n\nobjectives\n", s.Observe, s.ObserveUndo, s.Settle)
	} else {
		fmt.Fprintf(out, "\nwatch for %s, settle for %s, then undo, reconcile, judge, seal\n\nobjectives\n", s.Observe, s.Settle)
	}
	for _, o := range s.Objectives {
		step("%s: %s (%s)", o.ID, objectiveWords(o), o.Source)
	}
	fmt.Fprintln(out, "\nnothing was started or touched")
}

// printFault prints what is done for one fault, and how it is taken back.
func printFault(out io.Writer, step func(string, ...any), p harness.Plan) {
	fmt.Fprintf(out, "\nfault %s on the %s region, at %s\n", p.Fault.Kind, p.Fault.On, p.Fault.At)
	for _, st := range p.Steps {
		step("do    %s", describe(st.Do))
		step("undo  %s", describe(st.Undo))
	}
	step("in force when %s", describeChecks(p.InForce))
	if len(p.Follows) > 0 {
		step("and then %s", describeChecks(p.Follows))
	}
	if p.Fault.For > 0 {
		step("ends after %s, while clients are watched", p.Fault.For)
	}
	step("over when %s", describeChecks(p.Restored))
	if p.Task() != nil {
		step("nothing is fenced by the harness: who undoes it sees to it that no two databases take writes")
	} else if len(p.Fences) > 0 {
		step("before the undo, fenced and seen to refuse writes: %s", strings.Join(p.Fences, ", "))
	} else {
		step("its undo needs no fence")
	}
}

// objectiveWords says what an objective asks for.
func objectiveWords(o harness.Objective) string {
	text := o.Measure
	if o.Is != "" {
		text += " is " + o.Is
	} else {
		text += " at most " + o.AtMost
	}
	if o.Fault != "" {
		text += ", from " + o.Fault
	}
	var fields []string
	for _, k := range slices.Sorted(maps.Keys(o.Carries)) {
		fields = append(fields, k+" "+o.Carries[k])
	}
	if len(fields) > 0 {
		text += ", carrying " + strings.Join(fields, ", ")
	}
	if o.StaleAfter > 0 {
		text += fmt.Sprintf(", stale after %s", o.StaleAfter)
	}
	return text
}

// describeGuard says what a guard stops a drill for.
func describeGuard(g harness.Guard) string {
	of := g.Probe
	if g.Region != "" {
		of += fmt.Sprintf(" of the %s region", g.Region)
	}
	if g.Bounds().Some() {
		return fmt.Sprintf("%s not %s for longer than %s", of, g.Bounds(), g.ForLonger)
	}
	return fmt.Sprintf("%s failing for %s", of, g.FailingFor)
}

// describeProbe says whom a listed probe asks, and how often.
func describeProbe(p harness.ProbeSpec) (text string) {
	if p.On != "" {
		text += " on " + p.On
	}
	if p.Every > 0 {
		text += " every " + p.Every.String()
	}
	return text
}

// describeSteady says what must hold before a fault.
func describeSteady(s harness.Scenario) string {
	var parts []string
	for _, r := range s.SteadyState.Require {
		switch {
		case r.Load != "" && r.P99AtMost > 0:
			parts = append(parts, fmt.Sprintf("%s %s OK, p99 at most %s", r.Load, r.SuccessAtLeast, r.P99AtMost))
		case r.Load != "":
			parts = append(parts, fmt.Sprintf("%s %s OK", r.Load, r.SuccessAtLeast))
		case r.Bounds().Some():
			parts = append(parts, r.Probe+" "+r.Bounds().String())
		default:
			parts = append(parts, fmt.Sprintf("%s at most %s", r.Probe, r.AgeAtMost))
		}
	}
	return strings.Join(parts, "; ")
}

func describe(a harness.Action) string {
	text := string(a.Kind) + " " + strings.Join(append(append([]string{}, a.Links...), a.Components...), ", ")
	if a.Call != "" {
		text += a.Call
	}
	if p := a.Person; p != nil {
		return fmt.Sprintf("people: %s: %s, within %s", p.By, p.What, p.Within)
	}
	var with []string
	if c := a.Certificate; c != nil {
		with = append(with, c.Wrong)
		if c.Days > 0 {
			with = append(with, fmt.Sprintf("in %d days", c.Days))
		}
	}
	for _, w := range []string{a.Direction, a.Build, a.SQL} {
		if w != "" {
			with = append(with, w)
		}
	}
	if len(with) > 0 {
		text += " (" + strings.Join(with, " ") + ")"
	}
	return text
}

func describeChecks(checks []harness.Check) string {
	var parts []string
	for _, c := range checks {
		parts = append(parts, strings.TrimSpace(string(c.Kind)+" "+c.On+" "+c.Want))
	}
	return strings.Join(parts, ", ")
}
