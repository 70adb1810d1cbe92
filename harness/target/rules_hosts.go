package target

import (
	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

func (r *rules) regionNames() (all []string) {
	for _, region := range r.Regions {
		all = append(all, region.Name)
	}
	return all
}

// hosts checks each host, and gives the names of all.
func (r *rules) hosts() (all []string) {
	for i, h := range r.Hosts {
		all = append(all, h.Name)
		r.known(r.item("hosts", i), "region", "region", h.Region, append(r.regionNames(), harness.Outside))
		r.address(r.item("hosts", i), "address", h.Address)
		r.transport(r.item("hosts", i), h)
	}
	return all
}

// transport: what has none has neither parameters nor an identity, for nobody asks it anything.
func (r *rules) transport(n *strictyaml.Node, h Host) {
	form := r.r.HostIdentity[h.By]
	switch {
	case h.By == "" && (h.Identity != "" || n.Get("with") != nil):
		r.out.Add(n.Pos, "write by: ssh, or leave identity and with out", "host %s has no transport by which anything is asked of it", h.Name)
	case h.By == "":
	case !r.kind(n, "by", "transport", h.By, r.r.Transports, h.With, false):
	case h.Identity != "" && !form.MatchString(h.Identity):
		r.out.Add(at(n, "identity"), "write what `blackstart target check` prints for it, in quotes", "the identity of %s is none of a host by %s", h.Name, h.By)
	}
}
