package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"blackstart/harness"
	"blackstart/harness/target"
	"blackstart/harness/targets/external"
)

// permitFlags are what whoever runs a drill says of being allowed to.
type permitFlags struct {
	ticket, confirm string
	leaveLost       bool // of redundancy
}

func (p *permitFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.ticket, "ticket", "", "change ticket, where the file of the target wants one")
	cmd.Flags().StringVar(&p.confirm, "confirm", "", "`NAME` of a target that is no rehearsal, where the harness itself breaks something")
	cmd.Flags().BoolVar(&p.leaveLost, "leave-redundancy-lost", false, "where a drill may leave it so, and its scenario has no restore")
}

// permitted refuses a drill on the target of a file that its owner does not allow now: a change window that is shut, or shuts before
// the drill would end, and a ticket that is none of theirs. Nothing has been touched by then. f is nil for a rehearsal target. An
// observation is a change only if it writes: it is refused another ticket, and else writes nothing where a drill would be refused.
func permitted(f *external.File, s harness.Scenario, plans []harness.Plan, permit permitFlags, now time.Time) error {
	ticket := permit.ticket
	if f == nil {
		if ticket != "" {
			return usage(fmt.Errorf("--ticket %.50q is for the target of a file", ticket), "leave it out")
		}
		if permit.confirm != "" || permit.leaveLost {
			return usage(errors.New("--confirm and --leave-redundancy-lost are for the target of a file"), "leave them out")
		}
		return nil
	}
	if err := confirmed(f, s, plans, permit); err != nil {
		return err
	}
	limits := f.Target.Limits
	if f.ObserveOnly {
		f.Unwritten = unwritten(limits, s, ticket, now)
	}
	if f.ObserveOnly && ticket == "" {
		return nil
	}
	if limits.Ticket != "" && !limits.FitsTicket(ticket) {
		return usage(fmt.Errorf("%s allows a drill with a change ticket only, and %q does not match %s", f.Path, ticket, limits.Ticket), "write --ticket with the number of the change")
	}
	if limits.ChangeWindow == nil || f.ObserveOnly {
		return nil
	}
	end := now.Add(harness.PlannedLength(s, plans))
	open, words := limits.ChangeWindow.At(now)
	if !open {
		return usage(fmt.Errorf("the change window of %s is %s", f.Path, words), "run the drill while it is open; plan, validate and target check need no window")
	}
	if open, _ := limits.ChangeWindow.At(end); !open {
		return usage(fmt.Errorf("the change window of %s is %s, and the drill would last until %s", f.Path, words, end.UTC().Format("15:04 MST")), "run it when the window has longer to go")
	}
	return nil
}

// guarded refuses, outside a rehearsal, to break anything where no guard watches clients that are not the drill's own, and in production
// where nobody has written when that may be done, and what a change ticket looks like.
func guarded(t *target.Target, s harness.Scenario, about harness.Description, traits func(harness.ProbeSpec) (harness.ProbeTraits, bool)) (refused []harness.Refusal) {
	if len(s.Faults) == 0 {
		return nil
	}
	refuse := func(err error) {
		refused = append(refused, harness.Refusal{At: []any{"faults", 0}, Err: fmt.Errorf("target %s: %w", t.Metadata.Name, err)})
	}
	if err := harness.GuardsOthers(&s, &about, traits); err != nil {
		refuse(err)
	}
	if about.Environment == harness.Production && t.Limits.ChangeWindow == nil {
		refuse(errors.New("it is in production, and its file does not say when something may be broken there: write limits.changeWindow in it"))
	}
	if about.Environment == harness.Production && t.Limits.Ticket == "" {
		refuse(errors.New("it is in production, and its file does not say what the ticket of a change looks like: write limits.ticket in it"))
	}
	return refused
}

// confirmed demands that whoever has the harness break something outside a rehearsal writes the target's name.
func confirmed(f *external.File, s harness.Scenario, plans []harness.Plan, permit permitFlags) error {
	name, confirm := f.Target.Metadata.Name, permit.confirm
	lost := len(s.Restore) == 0 && slices.ContainsFunc(plans, func(p harness.Plan) bool { return p.Task() == nil && len(p.Fences) > 0 })
	breaks := !f.ObserveOnly && slices.ContainsFunc(plans, func(p harness.Plan) bool { return p.Task() == nil })
	switch {
	case confirm != "" && !breaks:
		return usage(fmt.Errorf("--confirm %.50q: the harness breaks nothing in this drill", confirm), "leave it out")
	case confirm != "" && confirm != name:
		return usage(fmt.Errorf("--confirm %.50q is not the target, which is %s", confirm, name), "write --confirm "+name+" if that is what is to be broken")
	case confirm == "" && breaks && f.Target.Metadata.Environment != harness.Rehearsal:
		return usage(fmt.Errorf("the harness would break %s, which is no rehearsal (%s)", name, f.Target.Metadata.Environment),
			"look at what blackstart plan prints; then write --confirm "+name)
	case breaks && lost && !permit.leaveLost && f.Target.Metadata.Environment != harness.Rehearsal:
		return usage(errors.New("this drill may leave redundancy lost: another may lead after it, and nothing of the scenario brings the old one back"),
			"write restore: in the scenario, or --leave-redundancy-lost if people see to it")
	}
	return nil
}
