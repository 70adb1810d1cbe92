package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"blackstart/harness"
	"blackstart/harness/targets/external"
	"blackstart/scenarios"
)

func validateCommand() *cobra.Command {
	var asJSON bool
	var f runFlags
	cmd := &cobra.Command{
		Use:   "validate FILE…",
		Short: "check scenario files: every problem at once, with file and line",
		Long: `Reads each scenario strictly and checks it under every profile it has, for the
rehearsal target or that of a target file. Nothing is started, and nobody asked.`,
		Example: `  blackstart validate scenarios/finrag/*.yaml
  blackstart validate my-drill.yaml --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.readTarget(false); err != nil {
				return err
			}
			if err := f.observe(); err != nil {
				return err
			}
			return validate(cmd.Context(), cmd.OutOrStdout(), f.file, args, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the problems as JSON")
	cmd.Flags().StringVar(&f.target, "target", rehearsalTarget, "the system that is to be drilled: a target `FILE`, or finrag")
	observeFlag(cmd, &f.observeOnly)
	return cmd
}

func validate(ctx context.Context, out io.Writer, there *external.File, files []string, asJSON bool) error {
	all := []scenarios.Problem{}
	var unread error // hides nothing that is wrong with the others
	for _, file := range files {
		_, _, err := readScenario(ctx, there, file, "")
		var problems scenarios.Problems
		switch {
		case errors.As(err, &problems):
			all = append(all, problems...)
			if !asJSON {
				fmt.Fprintln(out, problems.Error())
			}
		case ctx.Err() != nil:
			return harnessError(err, "")
		case err != nil:
			unread = errors.Join(unread, err)
		case !asJSON:
			fmt.Fprintf(out, "%s: ok\n", file)
		}
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", " ")
		if err := enc.Encode(all); err != nil {
			return harnessError(err, "")
		}
	}
	if unread != nil {
		return usage(unread, "name scenario files that exist")
	}
	if len(all) > 0 {
		return &exitError{code: harness.ExitUsage, err: fmt.Errorf("%d problems", len(all)), shown: true}
	}
	return nil
}

// loadScenario reads one scenario for a command that goes on with it, on the target of a file or, without one, a rehearsal target.
func loadScenario(ctx context.Context, there *external.File, path, profile string) (*harness.Scenario, scenarios.Loaded, error) {
	s, loaded, err := readScenario(ctx, there, path, profile)
	if ctx.Err() != nil {
		return nil, loaded, harnessError(err, "")
	}
	if err != nil {
		return nil, loaded, usage(err, "blackstart list scenarios shows those that ship with the tool; docs/scenario-reference.md explains every key")
	}
	return s, loaded, nil
}

// readScenario reads a scenario and gives up when ctx ends: a pipe that nobody writes to would be waited for without end. What
// waits in it is left behind and ends with the process.
func readScenario(ctx context.Context, there *external.File, path, profile string) (*harness.Scenario, scenarios.Loaded, error) {
	type result struct {
		s      *harness.Scenario
		loaded scenarios.Loaded
		err    error
	}
	done := make(chan result, 1)
	go func() {
		s, loaded, err := readerFor(there).Load(path, profile)
		done <- result{s, loaded, err}
	}()
	select {
	case r := <-done:
		return r.s, r.loaded, r.err
	case <-ctx.Done():
		return nil, scenarios.Loaded{}, fmt.Errorf("read scenario %s: interrupted while waiting for it", path)
	}
}
