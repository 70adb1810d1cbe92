package harness

import (
	"context"
	"time"
)

// Observation is one timestamped answer of a probe. "Unreachable" is an answer: OK false, Reached false.
type Observation struct {
	Probe   string   `json:"probe"`
	On      string   `json:"on"` // component or link it asks
	At      Interval `json:"at"` // from before the question to after the answer
	Reached bool     `json:"reached"`
	OK      bool     `json:"ok"`
	Value   int64    `json:"value"` // in Unit
	Unit    string   `json:"unit"`  // ns, bytes, bool, count, ppm
	Detail  string   `json:"detail,omitempty"`
	Answer  *Answer  `json:"answer,omitempty"` // of answers.known: what was asked and what came back
}

// Answer is one known question and its answer as it came, or one write of the marker: a document that the harness writes
// again and again, each time with the next version, so that an answer shows how old the data behind it is.
type Answer struct {
	Question  string   `json:"question"`          // id of the question; "marker" for the marker
	Namespace string   `json:"namespace"`         // that was asked
	Text      string   `json:"text"`              // of the question
	Right     string   `json:"right"`             // id of the document that must come first
	First     string   `json:"first"`             // id of the document that came first, "" if none
	Foreign   []string `json:"foreign,omitempty"` // ids of documents of other namespaces in the answer
	Region    string   `json:"region"`            // that answered, by its own word
	Build     string   `json:"build"`             // that answered, by its own word
	DataAsOf  Stamp    `json:"data_as_of"`        // by the target's own word
	Version   int64    `json:"version"`           // of the marker: written, or shown by the answer
	Wrote     bool     `json:"wrote"`             // a write of the marker: OK says that it was acknowledged
}

// ProbeSpec is one probe that a scenario or a target file lists, with its parameters.
type ProbeSpec struct {
	ID    string   `yaml:"id" json:"id" need:"yes" doc:"name used by the steady state and by guards"`
	Probe string   `yaml:"probe" json:"probe" need:"yes" doc:"kind of probe: see the catalogue"`
	On    string   `yaml:"on" json:"on,omitempty" doc:"whom it asks: the role of a region, the name of a component, or entry; not written where its kind asks nobody else"`
	Every Duration `yaml:"every" json:"every_ns,omitempty" doc:"time between two questions; as its kind has it if not written"`
	With  With     `yaml:"with" json:"with,omitempty" with:"probes probe" doc:"what the probe is told: see its parameters"`
}

// named tells whether a probe goes by a name: the id under which it is listed, or its kind.
func named(id, kind, name string) bool { return name != "" && (id == name || kind == name) }

// Named tells whether a series goes by a name: the id under which its probe is listed, or its kind.
func (p ProbeSeries) Named(name string) bool { return named(p.ID, p.Probe, name) }

// Named tells whether a probe goes by a name: the id under which it is listed, or its kind.
func (r ProbeRun) Named(name string) bool { return named(r.ID, r.Probe, name) }

// Probe asks one question repeatedly. Ask returns within timeout, whatever the target does.
type Probe interface {
	Ask(ctx context.Context) Observation
	Close()
}

// ProbeConfig is what a probe is made from.
type ProbeConfig struct {
	Target Description
	Region string // name of the region it asks about
	On     string // the component that a listed probe asks, EntryName, or "" where it asks no component
	Clock  *Clock
	Access func(place, component string) (Access, error)
	Every  time.Duration

	Allowed Allowing // what may be written there; nil: anything, and what is missing may be made
	Marker  bool     // the scenario asks how old answers are: the marker may be written, and is asked for
}

// ProbeSeries says where a probe's answers are in the pack and how complete they are.
type ProbeSeries struct {
	ID      string   `json:"id,omitempty"` // under which the scenario or the target lists it; missing: it runs without being listed
	Probe   string   `json:"probe"`
	On      string   `json:"on"`
	File    string   `json:"file"` // data/observations/NAME.jsonl, one Observation a line
	Count   int      `json:"count"`
	EveryNS int64    `json:"every_ns"`
	Ran     Interval `json:"ran"`
}

// Arrival is one message received by one of our receivers, or one state seen by polling.
type Arrival struct {
	Channel  string `json:"channel"`
	At       Stamp  `json:"at"`
	Nonce    bool   `json:"nonce"`    // it carries this drill's nonce, or the key that the target has for drills
	Accepted bool   `json:"accepted"` // our answer was a success
	Status   int    `json:"status"`   // our answer
	Event    string `json:"event"`    // trigger, acknowledge, resolve, message
	Summary  string `json:"summary"`  // redacted, at most 300 bytes
	Severity string `json:"severity"`
	Source   string `json:"source"`
	DedupKey string `json:"dedup_key"`

	// What a pager's event says besides; "" on channels that have no such fields.
	Class     string `json:"class"`     // kind of trouble, such as replication.lagging
	Component string `json:"component"` // what has it
	Group     string `json:"group"`     // where: the region

	Label string `json:"label,omitempty"` // value of the label that tells whose it is, where one does

	// Of a channel that is polled. Nothing was received: At is the end of the first poll that showed the state.
	Polled   bool  `json:"polled,omitempty"`
	Earliest Stamp `json:"earliest,omitzero"` // begin of the last poll before that; 0: it was there when it was first looked
}

// Came is when an arrival came: a moment, or, of a state that was polled, from the last look that did not show it to the first that did.
func (a Arrival) Came() Interval {
	if a.Polled {
		return Interval{a.Earliest, a.At}
	}
	return Interval{a.At, a.At}
}
