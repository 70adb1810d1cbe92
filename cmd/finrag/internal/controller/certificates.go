package controller

import (
	"fmt"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/notify"
)

// judgeCertificates tells people of a certificate that is near its end, past it, or not to be trusted. A region that was not
// reached says nothing of its certificate.
func (c *Controller) judgeCertificates(s Sample) {
	if !c.config.Certificates.Check {
		return
	}
	c.judgeCertificate(c.config.Regions.Primary, s.Primary.Certificate, s.Done)
	c.judgeCertificate(c.config.Regions.Standby, s.Standby.Certificate, s.Done)
}

func (c *Controller) judgeCertificate(end config.RegionEnd, f CertificateFacts, now time.Time) {
	if !f.OK && !f.Untrusted {
		return
	}
	subject := "certificate/" + end.Name
	d := detail{"region": end.Name, "component": end.Name + ".api"}
	m := notify.Message{Region: end.Name, Component: end.Name + ".api", Group: end.Name, Severity: notify.Critical}
	if f.Untrusted {
		d["error"] = f.Error
		m.Text = fmt.Sprintf("finrag: no client trusts the certificate of region %s: %s", end.Name, f.Error)
		c.report(subject, eventCertificateInvalid, d, m)
		return
	}
	left := f.NotAfter.Sub(now)
	d["serial"], d["not_after"] = f.Serial, f.NotAfter.Format(time.RFC3339)
	switch {
	case left <= 0:
		m.Text = fmt.Sprintf("finrag: the certificate of region %s has EXPIRED at %s; no client accepts it", end.Name, d["not_after"])
		c.report(subject, eventCertificateExpired, d, m)
	case left < c.config.Certificates.Warn.D():
		m.Severity = notify.Warning
		m.Text = fmt.Sprintf("finrag: the certificate of region %s expires in %s, at %s", end.Name, timeLeft(left), d["not_after"])
		c.report(subject, eventCertificateExpiring, d, m)
	default:
		m.Text = fmt.Sprintf("finrag: the certificate of region %s is valid until %s", end.Name, d["not_after"])
		c.clearTrouble(subject, eventCertificateValid, d, m)
	}
}

// timeLeft says a span as people do: in days from two days on.
func timeLeft(left time.Duration) string {
	const day = 24 * time.Hour
	if left < 2*day {
		return left.Round(time.Minute).String()
	}
	return fmt.Sprintf("%d days", left.Round(time.Hour)/day)
}
