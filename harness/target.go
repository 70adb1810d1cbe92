package harness

import "context"

// Roles of a region. A scenario names regions by role, a target by name.
const (
	Primary = "primary"
	Standby = "standby"
	Active  = "active"  // one of several that serve at the same time
	Witness = "witness" // it serves nobody and decides with others who does
	Outside = "outside" // the third place: clients, public DNS, controller, receivers and the harness stand here
)

// Environment classes. A rehearsal cannot pass as a drill: the class is signed in.
const (
	Rehearsal  = "rehearsal"
	Staging    = "staging"
	Production = "production"
)

// Description is the target as data: everything the harness may know of it. It holds no secrets.
type Description struct {
	Name        string            `json:"name"`
	Kind        string            `json:"kind"` // processes, containers, external
	Environment string            `json:"environment"`
	Regions     []Region          `json:"regions"`
	Components  []Component       `json:"components"`
	Links       []Link            `json:"links"`
	Entry       Entry             `json:"entry"`
	Channels    []Channel         `json:"channels"`
	Decisions   *DecisionLog      `json:"decisions"` // nil: the target keeps no log that can be read
	Timings     Timings           `json:"timings"`
	Calls       []string          `json:"calls"`            // runbook steps that can be carried out, by name
	Undoes      map[string]string `json:"undoes,omitempty"` // the call that undoes a call, by its name
	Settings    map[string]string `json:"settings"`
	Breakable   []string          `json:"breakable"`                  // regions (by name) and components that may be broken
	Provides    []string          `json:"provides"`                   // answers TargetSpec.Needs, e.g. postgres.primary
	Simulated   []string          `json:"simulated"`                  // what stands in for the real thing, in words for the report
	Builds      []Build           `json:"builds"`                     // of the code, the one that runs first
	Questions   []Question        `json:"questions"`                  // with known answers
	Probes      []ProbeSpec       `json:"probes,omitempty"`           // that its file lists
	ProbePaces  map[string]int64  `json:"probe_paces_ns,omitempty"`   // shortest time between two questions that its file allows, by kind of probe
	LoadLimits  *LoadLimits       `json:"load_limits,omitempty"`      // what its file lets each load do
	Means       []MeansOf         `json:"means,omitempty"`            // by which the harness acts on a target of a file
	LeaseNS     int64             `json:"lease_ns,omitempty"`         // how long the harness may be silent before the hosts of its means undo what is in force
	LongestNS   int64             `json:"longest_drill_ns,omitempty"` // longest that a drill may take there, its undo included, by its file
	Nonce       string            `json:"nonce"`                      // where an alert carries the drill's nonce: routing-key or dedup-key; each of Channels may say otherwise
	Owned       *Ownership        `json:"owned,omitempty"`
}

// MeansOf says by which means the harness acts on some parts of a target that a file describes.
type MeansOf struct {
	Name string       `json:"name"`
	Kind string       `json:"kind"`
	On   []string     `json:"on"` // components or links
	Acts []ActionKind `json:"acts"`
	Host string       `json:"host"` // where its commands are run, and who undoes them when the harness falls silent
}

// Build is one build of the target's code that can be deployed.
type Build struct {
	Name    string `json:"name"`    // current or previous
	Version string `json:"version"` // what it says it is
	SHA256  string `json:"sha256"`
}

// Builds of the target's code by name.
const (
	BuildCurrent  = "current"
	BuildPrevious = "previous"
)

// Question is one question whose right answer is known.
type Question struct {
	ID        string `json:"id"`
	Namespace string `json:"namespace"`
	Text      string `json:"text"`
	Right     string `json:"right"` // id of the document that comes first
	Older     string `json:"older"` // id of the document that the previous build puts first, "" if the same
}

// Region is one place of the target that can be lost.
type Region struct {
	Name string `json:"name"`
	Role string `json:"role"` // primary, standby, active or witness, when the drill starts
}

// Component is one part of the target.
type Component struct {
	Name     string `json:"name"`   // region.kind, e.g. east.db, or outside.dns
	Kind     string `json:"kind"`   // postgres, api, dns, controller, redis
	Region   string `json:"region"` // name of the region, or outside
	Role     string `json:"role"`   // when the drill starts, of what replicates: primary (it leads) or standby (it follows); else ""
	Version  string `json:"version"`
	SHA256   string `json:"sha256"`            // digest of the program, "" if it cannot be read
	Identity string `json:"identity"`          // PostgreSQL system identifier; SHA-256 of the TLS key of an entry
	Expires  Stamp  `json:"expires"`           // end of its certificate
	URL      string `json:"url"`               // where it tells of its health, as seen from its own place
	Fencing  string `json:"fencing,omitempty"` // what keeps it from leading beside another: self, hold, or call and its name; "": the harness itself does
}

// Link is one arrow between two places, e.g. outside→east.api.
type Link struct {
	Name     string `json:"name"`
	From     string `json:"from"`     // place of the dialling end
	To       string `json:"to"`       // component at the other end
	Protocol string `json:"protocol"` // tcp or udp
	Address  string `json:"address"`  // host:port that the dialling end uses
	Latency  int64  `json:"latency_ns"`
}

