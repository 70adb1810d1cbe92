package main

import (
	"io"

	"github.com/spf13/cobra"
)

const exitCodes = `Exit codes: 0 objectives met · 1 an objective not met · 3 inconclusive ·
4 stopped by a guard or interrupted, undone · 5 undo incomplete: act now ·
10 bad usage or scenario · 11 harness error.`

// exitsOf are the exit codes of the commands that run no drill; every other command has the whole list.
var exitsOf = map[string]string{
	"verify": `Exit codes: 0 accepted: line 1 says how the drill ended · 1 accepted, but it did
not pass (--require-pass) · ` + packExits,
	"samples": `Exit codes: 0 exported · ` + packExits,
	"undo": `Exit codes: 0 nothing is in force any more · 5 undo incomplete: act now ·
10 bad usage · 11 another drill is running, or error of the tool.`,
	"stop": `Exit codes: 0 nothing runs, and nothing is in force · 5 undo incomplete, or not
done in time: act now · 10 bad usage · 11 error of the tool.`,
	"register": registerExits,
}

// packExits are what the commands that read packs refuse one for; 20 goes before 22, 22 before 21 and 23.
const packExits = `20 altered or contradictory ·
21 origin unproven · 22 origin refused · 23 a layer that policy demands is
missing · 10 bad usage · 11 error of the tool.`

// otherExits are those of commands that only look.
const otherExits = `Exit codes: 0 done · 10 bad usage or scenario · 11 error of the tool.`

// usageTemplate fits every help into 80 columns, lists the exit codes and ends in an example.
const usageTemplate = `Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]

Commands:{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}

{{with index .Annotations "exits"}}{{.}}{{else}}` + exitCodes + `{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}
`

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "blackstart",
		Short: "Disaster-recovery drills as code, with evidence an auditor can check",
		Long: `Blackstart breaks a two-region system under load, measures RTO, RPO and alert
delivery as its users see them, and seals the result into a signed pack.`,
		Example: `  blackstart run scenarios/finrag/region-partition.yaml --out out
  blackstart verify out/region-partition.zip --recompute`,
		Version: version, SilenceErrors: true, SilenceUsage: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(listCommand(), validateCommand(), planCommand(), runCommand(), stopCommand(), undoCommand(), targetsCommand(), targetCommand(), scenarioCommand(), verifyCommand(),
		samplesCommand(), storeCommand(), registerCommand())
	root.SetUsageTemplate(usageTemplate)
	finishHelp(root)
	return root
}

// finishHelp gives the commands that come with cobra a help like that of ours.
func finishHelp(root *cobra.Command) {
	for _, c := range root.Commands() {
		text, ok := exitsOf[c.Name()]
		if !ok {
			text = otherExits
		}
		if c.Name() != "run" {
			c.Annotations = map[string]string{"exits": text}
		}
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short, c.Long, c.Example = "help about any command", "Shows the help of a command.", "  blackstart help run"
		case "completion":
			c.Short, c.Long = "print the completion script of a shell", "Prints a script that completes commands and flags in a shell."
			c.Example = "  source <(blackstart completion bash)"
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() } // so that an unknown shell is an error
			for _, shell := range c.Commands() {
				shell.Short, shell.Long = "completion for "+shell.Name(), "Prints the completion script for "+shell.Name()+"."
				shell.Example = completionExamples[shell.Name()]
			}
		}
	}
}

// completionExamples loads the completion in the running shell.
var completionExamples = map[string]string{
	"bash":       "  source <(blackstart completion bash)",
	"fish":       "  blackstart completion fish | source",
	"powershell": "  blackstart completion powershell | Out-String | Invoke-Expression",
	"zsh":        "  source <(blackstart completion zsh)",
}
