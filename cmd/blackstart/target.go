package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"blackstart/evidence"
	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/host"
	"blackstart/harness/means"
	"blackstart/harness/probes"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/target/channels"
	"blackstart/harness/target/check"
	"blackstart/harness/target/grants"
	"blackstart/internal/ownaddress"
	"blackstart/internal/strictyaml"
)

// checkExits are the exit codes of target check.
const checkExits = `Exit codes: 0 every row works · 1 one does not · 10 bad file, or another system
than it describes · 11 error of the tool.`

// targetReader reads target files with everything that this build knows.
func targetReader() target.Reader {
	return target.Reader{Components: component.Kinds.Parameters(), Calls: call.Calls.Parameters(), Traits: component.Traits(),
		Probes: probes.Probes.Parameters(), Probe: target.ProbeRules{Fastest: probes.Fastest, Wrong: probes.Wrong, Traits: probes.TraitsOf},
		Channels: channels.Parameters(), Alerts: channels.Traits(), Transports: host.Transports.Parameters(), Means: means.Means.Parameters(), MeansTraits: means.Traits(), HostIdentity: host.Forms(), Here: ownaddress.Check}
}

// keptReader reads the copy of a target file that a run has kept: what was on this machine then may be gone by now.
func keptReader() target.Reader {
	r := targetReader()
	r.Here = func(netip.Addr) error { return nil }
	return r
}

func targetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "target",
		Short: "describe a running system in one file, and check it",
		Long: `A target file says what a running system is made of, where it is reached, and
what may be done there. These commands read, explain and check one; none of them
changes anything there. blackstart run SCENARIO --target FILE drills it.`,
		Example: `  blackstart target init > orders.target.yaml
  blackstart target check orders.target.yaml`,
		Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }, // so that an unknown command is an error
	}
	for _, sub := range []*cobra.Command{targetInit(), targetSchema(), targetCheck(), targetDDL(), targetGrants()} {
		if sub.Annotations == nil {
			sub.Annotations = map[string]string{"exits": otherExits}
		}
		cmd.AddCommand(sub)
	}
	return cmd
}

func targetInit() *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "print a commented file to begin with", Long: "Prints a target file with comments, which can be checked as it is.",
		Example: "  blackstart target init > orders.target.yaml", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return put(cmd.OutOrStdout(), target.Start) },
	}
}

func targetSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "print the JSON Schema of target files, for editors",
		Long:    "Prints the JSON Schema (2020-12) of target files. The reader knows more rules.",
		Example: "  blackstart target schema > target.schema.json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return put(cmd.OutOrStdout(), targetReader().Schema()) },
	}
}

// put writes a result as it is.
func put(out io.Writer, data []byte) error {
	if _, err := out.Write(data); err != nil {
		return harnessError(fmt.Errorf("write the result: %w", err), "")
	}
	return nil
}

// loadTarget reads a target file; everything that is wrong with it is printed.
func loadTarget(path string) (*target.Target, error) {
	f, err := targetFile(path)
	if err != nil {
		return nil, err
	}
	return f.Target, nil
}

func targetDDL() *cobra.Command {
	var on string
	cmd := &cobra.Command{
		Use: "ddl FILE", Short: "print what a database administrator runs: role, grants, tables",
		Long: `Prints, for each database of a target file, the SQL that makes the role of
blackstart with the rights it needs, and the tables that the file allows to be
written; for a Redis that --on names, the line of its access list. It holds no
password, and nothing is run.`,
		Example: "  blackstart target ddl orders.target.yaml --on east.db", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := loadTarget(args[0])
			if err != nil {
				return err
			}
			text, err := grants.DDL(t, on)
			if err != nil {
				return usage(err, "--on names a component of kind postgres or redis")
			}
			return put(cmd.OutOrStdout(), []byte(text))
		},
	}
	cmd.Flags().StringVar(&on, "on", "", "the component (default: each that is no copy)")
	return cmd
}

func targetGrants() *cobra.Command {
	return &cobra.Command{
		Use: "grants FILE", Short: "print what a change ticket asks for: openings, roles, files",
		Long: `Prints what people must allow before a target can be checked: firewall openings,
database roles, files and programs on this host.`,
		Example: "  blackstart target grants orders.target.yaml", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := loadTarget(args[0])
			if err != nil {
				return err
			}
			text, err := grants.Ticket(t)
			if err != nil {
				return harnessError(err, "")
			}
			return put(cmd.OutOrStdout(), []byte(text))
		},
	}
}

