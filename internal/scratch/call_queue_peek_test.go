package scratch

import (
	"context"
	"fmt"
	"net"

	"blackstart/harness/call"
	"blackstart/internal/registry"
)

var _ = call.Calls.Add(registry.Kind[call.Kind]{
	Name:    "queue.peek",
	Doc:     "Asks a queue how deep it is.",
	Example: "{name: waiting, call: queue.peek, reads: true, timeout: 5s, with: {address: \"127.0.0.1:7000\"}}",
	New:     func() call.Kind { return &queuePeek{} },
})

type queuePeek struct{ with queuePeekWith }

type queuePeekWith struct {
	Address string `yaml:"address" need:"yes" doc:"address:port of the queue"`
}

func (q *queuePeek) With() any { return &q.with }

func (q *queuePeek) Call(ctx context.Context, _ call.Around, _ bool) call.Said {
	depth, err := depthAt(q.with.Address)
	if err != nil {
		return call.Said{Outcome: call.Refused, Unsent: true, Why: err.Error()}
	}
	return call.Said{Outcome: call.Done, Output: fmt.Appendf(nil, `{"depth": %d}`, depth)}
}

func (q *queuePeek) Reach(ctx context.Context, _ call.Around) (string, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", q.with.Address)
	if err != nil {
		return "", err
	}
	return "the queue takes connections", c.Close()
}
