package finrag

import (
	"maps"
	"slices"

	"blackstart/harness"
)

// A Kind is one way to make the target, as a description speaks of it.
type Kind struct {
	Name      string                    // processes or containers
	Simulated func(s Settings) []string // what stands in for the real thing on this ground
}

// linkOrder is the order of the links in the description.
var linkOrder = []struct{ name, from, to string }{
	{"outside→east.api", Outside, "east.api"},
	{"outside→east.db", Outside, "east.db"},
	{"outside→west.api", Outside, "west.api"},
	{"outside→west.db", Outside, "west.db"},
	{WALLink, West, "east.db"},
}

// channels are the alert paths that finrag knows.
var channels = []string{"pagerduty", "slack", "smtp", "statuspage"}

// Outline describes the target before it is started, with the fast timings: no addresses, no identities.
// The builds are those of the programs given, which may be none.
func (k Kind) Outline(settings map[string]string, programs []Program) (harness.Description, error) {
	s, all, err := ParseSettings(settings)
	if err != nil {
		return harness.Description{}, &Error{Component: "settings", Err: err}
	}
	o := k.outline(s, all, profiles[0], programs)
	for _, name := range channels {
		o.Channels = append(o.Channels, harness.Channel{Name: name, Muted: name == "pagerduty" && s.PagerMuted})
	}
	return o, nil
}

// Nominal describes the target as it is where nothing is missing, two builds and all, and lists what its driver then carries
// out: the most that a scenario may ask for. It looks at nothing of this machine.
func Nominal(settings map[string]string) (harness.Description, []harness.ActionKind, error) {
	k := Kind{Name: "nominal", Simulated: func(Settings) []string { return nil }}
	d, err := k.Outline(settings, []Program{
		{Build: harness.Build{Name: harness.BuildCurrent, Version: harness.BuildCurrent}},
		{Build: harness.Build{Name: harness.BuildPrevious, Version: harness.BuildPrevious}},
	})
	return d, Can(true), err
}

// outline is the description without what only a running target has.
func (k Kind) outline(s Settings, all map[string]string, p Profile, programs []Program) harness.Description {
	d := harness.Description{
		Name: "finrag", Kind: k.Name, Environment: harness.Rehearsal,
		Regions: []harness.Region{{Name: East, Role: harness.Primary}, {Name: West, Role: harness.Standby}},
		Components: []harness.Component{
			{Name: "east.db", Kind: "postgres", Region: East, Role: harness.Primary},
			{Name: "east.api", Kind: "api", Region: East},
			{Name: "west.db", Kind: "postgres", Region: West, Role: harness.Standby},
			{Name: "west.api", Kind: "api", Region: West},
			{Name: "outside.dns", Kind: "dns", Region: Outside},
			{Name: "outside.controller", Kind: "controller", Region: Outside},
		},
		Entry: harness.Entry{Name: EntryName, TTLNS: p.TTL.Nanoseconds()},
		Timings: harness.Timings{
			Profile: p.Name, CheckIntervalNS: p.Interval.Nanoseconds(), CheckFailures: p.Failures,
			TTLNS: p.TTL.Nanoseconds(), AlertFloorNS: p.alertFloor().Nanoseconds(),
		},
		Calls:     []string{CallFailover},
		Settings:  maps.Clone(all),
		Breakable: []string{East, West, "east.db", "east.api", "west.db", "west.api"},
		Provides: []string{"postgres.primary", "postgres.standby", "entrypoint.https", "dns", "controller", "certificates",
			"alert.pagerduty", "alert.slack", "alert.smtp", "alert.statuspage"},
		Simulated: append(k.Simulated(s),
			"public DNS is one authoritative server, asked without a caching resolver in between",
			"embeddings are feature hashes of words, not those of a language model",
			"alert channels end at receivers of the harness, which validate as the real ones do",
			"documents are generated; no production data",
			"the certificate authority is a key file of the controller's, made for this run",
		),
		Nonce: "routing-key",
		Decisions: &harness.DecisionLog{
			Detected: "failure.detected", Declared: "failover.declared", Refused: "failover.refused",
			Promoted: "promote.done", Switched: "dns.switched", Done: "failover.done",
			Lagging: "replication.lagging", Renewed: "certificate.renewed", Deployed: "code.deployed",
			Alerts: map[string]string{"primary.unreachable": "failure.detected", "failover.stuck": "escalated", "code.stale": "parity.lost"},
		},
		Questions: slices.Clone(questions),
	}
	for _, program := range programs {
		d.Builds = append(d.Builds, program.Build)
	}
	if len(d.Builds) > 1 {
		d.Provides = append(d.Provides, harness.NeedBuilds)
	}
	if s.Cache {
		d.Components = append(d.Components,
			harness.Component{Name: "east.cache", Kind: "redis", Region: East},
			harness.Component{Name: "west.cache", Kind: "redis", Region: West})
		d.Provides = append(d.Provides, "cache")
	}
	for _, l := range linkOrder {
		link := harness.Link{Name: l.name, From: l.from, To: l.to, Protocol: "tcp"}
		if l.name == WALLink {
			link.Latency = s.WALLatency.Nanoseconds()
		}
		d.Links = append(d.Links, link)
	}
	return d
}

// dropMissing takes the alert channels that the target was not given out of what it claims to provide.
func dropMissing(provides []string, given []harness.Channel) []string {
	return slices.DeleteFunc(provides, func(p string) bool {
		for _, name := range channels {
			if p == "alert."+name {
				return !slices.ContainsFunc(given, func(c harness.Channel) bool { return c.Name == name })
			}
		}
		return false
	})
}
