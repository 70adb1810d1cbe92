package evidence

import (
	"testing"

	"blackstart/harness"
)

// A gap that is taken out of the record, or put into it, or made shorter, is not what the events tell.
func TestGapsAreToldByTheEvents(t *testing.T) {
	slept := harness.Gap{Kind: harness.GapSuspended, At: harness.Interval{Lo: 10, Hi: 20}, LastsNS: 4e9, Detail: "its process did not run"}
	offline := harness.Gap{Kind: harness.GapNetwork, At: harness.Interval{Lo: 30, Hi: 40}, LastsNS: 10, Detail: "net0 is down"}
	shorter := slept
	shorter.LastsNS = 1e9
	for name, c := range map[string]struct {
		record, events []harness.Gap
		status         harness.Status
		agree          bool
	}{
		"none":          {nil, nil, harness.Completed, true},
		"both":          {[]harness.Gap{slept, offline}, []harness.Gap{slept, offline}, harness.Completed, true},
		"taken out":     {[]harness.Gap{slept}, []harness.Gap{slept, offline}, harness.Completed, false},
		"all taken out": {nil, []harness.Gap{slept}, harness.Stopped, false},
		"added":         {[]harness.Gap{offline}, nil, harness.Completed, false},
		"another":       {[]harness.Gap{slept}, []harness.Gap{offline}, harness.Completed, false},
		"shorter":       {[]harness.Gap{shorter}, []harness.Gap{slept}, harness.Completed, false},
		"killed":        {nil, []harness.Gap{slept}, harness.Interrupted, true},
	} {
		told := &recordedEvents{at: map[string][]harness.Interval{}}
		for n, g := range c.events {
			if err := told.add(int64(n), harness.Event{Kind: "harness." + g.Kind, At: g.At, Text: g.Words()}); err != nil {
				t.Fatal(err)
			}
		}
		if err := told.gapsOf(&harness.Record{Status: c.status, Gaps: c.record}); (err == nil) != c.agree {
			t.Errorf("%s: %v", name, err)
		}
	}
}
