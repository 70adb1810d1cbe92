package words

import (
	"testing"

	"blackstart/harness"
	"blackstart/harness/measure"
)

func TestTheImpactOnUsersTellsLossesByLoad(t *testing.T) {
	lost := func(load string, n int64) harness.Measurement {
		return harness.Measurement{Name: measure.MeasureRPOLost, Unit: harness.UnitCount, Load: load, Known: true, Lo: n, Hi: n}
	}
	for name, c := range map[string]struct {
		all  []harness.Measurement
		want string
	}{
		"two loads": {[]harness.Measurement{lost("ledger", 3751), lost("isolated", 640), lost("", 4391)},
			"acknowledged writes lost 4 391 (ledger 3 751, isolated 640)."},
		"one of two": {[]harness.Measurement{lost("ledger", 12), lost("isolated", 0), lost("", 12)}, "acknowledged writes lost 12 (ledger 12)."},
		"none":       {[]harness.Measurement{lost("ledger", 0), lost("", 0)}, "acknowledged writes lost 0."},
		"unread":     {nil, "not measured."},
	} {
		got := impact(c.all)
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
