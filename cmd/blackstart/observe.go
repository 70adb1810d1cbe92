package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/target"
	"blackstart/harness/targets/external"
)

// observeFlag says that nothing is to be broken.
func observeFlag(cmd *cobra.Command, only *bool) {
	cmd.Flags().BoolVar(only, "observe-only", false, "with the target of a file: break nothing, have nobody do anything, write only what the file allows; the\nresult is no drill, and passes nothing")
}

// observe marks the target of a file as one that is only observed.
func (f *runFlags) observe() error {
	switch {
	case !f.observeOnly:
		return nil
	case f.file == nil:
		return usage(errors.New("--observe-only is for the target of a file: a rehearsal target is made to be broken"), "write --target FILE; a scenario with `faults: []` breaks nothing of a rehearsal target either")
	case f.people != "":
		return usage(errors.New("--people: an observation asks nothing of people"), "leave it out")
	}
	f.file.ObserveOnly = true
	return nil
}

// observes tells whether the target of a file is only observed; f is nil for a rehearsal target.
func observes(f *external.File) bool { return f != nil && f.ObserveOnly }

// played is what of a scenario is carried out: all of it, or what is left of it for an observation.
func (f *runFlags) played(s harness.Scenario) harness.Scenario {
	if !observes(f.file) {
		return s
	}
	return s.Observed(leftOut(f.file, s))
}

// observation is what is put on record of a run that only observes; nil of a drill.
func observation(f *external.File, s harness.Scenario) *harness.ObserveOnly {
	if !observes(f) {
		return nil
	}
	return &harness.ObserveOnly{LeftOut: leftOut(f, s)}
}

// leftOut lists what an observation of a scenario leaves out on the target of a file, as far as it is known before probes are opened.
func leftOut(f *external.File, s harness.Scenario) []harness.LeftOut {
	all := harness.NotDone(s)
	d, about := external.New(*f, nil), outlineThere(f)
	for _, l := range s.Load {
		if why := mayWrite(d, about, l); why != "" {
			all = append(all, harness.LeftOut{What: harness.LeftLoad, Name: l.ID, Kind: l.Workload, Why: why})
		}
	}
	for _, a := range slices.Concat(f.Target.Announce, f.Target.StandDown) {
		all = append(all, harness.LeftOut{What: harness.LeftAnnounce, Name: a.Name, Why: "nobody is told of an observation"})
	}
	return all
}

// mayWrite says why a load could write what may not be written, "" if it reads, or writes only what is allowed wherever it may go.
func mayWrite(d *external.Driver, about harness.Description, l harness.LoadSpec) string {
	traits, ok := loads.Traits(l)
	switch {
	case loads.Reads(l, about.Entry):
		return ""
	case !ok || traits.Table == "" && len(traits.Requests) == 0:
		return "what it sends may write there, and nothing in allows could list it"
	}
	for _, request := range traits.Requests {
		switch {
		case !d.Target.MayRequest(request):
			return request + " may change something, and allows does not list it"
		case d.Unwritten != "":
			return request + " may change something, and " + d.Unwritten
		}
	}
	for _, c := range about.Components { // whichever of them leads is written to
		if traits.Table == "" || c.Kind != traits.Speaks {
			continue
		}
		if err := d.Allowed(c.Name, traits.Table); err != nil {
			return "it writes there, and " + err.Error()
		}
	}
	return ""
}

// ofLeftLoad tells whether a refusal speaks of a load that an observation leaves out.
func ofLeftLoad(f *external.File, s harness.Scenario, r harness.Refusal) bool {
	if !f.ObserveOnly || len(r.At) < 2 || r.At[0] != "load" {
		return false
	}
	i, ok := r.At[1].(int)
	return ok && mayWrite(external.New(*f, nil), outlineThere(f), s.Load[i]) != ""
}

// unwritten says why an observation may write nothing now, whatever allows lists: rows are a change, and a change wants the ticket and
// the window of its target. "": it may.
func unwritten(limits target.Limits, s harness.Scenario, ticket string, now time.Time) string {
	if limits.Ticket != "" && ticket == "" {
		return "without --ticket nothing is written"
	}
	if limits.ChangeWindow == nil {
		return ""
	}
	open, words := limits.ChangeWindow.At(now)
	if !open {
		return "the change window is " + words
	}
	end := now.Add(harness.PlannedLength(s.Observed(nil), nil))
	if open, _ := limits.ChangeWindow.At(end); !open {
		return fmt.Sprintf("the change window is %s, and the observation would last until %s", words, end.UTC().Format("15:04 MST"))
	}
	return ""
}
