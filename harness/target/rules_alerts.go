package target

import (
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// Bounds of the pace at which a channel is asked.
const (
	minPoll = time.Second
	maxPoll = 10 * time.Minute
)

func (r *rules) alerts() {
	var names []string // that an objective can use
	for kind, t := range r.r.Alerts {
		if !t.Polled {
			names = append(names, kind)
		}
	}
	seen := map[string]bool{}
	for i, a := range r.Alerts {
		n := r.item("alerts", i)
		if !slices.Contains(names, a.Name) {
			r.out.Add(at(n, "name"), "write what objectives call it: "+strictyaml.Suggest(a.Name, names), "no objective can speak of a channel %q", a.Name)
		}
		r.kind(n, "channel", "kind of channel", a.Channel, r.r.Channels, a.With, false)
		t, ok := r.r.Alerts[a.Channel]
		if !ok {
			continue
		}
		r.references(n, struct {
			Key any `yaml:"key"`
			TLS any `yaml:"tls"`
		}{a.Key, a.TLS}, false)
		if t.Polled {
			r.polled(n, a)
		} else {
			r.received(n, a, seen)
		}
		r.correlate(n, a, t)
	}
}

func (r *rules) polled(n *strictyaml.Node, a Alert) {
	for key, written := range map[string]bool{"listen": a.Listen != "", "tls": a.TLS != nil, "key": a.Key != nil} {
		if written {
			r.out.Add(at(n, key), "leave it out: what it is asked with stands under with:", "alert %s is polled, and %s is for one that is received", a.Name, key)
		}
	}
	if d := a.Pace(); d < minPoll || d > maxPoll {
		r.out.Add(at(n, "every"), "write 1s to 10m", "alert %s is asked every %v", a.Name, d)
	}
}

func (r *rules) received(n *strictyaml.Node, a Alert, seen map[string]bool) {
	ap, err := netip.ParseAddrPort(a.Listen)
	switch {
	case a.Listen == "":
		r.out.Add(n.Pos, "write listen: address:port, such as 10.0.0.2:9095", "alert %s is received nowhere", a.Name)
	case err != nil || ap.Port() == 0:
		r.out.Add(at(n, "listen"), "write an address of this machine with a port, such as 10.0.0.2:9095", "%q is no address that can be listened on", a.Listen)
	case r.Foreign(ap.Addr().String()):
		r.out.Add(at(n, "listen"), "write an address of this machine, or environment: staging", "alert %s is not received on this machine, and this is a rehearsal", a.Name)
	case seen[ap.String()]:
		r.out.Add(at(n, "listen"), "give each a port of its own", "two alerts are received on %s", ap)
	}
	seen[ap.String()] = true
	if a.Key == nil {
		r.out.Add(n.Pos, "write key: {file: /path} of the key that the target's alert configuration has for drills", "alert %s has no key", a.Name)
	}
	if a.Every != 0 {
		r.out.Add(at(n, "every"), "leave it out", "alert %s is received, and every is for one that is polled", a.Name)
	}
	if a.TLS != nil && (!filepath.IsAbs(a.TLS.Certificate) || filepath.Clean(a.TLS.Certificate) != a.TLS.Certificate) {
		r.out.Add(at(n, "tls.certificate"), "write the whole path of the file", "certificate of tls of alert %s is no absolute path", a.Name)
	}
}

// correlate holds the way in which alerts are told to be of the drill to what alerts on the channel carry.
func (r *rules) correlate(n *strictyaml.Node, a Alert, t AlertTraits) {
	c, where := a.Correlate, n.Get("correlate")
	_, classes := t.Carries["class"]
	_, field := t.Carries[c.Label]
	_, bad := regexp.Compile(c.Pattern)
	add := func(key, hint, wrong string, args ...any) {
		r.out.Add(at(where, key), hint, "alert %s: "+wrong, append([]any{a.Name}, args...)...)
	}
	for key, of := range map[string]struct{ by, value string }{"pattern": {harness.ByDedup, c.Pattern}, "label": {harness.ByLabel, c.Label},
		"value": {harness.ByLabel, c.Value}, "class": {harness.ByFirst, c.Class}} {
		if of.value != "" && of.by != c.By {
			add(key, "leave it out", "%s is for by: %s", key, of.by)
		}
	}
	switch {
	case c.By == harness.ByNonce && t.Polled:
		add("by", "write dedup, label or first", "what is polled shows no key of ours")
	case c.By == harness.ByDedup && !t.keyed():
		add("by", "write nonce or first", "messages on %s have no deduplication key", a.Channel)
	case c.By == harness.ByDedup && (c.Pattern == "" || bad != nil):
		add("pattern", `write a regular expression (RE2) that the whole key matches, such as "orders-.*"`, "the pattern of its deduplication keys is none")
	case c.By == harness.ByLabel && (c.Label == "" || c.Value == ""):
		add("label", "write both: {by: label, label: service, value: orders}", "a label needs its name and its value")
	case c.By == harness.ByLabel && !t.Labels && !field:
		add("label", "write a field that they carry, or by: nonce", "messages on %s have no %q", a.Channel, c.Label)
	case c.By == harness.ByFirst && (c.Class == "") == classes:
		add("class", map[bool]string{true: "write class: …", false: "leave it out"}[classes], "alerts on %s carry %s class", a.Channel, map[bool]string{true: "a", false: "no"}[classes])
	}
}

func (r *rules) decisions() {
	d := r.Decisions
	if d == nil {
		return
	}
	n := r.root.Get("decisions")
	switch call, _ := r.CallByName(d.Call); {
	case (d.Call == "") == (d.File == ""):
		r.out.Add(n.Pos, "write call: NAME, or file: /path", "decisions are read in one place")
	case d.Call != "" && r.known(n, "call", "call", d.Call, r.callNames()) && !call.Reads:
		r.out.Add(at(n, "call"), "write reads: true at the call, if it only reads", "call %s may act, and decisions are only read", d.Call)
	case d.File != "" && (!filepath.IsAbs(d.File) || filepath.Clean(d.File) != d.File):
		r.out.Add(at(n, "file"), "write the whole path of the file", "file of decisions is no absolute path")
	}
	if h, _ := r.HostByName(d.Clock); d.Clock != "" && h.By == "" {
		r.known(n, "clock", "component, or host with a transport,", d.Clock, r.componentNames())
	}
	if _, err := time.LoadLocation(d.Zone); err != nil {
		r.out.Add(at(n, "zone"), "write one of the tz database, such as America/New_York", "there is no time zone %q", d.Zone)
	}
	if d.Lines == "text" && string(d.Time+d.Event+d.Reason+d.Region) != "" {
		r.out.Add(n.Pos, "leave time, event, reason and region out: they are named groups of the patterns", "lines of text have no JSON pointers")
	}
	if len(d.Patterns()) == 0 {
		r.out.Add(n.Pos, "write what means one of detected, declared, promoted, refused, switched, done", "decisions have no pattern")
	}
	for _, p := range d.Patterns() {
		re, err := regexp.Compile(p.Pattern)
		switch {
		case err != nil:
			r.out.Add(at(n, p.Word), "write a regular expression (RE2)", "the pattern of %s is none: %v", p.Word, err)
		case d.Lines == "text" && !slices.Contains(re.SubexpNames(), "time"):
			r.out.Add(at(n, p.Word), "put (?P<time>…) around the time in the line", "the pattern of %s has no group time", p.Word)
		}
	}
}

func (r *rules) callNames() (all []string) {
	for _, c := range r.Calls {
		all = append(all, c.Name)
	}
	return all
}

func (r *rules) announcementNames() (all []string) {
	for _, a := range slices.Concat(r.Announce, r.StandDown) {
		all = append(all, a.Name)
	}
	return all
}

// announcements: each reaches people, so each is allowed by name.
func (r *rules) announcements() {
	for list, all := range map[string][]Announce{"announce": r.Announce, "standDown": r.StandDown} {
		for i, a := range all {
			n := r.item(list, i)
			switch {
			case (a.Call == "") == (a.Slack == nil), (a.Slack == nil) != (strings.TrimSpace(a.Text) == ""):
				r.out.Add(n.Pos, "write call: NAME, or slack: {file: /path} with text:", "announcement %s says one thing in one place", a.Name)
			case a.Call != "":
				r.known(n, "call", "call", a.Call, r.callNames())
			}
			if key, wrong, hint := a.TLS.Wrong(a.Slack != nil); wrong != "" {
				r.out.Add(at(n, "tls."+key), hint, "%s of tls of announcement %s %s", key, a.Name, wrong)
			}
			if !r.MayAnnounce(a.Name) {
				r.out.Add(n.Pos, "list {announce: "+a.Name+"} under allows:, or leave it out", "announcement %s reaches people, and is not allowed", a.Name)
			}
			r.references(n, a, true)
		}
	}
}
