package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func populationCommand() *cobra.Command {
	var f registerFlags
	var from, to string
	cmd := f.add(&cobra.Command{
		Use:   "population",
		Short: "which runs were opened in a period, and what became of each",
		Long: `Lists the runs that were opened in a period: totals by class and outcome, then
each run with the digests of scenario, objectives, faults, target and tool, and
each change since the run before of that scenario, class and profile. A run that
was opened and never closed is among them; all but "passed" count as not passed.`,
		Example: `  blackstart register population --store /mnt/evidence --from 2026-01-01 \
    --to 2026-03-31`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			period, err := parsePeriod(from, to)
			if err != nil {
				return err
			}
			l, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			p, err := l.Population(period[0], period[1])
			if err != nil {
				return harnessError(err, "")
			}
			err = f.print(cmd.OutOrStdout(), p, func(out *page) { out.population(p) })
			return f.contradicted(err, p.Exceptions)
		},
	})
	cmd.Flags().StringVar(&from, "from", "", "first day, or RFC 3339 `TIME`, in UTC; the first run's if empty")
	cmd.Flags().StringVar(&to, "to", "", "last day, or RFC 3339 `TIME` up to which, in UTC; the last run's if empty")
	return cmd
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
the lowest are drawn. It is fair only if the seed was chosen after the head
that is printed was fixed: print it first, then ask the auditor for the seed.`,
		Example: `  blackstart register sample --store /mnt/evidence --seed 20260401 --size 5
  blackstart register sample --store /mnt/evidence --head 24 --seed 20260401`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			if head < 0 {
				head = l.Size()
			}
			if seed == "" || size < 1 || head > l.Size() {
				return usage(fmt.Errorf("--seed %.20q, --size %d, --head %d: a seed, at least 1, at most %d", seed, size, head, l.Size()), "for instance: --seed 20260401 --size 5")
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
