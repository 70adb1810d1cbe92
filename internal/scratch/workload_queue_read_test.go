package scratch

import (
	"context"
	"net"

	"blackstart/internal/registry"
	"blackstart/internal/shortage"
	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

var _ = workloads.Workloads.Add(registry.Kind[workloads.Workload]{
	Name:    "queue.read",
	Doc:     "Asks a queue how deep it is, each time as a new client.",
	Example: "load:\n  - {workload: queue.read, rate: 100/s, timeout: 1s, place: standby, with: {most: 10}}",
	New:     func() workloads.Workload { return &queueRead{} },
})

type queueRead struct{ with queueReadWith }

type queueReadWith struct {
	Most int `yaml:"most" need:"yes" min:"1" max:"1000" doc:"bytes of an answer that are read"`
}

// queueEmpty is how this workload calls an answer without a byte: no other knows it.
const queueEmpty loadgen.Outcome = 224

var _ = loadgen.Reserve("queue.read", queueEmpty, "queue-empty")

func (q *queueRead) With() any { return &q.with }

func (*queueRead) Traits() loadgen.Traits { return loadgen.Traits{Speaks: "queue"} }

func (q *queueRead) Open(cfg workloads.Config, _ *loadgen.AttemptWriter) (loadgen.Op, error) {
	return loadgen.OpFunc(func(ctx context.Context, _ loadgen.Slot) loadgen.Result {
		dialer := net.Dialer{Timeout: cfg.Timeout}
		conn, err := dialer.DialContext(ctx, "tcp", cfg.Database.Addresses[0])
		if shortage.Note("a load", err) {
			return loadgen.Result{Outcome: loadgen.LocalShortage}
		} else if err != nil {
			return loadgen.Result{Outcome: loadgen.Refused}
		}
		defer func() { _ = conn.Close() }()
		if n, err := conn.Read(make([]byte, q.with.Most)); err != nil || n == 0 {
			return loadgen.Result{Outcome: queueEmpty}
		}
		return loadgen.Result{Outcome: loadgen.OK}
	}), nil
}
