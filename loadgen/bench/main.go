// Command bench measures loadgen against vegeta's own command and wrk, in one run
// on one machine, and says which bars of the performance table are met.
//
//	go run ./loadgen/bench -out docs/performance.json -md docs/performance.md
//
// Each side runs in a process of its own on one pinned core, the server on
// another; CPU time and memory are what the kernel counted for the process. It
// never compares figures of different runs, and exits 1 when a bar is missed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"blackstart/internal/figures"
)

type report struct {
	Time   time.Time     `json:"time"`
	Go     string        `json:"go"`
	CPUs   int           `json:"cpus"`
	Vegeta string        `json:"vegeta"`
	Wrk    string        `json:"wrk"`
	Quick  bool          `json:"quick,omitempty"` // too short to judge by
	Rows   []figures.Row `json:"rows"`
}

func main() {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "child-") {
		exit(child(os.Args[1], os.Args[2:]))
	}
	out := flag.String("out", "", "write the raw figures to this `file` as JSON")
	md := flag.String("md", "", "write the table to this `file` as Markdown")
	var extra []string
	flag.Func("rows", "add the rows another benchmark wrote to this `file`; may be given again", func(path string) error {
		extra = append(extra, path)
		return nil
	})
	quick := flag.Bool("quick", false, "shorter runs, fewer windows, no bar judged: shows that every row can be measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, *out, *md, extra, *quick))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, out, md string, extra []string, quick bool) error {
	b, err := newBench(ctx, quick)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	rep := report{Time: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), CPUs: runtime.NumCPU(), Vegeta: b.version, Wrk: b.wrkVersion, Quick: quick}
	for _, measure := range []func(context.Context) ([]figures.Row, error){b.cpu, b.stall, b.memory, b.edges} {
		rows, err := measure(ctx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			fmt.Fprintf(os.Stderr, "%-60s %s (%s)\n", r.Name, r.Value, r.Bar)
		}
		rep.Rows = append(rep.Rows, rows...)
	}
	for _, path := range extra {
		rows, err := figures.Read(path)
		if err != nil {
			return err
		}
		rep.Rows = append(rep.Rows, rows...)
	}
	return publish(rep, out, md)
}

// publish writes the report and returns an error naming the bars that were
// missed. A quick report is judged by nobody: what is short is noisy.
func publish(rep report, out, md string) error {
	table := markdown(rep)
	if _, err := io.WriteString(os.Stdout, table); err != nil {
		return err
	}
	if out != "" {
		b, err := json.MarshalIndent(rep, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(out, append(b, '\n'), 0o644); err != nil {
			return err
		}
	}
	if md != "" {
		if err := writePage(md, table); err != nil {
			return err
		}
	}
	var missed []string
	for _, r := range rep.Rows {
		if r.Missed() && !rep.Quick {
			missed = append(missed, r.Name)
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("bars missed: %s", strings.Join(missed, "; "))
	}
	return nil
}

func markdown(rep report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Performance\n\nMeasured by `make bench` on %s with %s, %d CPUs, against %s and %s in the same run. "+
		"The raw figures are in performance.json.\n\n| | measured | bar | |\n| --- | --- | --- | --- |\n",
		rep.Time.Format(time.DateOnly), rep.Go, rep.CPUs, rep.Vegeta, rep.Wrk)
	var remarks []string
	for _, r := range rep.Rows {
		verdict, bar := "met", r.Bar
		switch {
		case r.Bar == "":
			verdict, bar = "", "–"
		case r.Missed():
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Name, r.Value, bar, verdict)
		if r.Remark != "" {
			remarks = append(remarks, fmt.Sprintf("* %s: %s\n", r.Name, r.Remark))
		}
	}
	b.WriteString("\n" + strings.Join(remarks, ""))
	return b.String()
}

// pageEnd marks the end of this command's part of the page; what others wrote behind it is kept.
const pageEnd = "<!-- bench: end -->"

func writePage(path, table string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, rest, found := strings.Cut(string(old), pageEnd)
	if !found {
		rest = "\n" + string(old)
	}
	return os.WriteFile(path, []byte(table+"\n"+pageEnd+rest), 0o644)
}
