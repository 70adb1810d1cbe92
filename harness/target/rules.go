package target

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/secret"
	"blackstart/internal/strictyaml"
)

// Traits are what the reader must know of a kind of component.
type Traits struct {
	Identity   *regexp.Regexp    // form of its identity, nil if it has none
	Holds      map[string]string // what may be written there, by the word of allows: the table, or what its keys begin with
	Clock      bool              // it tells its clock
	Replicates bool              // one leads and others follow it
	Speaks     string            // kind that probes and loads know it by: that of components of a rehearsal
}

// MeansTraits are what the reader must know of a kind of means.
type MeansTraits struct {
	Links bool                 // it acts on links; else on components
	Acts  []harness.ActionKind // what it does
}

// Judge is implemented by parameters that know more rules than their tags say: Wrong gives the key, what is wrong with it, and what
// to write instead, "" for nothing. reads says that the file calls a call one that only reads.
type Judge interface {
	Wrong(t *Target, reads bool) (key, wrong, hint string)
}

const (
	maxName    = 63
	maxEntries = 200 // of each list
	minTimeout = 100 * time.Millisecond
	maxTimeout = 10 * time.Minute
	maxOffset  = time.Hour
	minDrill   = time.Minute
	maxDrill   = 24 * time.Hour
)

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	keyHash     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	headerName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
	pointerForm = regexp.MustCompile(`^(/([^~/]|~[01])*)*$`)
)

type rules struct {
	*Target
	root *strictyaml.Node
	r    Reader
	out  *strictyaml.Collector
}

func (r *rules) all() {
	r.names()
	r.roles()
	r.components()
	r.links()
	r.entry()
	r.allows()
	r.limits()
	r.loadLimits()
	r.calls()
	r.means()
	r.probes()
	r.alerts()
	r.decisions()
	r.announcements()
}

// item is the node of the i-th entry of a list.
func (r *rules) item(list string, i int) *strictyaml.Node { return r.root.Get(list).Items[i] }

// at finds the place of a key below n; of n itself if it is not written. keys may be several, with dots between.
func at(n *strictyaml.Node, keys string) strictyaml.Pos {
	pos := n.Pos
	for _, key := range strings.Split(keys, ".") {
		var next *strictyaml.Node
		if n.Kind == strictyaml.List {
			var i int
			if _, err := fmt.Sscan(key, &i); err == nil && i >= 1 && i <= len(n.Items) {
				next = n.Items[i-1]
			}
		} else {
			next = n.Get(key)
		}
		if next == nil {
			break
		}
		n, pos = next, next.Pos
	}
	return pos
}

// names holds names to their form, and each to one thing. Regions and components are places, so they share theirs with outside.
func (r *rules) names() {
	r.name(r.root.Get("metadata"), r.Metadata.Name, "the target", map[string]bool{})
	places := map[string]bool{harness.Outside: true}
	for _, of := range []struct {
		list string
		used map[string]bool
	}{{"regions", places}, {"components", places}, {"hosts", map[string]bool{}}, {"links", map[string]bool{}}, {"calls", map[string]bool{}}, {"means", map[string]bool{}},
		{"alerts", map[string]bool{}}, {"announce", map[string]bool{}}, {"standDown", map[string]bool{}}} {
		list, used := of.list, of.used
		n := r.root.Get(list)
		if n == nil {
			continue
		}
		if len(n.Items) > maxEntries {
			r.out.Add(n.Pos, fmt.Sprintf("write at most %d", maxEntries), "there are %d %s", len(n.Items), list)
			continue
		}
		for _, item := range n.Items {
			r.name(item, item.Get("name").Text, "another of the "+list, used)
		}
	}
	if len(r.Components) == 0 {
		r.out.Add(r.root.Get("components").Pos, "describe at least one", "the target has no components")
	}
}

func (r *rules) name(n *strictyaml.Node, name, other string, seen map[string]bool) {
	switch {
	case !nameForm.MatchString(name) || len(name) > maxName || strings.Contains(name, ".."):
		r.out.Add(at(n, "name"), "write small letters, digits, single dots and dashes, at most 63, such as east.db", "%q cannot be a name", name)
	case seen[name]:
		r.out.Add(at(n, "name"), "give each a name of its own", "the name %q is taken, by %s or by a place", name, other)
	}
	seen[name] = true
}

// roles: a scenario names regions by role, so each that it may ask for must lead somewhere.
func (r *rules) roles() {
	count := map[string]int{}
	for i, region := range r.Regions {
		count[region.Role]++
		if region.Role == harness.Primary && count[harness.Primary] == 2 {
			r.out.Add(at(r.item("regions", i), "role"), "write standby, or active for regions that all serve", "two regions are primary")
		}
	}
	if count[harness.Primary]+count[harness.Active] == 0 {
		r.out.Add(r.root.Get("regions").Pos, "write which region serves", "no region has the role primary or active")
	}
	if count[harness.Standby] > 0 && count[harness.Primary] == 0 {
		r.out.Add(r.root.Get("regions").Pos, "write role: primary for the region that it stands by for", "a region is standby and none is primary")
	}
}

// known reports a word that is none of the words there are of something.
func (r *rules) known(n *strictyaml.Node, key, something, word string, words []string) bool {
	if slices.Contains(words, word) {
		return true
	}
	r.out.Add(at(n, key), strictyaml.Suggest(word, words), "there is no %s %q", something, word)
	return false
}

func (r *rules) componentNames() (all []string) {
	for _, c := range r.Components {
		all = append(all, c.Name)
	}
	return all
}

