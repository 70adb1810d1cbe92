// Package target is the target file: what a running system is made of, where it is reached, what may be done there, and what of it
// cannot be mistaken for another. It reads a file strictly and says, for everything that is wrong, where, what, and what to write.
//
// It knows no database and no protocol: kinds of component and of call are told to its Reader. It never connects to anything and
// resolves no name and no secret.
package target

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"blackstart/harness"
	"blackstart/harness/secret"
)

// APIVersion is what a target file begins with.
const APIVersion = "blackstart.target/v1"

// Target is a target file. The tags are its format.
type Target struct {
	APIVersion string              `yaml:"apiVersion" need:"yes" one:"blackstart.target/v1" doc:"version of this format"`
	Kind       string              `yaml:"kind" need:"yes" one:"Target" doc:"kind of file"`
	Metadata   Metadata            `yaml:"metadata" need:"yes" doc:"who it belongs to and how it is classed"`
	Regions    []Region            `yaml:"regions" need:"yes" doc:"the places that can be lost"`
	Hosts      []Host              `yaml:"hosts" doc:"machines that components run on"`
	Components []Component         `yaml:"components" need:"yes" doc:"the parts"`
	Links      []Link              `yaml:"links" doc:"who connects to whom"`
	Entry      *Entry              `yaml:"entry" doc:"where clients come in"`
	Allows     []Allow             `yaml:"allows" doc:"what may be written there; what is not listed is not written"`
	Limits     Limits              `yaml:"limits" doc:"bounds of whatever is done there"`
	Clocks     Clocks              `yaml:"clocks" doc:"what the clocks of the components are held to"`
	Probes     []harness.ProbeSpec `yaml:"probes" doc:"probes that are asked in every drill on it, each by a kind of probe; scenarios name them by id"`
	Calls      []Call              `yaml:"calls" doc:"questions and acts of the system's own, each by a kind of call"`
	Means      []Means             `yaml:"means" doc:"how the harness breaks something there and takes it back, each by a kind of means; nothing is broken by it if not written"`
	Alerts     []Alert             `yaml:"alerts" doc:"where its alerts can be seen"`
	Decisions  *Decisions          `yaml:"decisions" doc:"its own account of a failover"`
	Announce   []Announce          `yaml:"announce" doc:"whom a drill tells that it begins, before anything is broken"`
	StandDown  []Announce          `yaml:"standDown" doc:"whom it tells that it is over, when everything is undone"`

	here func(netip.Addr) error // as its reader has it
}

// Metadata says whose the target is.
type Metadata struct {
	Name        string `yaml:"name" need:"yes" doc:"its name: small letters, digits, dots and dashes"`
	Owner       string `yaml:"owner" need:"yes" doc:"who answers for it"`
	Environment string `yaml:"environment" need:"yes" one:"rehearsal|staging|production" doc:"class; a rehearsal has addresses on this machine only"`
	Critical    bool   `yaml:"critical" doc:"whether it stands on the firm's list of critical systems"`
	Service     string `yaml:"service" need:"yes" doc:"the business service that depends on it"`
	Plan        string `yaml:"plan" need:"yes" doc:"the continuity plan that it falls under, with its section"`
}

// Region is one place of the target.
type Region struct {
	Name string `yaml:"name" need:"yes" doc:"its name"`
	Role string `yaml:"role" need:"yes" one:"primary|standby|active|witness" doc:"what it is when nothing is wrong"`
}

// Host is a machine.
type Host struct {
	Name     string         `yaml:"name" need:"yes" doc:"its name"`
	Region   string         `yaml:"region" need:"yes" doc:"the region it stands in, or outside"`
	Address  string         `yaml:"address" need:"yes" doc:"its address or name, without a port"`
	By       string         `yaml:"by" doc:"the transport by which programs are run there: see blackstart list transports; none are if not written"`
	Identity string         `yaml:"identity" doc:"of one with a transport: what it cannot be mistaken for another by, in quotes; check prints it"`
	With     map[string]any `yaml:"with" with:"hosts by" doc:"parameters of the transport"`
	OS       string         `yaml:"os" one:"linux|windows" doc:"what it runs; linux if not written. What runs on windows is not supported, and check says so"`
}

// Windows is the word for hosts that are not supported.
const Windows = "windows"

