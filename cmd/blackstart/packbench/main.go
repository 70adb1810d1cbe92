// Command packbench measures what a drill costs its user: how long sealing and verifying ten million samples take and how
// much memory, and where the seconds of a rehearsal go. It writes rows for the performance table.
//
//	go run ./cmd/blackstart/packbench -bin bin/blackstart -out rows.json
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"blackstart/internal/figures"
)

func main() {
	out := flag.String("out", "", "write the rows to this `file` as JSON")
	bin := flag.String("bin", "bin/blackstart", "the built program")
	scenario := flag.String("scenario", "scenarios/finrag/region-partition.yaml", "scenario of the rehearsal; it must pass")
	quick := flag.Bool("quick", false, "fewer samples: shows that the rows can be measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *bin, *scenario, *out, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, scenario, out string, quick bool) error {
	rows, err := sealing(ctx, quick)
	if err != nil {
		return err
	}
	spent, err := rehearsal(ctx, bin, scenario)
	if err != nil {
		return err
	}
	rows = append(rows, spent)
	for _, r := range rows {
		fmt.Fprintf(os.Stderr, "%-60s %s (%s)\n", r.Name, r.Value, r.Bar)
	}
	return figures.Write(out, rows)
}
