package channels

import (
	"testing"

	"blackstart/harness/target"
)

// A log is dated by whom the file says, else by the host that its call reads it on; what the file does not say nobody guesses.
func TestWhoseClockDatesALog(t *testing.T) {
	of := target.Target{Hosts: []target.Host{{Name: "db-1", By: "ssh"}, {Name: "bare"}}, Components: []target.Component{{Name: "east.db"}},
		Calls: []target.Call{{Name: "there", Call: "exec", With: map[string]any{"argv": []any{"cat", "/x"}, "on": "db-1"}},
			{Name: "here", Call: "exec", With: map[string]any{"argv": []any{"cat", "/x"}}}, {Name: "sql", Call: "sql", With: map[string]any{"on": "east.db", "statement": "SELECT 1"}}}}
	for _, c := range []struct {
		d    target.Decisions
		want string
	}{
		{target.Decisions{Call: "there"}, "host db-1"}, {target.Decisions{Call: "here"}, ""}, {target.Decisions{Call: "sql"}, ""}, {target.Decisions{File: "/x"}, ""},
		{target.Decisions{Call: "here", Clock: "east.db"}, "east.db"}, {target.Decisions{File: "/x", Clock: "db-1"}, "host db-1"},
		{target.Decisions{Call: "there", Clock: "east.db"}, "east.db"},
	} {
		of.Decisions = &c.d
		if got := clockOf(&of); got != c.want {
			t.Errorf("%+v: %q, want %q", c.d, got, c.want)
		}
	}
}
