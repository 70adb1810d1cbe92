package injectors

import (
	"strings"
	"testing"

	"blackstart/harness"
)

// A call that has no way back is no fault, and one behind which another database may be promoted names what is fenced.
func TestCallRun(t *testing.T) {
	with := func(call, promotion string) map[string]any {
		return map[string]any{"call": call, "promotion": promotion, "inForce": []any{map[string]any{"check": "link.silent", "of": "api"}}}
	}
	for _, c := range []struct {
		with   map[string]any
		fences int
		wrong  string
	}{
		{with("stop-api", "impossible"), 0, ""},
		{with("stop-api", "possible"), 1, ""},
		{with("rebuild", "impossible"), 0, "no way back"},
		{with("stop-it", "impossible"), 0, `no call "stop-it"`},
	} {
		k, _ := Faults.Get("call.run")
		in, err := k.Make(c.with)
		if err != nil {
			t.Fatal(err)
		}
		p, err := in.Plan(t.Context(), estate(), harness.FaultSpec{Kind: "call.run", On: harness.Primary})
		switch {
		case c.wrong == "" && (err != nil || len(p.Fences) != c.fences || p.Steps[0].Undo.Call != "start-api"):
			t.Errorf("%v: %+v, %v", c.with, p, err)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%v: %v, want %q", c.with, err, c.wrong)
		}
	}
}