func targetCheck() *cobra.Command {
	var asJSON, exercise bool
	var ticket string
	cmd := &cobra.Command{
		Use: "check FILE [SCENARIO|DIR]…", Short: "ask everything that a target file names once; changes nothing",
		Long: `Resolves every secret, asks who everything is, and only then looks at each
component, clock, link, entry and call, from this host. It only reads. A call
without "reads: true" is not made: whether it could be is found out. Of each
scenario, or each in a directory, it tells whether it could run there.

With --exercise each host of a means arms a lease, does and undoes something to
a file of its own, and undoes it by itself after a lease that nobody renews.`,
		Example: `  blackstart target check orders.target.yaml
  blackstart target check orders.target.yaml scenarios/orders
  blackstart target check orders.target.yaml --ticket CHG0012345 --json`,
		Args: cobra.MinimumNArgs(1), Annotations: map[string]string{"exits": checkExits},
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkTarget(cmd.Context(), cmd.OutOrStdout(), args[0], args[1:], ticket, asJSON, exercise)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.Flags().StringVar(&ticket, "ticket", "", "number of the change ticket: must match limits.ticket")
	cmd.Flags().BoolVar(&exercise, "exercise", false, "outside production: have each host of a means do and undo something of its own, and let a lease run out")
	return cmd
}

// checked is what target check prints as JSON.
type checked struct {
	Target      string      `json:"target"`
	Owner       string      `json:"owner"`
	Environment string      `json:"environment"`
	Critical    bool        `json:"critical"`
	Service     string      `json:"service"`
	Plan        string      `json:"plan"`
	Rows        []check.Row `json:"rows"`
}

func checkTarget(ctx context.Context, out io.Writer, path string, drills []string, ticket string, asJSON, exercise bool) error {
	if err := strictyaml.CheckText(ticket, 100); err != nil {
		return usage(fmt.Errorf("read the ticket: %w", err), "write its number")
	}
	f, err := targetFile(path)
	if err != nil {
		return err
	}
	t := f.Target
	if pattern := t.Limits.Ticket; ticket != "" && !t.Limits.FitsTicket(ticket) {
		return usage(fmt.Errorf("the ticket %q does not match %q, limits.ticket of %s", ticket, pattern, path), "write the number of the change")
	}
	switch {
	case exercise && t.Metadata.Environment == harness.Production:
		return usage(fmt.Errorf("%s is in production, and nothing is done there by the harness", t.Metadata.Name), "leave --exercise out")
	case exercise && len(t.Means) == 0:
		return usage(fmt.Errorf("%s has no means: no host would undo anything", path), "leave --exercise out")
	}
	redact := evidence.NewRedactor()
	rows, err := check.Run(ctx, check.Request{Target: t, Secrets: &secret.Resolver{Hide: redact.Add}, Redact: redact.Text, Now: time.Now(), Exercise: exercise})
	var mistaken *check.Mistaken
	switch {
	case errors.As(err, &mistaken):
		return usage(redacted{err, redact}, "mend the address or the identity in "+path+"; nothing else was asked")
	case err != nil:
		return harnessError(redacted{err, redact}, "")
	}
	could, err := scenarioRows(ctx, f, drills, drillable(rows))
	if err != nil {
		return err
	}
	rows = append(rows, could...)
	var b bytes.Buffer
	m := t.Metadata
	if asJSON {
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		err = enc.Encode(checked{m.Name, m.Owner, m.Environment, m.Critical, m.Service, m.Plan, rows})
	} else {
		table(&b, t, rows)
	}
	if err = errors.Join(err, put(out, redact.Bytes(b.Bytes()))); err != nil {
		return harnessError(err, "")
	}
	for _, r := range rows {
		if r.State != check.Works {
			return &exitError{code: harness.ExitFail, err: errors.New("not everything works"), shown: true}
		}
	}
	return nil
}

// widestName is how wide the column of names grows; a longer name has a line of its own.
const widestName = 22

// table prints one row for everything that was asked.
func table(out io.Writer, t *target.Target, rows []check.Row) {
	m := t.Metadata
	class := m.Environment
	if m.Critical {
		class += ", critical"
	}
	for _, line := range wrap(fmt.Sprintf("%s [%s] %s, %s, %s", m.Name, class, m.Service, m.Plan, m.Owner), screenWidth, 2) {
		fmt.Fprintln(out, line)
	}
	width := 0
	for _, r := range rows {
		if n := len([]rune(r.Name)); n <= widestName {
			width = max(width, n)
		}
	}
	count, before := map[check.State]int{}, ""
	for _, r := range rows {
		count[r.State]++
		of := r.Of
		if of == before {
			of = ""
		}
		before = r.Of
		head := fmt.Sprintf("  %-10s %-*s ", of, width, truncate(r.Name, screenWidth-14))
		if len([]rune(r.Name)) > width {
			fmt.Fprintln(out, strings.TrimRight(head, " "))
			head = strings.Repeat(" ", 14+width)
		}
		for i, line := range wrap(string(r.State)+": "+r.Text, screenWidth-14-width, 2) {
			if i > 0 {
				head = strings.Repeat(" ", 14+width)
			}
			fmt.Fprintln(out, truncate(head+line, screenWidth))
		}
	}
	what := "rows"
	if len(rows) == 1 {
		what = "row"
	}
	fmt.Fprintf(out, "%d %s: %d work, %d refused, %d not available\n", len(rows), what, count[check.Works], count[check.Refused], count[check.NotAvailable])
}
