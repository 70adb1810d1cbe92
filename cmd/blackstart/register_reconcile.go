package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"blackstart/evidence/register"
	"blackstart/harness"
)

// extractFlags name a list of runs from outside, and say where it is from.
type extractFlags struct {
	file, column, source, query, by, at string
	controlTotal                        int
}

func (f *extractFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "reconcile", "", "CSV `FILE` with runs from a source outside the tool; it wants the next four")
	cmd.Flags().StringVar(&f.source, "source", "", "what the list is from")
	cmd.Flags().StringVar(&f.query, "query", "", "what the source was asked")
	cmd.Flags().StringVar(&f.by, "extracted-by", "", "natural person who asked it")
	cmd.Flags().StringVar(&f.at, "extracted-at", "", "RFC 3339 `TIME` at which")
	cmd.Flags().StringVar(&f.column, "run-column", "run", "column of the list that holds run ids")
	cmd.Flags().IntVar(&f.controlTotal, "control-total", -1, "rows that the source itself counts; −1: it was not asked")
}

// read reads the list; nil where none is named.
func (f *extractFlags) read() (*register.Extract, error) {
	if f.file == "" {
		if f.source+f.query+f.by+f.at != "" || f.controlTotal != -1 {
			return nil, usage(errors.New("where a list is from is said, and no list is given"), "name it with --reconcile FILE")
		}
		return nil, nil
	}
	for flag, value := range map[string]string{"source": f.source, "query": f.query, "extracted-by": f.by, "extracted-at": f.at} {
		if strings.TrimSpace(value) == "" {
			return nil, usage(fmt.Errorf("--reconcile %s: --%s is missing", f.file, flag), "a list shows nothing unless it is said what it is from, how it was asked for, by whom and when")
		}
	}
	at, err := time.Parse(time.RFC3339, f.at)
	if err != nil || at.After(time.Now()) || f.controlTotal < -1 {
		return nil, usage(fmt.Errorf("--extracted-at %.40q is no time in the past, or --control-total %d no number of rows", f.at, f.controlTotal), "write 2026-04-02T09:00:00Z")
	}
	file, err := os.Open(f.file)
	if err != nil {
		return nil, usage(err, "name a CSV file with a header")
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, register.MaxListBytes+1))
	if err != nil {
		return nil, harnessError(err, "")
	}
	e, err := register.ReadExtract(data, f.column, register.Extract{Source: f.source, Query: f.query, By: f.by, At: f.at, ControlTotal: f.controlTotal})
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", f.file, err), "a CSV file with a header, of which one column (--run-column) holds run ids")
	}
	return &e, nil
}

// unreconciled ends a command that has shown a population which does not agree with its list.
func unreconciled(err error, p register.Population) error {
	if err != nil || p.Reconciled == nil || len(p.Reconciled.Exceptions) == 0 {
		return err
	}
	return &exitError{code: harness.ExitFail, err: errors.New(p.Completeness), shown: true}
}

// reconciled tells what a list from outside shows, and where it is from.
func (p *page) reconciled(r register.Reconciliation) {
	p.row("  list      ", fmt.Sprintf("%s; asked: %s; by %s at %s", r.Source, r.Query, r.By, r.At))
	total := "its source was not asked how many it has"
	if r.ControlTotal >= 0 {
		total = fmt.Sprintf("its source counts %d", r.ControlTotal)
	}
	p.row("            ", fmt.Sprintf("%d rows, %s; SHA-256 %s", r.Rows, total, r.SHA256))
	p.row("            ", fmt.Sprintf("%d runs are on both sides", r.Matched))
	for _, e := range r.Exceptions {
		p.row("  exception ", e)
	}
	for _, runs := range []struct {
		what string
		runs []string
	}{{"off the register", r.OffRegister}, {"not in the list", r.NotListed}, {"opened outside the period", r.Elsewhere}, {"in more rows than one", r.Repeated}} {
		for _, run := range runs.runs {
			p.row("            ", cmp.Or(run, "?")+": "+runs.what)
		}
	}
}
