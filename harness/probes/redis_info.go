package probes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/internal/registry"

	"github.com/redis/go-redis/v9"
)

const (
	infoName  = "redis.info"
	redisKind = "redis"
)

var _ = Probes.Add(registry.Kind[Factory]{
	Name: infoName,
	Doc: "Asks a Redis server INFO and reads one field of it: the value is its number, or, where a text is written that it must be, 1. It is asked on " +
		"a connection of its own, and nothing else is said on it.",
	Example: "{id: cache-link, probe: redis.info, on: west.cache, with: {section: replication, field: master_link_status, is: up}}",
	New:     func() Factory { return &infoFactory{} },
})

type infoFactory struct{ with infoWith }

type infoWith struct {
	Section string `yaml:"section" need:"yes" one:"server|clients|memory|persistence|stats|replication|cpu|cluster" doc:"section of INFO"`
	Field   string `yaml:"field" need:"yes" doc:"name of the field, such as connected_slaves"`
	Is      string `yaml:"is" doc:"text that the field must hold; then the value is 1"`
	Unit    string `yaml:"unit" one:"count|bytes|seconds|milliseconds|share|age" doc:"what the number is; count if not written. A share is 0 to 1; an age is counted from a moment in seconds since 1970"`
}

// With implements registry.Parametrised.
func (f *infoFactory) With() any { return &f.with }

// Every is the pace of questions.
func (*infoFactory) Every() time.Duration { return time.Second }

func (f *infoFactory) unit() string {
	if f.with.Is != "" {
		return unitBool
	}
	return traitUnit(f.with.Unit)
}

// Traits: it is asked of a Redis server.
func (f *infoFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Listed: true, Speaks: redisKind, Public: true, Fastest: 100 * time.Millisecond, Unit: f.unit()}
}

// Wrong implements Judge.
func (f *infoFactory) Wrong() (key, wrong, hint string) {
	if f.with.Is != "" && f.with.Unit != "" {
		return "unit", "is for a number, and the field must be a text", "keep is: or unit:"
	}
	return "", "", ""
}

// Open finds the way there.
func (f *infoFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	if err := checked(config, true); err != nil {
		return nil, err
	}
	access := func() (harness.Access, error) { return config.Access(harness.Outside, config.On) }
	if _, err := access(); err != nil {
		return nil, err
	}
	ask := func(ctx context.Context) (reply, error) {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		a, err := access()
		if err != nil {
			return reply{}, err
		}
		var said map[string]string
		if _, err = component.AskRedis(ctx, a, func(c *redis.Client) (err error) {
			said, err = component.RedisInfo(ctx, c, f.with.Section)
			return err
		}); err != nil {
			return reply{}, err
		}
		got, err := f.judge(said, config.Clock.Now().Time())
		if err != nil {
			return reply{}, no(err)
		}
		return got, nil
	}
	return &asking{clock: config.Clock, kind: infoName, on: config.On, unit: f.unit(), ask: ask}, nil
}

// judge holds what INFO says against what is expected of it.
func (f *infoFactory) judge(said map[string]string, now time.Time) (reply, error) {
	text, ok := said[f.with.Field]
	switch {
	case !ok:
		return reply{}, errors.New("INFO " + f.with.Section + " has no field " + f.with.Field)
	case f.with.Is != "" && text != f.with.Is:
		return reply{}, fmt.Errorf("%s is another text (%d bytes)", f.with.Field, len(text))
	case f.with.Is != "":
		return reply{1, ""}, nil
	}
	value, err := number(text, f.with.Unit, now)
	return reply{value, ""}, err
}
