package workloads

import (
	"net/http"

	"blackstart/internal/registry"
	"blackstart/loadgen"
)

var _ = Workloads.Add(registry.Kind[Workload]{
	Name: "metronome",
	Doc: "Sends one request at a steady pace, each on a fresh connection to the address the TTL allows. Its edges time " +
		"the outage to within 1/rate plus the response time; it runs beside the load, not as part of it.",
	Example: "load:\n  - {workload: metronome, rate: 100/s, timeout: 2s, place: outside}",
	New:     func() Workload { return metronome{} },
})

type metronome struct{}

// Traits implements Workload.
func (metronome) Traits() loadgen.Traits { return loadgen.Traits{Edges: true} }

// Reads implements Reader: where the target says what is asked for at its entry, it is got.
func (metronome) Reads(at Entry) bool { return at.Path != "" }

// Open implements Workload.
func (metronome) Open(cfg Config, _ *loadgen.AttemptWriter) (loadgen.Op, error) {
	cfg.Entry.Questions = nil // it times whether answers come, not what they say
	if cfg.Entry.Path != "" { // what the target says of its entry
		cfg.Entry.Method = http.MethodGet
	}
	return newHTTPOp(cfg, Fresh)
}
