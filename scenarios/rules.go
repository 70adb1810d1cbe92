package scenarios

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// Limits of a scenario, each with its reason.
const (
	MaxRate     = 50_000           // operations a second of one load: more than one machine can offer honestly
	MaxInFlight = 100_000          // rate × timeout of one load: what the pool would have to hold in an outage
	MaxTimeout  = 60 * time.Second // of one operation: later answers help nobody
	MaxBaseline = time.Hour
	MaxObserve  = 24 * time.Hour
	MaxSettle   = time.Hour
	MaxConfirm  = time.Minute // to see a fault in force
	MaxFailing  = time.Hour   // of a guard
	MaxLoads    = 16
	MaxFaults   = 32
	MaxProbes   = 32 // with those that need no listing they stay below what a record may hold
	MaxNames    = 64 // objectives, guards, requirements, runbook steps
	MaxProfiles = 16
	maxName     = 64  // letters of metadata.name: it becomes the directory inside a pack
	maxID       = 80  // letters of an id: it becomes a file name in a pack
	maxTitle    = 200 // letters of metadata.title: with the environment it is one line of the pack's cover
)

// span is what a duration may be, and why it may not be less.
type span struct {
	least, most time.Duration
	why         string
}

var (
	ofTimeout  = span{10 * time.Millisecond, MaxTimeout, "a network answers no sooner for certain"}
	ofBaseline = span{time.Second, MaxBaseline, "less is no baseline to compare with"}
	ofWindow   = span{time.Second, MaxBaseline, "a shorter moment of luck would count as restored"}
	ofLatency  = span{time.Millisecond, MaxTimeout, "nothing is measured finer"}
	ofAge      = span{time.Millisecond, MaxBaseline, "nothing is measured finer"}
	ofConfirm  = span{500 * time.Millisecond, MaxConfirm, "silence is known after 300ms at the earliest"}
	ofFault    = span{time.Second, MaxObserve, "it could be over before anybody sees it"}
	ofFailing  = span{time.Second, MaxFailing, "one late answer would stop the drill"}
	ofStale    = span{time.Second, MaxObserve, "the mark in the data is written once a second"}
	ofObserve  = span{time.Second, MaxObserve, "nothing is seen in less"}
	ofSettle   = span{0, MaxSettle, ""}
	ofUndo     = span{time.Second, MaxSettle, "nothing is seen in less"}
)

var (
	namePattern = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)
	idPattern   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
)

// rules are what must hold between the parts of a scenario. Values that could not be read are not judged again.
type rules struct {
	s       *harness.Scenario
	root    *strictyaml.Node
	bad     map[*strictyaml.Node]bool
	known   Known
	out     *strictyaml.Collector
	chain   *chain
	profile string          // the profile that was applied, "" for the file's own numbers
	said    map[string]bool // what was said of the file's own numbers: a profile does not repeat it
}

// all applies every rule. It gives false, and applies none, where a list is longer than it may be.
func (r *rules) all() bool {
	if !r.short() {
		return false
	}
	r.metadata()
	r.loads()
	r.probes()
	r.steady()
	r.faults()
	r.recovery()
	r.recovered()
	r.objectives()
	r.cannotFail()
	r.spans()
	r.guards()
	r.paces()
	r.lists()
	r.overlays()
	r.target()
	return true
}

// short checks that every list keeps its limit.
func (r *rules) short() bool {
	s, fine := r.s, true
	for _, l := range []struct {
		what      string
		got, most int
		path      []any
	}{
		{"loads", len(s.Load), MaxLoads, []any{"load"}},
		{"probes", len(s.Probes), MaxProbes, []any{"probes"}},
		{"requirements", len(s.SteadyState.Require), MaxNames, []any{"steadyState", "require"}},
		{"faults", len(s.Faults), MaxFaults, []any{"faults"}},
		{"steps", len(s.Recovery.Steps), MaxNames, []any{"recovery", "steps"}},
		{"objectives", len(s.Objectives), MaxNames, []any{"objectives"}},
		{"guards", len(s.Guards), MaxNames, []any{"guards"}},
		{"profiles", len(s.Profiles), MaxProfiles, []any{"profiles"}},
	} {
		if l.got > l.most {
			r.wrong(fmt.Sprintf("there are %d %s", l.got, l.what), fmt.Sprintf("write at most %d", l.most), l.path...)
			fine = false
		}
	}
	return fine
}

// at finds the value at a path of keys (string) and places in a list (int). It is nil if there is none or it could not be
// read; near is the last one found on the way.
func (r *rules) at(steps ...any) (found, near *strictyaml.Node) {
	found, near = r.root, r.root
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			found = found.Get(s)
		case int:
			if found.Kind != strictyaml.List || s >= len(found.Items) {
				return nil, near
			}
			found = found.Items[s]
		}
		if found == nil {
			return nil, near
		}
		near = found
	}
	if r.bad[found] {
		return nil, near
	}
	return found, near
}

// has tells whether the value at a path is written and could be read.
func (r *rules) has(steps ...any) bool {
	n, _ := r.at(steps...)
	return n != nil
}

// wrong reports a problem at the value of a path, or at what is nearest to it. What a profile only repeats is not repeated.
func (r *rules) wrong(message, hint string, steps ...any) {
	_, near := r.at(steps...)
	if r.profile == "" {
		r.said[message] = true
	} else if r.said[message] {
		return
	} else {
		message = "under profile " + r.profile + ", " + message
	}
	if near.File != r.chain.loaded.Path {
		message += " (as extended by " + filepath.Base(r.chain.loaded.Path) + ")"
	}
	r.out.Add(near.Pos, hint, "%s", message)
}

