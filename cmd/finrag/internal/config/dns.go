package config

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// DNS is the configuration of `finrag dns`.
type DNS struct {
	Name    string   `yaml:"name"`
	Listen  string   `yaml:"listen"`
	TTL     Duration `yaml:"ttl"`
	Records Records  `yaml:"records"`
	State   string   `yaml:"state"`
	Control Control  `yaml:"control"`
}

// Records are the two IPv4 addresses the name may have.
type Records struct {
	Primary   netip.Addr `yaml:"primary"`
	Secondary netip.Addr `yaml:"secondary"`
}

// Control is the HTTP interface that chooses the record, guarded by a bearer token.
type Control struct {
	Listen    string `yaml:"listen"`
	TokenFile string `yaml:"tokenFile"`
}

// LoadDNS reads and checks the file at path.
func LoadDNS(path string) (DNS, error) {
	var c DNS
	if err := load(path, &c); err != nil {
		return DNS{}, err
	}
	anchor(path, &c.State, &c.Control.TokenFile)
	var p []error
	if !strings.HasSuffix(c.Name, ".") || len(c.Name) < 2 {
		p = append(p, fmt.Errorf("name: want a name that ends in a dot, have %q", c.Name))
	}
	p = append(p, hostPort("listen", c.Listen)...)
	if c.TTL.D() < time.Second || c.TTL.D()%time.Second != 0 {
		p = append(p, fmt.Errorf("ttl: want whole seconds, at least 1s, have %s", c.TTL.D()))
	}
	if !c.Records.Primary.Is4() {
		p = append(p, fmt.Errorf("records.primary: want an IPv4 address"))
	}
	if !c.Records.Secondary.Is4() {
		p = append(p, fmt.Errorf("records.secondary: want an IPv4 address"))
	}
	p = append(p, required("state", c.State)...)
	p = append(p, hostPort("control.listen", c.Control.Listen)...)
	p = append(p, required("control.tokenFile", c.Control.TokenFile)...)
	return c, checked(path, p)
}
