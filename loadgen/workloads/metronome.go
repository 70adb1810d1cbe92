package workloads

import (
	"blackstart/internal/registry"
	"blackstart/loadgen"
)

var _ = Workloads.Add(registry.Kind[Workload]{
	Name: "metronome",
	Doc: "Sends one request at a steady pace, each on a fresh connection to the address the TTL allows. Its edges time " +
		"the outage to within 1/rate plus the response time; it runs beside the load, not as part of it.",
	Example: "metronome: {rate: 200/s, timeout: 1s}",
	New:     func() Workload { return metronome{} },
})

type metronome struct{}

// Open implements Workload.
func (metronome) Open(cfg Config, _ *loadgen.AttemptWriter) (loadgen.Op, error) {
	cfg.Cohorts = []Cohort{Fresh}
	cfg.Entry.Questions = nil // it times whether answers come, not what they say
	return newHTTPOp(cfg)
}
