package config

import (
	"fmt"
	"strings"
	"time"
)

const (
	maxCheckFailures = 100
	maxCheckTimeout  = 30 * time.Second // the readiness samples kept reach further back
	maxPort          = 65535
)

// Controller is the configuration of `finrag controller`.
type Controller struct {
	Profile   string      `yaml:"profile"`
	Listen    string      `yaml:"listen"`
	Check     Check       `yaml:"check"`
	Regions   Regions     `yaml:"regions"`
	CA        string      `yaml:"ca"`
	DNS       DNSControl  `yaml:"dns"`
	Failover  Failover    `yaml:"failover"`
	Preflight Preflight   `yaml:"preflight"`
	Commit    Commit      `yaml:"commit"`
	Verify    VerifyQuery `yaml:"verify"`
	Notify    Notify      `yaml:"notify"`
	Audit     string      `yaml:"audit"`
	State     string      `yaml:"state"`

	Replication  Replication  `yaml:"replication"`
	Certificates Certificates `yaml:"certificates"`
	Parity       Parity       `yaml:"parity"`
}

// Check is the health check: Failures in a row detect, Confirm more in a row declare. Interval is from start to start.
type Check struct {
	Interval Duration `yaml:"interval"`
	Failures int      `yaml:"failures"`
	Timeout  Duration `yaml:"timeout"`
	Confirm  int      `yaml:"confirm"`
}

// Regions are the two sides of a failover.
type Regions struct {
	Primary RegionEnd `yaml:"primary"`
	Standby RegionEnd `yaml:"standby"`
}

// RegionEnd is one region as the controller reaches it.
type RegionEnd struct {
	Name       string   `yaml:"name"`
	API        string   `yaml:"api"`
	ServerName string   `yaml:"serverName"`
	Database   Database `yaml:"database"`

	AdminTokenFile string `yaml:"adminTokenFile"` // of the region's admin endpoints; empty: they are not used
}

// DNSControl is the DNS server's control interface, and the way a client resolves the public name.
type DNSControl struct {
	Control   string `yaml:"control"`
	TokenFile string `yaml:"tokenFile"`
	Resolver  string `yaml:"resolver"`
	Name      string `yaml:"name"`
	Port      int    `yaml:"port"`
}

// Failover switches the controller's hands on or off.
type Failover struct {
	Enabled   bool   `yaml:"enabled"`
	Manual    bool   `yaml:"manual"`    // with enabled false: it watches and pages, and an operator decides
	TokenFile string `yaml:"tokenFile"` // of the operator who may ask for a failover; empty: nobody may
}

// Preflight bounds what a standby must show before it may be promoted.
type Preflight struct {
	Enabled         bool     `yaml:"enabled"`
	RowConsistency  float64  `yaml:"rowConsistency"`
	ReadinessMaxAge Duration `yaml:"readinessMaxAge"`
	DataAge         Duration `yaml:"dataAge"`     // how old the standby's data may have been before the first failed check
	Certificate     bool     `yaml:"certificate"` // the standby's certificate is checked, and renewed where that is configured
	Parity          bool     `yaml:"parity"`      // both regions' builds are compared, and the standby's deployed likewise
}

// Commit is a label for the audit log.
type Commit struct {
	Mode string `yaml:"mode"`
}

// VerifyQuery is what the end-to-end query asks after a failover.
type VerifyQuery struct {
	Namespace string `yaml:"namespace"`
	Text      string `yaml:"text"`
}

// Notify holds the channels; one without an address is not used.
type Notify struct {
	PagerDuty  PagerDuty  `yaml:"pagerduty"`
	Slack      Slack      `yaml:"slack"`
	SMTP       SMTP       `yaml:"smtp"`
	StatusPage StatusPage `yaml:"statusPage"`
}

// PagerDuty is an Events API v2 endpoint.
type PagerDuty struct {
	URL            string `yaml:"url"`
	RoutingKeyFile string `yaml:"routingKeyFile"`
	Muted          bool   `yaml:"muted"`
}

// Slack is an incoming webhook.
type Slack struct {
	URL   string `yaml:"url"`
	Muted bool   `yaml:"muted"`
}

// SMTP is a mail server that takes mail without authentication.
type SMTP struct {
	Address string   `yaml:"address"`
	From    string   `yaml:"from"`
	To      []string `yaml:"to"`
	Muted   bool     `yaml:"muted"`
}

// StatusPage is a page that takes {"status","message"} with a bearer token.
type StatusPage struct {
	URL       string `yaml:"url"`
	TokenFile string `yaml:"tokenFile"`
	Muted     bool   `yaml:"muted"`
}

