package grants

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness/lease"
	"blackstart/harness/means"
	"blackstart/harness/target"
)

// onHost is what the account of the harness needs on one host to break something and to take it back.
type onHost struct{ acts, programs, root, ticket, reboot []string }

// breaks says what is needed on each host that carries a means out: acts, programs, commands as root, and what a reboot leaves.
func breaks(b *strings.Builder, t *target.Target) {
	var order []string
	hosts := map[string]*onHost{}
	for _, m := range t.Means {
		kind, err := means.Make(m)
		if err != nil {
			continue
		}
		if hosts[m.Host] == nil {
			order = append(order, m.Host)
			hosts[m.Host] = &onHost{programs: lease.Programs()}
		}
		h := hosts[m.Host]
		var acts []string
		for _, a := range kind.Acts() {
			acts = append(acts, string(a))
		}
		add(&h.acts, fmt.Sprintf("%s (%s): %s of %s", m.Name, m.Means, strings.Join(acts, ", "), strings.Join(m.On, ", ")))
		for _, on := range m.On {
			need := kind.Needs(means.SubjectOf(t, m, on, "RUN"))
			add(&h.programs, need.Programs...)
			if m.Sudo {
				add(&h.root, need.Root...)
			}
			add(&h.ticket, need.Ticket)
			add(&h.reboot, need.Reboot)
		}
	}
	for _, name := range order {
		h := hosts[name]
		fmt.Fprintf(b, "\nTo break something and take it back, on host %s:\n", name)
		fmt.Fprintf(b, "  programs: %s\n  a directory of its own: %s\n", strings.Join(h.programs, ", "), lease.Directory(t.Metadata.Name))
		for _, of := range []struct {
			title string
			lines []string
		}{{"it", h.acts}, {"as root, without a password (sudoers)", h.root}, {"besides", h.ticket}, {"a reboot there", h.reboot}} {
			for _, line := range of.lines {
				fmt.Fprintf(b, "  %s: %s\n", of.title, line)
			}
		}
		fmt.Fprintf(b, "  It undoes everything by itself when the harness is silent for %v.\n", t.LeaseTime())
	}
}

// add adds what is not there yet.
func add(to *[]string, words ...string) {
	for _, w := range words {
		if w != "" && !slices.Contains(*to, w) {
			*to = append(*to, w)
		}
	}
}
