package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/external"
)

// writeAbort writes, beside the pack to be, how everything is taken back without us, where the harness breaks something of a target that
// a file describes.
func (d *drillRun) writeAbort() error {
	driver, ok := d.driver.(*external.Driver)
	if !ok || d.observe != nil {
		return nil
	}
	text, err := driver.Abort(d.runID, d.plans)
	if err != nil || text == "" {
		return err
	}
	path := filepath.Join(d.info.Out, d.info.Name+".abort.md")
	if err := os.MkdirAll(d.info.Out, 0o755); err != nil {
		return err
	}
	if err := writeAtomic(path, []byte(text)); err != nil {
		return err
	}
	d.screen.say("how to take everything back without this program: %s", path)
	return nil
}

// printExecutors says by whom a fault is undone when the harness falls silent, and what then keeps two from leading.
func printExecutors(step func(string, ...any), target harness.Description, p harness.Plan) {
	if target.Kind != harness.External || p.Task() != nil {
		return
	}
	var on, hosts []string
	for _, s := range p.Steps {
		on = append(append(on, s.Do.Components...), s.Do.Links...)
		for _, name := range on {
			if m, ok := target.MeansFor(s.Do.Kind, name); ok && !slices.Contains(hosts, m.Host) {
				hosts = append(hosts, m.Host)
			}
		}
	}
	for _, h := range hosts {
		step("host %s undoes it by itself when the harness is silent for %s", h, time.Duration(target.LeaseNS))
	}
	for _, c := range target.Components {
		touches := slices.Contains(on, c.Name) || slices.ContainsFunc(target.Links, func(l harness.Link) bool {
			return slices.Contains(on, l.Name) && (l.To == c.Name || l.From == c.Region)
		})
		if c.Fencing == "" || c.Role != harness.Primary || !touches {
			continue
		}
		step("%s", fenceWords(c))
	}
}

// fenceWords say what a host that undoes by itself does about a component that led.
func fenceWords(c harness.Component) string {
	switch c.Fencing {
	case harness.FencedBySelf:
		return fmt.Sprintf("then %s is fenced by its own cluster manager: the host undoes at once", c.Name)
	case harness.FencedByHold:
		return fmt.Sprintf("then %s stays as it is: a file HOLD on the host says how to lift it", c.Name)
	}
	return fmt.Sprintf("then the host has %s fenced first, by %s", c.Name, c.Fencing)
}

// printRestore says what brings redundancy back, and that nothing does where something may be lost of it.
func printRestore(out io.Writer, step func(string, ...any), s harness.Scenario, target harness.Description, plans []harness.Plan) {
	if len(s.Restore) == 0 {
		if target.Kind == harness.External && slices.ContainsFunc(plans, func(p harness.Plan) bool { return len(p.Fences) > 0 }) {
			fmt.Fprintln(out, "\nno restore: this drill may leave redundancy lost")
		}
		return
	}
	fmt.Fprintln(out, "\nwhen everything is undone, and both sides have been read")
	for _, r := range s.Restore {
		step("%s: call %s, shown by %s", r.Name, r.Call, describeChecks(r.Checks()))
	}
}
