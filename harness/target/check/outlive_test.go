package check_test

import (
	"strings"
	"testing"
	"time"

	"blackstart/harness/target/check"
)

// outlives: where a drill may last so long, what is known not to last is refused, and what is not known is said.
func (r *rig) outlives(t *testing.T) {
	const bounded, by = "limits: {changeWindow", "limits: {longestDrill: 2h, changeWindow"
	defer r.sql("ALTER ROLE watcher VALID UNTIL 'infinity'")
	now := time.Now().Truncate(time.Second)
	for _, c := range []struct {
		until    time.Duration // from now; 0: for ever
		from, to string
		name     string
		state    check.State
		text     string
	}{
		{0, "", "", "east.db password", check.Works, "read again by an undo; whether it stays as it is for 2h0m0s is not known"},
		{0, "{file: " + r.dir + "/password}", "{exec: [cat, " + r.dir + "/password]}", "east.db password", check.Works, "whether a lease of it lasts 2h0m0s is not known"},
		{3 * time.Hour, "", "", "east.db role", check.Works, "longer than a drill of 2h0m0s"},
		{time.Hour, "", "", "east.db role", check.Refused, ", and a drill may last 2h0m0s from now: its undo could not use it"},
	} {
		end := "infinity"
		if c.until > 0 {
			end = now.Add(c.until).Format(time.RFC3339)
		}
		r.sql("ALTER ROLE watcher VALID UNTIL '" + end + "'")
		text := strings.Replace(r.text, bounded, by, 1)
		got, err := reader.Parse("orders.yaml", []byte(strings.Replace(text, c.from, c.to, 1)))
		must(t, err)
		rows, err := check.Run(t.Context(), request(got))
		if got := row(rows, "secret", c.name); err != nil || got.State != c.state || !strings.Contains(got.Text, c.text) {
			t.Errorf("until %s: %+v, %v", end, got, err)
		}
	}
	rows, err := r.check()
	if got := row(rows, "secret", "east.db password"); err != nil || strings.Contains(got.Text, "not known") {
		t.Errorf("without a bound: %+v, %v", got, err)
	}
}
