package injectors

import (
	"strings"
	"testing"

	"blackstart/harness"
)

func TestCertificates(t *testing.T) {
	for _, tc := range []struct {
		certificate string
		days        int
		want        string // of the check that it is in force, or part of the error
	}{
		{"", 0, "expired"},
		{"expired", 0, "expired"},
		{"expiring", 3, "expiring 3"},
		{"wrong-name", 0, "wrong-name"},
		{"unknown-issuer", 0, "unknown-issuer"},
		{"expiring", 0, "needs `days`"},
		{"expiring", -1, "needs `days`"},
		{"expired", 3, "`days: 3` goes with"},
		{"", 3, "`days: 3` goes with"},
		{"ok", 0, "`certificate: ok` is not known"},
	} {
		fault := harness.FaultSpec{On: harness.Primary}
		plan, err := (&certificateExpire{certificateWith{tc.certificate, tc.days}}).Plan(t.Context(), estate(), fault)
		if err != nil {
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s %d: got %v, want %q", tc.certificate, tc.days, err, tc.want)
			}
			continue
		}
		got := plan.InForce[0]
		if got != (harness.Check{Kind: harness.CertificateIs, On: "outside→east.api", Want: tc.want}) {
			t.Errorf("%s %d: in force when %+v", tc.certificate, tc.days, got)
		}
		if spec := plan.Steps[0].Do.Certificate; !strings.HasPrefix(tc.want, spec.Wrong) || spec.Days != tc.days {
			t.Errorf("%s %d: issues %+v", tc.certificate, tc.days, spec)
		}
	}
	unseen := estate()
	unseen.Links = unseen.Links[1:]
	_, err := (&certificateExpire{}).Plan(t.Context(), unseen, harness.FaultSpec{On: harness.Primary})
	if err == nil || !strings.Contains(err.Error(), "no link from outside") {
		t.Errorf("a certificate that no client sees: %v", err)
	}
}
