package external

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leading is the file of the rig with what keeps each database from leading beside another: the primary is asked whether it refuses writes
// by a program that ends as a file says.
func (r *rig) leading(t *testing.T, by string) (d *Driver, says func(code string)) {
	t.Helper()
	answer := filepath.Join(t.TempDir(), "code")
	says = func(code string) { must(t, os.WriteFile(answer, []byte(code), 0o600)) }
	says("1")
	d = r.driver("region: east,", "region: east, fencing: "+by+",", "links:", `calls:
  - {name: refuses, call: exec, reads: true, timeout: 5s, with: {argv: [sh, -c, 'exit "$(cat `+answer+`)"']}}
  - {name: fence, call: exec, oneWay: true, timeout: 5s, with: {argv: [sh, -c, 'echo 0 > `+answer+`']}}
links:`)
	must(t, d.Reattach(t.Context(), request(t))) // as an undo does: roles may be others by now
	return d, says
}

// alone: nobody leads in place of the primary, so what led may be started again whatever its file says.
func (r *rig) alone(t *testing.T) {
	d, _ := r.leading(t, "{by: hold, asked: refuses}")
	if other, err := d.LeadsBeside(t.Context(), "east.db"); other != "" || err != nil {
		t.Errorf("beside the primary leads %q, %v", other, err)
	}
	if why := d.superseded(t.Context(), "east.db"); why != "" {
		t.Errorf("the primary that leads alone: %s", why)
	}
	if err := d.fencedFirst(t.Context(), "east.db"); err != nil {
		t.Errorf("it would be fenced as the only one that leads: %v", err)
	}
	if d.Can() != nil && len(d.Can()) != 2 { // the call of a runbook, and a fence
		t.Errorf("it can %v", d.Can())
	}
}

// beside: the standby leads by now.
func (r *rig) beside(t *testing.T) {
	d, says := r.leading(t, "{by: call, call: fence, asked: refuses}")
	if other, err := d.LeadsBeside(t.Context(), "east.db"); other != "west.db" || err != nil {
		t.Errorf("beside the old primary leads %q, %v", other, err)
	}
	if why := d.superseded(t.Context(), "east.db"); !strings.Contains(why, "west.db leads by now; rebuild it as a copy of west.db") {
		t.Errorf("the old primary: %q", why)
	}
	for code, want := range map[string]string{"0": "refuses", "1": "takes", "3": "it does not say"} {
		says(code)
		refuses, err := d.RefusesWrites(t.Context(), "east.db")
		got := map[bool]string{true: "refuses", false: "takes"}[refuses]
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("asked, it ends with %s: %s", code, got)
		}
	}
	says("1")
	if err := d.fencedFirst(t.Context(), "east.db"); err != nil { // the call fences it, and it is asked again
		t.Errorf("fenced by a call: %v", err)
	}
	says("1")
	held, _ := r.leading(t, "{by: hold, asked: refuses}")
	if err := held.fencedFirst(t.Context(), "east.db"); err == nil || !strings.Contains(err.Error(), "it takes writes") {
		t.Errorf("one that is held: %v", err)
	}
	self, _ := r.leading(t, "{by: self, asked: refuses}")
	if why := self.superseded(t.Context(), "east.db"); why != "" {
		t.Errorf("one that its own cluster manager looks after: %s", why)
	}
}
