package scratch

import (
	"bufio"
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/probes"
	"blackstart/internal/registry"
)

var _ = probes.Probes.Add(registry.Kind[probes.Factory]{
	Name:    "queue.depth",
	Doc:     "Asks the queue of a region how many messages wait in it.",
	Example: "{probe: queue.depth, region: standby, failingFor: 5s}",
	New:     func() probes.Factory { return queueFactory{} },
})

type queueFactory struct{}

func (queueFactory) Every() time.Duration { return 10 * time.Millisecond }

func (queueFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Speaks: "queue", Roles: []string{harness.Standby}, Unit: "count"}
}

func (queueFactory) Open(_ context.Context, c harness.ProbeConfig) (harness.Probe, error) {
	of, _ := c.Target.ComponentOf(c.Region, "queue")
	return queueProbe{c, of}, nil
}

type queueProbe struct {
	harness.ProbeConfig
	of harness.Component
}

func (q queueProbe) Ask(context.Context) harness.Observation {
	o := harness.Observation{Probe: "queue.depth", On: q.of.Name, Unit: "count"}
	o.At.Lo = q.Clock.Now()
	depth, err := depthOf(q.Access, q.of)
	o.At.Hi = q.Clock.Now()
	o.Reached, o.OK, o.Value = err == nil, err == nil, depth
	return o
}

func (queueProbe) Close() {}

// depthOf reads the one line that a queue says.
func depthOf(access func(place, component string) (harness.Access, error), of harness.Component) (int64, error) {
	a, err := access(of.Region, of.Name)
	if err != nil {
		return 0, err
	}
	return depthAt(a.Address)
}

func depthAt(address string) (int64, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(line), 10, 64)
}
