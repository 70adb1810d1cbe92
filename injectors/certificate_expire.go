package injectors

import (
	"context"
	"fmt"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name: "certificate.expire",
	Doc: "The region's API serves a certificate that is really issued and really wrong: expired, expiring (in `days`), for " +
		"another name (wrong-name), or from an authority nobody knows (unknown-issuer).",
	Example: "{at: 0s, kind: certificate.expire, on: standby, with: {certificate: expired}, startsClock: true, confirmWithin: 5s}",
	New:     func() harness.Injector { return &certificateExpire{} },
})

// certificateExpire swaps what the region serves; the key stays where it is.
type certificateExpire struct{ with certificateWith }

// certificateWith are the parameters of certificate.expire.
type certificateWith struct {
	Certificate string `yaml:"certificate" one:"expired|expiring|wrong-name|unknown-issuer" doc:"what is wrong with it; expired if not written"`
	Days        int    `yaml:"days" min:"1" max:"3650" doc:"for certificate: expiring, the days it is still valid"`
}

// With implements registry.Parametrised.
func (c *certificateExpire) With() any { return &c.with }

// Plan swaps the certificate of the region's API. A strict client's handshake from outside dates the fault.
func (c *certificateExpire) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, err := victim(target, fault)
	if err != nil {
		return harness.Plan{}, err
	}
	spec, want, err := wrongCertificate(c.with)
	if err != nil {
		return harness.Plan{}, fmt.Errorf("plan %s: %w", fault.Kind, err)
	}
	api, link, err := publicAPI(target, fault, region)
	if err != nil {
		return harness.Plan{}, err
	}
	lasting := ""
	if spec.Wrong == harness.CertificateExpiring {
		lasting = fmt.Sprintf("%d days", spec.Days)
	}
	on := []string{api.Name}
	return harness.Plan{
		Fault: fault, Label: fault.Kind + " (" + spec.Wrong + ")", What: "it serves a certificate " + wrongWords[spec.Wrong] + lasting,
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.CertificateSwap, Region: region.Name, Components: on, Certificate: &spec},
			Undo: harness.Action{Kind: harness.CertificateRestore, Region: region.Name, Components: on},
		}},
		InForce:  []harness.Check{{Kind: harness.CertificateIs, On: link, Want: want}},
		Restored: []harness.Check{{Kind: harness.CertificateIs, On: link, Want: harness.CertificateOK}},
	}, nil
}

// wrongWords says what is wrong with a certificate.
var wrongWords = map[string]string{
	harness.CertificateExpired: "that has run out", harness.CertificateWrongName: "for another host name",
	harness.CertificateUnknownIssuer: "of an unknown issuer", harness.CertificateExpiring: "that runs out in ",
}

// wrongCertificate reads what is to be wrong, and what a client then finds.
func wrongCertificate(with certificateWith) (harness.CertificateSpec, string, error) {
	spec := harness.CertificateSpec{Wrong: with.Certificate, Days: with.Days}
	if spec.Wrong == "" {
		spec.Wrong = harness.CertificateExpired
	}
	switch spec.Wrong {
	case harness.CertificateExpiring:
		if spec.Days < 1 {
			return spec, "", fmt.Errorf("`certificate: expiring` needs `days`, for how many it is still valid, and has %d: write 1 or more", spec.Days)
		}
		return spec, fmt.Sprintf("%s %d", spec.Wrong, spec.Days), nil
	case harness.CertificateExpired, harness.CertificateWrongName, harness.CertificateUnknownIssuer:
		if spec.Days != 0 {
			return spec, "", fmt.Errorf("`days: %d` goes with `certificate: expiring` only: remove it", spec.Days)
		}
		return spec, spec.Wrong, nil
	}
	return spec, "", fmt.Errorf("`certificate: %s` is not known: write expired, expiring, wrong-name or unknown-issuer", spec.Wrong)
}