// LoadController reads and checks the file at path.
func LoadController(path string) (Controller, error) {
	c := Controller{
		Check:     Check{Interval: Duration(30 * time.Second), Failures: 3, Timeout: Duration(5 * time.Second), Confirm: 1},
		Failover:  Failover{Enabled: true},
		Preflight: Preflight{Enabled: true, RowConsistency: 0.99, ReadinessMaxAge: Duration(10 * time.Second)},
		Verify:    VerifyQuery{Namespace: "public", Text: "quarterly liquidity report"},
	}
	c.protections()
	if err := load(path, &c); err != nil {
		return Controller{}, err
	}
	primary, standby, authority := &c.Regions.Primary, &c.Regions.Standby, &c.Certificates.Authority
	anchor(path, &c.CA, &c.DNS.TokenFile, &c.Audit, &c.State, &c.Failover.TokenFile, &c.Notify.PagerDuty.RoutingKeyFile,
		&c.Notify.StatusPage.TokenFile, &primary.Database.PasswordFile, &primary.AdminTokenFile,
		&standby.Database.PasswordFile, &standby.AdminTokenFile, &authority.Certificate, &authority.Key)
	p := append(c.problems(), c.settle()...)
	p = append(p, c.Regions.Primary.problems("regions.primary")...)
	p = append(p, c.Regions.Standby.problems("regions.standby")...)
	p = append(p, c.DNS.problems()...)
	p = append(p, c.Notify.problems()...)
	return c, checked(path, p)
}

func (c Controller) problems() []error {
	var p []error
	p = append(p, hostPort("listen", c.Listen)...)
	p = append(p, positive("check.interval", c.Check.Interval)...)
	p = append(p, positive("check.timeout", c.Check.Timeout)...)
	if c.Check.Timeout.D() > maxCheckTimeout {
		p = append(p, fmt.Errorf("check.timeout: want at most %s, have %s", maxCheckTimeout, c.Check.Timeout.D()))
	}
	if c.Check.Failures < 1 || c.Check.Failures > maxCheckFailures {
		p = append(p, fmt.Errorf("check.failures: want 1 to %d, have %d", maxCheckFailures, c.Check.Failures))
	}
	if c.Check.Confirm < 0 || c.Check.Confirm > maxCheckFailures {
		p = append(p, fmt.Errorf("check.confirm: want 0 to %d, have %d", maxCheckFailures, c.Check.Confirm))
	}
	if !(c.Preflight.RowConsistency > 0 && c.Preflight.RowConsistency <= 1) {
		p = append(p, fmt.Errorf("preflight.rowConsistency: want more than 0 and at most 1, have %v", c.Preflight.RowConsistency))
	}
	p = append(p, positive("preflight.readinessMaxAge", c.Preflight.ReadinessMaxAge)...)
	p = append(p, required("verify.namespace", c.Verify.Namespace)...)
	p = append(p, required("verify.text", c.Verify.Text)...)
	p = append(p, required("ca", c.CA)...)
	p = append(p, required("audit", c.Audit)...)
	p = append(p, required("state", c.State)...)
	if c.Regions.Primary.Name != "" && c.Regions.Primary.Name == c.Regions.Standby.Name {
		p = append(p, fmt.Errorf("regions: both are called %q", c.Regions.Primary.Name))
	}
	return p
}

func (r RegionEnd) problems(at string) []error {
	p := required(at+".name", r.Name)
	p = append(p, webURL(at+".api", r.API, "https")...)
	p = append(p, required(at+".serverName", r.ServerName)...)
	return append(p, r.Database.problems(at+".database")...)
}

func (d DNSControl) problems() []error {
	p := webURL("dns.control", d.Control, "http", "https")
	p = append(p, required("dns.tokenFile", d.TokenFile)...)
	p = append(p, hostPort("dns.resolver", d.Resolver)...)
	if !strings.HasSuffix(d.Name, ".") || len(d.Name) < 2 {
		p = append(p, fmt.Errorf("dns.name: want a name that ends in a dot, have %q", d.Name))
	}
	if d.Port < 1 || d.Port > maxPort {
		p = append(p, fmt.Errorf("dns.port: want 1 to %d, have %d", maxPort, d.Port))
	}
	return p
}

func (n Notify) problems() []error {
	var p []error
	if n.PagerDuty.URL != "" {
		p = append(p, webURL("notify.pagerduty.url", n.PagerDuty.URL, "http", "https")...)
		p = append(p, required("notify.pagerduty.routingKeyFile", n.PagerDuty.RoutingKeyFile)...)
	}
	if n.Slack.URL != "" {
		p = append(p, webURL("notify.slack.url", n.Slack.URL, "http", "https")...)
	}
	if n.SMTP.Address != "" {
		p = append(p, hostPort("notify.smtp.address", n.SMTP.Address)...)
		p = append(p, required("notify.smtp.from", n.SMTP.From)...)
		if len(n.SMTP.To) == 0 {
			p = append(p, fmt.Errorf("notify.smtp.to: is missing"))
		}
	}
	if n.StatusPage.URL != "" {
		p = append(p, webURL("notify.statusPage.url", n.StatusPage.URL, "http", "https")...)
		p = append(p, required("notify.statusPage.tokenFile", n.StatusPage.TokenFile)...)
	}
	return p
}
