package external

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/lease"
)

// Abort says, for a run and its plans, how people take everything back without us: on each host the literal commands. It is "" where the
// harness breaks nothing.
func (d *Driver) Abort(run string, plans []harness.Plan) (string, error) {
	d.mu.Lock()
	d.runID = run
	d.mu.Unlock()
	entries := map[string][]lease.Entry{}
	var calls []string
	if err := d.eachDeed(plans, func(s harness.Step, one deed) error {
		if one.host == "" {
			calls = append(calls, s.Undo.Call)
			return nil
		}
		entries[one.host] = append(entries[one.host], one.entry)
		return nil
	}); err != nil {
		return "", err
	}
	if len(entries)+len(calls) == 0 {
		return "", nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# To take back everything that run %s breaks of %s\n\nWithout Blackstart, in this order, on each host.\n", run, d.Target.Metadata.Name)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		h, err := d.host(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n## Host %s (%s)\n\n%s\n", name, h.Needs(), lease.Abort(d.Target.Metadata.Name, run, entries[name]))
	}
	for _, c := range calls {
		fmt.Fprintf(&b, "\n## Call %s\n\nNo host makes it by itself: make it by hand, as the target file writes it.\n", c)
	}
	return b.String(), nil
}
