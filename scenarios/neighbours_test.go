package scenarios

import (
	"strings"
	"testing"
)

// TestNeighboursOfWhatIsRefused: each is one step from a refusal and has a meaning.
func TestNeighboursOfWhatIsRefused(t *testing.T) {
	guard := "{probe: http.health, region: standby, failingFor: 5s}"
	fault := "{at: 0s, kind: region.partition, on: primary, with: {direction: both}, startsClock: true, confirmWithin: 2s}"
	page := "channel: pagerduty,           from: fault"
	for what, c := range map[string][2]string{
		"a rate a minute that is whole a second":      {"rate: 250/s", "rate: 15000/m"},
		"a p99 just below the timeout":                {"p99AtMost: 250ms", "p99AtMost: 1999ms"},
		"the shortest confirmation":                   {"confirmWithin: 2s", "confirmWithin: 500ms"},
		"the shortest baseline":                       {"for: 10s", "for: 1s"},
		"a cohort of a load that plays all":           {", with: {cohorts: [fresh, pooled, stale-resolver]}", ""},
		"a writer in the standby":                     {"place: primary", "place: standby"},
		"a severity that is sent":                     {page, page + ", carries: {severity: info, event: trigger}"},
		"a count below the fields":                    {"objectives:\n", "objectives:\n  - {id: content, measure: alert.content, channel: pagerduty, carries: {severity: info, class: a.b}, atMost: 1, source: y}\n"},
		"any severity":                                {page, page + `, carries: {severity: "*"}`},
		"a guard that outlasts the observation":       {guard, "{probe: http.health, region: primary, failingFor: 27m}"},
		"a guard that outlasts the watch and no more": {guard, "{probe: http.health, region: primary, failingFor: 25m30s}\nobserveUndo: 10s"},
		"a guard on a region with a warning":          {fault, fault + "\n  - {at: 1s, kind: certificate.expire, on: standby, with: {certificate: expiring, days: 3}}"},
		"a guard that outlasts a short fault":         {fault, fault + "\n  - {at: 1s, kind: certificate.expire, on: standby, with: {certificate: expired}, for: 4s}"},
		"a source that begins like a placeholder":     {`"BCP 4.2"`, `"Todorov, BCP 4.2"`},
		"a fraction of a second":                      {"settle: 60s", "settle: 1.5s"},
		"minutes with a leading zero behind hours":    {"observe: 25m", "observe: 1h05m"},
		"zero with its unit":                          {"settle: 60s", "settle: 0s"},
		"a follower's guard where nothing takes over": {"commit: synchronous}", "commit: synchronous, controller.failover: disabled}"},
	} {
		text := strings.Replace(read(t, examples+"/valid.yaml"), c[0], c[1], 1)
		if what == "a follower's guard where nothing takes over" {
			text = strings.Replace(text, guard, "{probe: replication.heartbeat, region: standby, failingFor: 5s}", 1)
		}
		if !strings.Contains(text, c[1]) {
			t.Fatalf("%s: nothing was changed", what)
		}
		if _, _, err := (Reader{Known: known}).Parse("valid.yaml", []byte(text), nil, ""); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