func (r *rules) components() {
	regions, hosts := r.regionNames(), r.hosts()
	for i, c := range r.Components {
		n := r.item("components", i)
		if c.Region != "" {
			r.known(n, "region", "region", c.Region, regions)
		}
		if h, ok := r.HostByName(c.Host); c.Host != "" && r.known(n, "host", "host", c.Host, hosts) && ok && c.Region != "" && h.Region != c.Region {
			r.out.Add(at(n, "region"), "leave it out: its host says it", "component %s is in %s, and its host in %s", c.Name, c.Region, h.Region)
		}
		switch {
		case c.Host == "" && c.Address == "":
			r.out.Add(n.Pos, "write address:, or host: of a host that has one", "component %s has no address", c.Name)
		case c.Host == "" && c.Region == "":
			r.out.Add(n.Pos, "write region:", "component %s stands nowhere", c.Name)
		case c.Address != "":
			r.address(n, "address", c.Address)
		}
		r.kind(n, "kind", "kind of component", c.Kind, r.r.Components, c.With, false)
		r.identity(n, c)
	}
}

func (r *rules) identity(n *strictyaml.Node, c Component) {
	form := r.r.Traits[c.Kind].Identity
	switch {
	case c.Identity == "":
	case form == nil:
		r.out.Add(at(n, "identity"), "leave it out", "a component of kind %s has no identity that could be read", c.Kind)
	case !form.MatchString(c.Identity):
		r.out.Add(at(n, "identity"), "write what `blackstart target check` prints for it, in quotes", "the identity of %s is none of a %s", c.Name, c.Kind)
	}
}

// address holds a host without a port to what an address may be here.
func (r *rules) address(n *strictyaml.Node, key, text string) {
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	_, err := netip.ParseAddr(bare)
	if err != nil && !hostForm.MatchString(bare) {
		r.out.Add(at(n, key), "write an address or a name, without scheme and port", "%q is no address", text)
		return
	}
	if why := r.foreign(bare); why != "" {
		r.out.Add(at(n, key), "write an address in 127.0.0.0/8 or ::1, that of a network namespace or container of this machine, or environment: staging",
			"%q is not shown to be on this machine, and this is a rehearsal: %s", text, why)
	}
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?$`)

// kind holds parameters to the rules of their kind, and the references in them to theirs.
// It tells whether there is such a kind.
func (r *rules) kind(n *strictyaml.Node, key, something, kind string, kinds map[string]any, with map[string]any, reads bool) bool {
	zero := kinds[kind]
	if !r.known(n, key, something, kind, kindNames(kinds)) {
		return false
	}
	if zero == nil {
		return true
	}
	p := reflect.New(reflect.TypeOf(zero))
	if err := strictyaml.Fill(kind, with, p.Interface()); err != nil {
		return true // it has been reported
	}
	where := n
	if w := n.Get("with"); w != nil {
		where = w
	}
	r.references(where, p.Interface(), true)
	if j, ok := p.Interface().(Judge); ok {
		if key, wrong, hint := j.Wrong(r.Target, reads); wrong != "" {
			r.out.Add(at(where, key), hint, "%s of %s %s", key, n.Get("name").Text, wrong)
		}
	}
	return true
}

// references checks where secrets are said to be. What an undo needs must still be there when this process is not.
func (r *rules) references(n *strictyaml.Node, in any, undo bool) {
	for _, ref := range secret.In(in) {
		if wrong, hint := ref.Check(); wrong != "" {
			r.out.Add(at(n, ref.Keys), hint, "%s %s", ref.Keys, wrong)
		} else if undo && ref.Env != "" && r.Metadata.Environment != harness.Rehearsal {
			r.out.Add(at(n, ref.Keys), "write {file: /path} or {exec: [program, argument]}",
				"%s is in the environment, which is gone with this process, and taking something back would need it", ref.Keys)
		}
	}
}

func (r *rules) limits() {
	n := r.root.Get("limits")
	if _, err := regexp.Compile(`^(?:` + r.Limits.Ticket + `)$`); err != nil {
		r.out.Add(at(n, "ticket"), `write a regular expression (RE2), such as "CHG[0-9]{7}"`, "the pattern of the ticket is none: %v", err)
	}
	if w := r.Limits.ChangeWindow; w != nil {
		w.check(n.Get("changeWindow"), r.out)
	}
	if d := r.Limits.LongestDrill.D(); n.Get("longestDrill") != nil && (d < minDrill || d > maxDrill) {
		r.out.Add(at(n, "longestDrill"), "write 1m to 24h", "a drill may last %v", d)
	}
	if d := r.Clocks.AtMost.D(); d < 0 || d > maxOffset {
		r.out.Add(at(r.root.Get("clocks"), "atMost"), "write up to 1h", "clocks may be %v off", d)
	}
}

func (r *rules) calls() {
	for i, c := range r.Calls {
		n := r.item("calls", i)
		if d := c.Timeout.D(); d < minTimeout || d > maxTimeout {
			r.out.Add(at(n, "timeout"), "write 100ms to 10m", "the timeout of call %s is %v", c.Name, d)
		}
		for name, pointer := range c.Fields {
			if !pointerForm.MatchString(pointer) {
				r.out.Add(at(n, "fields."+name), "write a JSON pointer, such as /status or /0/lag", "%q is no JSON pointer", pointer)
			}
		}
		r.kind(n, "call", "kind of call", c.Call, r.r.Calls, c.With, c.Reads)
		r.undoOf(n, c)
	}
}