// Component is one part. Its address is written, or that of its host.
type Component struct {
	Name     string         `yaml:"name" need:"yes" doc:"its name"`
	Kind     string         `yaml:"kind" need:"yes" doc:"kind of component"`
	Region   string         `yaml:"region" doc:"the region it stands in; that of its host if not written"`
	Host     string         `yaml:"host" doc:"the host it runs on"`
	Address  string         `yaml:"address" doc:"address or name, without a port; that of its host if not written"`
	Port     int            `yaml:"port" need:"yes" min:"1" max:"65535" doc:"port it listens on"`
	Identity string         `yaml:"identity" doc:"what it cannot be mistaken for another by, in quotes: see its kind; check prints it"`
	With     map[string]any `yaml:"with" with:"components kind" doc:"parameters of the kind"`
	Fencing  *Fencing       `yaml:"fencing" doc:"of what leads or follows: what keeps it from leading beside another once a fault is over"`
}

// Fencing says what keeps a component from leading beside another. There is no default.
type Fencing struct {
	By    string `yaml:"by" need:"yes" one:"self|call|hold" doc:"self: its own cluster manager sees to it; call: a call fences it; hold: what was broken stays so until people have lifted it"`
	Call  string `yaml:"call" doc:"of by: call: the call that fences it"`
	Asked string `yaml:"asked" doc:"the call that tries a real write on the node itself, done when it is refused, exit code 1 when it is taken"`
}

// Words say it in one.
func (f *Fencing) Words() string {
	switch {
	case f == nil:
		return ""
	case f.Call != "":
		return f.By + " " + f.Call
	}
	return f.By
}

// Link is one connection that the system depends on.
type Link struct {
	Name string `yaml:"name" need:"yes" doc:"its name"`
	From string `yaml:"from" need:"yes" doc:"who connects: outside, or a component"`
	To   string `yaml:"to" need:"yes" doc:"the component that is connected to"`
}

// Entry is the public entry point.
type Entry struct {
	URL        string   `yaml:"url" need:"yes" doc:"what clients ask for"`
	Status     int      `yaml:"status" min:"100" max:"599" doc:"status of its answer; 200 if not written"`
	Resolver   string   `yaml:"resolver" need:"yes" doc:"who resolves its name: system, or address:port of a name server"`
	TLS        TLS      `yaml:"tls" doc:"what is trusted and shown"`
	Headers    []Header `yaml:"headers" doc:"headers of the request"`
	Identities []string `yaml:"identities" doc:"SHA-256 of the TLS keys (SubjectPublicKeyInfo) that it may have, 64 hex digits each, such as one a region; check prints them"`
}

// TLS is what a connection trusts, and what it shows of itself.
type TLS struct {
	Roots       string            `yaml:"roots" doc:"system, or the path of a file of certificates in PEM; system if not written"`
	ServerName  string            `yaml:"serverName" doc:"name that the certificate must have, if it is not the name that is connected to"`
	Certificate string            `yaml:"certificate" doc:"path of a client certificate in PEM"`
	Key         *secret.Reference `yaml:"key" doc:"where the key of the client certificate is"`
}

// Header is one header of a request.
type Header struct {
	Name   string            `yaml:"name" need:"yes" doc:"its name"`
	Value  string            `yaml:"value" doc:"its value, where it is no secret"`
	Secret *secret.Reference `yaml:"secret" doc:"where its value is, such as a whole authorisation"`
}

// Things that may be written.
const (
	WriteHeartbeat = "heartbeat"
	WriteLedger    = "ledger"
)

// Allow lets one thing be written on one component, one request be made that may change something, or one announcement be made to people.
type Allow struct {
	Write    string `yaml:"write" one:"heartbeat|ledger" doc:"what may be written: see the kinds of component"`
	On       string `yaml:"on" doc:"of write: the component"`
	Path     string `yaml:"path" doc:"the request that loads may make of the entry, method and path as a scenario writes them, without a query: POST /orders"`
	Announce string `yaml:"announce" doc:"the entry of announce or standDown that may be made: it reaches people"`
}

// Table is the table of a database that an allowance is for, with its schema.
func (a Allow) Table() string { return "blackstart." + a.Write }

// Rights are those that the role of a database needs on the table: a beat replaces the one before it, a ledger only grows.
func (a Allow) Rights() []string {
	if a.Write == WriteHeartbeat {
		return []string{"SELECT", "INSERT", "UPDATE"}
	}
	return []string{"SELECT", "INSERT"}
}

