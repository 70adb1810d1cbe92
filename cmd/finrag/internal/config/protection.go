package config

import (
	"fmt"
	"time"
)

const (
	defaultWarnLag         = Duration(3 * time.Second)
	defaultLagChecks       = 2
	defaultWarnCertificate = Duration(720 * time.Hour) // 30 days
	defaultDataAge         = Duration(5 * time.Second)
	defaultRelease         = "current"
	maxLagChecks           = 100
)

// Replication is the alarm for a standby whose data falls behind.
type Replication struct {
	Enabled bool     `yaml:"enabled"`
	Warn    Duration `yaml:"warn"`   // older data than this is told to people
	Checks  int      `yaml:"checks"` // samples in a row that must say so
	// SilentWhenBroken is a hole, kept to show what it does: the check ends before it tells anybody when the standby's
	// receiver is gone, so that the one break that matters most is never reported.
	SilentWhenBroken bool `yaml:"silentWhenBroken"`
}

// Certificates says how the regions' certificates are watched and renewed.
type Certificates struct {
	// Check false trusts any certificate everywhere, as curl -k does: whoever stands in the way may read and answer for a
	// region, and a failover to a region that no client accepts counts as a success.
	Check     bool      `yaml:"check"`
	Renew     *bool     `yaml:"renew"` // after LoadController never nil; left out, it is on where authority and token are given
	Warn      Duration  `yaml:"warn"`  // people are told so long before the end
	Authority Authority `yaml:"authority"`
}

// Authority signs the regions' certificates. Both files are PEM; both or none are given.
type Authority struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// Renews reports whether an expired certificate may be renewed.
func (c Certificates) Renews() bool { return c.Renew != nil && *c.Renew }

// Parity says what is done about a standby that runs other code than the primary.
type Parity struct {
	// Enabled false neither watches nor checks: a standby with older code is promoted, and gives its older answers.
	Enabled bool   `yaml:"enabled"`
	Deploy  *bool  `yaml:"deploy"`  // after LoadController never nil; left out, it is on where the standby's token is given
	Release string `yaml:"release"` // name of the release that is deployed to the standby
}

// Deploys reports whether the standby's code may be replaced.
func (p Parity) Deploys() bool { return p.Deploy != nil && *p.Deploy }

// protections are the values of everything in this file that a configuration leaves out.
func (c *Controller) protections() {
	c.Replication = Replication{Enabled: true, Warn: defaultWarnLag, Checks: defaultLagChecks}
	c.Certificates = Certificates{Check: true, Warn: defaultWarnCertificate}
	c.Parity = Parity{Enabled: true, Release: defaultRelease}
	c.Preflight.DataAge, c.Preflight.Certificate, c.Preflight.Parity = defaultDataAge, true, true
}

// settle fills in what depends on other parts of the file, and returns what is wrong with them together.
func (c *Controller) settle() []error {
	var p []error
	token := c.Regions.Standby.AdminTokenFile != ""
	a := c.Certificates.Authority
	if (a.Certificate == "") != (a.Key == "") {
		p = append(p, fmt.Errorf("certificates.authority: names only one of certificate and key; give both, or neither"))
	}
	renew := c.Certificates.Check && a.Key != "" && token
	switch {
	case c.Certificates.Renew == nil:
		c.Certificates.Renew = &renew
	case *c.Certificates.Renew && !c.Certificates.Check:
		p = append(p, fmt.Errorf("certificates.renew: nothing is renewed while certificates.check is false; switch one of them"))
	case *c.Certificates.Renew && !renew:
		p = append(p, fmt.Errorf("certificates.renew: needs certificates.authority and regions.standby.adminTokenFile; give both, or switch it off"))
	}
	deploy := c.Parity.Enabled && token
	switch {
	case c.Parity.Deploy == nil:
		c.Parity.Deploy = &deploy
	case *c.Parity.Deploy && !token:
		p = append(p, fmt.Errorf("parity.deploy: needs regions.standby.adminTokenFile; give it, or switch parity.deploy off"))
	}
	if !ReleaseName(c.Parity.Release) {
		p = append(p, fmt.Errorf("parity.release: want the name of a release, have %q", c.Parity.Release))
	}
	if c.Replication.Checks < 1 || c.Replication.Checks > maxLagChecks {
		p = append(p, fmt.Errorf("replication.checks: want 1 to %d, have %d", maxLagChecks, c.Replication.Checks))
	}
	p = append(p, positive("replication.warn", c.Replication.Warn)...)
	p = append(p, positive("certificates.warn", c.Certificates.Warn)...)
	return append(p, positive("preflight.dataAge", c.Preflight.DataAge)...)
}
