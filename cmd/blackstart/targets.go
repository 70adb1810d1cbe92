package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"blackstart/harness"
	"blackstart/harness/targets/containers"
	"blackstart/harness/targets/processes"
	"blackstart/harness/targets/undostate"
)

// checkLimit bounds the question what is missing to use a target here.
const checkLimit = 30 * time.Second

// rehearsals are the ways to make the rehearsal target, in the order in which they are listed.
var rehearsals = []struct {
	name, doc string
	open      func(cacheDir string) harness.Driver
	recover   func(ctx context.Context, runDir string, rec *harness.Record) (undostate.Recovered, error)
}{
	{"processes", "two regions as processes on loopback, links through relays of ours", func(cacheDir string) harness.Driver {
		o := processes.OptionsFromEnvironment()
		o.CacheDir = cacheDir
		return processes.New(o)
	}, processes.Recover},
	{"containers", "each component a container, each region a network, on a Docker-compatible engine", func(string) harness.Driver {
		return containers.New(containers.OptionsFromEnvironment())
	}, containers.Recover},
}

// rehearsalNames lists the values of --on.
func rehearsalNames() string {
	var names []string
	for _, r := range rehearsals {
		names = append(names, r.name)
	}
	return strings.Join(names, " or ")
}

// targetItem is what `targets` says of one way.
type targetItem struct {
	Name         string               `json:"name"`
	Doc          string               `json:"doc"`
	Can          []harness.ActionKind `json:"can"`
	Missing      string               `json:"missing"` // what is missing on this machine to use it, "" if nothing
	MissingBuild string               `json:"lacks"`   // why it cannot deploy another build here, "" if it can
}

func targetsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "targets",
		Short:   "what can be drilled here, and what is missing to do it",
		Long:    "Lists the ways to make the rehearsal target, what each can carry out, and what\nis missing on this machine to use it. Nothing is started.",
		Example: "  blackstart targets\n  blackstart targets --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return listTargets(cmd.Context(), cmd.OutOrStdout(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

func listTargets(ctx context.Context, out io.Writer, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	cache, err := cacheDir()
	if err != nil {
		return err
	}
	var items []targetItem
	for _, r := range rehearsals {
		d := r.open(cache)
		it := targetItem{Name: r.name, Doc: r.doc, Can: d.Can()}
		slices.Sort(it.Can)
		if err := d.Check(ctx, harness.StartRequest{Profile: "fast", Settings: map[string]string{}, Progress: func(string) {}}); err != nil {
			it.Missing = err.Error()
		}
		if l, ok := d.(interface{ MissingBuild() string }); ok && it.Missing == "" {
			it.MissingBuild = l.MissingBuild()
		}
		items = append(items, it)
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", " ")
		return enc.Encode(items)
	}
	for _, it := range items {
		fmt.Fprintf(out, "%s\n", it.Name)
		missing := "nothing: it can be used here"
		if it.Missing != "" {
			missing = it.Missing
		} else if it.MissingBuild != "" {
			missing = it.MissingBuild
		}
		var can []string
		for _, k := range it.Can {
			can = append(can, string(k))
		}
		for _, text := range []string{it.Doc, "can carry out: " + strings.Join(can, ", "), "missing: " + missing} {
			for _, line := range wrap("  "+text, screenWidth, 4) {
				fmt.Fprintln(out, line)
			}
		}
	}
	return nil
}
