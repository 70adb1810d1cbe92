package external

import (
	"context"
	"fmt"
	"slices"

	"blackstart/harness"
	"blackstart/harness/means"
)

// AsksLink implements harness.LinkAsking: the end that connects has a host where programs can be run.
func (d *Driver) AsksLink(link string) error {
	_, _, err := d.endOf(link)
	return err
}

// endOf gives the host of the end that connects, and the address that it connects to.
func (d *Driver) endOf(link string) (h, to string, err error) {
	for _, l := range d.Target.Links {
		if l.Name != link {
			continue
		}
		from, ok := d.Target.ComponentByName(l.From)
		on, there := d.Target.HostByName(from.Host)
		if !ok || !there || on.By == "" {
			return "", "", fmt.Errorf("not available: nobody can ask link %s from its own end: write host: at component %s, of a host with a transport (by:)", link, l.From)
		}
		c, _ := d.Target.ComponentByName(l.To)
		return on.Name, d.Target.AddressOf(c), nil
	}
	return "", "", fmt.Errorf("target %s has no link %s", d.Target.Metadata.Name, link)
}

// AskLink implements harness.LinkAsking.
func (d *Driver) AskLink(ctx context.Context, link string) (string, error) {
	on, to, err := d.endOf(link)
	if err != nil {
		return "", err
	}
	return d.word(ctx, on, means.LinkProbe(to))
}

// word runs a script on a host that prints one word.
func (d *Driver) word(ctx context.Context, on, script string) (string, error) {
	h, err := d.host(on)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	return h.Word(ctx, script)
}

// runs asks the means of a component whether its process runs; known is false where no means can tell.
func (d *Driver) runs(ctx context.Context, name string) (running, known bool, err error) {
	for _, act := range []harness.ActionKind{harness.ComponentKill, harness.ComponentStop, harness.ComponentPause} {
		m, ok := d.Target.MeansFor(name, means.ActsOf, act)
		if !ok {
			continue
		}
		one, err := d.deed(harness.Action{Kind: act, Components: []string{name}}, name)
		if err != nil {
			return false, true, err
		}
		word, err := d.word(ctx, m.Host, one.entry.State)
		switch {
		case err != nil:
			return false, true, err
		case slices.Contains(one.entry.Free, word):
			return true, true, nil
		case slices.Contains(one.entry.Ours, word):
			return act == harness.ComponentPause, true, nil // what is frozen is there
		}
		return false, true, fmt.Errorf("means %s says that %s is %s", m.Name, name, word)
	}
	return false, false, nil
}