// EntryName is the public entry in Driver.Access: Access(Outside, EntryName) gives the way that clients take.
const EntryName = "entry"

// Entry is the public entry point: a name, who resolves it, and the port. Of a target that is described in a file also what is
// asked for and which status answers it, without headers, which may be secret.
type Entry struct {
	Name     string `json:"name"`     // DNS name with final dot
	Resolver string `json:"resolver"` // host:port
	Port     int    `json:"port"`
	CAPEM    string `json:"ca_pem"` // certificates (public) the clients trust
	TTLNS    int64  `json:"ttl_ns"`
	URL      string `json:"url,omitempty"`
	Status   int    `json:"status,omitempty"` // of its answer
}

// Timings is the timing profile the target ran with.
type Timings struct {
	Profile         string `json:"profile"`
	CheckIntervalNS int64  `json:"check_interval_ns"`
	CheckFailures   int    `json:"check_failures"`
	TTLNS           int64  `json:"ttl_ns"`
	AlertFloorNS    int64  `json:"alert_floor_ns"` // part of alert latency that is configured
}

// DistinguishingQuestion is the first question that the builds answer differently; false if none is known.
func (d *Description) DistinguishingQuestion() (Question, bool) {
	for _, q := range d.Questions {
		if q.Older != "" && q.Older != q.Right {
			return q, true
		}
	}
	return Question{}, false
}

// RegionByRole finds a region by its role.
func (d *Description) RegionByRole(role string) (Region, bool) {
	for _, r := range d.Regions {
		if r.Role == role {
			return r, true
		}
	}
	return Region{}, false
}

// ComponentOf finds the component of a kind in a region, given by name.
func (d *Description) ComponentOf(region, kind string) (Component, bool) {
	for _, c := range d.Components {
		if c.Region == region && c.Kind == kind {
			return c, true
		}
	}
	return Component{}, false
}

// ComponentByName finds a component.
func (d *Description) ComponentByName(name string) (Component, bool) {
	for _, c := range d.Components {
		if c.Name == name {
			return c, true
		}
	}
	return Component{}, false
}

// LinkByName finds a link.
func (d *Description) LinkByName(name string) (Link, bool) {
	for _, l := range d.Links {
		if l.Name == name {
			return l, true
		}
	}
	return Link{}, false
}

// LinksOf lists the links that have one end in the region: those a partition of it cuts.
func (d *Description) LinksOf(region string) []Link {
	var links []Link
	for _, l := range d.Links {
		to, _ := d.ComponentByName(l.To)
		if l.From == region || to.Region == region {
			links = append(links, l)
		}
	}
	return links
}

// Delivery is where the target is to send its alerts and with which secrets. The secrets are never written to the pack.
type Delivery struct {
	Channel string // pagerduty, slack, smtp, statuspage
	URL     string // http URL, or host:port for smtp
	Secret  string // routing key, token, or recipient address that carries the nonce
}

// StartRequest is all a driver needs to bring its target up, or to attach to it.
type StartRequest struct {
	RunID      string
	Dir        string // state directory of this run; the driver makes what it needs below it
	Profile    string // fast or standard
	Settings   map[string]string
	Deliveries []Delivery
	AddSecrets func(secrets ...string) // told every secret that is made, before it is used: from then on it is redacted; may be nil
	Progress   func(string)            // one line for people, each time something is ready
}

// Driver carries out what the drill asks of one kind of target. It is used by one drill and by one goroutine at a time,
// but for Running and Access, which may be called at any time.
type Driver interface {
	// Check tells, before anything starts, what is missing to use this target here: nil if nothing.
	Check(ctx context.Context, req StartRequest) error
	// Start brings the target up (rehearsal) or attaches to it. After an error nothing of it is left running.
	Start(ctx context.Context, req StartRequest) error
	// Description is valid after Start.
	Description() Description
	// Can lists the kinds of action it carries out; valid before Start.
	Can() []ActionKind
	// Outline is the description as far as it is known before Start: for plans and dry runs. Addresses may be empty.
	Outline(settings map[string]string) (Description, error)
	// Execute carries out one action and returns when the target has taken it, not when it has had its effect.
	Execute(ctx context.Context, a Action) error
	// Access gives the way from a place (outside, or a region by name) to a component. A region reaches its own
	// components by the private path.
	Access(place, component string) (Access, error)
	// Running answers by the private path whether a component's process runs.
	Running(ctx context.Context, component string) (bool, error)
	// RefusesWrites tries a write on a database by the private path: true if it is refused or nothing is there to take it.
	RefusesWrites(ctx context.Context, component string) (bool, error)
	// Logs copies the logs of every component to dir, one file each.
	Logs(ctx context.Context, dir string) error
	// Stop ends the target (rehearsal) or detaches. Nothing of it survives but the state directory.
	Stop(ctx context.Context) error
}
