package main

import (
	"github.com/spf13/cobra"

	"blackstart/scenarios"
)

func scenarioCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "scenario", Short: "print a drill to begin with",
		Long:    "A scenario says what is broken, what is watched, and what must hold.",
		Example: "  blackstart scenario init > dc-loss.yaml",
		Args:    cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }, // so that an unknown command is an error
	}
	start := &cobra.Command{
		Use: "init", Short: "print a commented scenario to begin with",
		Long: `Prints a scenario with comments, which is valid on the target that blackstart
target init prints. Its file is named as its metadata.name says: dc-loss.yaml.`,
		Example: "  blackstart scenario init > dc-loss.yaml", Args: cobra.NoArgs, Annotations: map[string]string{"exits": otherExits},
		RunE: func(cmd *cobra.Command, _ []string) error { return put(cmd.OutOrStdout(), scenarios.Start) },
	}
	cmd.AddCommand(start)
	return cmd
}
