package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/loadgen"
)

type samplesFlags struct {
	trustFlags
	format, stream string
	unverified     bool
}

func samplesCommand() *cobra.Command {
	var f samplesFlags
	cmd := &cobra.Command{
		Use:   "samples PACK",
		Short: "export the raw samples of a pack",
		Long: `Writes the samples of one stream to standard output: as CSV, as one JSON object
a line, or (of all streams, unless one is named) as vegeta report and vegeta
plot read them. Latency counts from the due time of each request.

The pack is verified first, against --root or --trust as verify does it; of one
that is not accepted nothing is exported. --unverified exports all the same, and
says so.`,
		Example: `  blackstart samples out/null.zip --format vegeta | vegeta report
  blackstart samples out/null.zip --format csv --stream edge > edge.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return exportSamples(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], f)
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.format, "format", "csv", "vegeta, csv or ndjson")
	cmd.Flags().StringVar(&f.stream, "stream", "", "id of one load")
	cmd.Flags().BoolVar(&f.unverified, "unverified", false, "export without verifying: the samples may have been altered")
	return cmd
}

// exporter writes the samples of one stream, whose numbers have these names.
type exporter func(h loadgen.Header, names loadgen.Names, samples iter.Seq2[loadgen.Sample, error]) error

// exporters write in each format.
var exporters = map[string]func(io.Writer) exporter{
	"vegeta": func(w io.Writer) exporter {
		all := loadgen.NewVegetaWriter(w)
		return all.Write
	},
	"csv": func(w io.Writer) exporter {
		return func(h loadgen.Header, names loadgen.Names, s iter.Seq2[loadgen.Sample, error]) error {
			return loadgen.WriteCSV(w, h, names, s)
		}
	},
	"ndjson": func(w io.Writer) exporter {
		return func(h loadgen.Header, names loadgen.Names, s iter.Seq2[loadgen.Sample, error]) error {
			return loadgen.WriteNDJSON(w, h, names, s)
		}
	},
}

func exportSamples(ctx context.Context, out, diag io.Writer, path string, f samplesFlags) error {
	begin, ok := exporters[f.format]
	if !ok {
		return usage(fmt.Errorf("unknown format %q", f.format), "--format takes vegeta, csv or ndjson")
	}
	if f.unverified {
		fmt.Fprintln(diag, "warning: the pack was not verified: what is exported may have been altered")
	} else if err := f.mustAccept(ctx, path); err != nil {
		return err
	}
	p, err := seal.Open(path)
	if err != nil {
		return unreadable(err, "samples takes a pack, e.g. out/region-partition.zip")
	}
	defer p.Close()
	rec, err := evidence.ReadRecord(p)
	if err != nil {
		return unreadable(&seal.Refusal{File: evidence.RecordFile, Reason: err.Error()}, "blackstart verify says what is wrong with the pack")
	}
	chosen, loads := chooseStreams(rec, f.stream)
	switch {
	case len(chosen) == 0:
		return usage(fmt.Errorf("no stream %q in the pack", f.stream), truncate("it has: "+strings.Join(loads, ", "), 200))
	case len(chosen) > 1 && f.format != "vegeta":
		return usage(fmt.Errorf("%s holds one stream, the pack has %d", f.format, len(chosen)), truncate("name one with --stream: "+strings.Join(loads, ", "), 200))
	}
	w := bufio.NewWriter(out)
	export := begin(w)
	for _, s := range chosen {
		if err := exportStream(diag, p, s, loadgen.Names{Cohorts: s.Cohorts, Outcomes: rec.Outcomes}, export); err != nil {
			return harnessError(fmt.Errorf("export %q: %w", s.File, err), "blackstart verify says what is wrong with the pack")
		}
	}
	return w.Flush()
}

// mustAccept refuses a pack that verify does not accept.
func (f trustFlags) mustAccept(ctx context.Context, path string) error {
	j, err := f.judge(ctx, path, false)
	if err != nil || j.code == harness.ExitPass {
		return err
	}
	why := refusals[j.code]
	if failed := j.Failures(); len(failed) > 0 {
		why = fmt.Sprintf("%s: %s: %s", why, subjectOf(failed[0]), failed[0].Detail)
	}
	return &exitError{code: j.code, err: errors.New(truncate("the pack is not accepted: "+why, 400)),
		hint: "blackstart verify says more; --unverified exports all the same"}
}

// unreadable is a pack that cannot be read at all, unless this machine is the reason.
func unreadable(err error, hint string) error {
	var ref *seal.Refusal
	if errors.As(err, &ref) {
		return &exitError{code: harness.ExitAltered, err: errors.New(truncate(err.Error(), 400)), hint: hint}
	}
	return usage(err, hint)
}

// chooseStreams lists the sample streams of one load, or of all, and the names there are.
func chooseStreams(rec *harness.Record, load string) (chosen []harness.Stream, names []string) {
	for _, s := range rec.Streams {
		if s.Kind != "samples" {
			continue
		}
		names = append(names, s.Load)
		if load == "" || s.Load == load {
			chosen = append(chosen, s)
		}
	}
	return chosen, names
}

// exportStream writes the samples of one stream. One that was never closed, because the run was killed, ends where its last
// whole sample does; that is said.
func exportStream(diag io.Writer, p *seal.Pack, s harness.Stream, names loadgen.Names, export exporter) error {
	f, err := p.Open(s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	h, samples, err := loadgen.Samples(bufio.NewReader(f))
	if err != nil {
		return err
	}
	return export(h, names, func(yield func(loadgen.Sample, error) bool) {
		for sample, err := range samples {
			var torn *loadgen.TornError
			if err != nil && !s.Closed && (errors.Is(err, loadgen.ErrNotClosed) || errors.Is(err, loadgen.ErrTrailing) || errors.As(err, &torn)) {
				fmt.Fprintf(diag, "warning: stream %q was not closed: the run was killed while it went on\n", s.Load)
				return
			}
			if errors.Is(err, loadgen.ErrNotClosed) && s.Count == 0 {
				return // a closed stream without records looks like one that was not closed
			}
			if !yield(sample, err) {
				return
			}
		}
	})
}
