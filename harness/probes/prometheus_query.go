package probes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
)

const prometheusName = "prometheus.query"

var _ = Probes.Add(registry.Kind[Factory]{
	Name: prometheusName,
	Doc: "An instant query to the HTTP API of Prometheus, a component of kind `api`: the value is that of the one sample it answers with. No sample, " +
		"more than one, one that is no number, and one that is older than a minute are not OK.",
	Example: "{id: clients-failing, probe: prometheus.query, on: metrics, every: 5s, with: {query: 'sum(rate(http_errors_total[1m])) / sum(rate(http_requests_total[1m]))', unit: share}}",
	New:     func() Factory { return &prometheusFactory{} },
})

// oldestSample is how old a sample may be: its moment is that of the query, so an older one was answered by something else, such as
// a cache.
const oldestSample = time.Minute

type prometheusFactory struct{ with prometheusWith }

type prometheusWith struct {
	Query string `yaml:"query" need:"yes" doc:"a PromQL expression that gives one sample"`
	Path  string `yaml:"path" doc:"path of the endpoint; /api/v1/query if not written"`
	Unit  string `yaml:"unit" one:"count|bytes|seconds|milliseconds|share|age" doc:"what the value is; count if not written, of whole numbers alone. A share is 0 to 1; an age is counted from a moment in seconds since 1970"`
}

// With implements registry.Parametrised.
func (f *prometheusFactory) With() any { return &f.with }

// Every is the pace of questions.
func (*prometheusFactory) Every() time.Duration { return 5 * time.Second }

// Traits: it is asked of the system's own measurements, which are of all its clients.
func (f *prometheusFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Listed: true, Speaks: apiKind, Public: true, Clients: true, Fastest: time.Second, Unit: traitUnit(f.with.Unit)}
}

// Wrong implements Judge.
func (f *prometheusFactory) Wrong() (key, wrong, hint string) {
	if f.with.Path == "" {
		return "", "", ""
	}
	wrong, hint = wrongPath(f.with.Path)
	return "path", wrong, hint
}

// Open finds the way there.
func (f *prometheusFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	r, err := reachOf(config)
	if err != nil {
		return nil, err
	}
	path := f.with.Path
	if path == "" {
		path = "/api/v1/query"
	}
	c, path, err := r.web(path + "?query=" + url.QueryEscape(f.with.Query))
	if err != nil {
		return nil, err
	}
	ask := func(ctx context.Context) (reply, error) {
		status, body, err := c.get(ctx, path)
		if err != nil {
			return reply{}, err
		}
		got, err := f.judge(status, body, config.Clock.Now().Time())
		if err != nil {
			return reply{}, no(err)
		}
		return got, nil
	}
	return &asking{clock: config.Clock, kind: prometheusName, on: config.On, unit: traitUnit(f.with.Unit), ask: ask}, nil
}

// judge reads the one sample of an answer.
func (f *prometheusFactory) judge(status int, body []byte, now time.Time) (reply, error) {
	var said struct {
		Status, Error string
		Data          struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &said); err != nil || status != http.StatusOK || said.Status != "success" {
		return reply{}, errors.New(joined(fmt.Sprintf("status %d, and no result", status), said.Error))
	}
	var sample []json.RawMessage
	switch said.Data.ResultType {
	case "vector":
		var all []struct{ Value []json.RawMessage }
		if err := json.Unmarshal(said.Data.Result, &all); err != nil || len(all) != 1 {
			return reply{}, fmt.Errorf("there are %d samples, not one", len(all))
		}
		sample = all[0].Value
	case "scalar":
		if err := json.Unmarshal(said.Data.Result, &sample); err != nil {
			return reply{}, errors.New("its sample cannot be read")
		}
	default:
		return reply{}, fmt.Errorf("the result is a %q, not one sample", truncate(said.Data.ResultType))
	}
	var text string
	if len(sample) != 2 || json.Unmarshal(sample[1], &text) != nil {
		return reply{}, errors.New("its sample cannot be read")
	}
	old, err := number(string(sample[0]), "age", now)
	switch {
	case err != nil:
		return reply{}, err
	case old > int64(oldestSample):
		return reply{}, fmt.Errorf("its sample is %s old", time.Duration(old).Round(time.Second))
	}
	value, err := number(text, f.with.Unit, now)
	return reply{value, ""}, err
}