// names are those of known kinds; nil where none are known.
func names(kinds map[string]any) []string {
	if kinds == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(kinds))
}

// name checks a name against those that exist.
func (r *rules) name(what string, names []string, got string, steps ...any) {
	if names != nil && r.has(steps...) && !slices.Contains(names, got) {
		r.wrong(fmt.Sprintf("no %s %q exists", what, got), strictyaml.Suggest(got, names), steps...)
	}
}

// within checks a duration against its bounds.
func (r *rules) within(what string, got harness.Duration, of span, steps ...any) {
	switch d := got.D(); {
	case !r.has(steps...):
	case d < of.least:
		r.wrong(what+" is "+brief(d), "write at least "+brief(of.least)+": "+of.why, steps...)
	case d > of.most:
		r.wrong(fmt.Sprintf("%s is %s", what, brief(d)), "write at most "+brief(of.most), steps...)
	}
}

func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// unique checks that no entry of a list repeats another.
func (r *rules) unique(what string, all []string, path ...any) {
	seen := map[string]bool{}
	for i, one := range all {
		steps := append(slices.Clone(path), i)
		if seen[one] && one != "" {
			r.wrong(fmt.Sprintf("%s %q is written twice", what, one), "keep one of the two", steps...)
		}
		seen[one] = true
	}
}

func (r *rules) metadata() {
	if !r.has("metadata", "name") {
		return
	}
	name := r.s.Metadata.Name
	if !namePattern.MatchString(name) || len(name) > maxName {
		r.wrong(fmt.Sprintf("metadata.name is %q", name),
			fmt.Sprintf("write lower-case letters and digits in words joined by - and . (at most %d letters)", maxName), "metadata", "name")
		return
	}
	stem := strings.TrimSuffix(filepath.Base(r.chain.loaded.Path), filepath.Ext(r.chain.loaded.Path))
	if name == stem {
		return
	}
	message, hint := fmt.Sprintf("metadata.name is %q in a file called %s", name, filepath.Base(r.chain.loaded.Path)), "write name: "+stem
	n, _ := r.at("metadata", "name")
	if r.chain.extends != nil && n.File != r.chain.loaded.Path { // it was not written here at all
		r.out.Add(*r.chain.extends, "write metadata: {name: "+stem+"}", "%s", message+", taken from "+filepath.Base(n.File))
		return
	}
	r.wrong(message, hint, "metadata", "name")
}

func (r *rules) lists() {
	r.unique("need", r.s.Target.Needs, "target", "needs")
	if r.known.Settings == nil {
		return
	}
	var names []string
	for name := range r.known.Settings {
		names = append(names, name)
	}
	if settings, _ := r.at("target", "settings"); settings != nil {
		for _, e := range settings.Entries {
			check, ok := r.known.Settings[e.Key]
			if !ok {
				r.out.Add(e.Pos, strictyaml.Suggest(e.Key, names), "the target has no setting %q", e.Key)
			} else if err := check(r.s.Target.Settings[e.Key]); err != nil && !r.bad[e.Value] {
				value := r.s.Target.Settings[e.Key]
				hint := err.Error()
				if _, rest, ok := strings.Cut(hint, ": "); ok && strings.HasPrefix(hint, strconv.Quote(value)) { // once is enough
					hint = rest
				}
				r.wrong(fmt.Sprintf("setting %s is %q", e.Key, value), strictyaml.NumberHint(value, hint), "target", "settings", e.Key)
			}
		}
	}
}

// overlays checks that profiles change objectives and faults that exist.
func (r *rules) overlays() {
	if r.profile != "" { // once is enough
		return
	}
	var objectives, faults []string
	for _, o := range r.s.Objectives {
		objectives = append(objectives, o.ID)
	}
	for _, f := range r.s.Faults {
		if f.ID != "" {
			faults = append(faults, f.ID)
		}
	}
	profiles, _ := r.at("profiles")
	if profiles == nil {
		return
	}
	for _, p := range profiles.Entries {
		if r.known.Profiles != nil && !slices.Contains(r.known.Profiles, p.Key) {
			r.out.Add(p.Pos, strictyaml.Suggest(p.Key, r.known.Profiles), "the target has no timings called %q, which a profile of that name needs", p.Key)
		}
		if changed := p.Value.Get("recovered"); changed != nil && r.root.Get("recovered") == nil {
			r.out.Add(changed.Pos, "write recovered in the scenario, too, or leave it out here", "profile %s changes recovered, which the scenario does not have", p.Key)
		}
		r.overlaid(p.Key, "load", p.Value.Get("load"), r.loadIDs())
		r.overlaid(p.Key, "objective", p.Value.Get("objectives"), objectives)
		r.overlaid(p.Key, "fault", p.Value.Get("faults"), faults)
	}
}

func (r *rules) overlaid(profile, what string, changed *strictyaml.Node, ids []string) {
	if changed == nil {
		return
	}
	for _, e := range changed.Entries {
		if !slices.Contains(ids, e.Key) {
			r.out.Add(e.Pos, strictyaml.Suggest(e.Key, ids), "profile %s changes %s %q, which the scenario does not have", profile, what, e.Key)
		}
	}
}

// entryName names entry i of a list for people.
func entryName(what, id string, i int) string {
	if id == "" {
		return what + " " + strconv.Itoa(i+1)
	}
	return what + " " + id
}
