package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"blackstart/evidence/controls"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/host"
	"blackstart/harness/means"
	"blackstart/harness/measure"
	"blackstart/harness/pollers"
	"blackstart/harness/probes"
	"blackstart/harness/receivers"
	"blackstart/harness/victim"
	"blackstart/injectors"
	"blackstart/internal/registry"
	"blackstart/loadgen/workloads"
	"blackstart/scenarios"
)

// item is one thing a list shows.
type item struct {
	Name    string `json:"name"`
	Doc     string `json:"doc"`
	Example string `json:"example,omitempty"`
}

// lists gives what exists, by kind.
var lists = map[string]func() []item{
	"scenarios": func() (all []item) {
		for _, e := range scenarios.Library() {
			m := e.Scenario.Metadata
			all = append(all, item{e.Path, fmt.Sprintf("[%s] %s Why: %s", strings.Join(m.Covers, " "), e.Why, m.Why), ""})
		}
		return all
	},
	"faults":     func() []item { return kinds(&injectors.Faults) },
	"probes":     func() []item { return kinds(&probes.Probes) },
	"checks":     func() []item { return kinds(&victim.Checks) },
	"channels":   func() []item { return kinds(&receivers.Channels) },
	"pollers":    func() []item { return kinds(&pollers.Kinds) },
	"components": func() []item { return kinds(&component.Kinds) },
	"calls":      func() []item { return kinds(&call.Calls) },
	"transports": func() []item { return kinds(&host.Transports) },
	"means":      func() []item { return kinds(&means.Means) },
	"workloads":  func() []item { return kinds(&workloads.Workloads) },
	"measures": func() (all []item) {
		for _, m := range measure.Specs() {
			all = append(all, item{m.Name, m.Doc, ""})
		}
		return all
	},
	"frameworks": func() (all []item) {
		for _, n := range controls.Names() {
			all = append(all, item{n, "a catalogue of requirements that a report maps evidence to", ""})
		}
		return all
	},
}

var listKinds = []string{"scenarios", "faults", "probes", "checks", "channels", "pollers", "components", "calls", "transports", "means", "workloads", "measures", "frameworks"}

// kinds lists what stands in a registry.
func kinds[T any](r *registry.Registry[T]) (all []item) {
	for _, k := range r.All() {
		all = append(all, item{k.Name, k.Doc, k.Example})
	}
	return all
}

func listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [KIND]",
		Short: "what exists: scenarios, faults, probes, checks, channels and more",
		Long:  strings.Join(wrap("Lists what this build knows: "+strings.Join(listKinds, ", ")+" (all of them without a kind).", screenWidth, 0), "\n"),
		Example: `  blackstart list scenarios
  blackstart list faults --json`,
		Args: cobra.MaximumNArgs(1), ValidArgs: listKinds,
		RunE: func(cmd *cobra.Command, args []string) error {
			shown := listKinds
			if len(args) == 1 {
				if lists[args[0]] == nil {
					return usage(fmt.Errorf("there is no list of %q", args[0]), "there are: "+strings.Join(listKinds, ", "))
				}
				shown = args
			}
			return printLists(cmd.OutOrStdout(), shown, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

func printLists(out io.Writer, kinds []string, asJSON bool) error {
	if asJSON {
		all := map[string][]item{}
		for _, k := range kinds {
			all[k] = lists[k]()
		}
		enc := json.NewEncoder(out)
		enc.SetIndent("", " ")
		return enc.Encode(all)
	}
	for i, k := range kinds {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if len(kinds) > 1 {
			fmt.Fprintln(out, k)
		}
		for _, it := range lists[k]() {
			fmt.Fprintf(out, "  %s\n", it.Name)
			for _, line := range wrap("      "+it.Doc, 80, 6) {
				fmt.Fprintln(out, line)
			}
		}
	}
	return nil
}
