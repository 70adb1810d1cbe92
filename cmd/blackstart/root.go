package main

import (
	"io"

	"github.com/spf13/cobra"
)

const exitCodes = `Exit codes: 0 objectives met · 1 an objective not met · 3 inconclusive ·
4 stopped by a guard or interrupted, undone · 5 undo incomplete: act now ·
10 bad usage or scenario · 11 harness error.`

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "blackstart",
		Short: "Disaster-recovery drills as code, with evidence an auditor can check",
		Long: `Blackstart breaks a two-region system under load, measures RTO, RPO and alert
delivery as its users see them, and seals the result into a signed pack.

` + exitCodes,
		Example: `  blackstart run scenarios/finrag/region-partition.yaml --out out
  blackstart verify out/region-partition.zip --recompute`,
		Version: version, SilenceErrors: true, SilenceUsage: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(listCommand(), validateCommand(), planCommand(), runCommand(), undoCommand(), verifyCommand(), samplesCommand())
	for _, c := range root.Commands() {
		c.Long += "\n\n" + exitCodes
	}
	return root
}