// Limits bound what is done there.
type Limits struct {
	Connections  int                         `yaml:"connections" min:"1" max:"10000" doc:"connections that the role of the harness may have to one database; 2 if not written"`
	Probes       map[string]harness.Duration `yaml:"probes" doc:"shortest time between two questions, by kind of probe; in production 1s for those that are not written"`
	Loads        *harness.LoadLimits         `yaml:"loads" doc:"what each load of a drill may do there at most"`
	ChangeWindow *Window                     `yaml:"changeWindow" doc:"when something may be done there; always if not written"`
	Lease        harness.Duration            `yaml:"lease" doc:"how long the harness may be silent before the host of a means undoes what is in force, 15s to 10m; 90s if not written"`
	LongestDrill harness.Duration            `yaml:"longestDrill" doc:"longest that a drill may take there, its undo and what people may take included, 1m to 24h; not bounded if not written"`
	Ticket       string                      `yaml:"ticket" doc:"regular expression (RE2) that a change ticket matches as a whole: see check --ticket"`
}

// Clocks hold the components' clocks to ours.
type Clocks struct {
	AtMost harness.Duration `yaml:"atMost" doc:"how far a clock may be off ours; 1s if not written"`
}

// Call is one named question or act.
type Call struct {
	Name    string            `yaml:"name" need:"yes" doc:"its name"`
	Call    string            `yaml:"call" need:"yes" doc:"kind of call"`
	Reads   bool              `yaml:"reads" doc:"whether it only reads; check makes such a call, and no other"`
	Undo    string            `yaml:"undo" doc:"the call that undoes it: a fault may be this one"`
	OneWay  bool              `yaml:"oneWay" doc:"whether nothing undoes it: a step of a recovery may be this one, and no fault"`
	Timeout harness.Duration  `yaml:"timeout" need:"yes" doc:"how long it may take; 100ms to 10m"`
	Fields  map[string]string `yaml:"fields" doc:"what is kept of a JSON answer: a JSON pointer by name"`
	Keep    string            `yaml:"keep" one:"digest|text" doc:"digest, size and fields of an answer, or its text as well; digest if not written"`
	With    map[string]any    `yaml:"with" with:"calls call" doc:"parameters of the kind"`
}

// Means is one ready-made way to break something and to take it back.
type Means struct {
	Name  string         `yaml:"name" need:"yes" doc:"its name"`
	Means string         `yaml:"means" need:"yes" doc:"kind of means: see blackstart list means"`
	On    []string       `yaml:"on" need:"yes" doc:"the components, or the links, that it acts on"`
	Host  string         `yaml:"host" need:"yes" doc:"the host where its commands are run, and which takes everything back when the harness falls silent; never one that is broken itself"`
	Sudo  bool           `yaml:"sudo" doc:"whether the account there needs sudo (without a password) for what only root may do"`
	With  map[string]any `yaml:"with" with:"means means" doc:"parameters of the kind"`
}

// ComponentByName finds a component.
func (t Target) ComponentByName(name string) (Component, bool) {
	for _, c := range t.Components {
		if c.Name == name {
			return c, true
		}
	}
	return Component{}, false
}

// HostByName finds a host.
func (t Target) HostByName(name string) (Host, bool) {
	for _, h := range t.Hosts {
		if h.Name == name {
			return h, true
		}
	}
	return Host{}, false
}

// RegionOf is the region that a component stands in; the zero value if the file does not say.
func (t Target) RegionOf(c Component) Region {
	name := c.Region
	if h, ok := t.HostByName(c.Host); ok && name == "" {
		name = h.Region
	}
	for _, r := range t.Regions {
		if r.Name == name {
			return r
		}
	}
	return Region{}
}

// AddressOf is the "host:port" of a component.
func (t Target) AddressOf(c Component) string {
	address := c.Address
	if h, ok := t.HostByName(c.Host); ok && address == "" {
		address = h.Address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), strconv.Itoa(c.Port))
}

// MayWrite tells whether a thing may be written on a component.
func (t Target) MayWrite(what, component string) bool {
	for _, a := range t.Allows {
		if a.Write == what && a.On == component && what != "" {
			return true
		}
	}
	return false
}

// MayRequest tells whether a request (method and path) may be made of the entry.
func (t Target) MayRequest(request string) bool {
	for _, a := range t.Allows {
		if a.Path == request && request != "" {
			return true
		}
	}
	return false
}

// FitsTicket tells whether a change ticket is one of those that the file allows.
func (l Limits) FitsTicket(ticket string) bool {
	fits, err := regexp.MatchString(`^(?:`+l.Ticket+`)$`, ticket)
	return err == nil && fits && l.Ticket != ""
}
