package main

import (
	"bufio"
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

func samplesCommand() *cobra.Command {
	var format, stream string
	cmd := &cobra.Command{
		Use:   "samples PACK",
		Short: "export the raw samples of a pack",
		Long: `Writes the samples of one stream to standard output: as CSV, as one JSON object
a line, or (of all streams, unless one is named) as vegeta report and vegeta
plot read them. Latency counts from the due time of each request.`,
		Example: `  blackstart samples out/null.zip --format vegeta | vegeta report
  blackstart samples out/null.zip --format csv --stream edge > edge.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return exportSamples(cmd.OutOrStdout(), args[0], format, stream)
		},
	}
	cmd.Flags().StringVar(&format, "format", "csv", "vegeta, csv or ndjson")
	cmd.Flags().StringVar(&stream, "stream", "", "id of one load")
	return cmd
}

// exporters writes the samples of one stream in each format.
var exporters = map[string]func(io.Writer, loadgen.Header, iter.Seq2[loadgen.Sample, error]) error{
	"vegeta": loadgen.WriteVegeta, "csv": loadgen.WriteCSV, "ndjson": loadgen.WriteNDJSON,
}

func exportSamples(out io.Writer, path, format, stream string) error {
	export, ok := exporters[format]
	if !ok {
		return usage(fmt.Errorf("unknown format %q", format), "--format takes vegeta, csv or ndjson")
	}
	p, err := seal.Open(path)
	if err != nil {
		return usage(err, "samples takes a pack, e.g. out/region-partition.zip")
	}
	defer p.Close()
	rec, err := evidence.ReadRecord(p)
	if err != nil {
		return usage(err, "blackstart verify says what is wrong with the pack")
	}
	chosen, names := chooseStreams(rec, stream)
	switch {
	case len(chosen) == 0:
		return usage(fmt.Errorf("no stream %q in the pack", stream), "it has: "+strings.Join(names, ", "))
	case len(chosen) > 1 && format != "vegeta":
		return usage(fmt.Errorf("%s holds one stream, the pack has %d", format, len(chosen)), "name one with --stream: "+strings.Join(names, ", "))
	}
	w := bufio.NewWriter(out)
	for _, s := range chosen {
		if err := exportStream(w, p, s, export); err != nil {
			return broken(fmt.Errorf("export %s: %w", s.File, err), "blackstart verify says what is wrong with the pack")
		}
	}
	return w.Flush()
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

func exportStream(w io.Writer, p *seal.Pack, s harness.Stream, export func(io.Writer, loadgen.Header, iter.Seq2[loadgen.Sample, error]) error) error {
	f, err := p.Open(s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	h, samples, err := loadgen.Samples(bufio.NewReader(f))
	if err != nil {
		return err
	}
	err = export(w, h, samples)
	if s.Closed && s.Count == 0 && errors.Is(err, loadgen.ErrNotClosed) {
		return nil // a closed stream without records looks like one that was not closed
	}
	return err
}
