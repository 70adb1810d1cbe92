package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/evidence/seal"
)

// hostile are packs that cost much to read: verify must refuse them within bounds that do not depend on their size.
var hostile = []attack{
	{name: "hostile-million-events", do: func(b *bag) {
		all := b.events()
		events := make([]event, 0, 1_000_000)
		events = append(events, all[:2]...)
		for len(events) < cap(events)-1 {
			events = append(events, event{Kind: "x"})
		}
		b.setEvents(append(events, all[len(all)-1]))
	}, names: []string{eventsFile}},
	{name: "hostile-cohort-names", do: func(b *bag) {
		names := strings.TrimSuffix(strings.Repeat(`"c",`, 400_000), ",")
		b.replace(recordFile, `"cohorts": [`, `"cohorts": [`+names+`,`)
	}, signed: true, names: []string{recordFile}},
	{name: "hostile-observation-line", do: func(b *bag) {
		line := append([]byte(`{"probe":"`), bytes.Repeat([]byte("x"), 64<<20)...)
		b.put(heartbeat, append(line, "\"}\n"...))
	}, signed: true, names: []string{heartbeat, "data/"}},
	{name: "hostile-record", do: func(b *bag) {
		b.replace(recordFile, `"status_reason": "`, `"status_reason": "`+strings.Repeat("x", 5<<20))
	}, signed: true, names: []string{recordFile}},
	{name: "hostile-inputs", do: func(b *bag) { b.put(inputsFile, bytes.Repeat([]byte("["), 40<<20)) }, names: []string{inputsFile}},
	{name: "hostile-svg", do: func(b *bag) {
		b.put("data/plots/latency.svg", append(bytes.Repeat([]byte("<g>"), 20<<20), '\n'))
	}, names: []string{"data/plots/latency.svg"}},
	{name: "hostile-csv", do: func(b *bag) { b.put("data/plots/latency.csv", bytes.Repeat([]byte("1,"), 32<<20)) },
		names: []string{"data/plots/latency.csv"}},
	{name: "hostile-report", do: func(b *bag) { b.put(reportFile, bytes.Repeat([]byte("%PDF-1.7\n"), 6<<20)) }, names: []string{reportFile}},
	{name: "hostile-scenario", do: func(b *bag) {
		was := seal.Digest(b.files[scenario])
		b.put(scenario, append(b.get(scenario), strings.Repeat("# x\n", 16<<20)...))
		b.inputsAnew(func(b *bag) { b.replace(inputsFile, was, seal.Digest(b.files[scenario])) })
	}, signed: true, names: []string{scenario, "data/"}},
	{name: "hostile-many-files", do: func(b *bag) {
		for n := range 2000 {
			b.put(fmt.Sprintf("data/as-run/logs/%d.log", n), []byte("x\n"))
		}
	}, names: []string{"", "data/"}},
	{name: "hostile-note", do: func(b *bag) { b.put(endNote, bytes.Repeat([]byte("x\n"), 32<<20)) }, names: []string{endNote}},
	{name: "hostile-log-file", do: func(b *bag) {
		b.put("data/as-run/logs/west.db.log", bytes.Repeat([]byte("x"), 200<<20))
	}, names: []string{"data/as-run/logs/west.db.log", "data/as-run/logs/"}},
}

// maxTime is the longest that verify may take of any of them, on a machine that does other work besides.
const maxTime = time.Minute

// failedFile finds what failed checks name, in the command's own JSON; a check of the pack as a whole names no file.
var failedFile = regexp.MustCompile(`(?s)"status": "failed",(?:\s*"file": "([^"]*)")?`)

// maxResident is the most memory that verify may hold of any pack, in kilobytes.
const maxResident = 200 << 10

func TestHostilePacks(t *testing.T) {
	for _, a := range slices.Concat(hostile, costly) {
		t.Run(a.name, func(t *testing.T) {
			b := openBagOf(t, "pass", a.signed)
			a.do(b)
			if a.signed {
				b.signAnew()
			}
			if a.hand == nil {
				a.hand = &byHand{}
			}
			pack, root := b.sealByHand(*a.hand)
			keep(t, a.name, pack, root)
			b.files = nil
			began := time.Now()
			exit, out, kilobytes := measured(t, pack, root)
			t.Logf("%-28s exit %d  %5.2f s  %6d kB", a.name, exit, time.Since(began).Seconds(), kilobytes)
			if kilobytes >= maxResident {
				t.Errorf("held %d kB, want less than %d", kilobytes, maxResident)
			}
			if len(out) > 64<<10 {
				t.Errorf("the answer has %d bytes", len(out))
			}
			if time.Since(began) > maxTime {
				t.Errorf("took longer than %s", maxTime)
			}
			if a.fits && exit == 0 {
				return
			}
			if exit != 20 {
				t.Errorf("exit %d, want 20\n%.2000s", exit, out)
			}
			failed := failedFile.FindAllStringSubmatch(out, -1)
			if len(failed) == 0 || !slices.ContainsFunc(failed, func(m []string) bool { return a.named(m[1]) }) {
				t.Errorf("names none of %q\n%.2000s", a.names, out)
			}
		})
	}
}

// measured runs verify through a small process, because the greatest size of a child begins with that of its parent.
func measured(t *testing.T, pack, root string) (exit int, out string, kilobytes int64) {
	t.Helper()
	path, err := command()
	must(t, err)
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "-test.run=^TestMeasuredChild$", "-test.v")
	cmd.Env = append(os.Environ(), "BLACKSTART_MEASURE="+strings.Join([]string{path, pack, root}, "\n"))
	data, err := cmd.Output()
	must(t, err)
	at := bytes.LastIndex(data, []byte("\nmeasured: "))
	if at < 0 {
		t.Fatalf("no measure in %s", data)
	}
	if _, err := fmt.Sscanf(string(data[at+1:]), "measured: %d %d", &exit, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return exit, string(data[:at]), kilobytes
}

// TestMeasuredChild is that small process.
func TestMeasuredChild(t *testing.T) {
	args := strings.Split(os.Getenv("BLACKSTART_MEASURE"), "\n")
	if len(args) != 3 {
		t.Skip("only run by TestHostilePacks")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*maxTime)
	defer cancel()
	// What takes more than the limit by far dies of it, before it takes the machine.
	cmd := exec.CommandContext(ctx, "sh", "-c", `ulimit -v 4194304; exec "$0" "$@"`, args[0], "verify", args[1], "--root", args[2], "--recompute", "--json")
	cmd.Stdout = os.Stdout
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	fmt.Printf("\nmeasured: %d %d\n", cmd.ProcessState.ExitCode(), usage.Maxrss)
}
