package means

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"blackstart/harness"
)

// Counting is a means of links whose rules count. A link between two components is confirmed from its from end; where no program can be
// run there and that end reports nothing itself, by what the rules have dropped. That a rule is listed confirms nothing.
type Counting interface {
	// Counter builds the script that prints how many packets the rules of an act on a subject have dropped, 0 if they are not there;
	// "" for an act that has none.
	Counter(act harness.Action, on Subject) string
}

// What a link is found to be, in the words of State.
const (
	wordFree   = "free"   // nothing of ours is there
	wordCut    = "cut"    // all of ours is there
	wordPartly = "partly" // a part of ours is missing, as after a reload of the firewall
)

// mostSeconds is what the scripts of links may take. Those of a firewall wait for its lock up to lockWait seconds, for each family, and
// once more where a Do takes itself back.
const (
	mostSeconds = 30
	lockWait    = 5
)

// mark is the name that what is ours has on a host: short, of letters that every firewall takes, and of this run and link alone.
func mark(prefix string, on Subject) string {
	sum := sha256.Sum256([]byte(on.Run + "\x00" + on.Link.Name))
	return prefix + hex.EncodeToString(sum[:6])
}

// flows are the directions of a link in which packets vanish.
type flows struct{ towards, back bool } // towards the end that is connected to, back from it

// flowsOf translates a direction, which speaks of a region, to one of the link. A link within the region is spoken of at the end that is
// connected to.
func flowsOf(act harness.Action, on Subject) (flows, error) {
	if act.Kind != harness.LinkCut {
		return flows{}, fmt.Errorf("a link can be cut, and not %s", act.Kind)
	}
	inwards := act.Direction == harness.In
	switch {
	case act.Direction == "" || act.Direction == harness.Both:
		return flows{true, true}, nil
	case !inwards && act.Direction != harness.Out:
		return flows{}, fmt.Errorf("direction %q is not known", act.Direction)
	case act.Region == "" || on.Component.Region == "":
		return flows{}, fmt.Errorf("direction %s of link %s speaks of a region, and its ends are in none that is known", act.Direction, on.Link.Name)
	case act.Region == on.Component.Region:
		return flows{towards: inwards, back: !inwards}, nil
	}
	return flows{towards: !inwards, back: inwards}, nil
}

// cutsAllOf refuses an act that names one of the links that a means cuts at once, and not all of them.
func cutsAllOf(links []string, act harness.Action, on Subject) error {
	if !slices.Contains(links, on.Link.Name) {
		return fmt.Errorf("link %s is none of the links of this means (%s)", on.Link.Name, strings.Join(links, ", "))
	}
	for _, l := range links {
		if !slices.Contains(act.Links, l) {
			return fmt.Errorf("it cuts %s at once, and the fault does not name %s: name all, or cut it by link.iptables or link.nft", strings.Join(links, ", "), l)
		}
	}
	if act.Direction != "" && act.Direction != harness.Both {
		return fmt.Errorf("it cuts both ways at once, and not %s alone: cut it by link.iptables or link.nft", act.Direction)
	}
	return nil
}

// withSudo are programs, and sudo where the account needs it.
func withSudo(on Subject, programs ...string) []string {
	if on.Sudo {
		return append(programs, "sudo")
	}
	return programs
}

// addressesOf are the addresses and networks of a list, or of the end that is written "host" or "host:port"; none for "", which is any.
func addressesOf(written []string, end, key string) ([]netip.Prefix, error) {
	if len(written) == 0 && end != "" {
		host, _, err := net.SplitHostPort(end)
		if err != nil {
			host = end
		}
		written = []string{strings.Trim(host, "[]")}
	}
	var all []netip.Prefix
	for _, w := range written {
		p, err := prefixOf(w)
		if err != nil {
			return nil, fmt.Errorf("%q is a name, and packets have addresses: write its %s: at the means", w, key)
		}
		all = append(all, p)
	}
	return all, nil
}

// prefixOf reads an address, or a network by its first address.
func prefixOf(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err == nil && p != p.Masked() {
		err = fmt.Errorf("%s is no network: %s is", text, p.Masked())
	}
	return p, err
}

// portOf is the port of a "host:port".
func portOf(address string) (int, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
