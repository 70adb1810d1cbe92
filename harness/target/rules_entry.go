package target

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"

	"blackstart/harness"
)

func (r *rules) links() {
	names := r.componentNames()
	for i, l := range r.Links {
		n := r.item("links", i)
		if l.From != harness.Outside {
			r.known(n, "from", "component", l.From, append([]string{harness.Outside}, names...))
		}
		if r.known(n, "to", "component", l.To, names) && l.From == l.To {
			r.out.Add(at(n, "to"), "name two ends", "link %s leads from %s to itself", l.Name, l.To)
		}
	}
}

func (r *rules) entry() {
	if r.Entry == nil {
		return
	}
	n := r.root.Get("entry")
	u, wrong := WebAddress(r.Entry.URL)
	if wrong != "" {
		r.out.Add(at(n, "url"), "write one such as https://orders.example.com/health", "the URL of the entry %s", wrong)
		return
	}
	resolver := r.Entry.Resolver
	ap, err := netip.ParseAddrPort(resolver)
	if resolver != ResolverSystem && (err != nil || ap.Port() == 0) {
		r.out.Add(at(n, "resolver"), "write system, or a name server such as 10.0.0.53:53", "the resolver is %q", resolver)
	}
	_, notAddress := netip.ParseAddr(u.Hostname())
	ours := err == nil && !r.Foreign(ap.Addr().String()) && notAddress != nil // what it answers is held to the same when it is asked
	if r.Foreign(u.Hostname()) && !ours || err == nil && r.Foreign(ap.Addr().String()) {
		r.out.Add(at(n, "url"), "write an address of this machine, or a name with a resolver on one, or environment: staging", "the entry is not shown to be on this machine, and this is a rehearsal")
	}
	secure := u.Scheme == "https"
	for i, id := range r.Entry.Identities {
		if !secure || !keyHash.MatchString(id) {
			r.out.Add(at(n, "identities."+strconv.Itoa(i+1)), "write what `blackstart target check` prints for it, and an https URL", "the identity of the entry is none of a TLS key")
		}
	}
	if key, wrong, hint := r.Entry.TLS.Wrong(secure); wrong != "" {
		r.out.Add(at(n, "tls."+key), hint, "%s of tls of entry %s", key, wrong)
	}
	r.references(n, r.Entry, false)
	for i, h := range r.Entry.Headers {
		if wrong, hint := h.Wrong(); wrong != "" {
			r.out.Add(n.Get("headers").Items[i].Pos, hint, "header %q %s", h.Name, wrong)
		}
	}
}

// ResolverSystem is the resolver of this machine.
const ResolverSystem = "system"

// WebAddress reads a URL; wrong says why it is none that can be asked.
func WebAddress(text string) (u *url.URL, wrong string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, "is none"
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "is neither http nor https"
	case !portForm(u.Port()):
		return nil, "has a port that is none of 1 to 65535"
	case u.User != nil:
		return nil, "holds a user: write a header with a secret instead"
	case u.Fragment != "":
		return nil, "has a fragment, which no server sees"
	}
	return u, ""
}

// ListenerOf is the "host:port" that a URL leads to, which WebAddress has read.
func ListenerOf(u *url.URL) string { return net.JoinHostPort(u.Hostname(), PortOf(u)) }

// PortOf is the port of a URL that WebAddress has read.
func PortOf(u *url.URL) string {
	if u.Port() != "" {
		return u.Port()
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// portForm tells whether the port of a URL is one, or is not written.
func portForm(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// Wrong says what is wrong with a header.
func (h Header) Wrong() (wrong, hint string) {
	switch {
	case !headerName.MatchString(h.Name):
		return "is no name of one", "write letters, digits and dashes"
	case (h.Value == "") == (h.Secret == nil):
		return "needs a value or a secret", "write one of the two"
	}
	return "", ""
}

// WrongWeb says what is wrong with the keys tls and headers of something that is connected to.
func WrongWeb(t TLS, secure bool, headers []Header) (key, wrong, hint string) {
	if key, wrong, hint := t.Wrong(secure); wrong != "" {
		return "tls." + key, wrong, hint
	}
	for i, h := range headers {
		if wrong, hint := h.Wrong(); wrong != "" {
			return "headers." + strconv.Itoa(i+1), wrong, hint
		}
	}
	return "", "", ""
}

// Wrong says what is wrong with what a connection trusts and shows; secure says that it uses TLS at all.
func (t TLS) Wrong(secure bool) (key, wrong, hint string) {
	if !secure && (t != TLS{}) {
		return "roots", "is for a connection without TLS", "leave tls out, or use TLS"
	}
	for _, key := range []string{"roots", "certificate"} {
		path := map[string]string{"roots": t.Roots, "certificate": t.Certificate}[key]
		if path != "" && path != ResolverSystem && (!filepath.IsAbs(path) || filepath.Clean(path) != path) || key == "certificate" && path == ResolverSystem {
			return key, "is no absolute path", "write the whole path of the file"
		}
	}
	if (t.Certificate == "") != (t.Key == nil) {
		return "certificate", "and the key go together", "write both, or neither"
	}
	return "", "", ""
}
