package probes

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"blackstart/harness"
)

// markerEvery is the pace of writes of the marker. A write takes as long as a question at most.
const markerEvery = time.Second

// markerTitle comes before the version in the marker's title.
const markerTitle = "blackstart marker v"

// markerQuestion asks for the marker.
var markerQuestion = harness.Question{ID: "marker", Namespace: "public", Text: "blackstart marker", Right: "blackstart-marker"}

// markerProbe writes the marker beside the questions, on a goroutine of its own: a write that hangs delays no question.
type markerProbe struct{ *answersProbe }

// Beside writes the marker's next version once a second. A version whose fate is not known is never written again.
func (m *markerProbe) Beside(ctx context.Context, observe func(func() harness.Observation) harness.Observation) {
	tick := time.NewTicker(markerEvery)
	defer tick.Stop()
	for version := int64(1); ; version++ {
		observe(func() harness.Observation { return m.write(context.WithoutCancel(ctx), version) })
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// write puts one version of the marker into the target. OK is an acknowledgement: any 2xx.
func (m *markerProbe) write(ctx context.Context, version int64) harness.Observation {
	q := markerQuestion
	o, status, body := m.post(ctx, "/documents", map[string]string{
		"namespace": q.Namespace, "id": q.Right, "title": markerTitle + strconv.FormatInt(version, 10),
		"body": q.Text + " of a recovery drill",
	})
	o.Answer = &harness.Answer{Question: q.ID, Namespace: q.Namespace, Text: q.Text, Right: q.Right, Version: version, Wrote: true}
	var by struct{ Region, Build string }
	_ = json.Unmarshal(body, &by) // who acknowledged, if it says so
	if named(by.Region) && named(by.Build) {
		o.Answer.Region, o.Answer.Build = by.Region, by.Build
	}
	switch {
	case o.Detail != "":
	case status/100 != 2:
		o.Detail = refusal(status, body)
	default:
		o.OK, o.Value = true, 1
	}
	return o
}

// versionOf reads the version from the marker's title, 0 if it has none.
func versionOf(title string) int64 {
	digits, ok := strings.CutPrefix(title, markerTitle)
	version, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || version < 0 {
		return 0
	}
	return version
}
