package injectors

import (
	"strings"
	"testing"

	"blackstart/harness"
)

func TestStaleCodeNeedsBuildsThatCanBeToldApart(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*harness.Description)
		want   string
	}{
		"one build":       {func(d *harness.Description) { d.Builds = d.Builds[:1] }, "needs two builds"},
		"no build":        {func(d *harness.Description) { d.Builds = nil }, "needs two builds"},
		"no version":      {func(d *harness.Description) { d.Builds[1].Version = "" }, "does not say which versions"},
		"same version":    {func(d *harness.Description) { d.Builds[1].Version = d.Builds[0].Version }, "nobody could tell"},
		"no question":     {func(d *harness.Description) { d.Questions = nil }, "no known question"},
		"same answers":    {func(d *harness.Description) { d.Questions = d.Questions[:1] }, "no known question"},
		"answer repeated": {func(d *harness.Description) { d.Questions[1].Older = d.Questions[1].Right }, "no known question"},
	} {
		target := estate()
		tc.change(&target)
		_, err := codeStale{}.Plan(t.Context(), target, harness.FaultSpec{On: harness.Standby})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}
