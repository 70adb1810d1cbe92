package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"blackstart/evidence/register"
)

func populationCommand() *cobra.Command {
	var f registerFlags
	var from, to string
	var head int64
	var list extractFlags
	cmd := f.add(&cobra.Command{
		Use:   "population",
		Short: "which runs were opened in a period, and what became of each",
		Long: `Lists the runs that were opened in a period: totals by class and outcome, then
each run with the digests of scenario, objectives, faults, target and tool, and
each change since the run before of that scenario, class and profile. A run that
was opened and never closed is among them; all but "passed" count as not passed.
One that is dated outside the period and stands between entries that are dated
in it is listed apart: a clock was wrong.

With --reconcile the runs are held against a list from a source where the tool
cannot delete (CI, change tickets, the target's own log), a CSV file with run
ids, in both directions. Where they do not agree, the exit code is 1.`,
		Example: `  blackstart register population --store /mnt/evidence --from 2026-01-01 \
    --to 2026-03-31
  blackstart register population --store /mnt/evidence --reconcile ci.csv \
    --source 'CI of example.org' --query 'pipeline drill' \
    --extracted-by 'A. Auditor' --extracted-at 2026-04-02T09:00:00Z`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			period, err := parsePeriod(from, to)
			if err != nil {
				return err
			}
			extract, err := list.read()
			if err != nil {
				return err
			}
			l, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			if head, err = upTo(l, head); err != nil {
				return err
			}
			p, err := l.Population(head, period[0], period[1])
			if err != nil {
				return harnessError(err, "")
			}
			if extract != nil {
				l.Reconcile(&p, *extract)
			}
			err = f.print(cmd.OutOrStdout(), p, func(out *page) { out.population(p) })
			return unreconciled(f.contradicted(err, p.Exceptions), p)
		},
	})
	list.add(cmd)
	cmd.Flags().StringVar(&from, "from", "", "first day, or RFC 3339 `TIME`, in UTC; the first run's if empty")
	cmd.Flags().StringVar(&to, "to", "", "last day, or RFC 3339 `TIME` up to which, in UTC; the last run's if empty")
	cmd.Flags().Int64Var(&head, "head", -1, "`SIZE` of the register to list; −1: all of it")
	return cmd
}

// upTo is how many entries are meant by --head; −1 are all there are.
func upTo(l *register.Log, head int64) (int64, error) {
	if head == -1 {
		return l.Size(), nil
	}
	if head < 0 || head > l.Size() {
		return 0, usage(fmt.Errorf("--head %d: there are %d entries", head, l.Size()), fmt.Sprintf("for instance: --head %d", l.Size()))
	}
	return head, nil
}

// parsePeriod reads two bounds, of which the second is not included; a day as the second is, to its end.
func parsePeriod(from, to string) (bounds [2]time.Time, err error) {
	for i, text := range []string{from, to} {
		if text == "" {
			continue
		}
		day, dayErr := time.Parse(time.DateOnly, text)
		if dayErr == nil {
			bounds[i] = day.AddDate(0, 0, i)
			continue
		}
		if bounds[i], err = time.Parse(time.RFC3339, text); err != nil {
			return bounds, usage(fmt.Errorf("%.40q is neither a day nor a time", text), "write 2026-03-31, or 2026-03-31T17:00:00Z")
		}
	}
	if from != "" && to != "" && !bounds[0].Before(bounds[1]) {
		return bounds, usage(fmt.Errorf("--from %s is not before --to %s", from, to), "")
	}
	return bounds, nil
}

func sampleCommand() *cobra.Command {
	var f registerFlags
	var seed string
	var size int
	var head int64
	cmd := f.add(&cobra.Command{
		Use:   "sample",
		Short: "draw runs to look into, by a seed that an auditor gives",
		Long: `Draws from the runs that passed, and lists all that did not. The runs are ranked
by SHA-256(root, seed, index): 32 bytes, the seed's bytes, 8 bytes big-endian;
the lowest are drawn. It is fair only if the seed was chosen after the head was
fixed: without --seed only head and root are printed; give them to the auditor,
then draw at that --head with the seed that comes back.`,
		Example: `  blackstart register sample --store /mnt/evidence
  blackstart register sample --store /mnt/evidence --head 24 --seed 20260401`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			if head, err = upTo(l, head); err != nil {
				return err
			}
			if size < 1 {
				return usage(fmt.Errorf("--size %d: at least 1", size), "for instance: --size 5")
			}
			if seed == "" {
				size = 0
			}
			s, err := l.Sample(head, seed, size)
			if err != nil {
				return harnessError(err, "")
			}
			err = f.print(cmd.OutOrStdout(), s, func(p *page) { p.sample(s) })
			return f.contradicted(err, s.Exceptions)
		},
	})
	cmd.Flags().StringVar(&seed, "seed", "", "what the auditor chose after the head was fixed")
	cmd.Flags().IntVar(&size, "size", 5, "how many of the runs that passed")
	cmd.Flags().Int64Var(&head, "head", -1, "`SIZE` of the register to draw from; −1: all of it")
	return cmd
}
