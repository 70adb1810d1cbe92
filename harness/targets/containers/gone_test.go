package containers

import "testing"

// TestDescribeFound names every component with the state in which it was found, and only those.
func TestDescribeFound(t *testing.T) {
	for want, states := range map[string]map[string][]string{
		"no container of the rehearsal target was found":         {},
		"found of the rehearsal target: running: a.db, west.api": {"running": {"west.api", "a.db"}},
		"found of the rehearsal target: exited: east.db; gone, removed by somebody else: east.api; paused: west.db": {
			"paused": {"west.db"}, "exited": {"east.db"}, goneState: {"east.api"}},
	} {
		if got := describeFound(states); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
