package probes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
)

const patroniName = "patroni.cluster"

var _ = Probes.Add(registry.Kind[Factory]{
	Name: patroniName,
	Doc: "GET /cluster of Patroni's REST API, a component of kind `api`: the value is the number of leaders that it names, the lag of a member " +
		"in bytes, or 1 where a member leads and 0 where it follows. A member that is not there, or whose lag it does not know, is not OK.",
	Example: "{id: one-leader, probe: patroni.cluster, on: east.patroni, with: {value: leaders}}",
	New:     func() Factory { return &patroniFactory{} },
})

type patroniFactory struct{ with patroniWith }

type patroniWith struct {
	Value  string `yaml:"value" need:"yes" one:"leaders|lag|leads" doc:"what is read: number of leaders; lag of a member; whether a member leads"`
	Member string `yaml:"member" doc:"name of the member, for lag and leads"`
}

// With implements registry.Parametrised.
func (f *patroniFactory) With() any { return &f.with }

// Every is the pace of questions.
func (*patroniFactory) Every() time.Duration { return time.Second }

func (f *patroniFactory) unit() string {
	switch f.with.Value {
	case "lag":
		return unitBytes
	case "leads":
		return unitBool
	}
	return unitCount
}

func (f *patroniFactory) ofMember() bool { return f.with.Value == "lag" || f.with.Value == "leads" }

// Traits: it is asked of the API of a member.
func (f *patroniFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Listed: true, Speaks: apiKind, Public: true, Fastest: 500 * time.Millisecond, Unit: f.unit()}
}

// Wrong implements Judge.
func (f *patroniFactory) Wrong() (key, wrong, hint string) {
	if (f.with.Member != "") != f.ofMember() {
		return "member", "goes with the value lag or leads, and they with it", "write both, or value: leaders alone"
	}
	return "", "", ""
}

// Open finds the way there.
func (f *patroniFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	r, err := reachOf(config)
	if err != nil {
		return nil, err
	}
	c, path, err := r.web("/cluster")
	if err != nil {
		return nil, err
	}
	ask := func(ctx context.Context) (reply, error) {
		status, body, err := c.get(ctx, path)
		switch {
		case err != nil:
			return reply{}, err
		case status != 200:
			return reply{}, no(fmt.Errorf("status %d", status))
		}
		got, err := f.judge(body)
		if err != nil {
			return reply{}, no(err)
		}
		return got, nil
	}
	return &asking{clock: config.Clock, kind: patroniName, on: config.On, unit: f.unit(), ask: ask}, nil
}

// patroniMember is a member as Patroni tells of it.
type patroniMember struct {
	Name, Role, State string
	Lag               json.RawMessage // bytes, or "unknown"
}

func (m patroniMember) leads() bool { return m.Role == "leader" || m.Role == "master" }

// judge reads an answer.
func (f *patroniFactory) judge(body []byte) (reply, error) {
	var said struct{ Members []patroniMember }
	if err := json.Unmarshal(body, &said); err != nil || len(said.Members) == 0 {
		return reply{}, errors.New("its answer names no members")
	}
	if !f.ofMember() {
		var leaders []string
		for _, m := range said.Members {
			if m.leads() {
				leaders = append(leaders, m.Name)
			}
		}
		return reply{int64(len(leaders)), strings.Join(leaders, ", ")}, nil
	}
	i := slices.IndexFunc(said.Members, func(m patroniMember) bool { return m.Name == f.with.Member })
	if i < 0 {
		return reply{}, fmt.Errorf("it names no member %s", f.with.Member)
	}
	m := said.Members[i]
	told := strings.TrimSpace(m.Role + " " + m.State)
	switch {
	case f.with.Value == "leads" && m.leads():
		return reply{1, told}, nil
	case f.with.Value == "leads":
		return reply{0, told}, nil
	case m.leads():
		return reply{}, fmt.Errorf("%s leads: it lags behind nobody", m.Name)
	}
	var lag int64
	if err := json.Unmarshal(m.Lag, &lag); err != nil || lag < 0 {
		return reply{}, fmt.Errorf("it does not know the lag of %s", m.Name)
	}
	return reply{lag, told}, nil
}
