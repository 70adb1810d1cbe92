package config

import (
	"strings"
	"testing"
	"time"
)

// with puts text into the example of a controller, beside the keys that are there.
func with(old, new string) string { return strings.Replace(controllerText, old, new, 1) }

func TestProtectionsOfAnOldFile(t *testing.T) {
	c, err := LoadController(file(t, controllerText))
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Replication; r != (Replication{Enabled: true, Warn: Duration(3 * time.Second), Checks: 2}) {
		t.Errorf("replication is %+v", r)
	}
	if x := c.Certificates; !x.Check || x.Renews() || x.Warn.D() != 720*time.Hour {
		t.Errorf("certificates is %+v, renews %t", x, x.Renews())
	}
	if x := c.Parity; !x.Enabled || x.Deploys() || x.Release != "current" {
		t.Errorf("parity is %+v, deploys %t", x, x.Deploys())
	}
	if p := c.Preflight; p.DataAge.D() != 5*time.Second || !p.Certificate || !p.Parity {
		t.Errorf("preflight is %+v", p)
	}
}

func TestProtectionsThatDependOnOthers(t *testing.T) {
	const token = "adminTokenFile: west.token, "
	standby := func(more string) string { return "standby: {" + token + "name: west" + more }
	both := "ca: ca.crt\ncertificates: {authority: {certificate: ca.crt, key: ca.key}}"
	for name, test := range map[string]struct {
		text           string
		renews, deploy bool
	}{
		"a token alone":        {with("standby: {name: west", standby("")), false, true},
		"an authority alone":   {with("ca: ca.crt", both), false, false},
		"both":                 {strings.Replace(with("standby: {name: west", standby("")), "ca: ca.crt", both, 1), true, true},
		"both, switched off":   {strings.Replace(with("standby: {name: west", standby("")), "ca: ca.crt", strings.Replace(both, "{auth", "{renew: false, auth", 1)+"\nparity: {deploy: false}", 1), false, false},
		"no check, no renewal": {strings.Replace(with("standby: {name: west", standby("")), "ca: ca.crt", strings.Replace(both, "{auth", "{check: false, auth", 1)+"\nparity: {enabled: false}", 1), false, false},
	} {
		c, err := LoadController(file(t, test.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Certificates.Renews() != test.renews || c.Parity.Deploys() != test.deploy {
			t.Errorf("%s: renews %t, deploys %t; want %t, %t", name, c.Certificates.Renews(), c.Parity.Deploys(), test.renews, test.deploy)
		}
	}
}

func TestProtectionsNameWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"replication: {warn: 0s}":                                                "replication.warn",
		"replication: {checks: 0}":                                               "replication.checks",
		"certificates: {warn: 0s}":                                               "certificates.warn",
		"certificates: {authority: {key: ca.key}}":                               "certificates.authority",
		"certificates: {renew: true}":                                            "certificates.renew: needs",
		"certificates: {renew: true, check: false}":                              "certificates.renew: nothing",
		"parity: {deploy: true}":                                                 "parity.deploy",
		"parity: {release: ../x}":                                                "parity.release",
		"replication: {silent: true}":                                            "silent",
		"certificates: {authority: {certificate: a.crt, key: a.k}, renew: true}": "adminTokenFile",
	} {
		_, err := LoadController(file(t, controllerText+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	_, err := LoadController(file(t, with("readinessMaxAge: 10s", "readinessMaxAge: 10s, dataAge: 0s")))
	if err == nil || !strings.Contains(err.Error(), "preflight.dataAge") {
		t.Errorf("dataAge 0s: error %v", err)
	}
	for _, more := range []string{"releases: {dir: releases}", "releases: {state: s}"} {
		if _, err := LoadRegion(file(t, regionText+more+"\n")); err == nil || !strings.Contains(err.Error(), "releases: names only one") {
			t.Errorf("%s: error %v", more, err)
		}
	}
}

func TestReleaseName(t *testing.T) {
	for name, want := range map[string]bool{"current": true, "v1.2-3_x": true, "": false, "..": false, ".x": false, "a/b": false, "a b": false,
		strings.Repeat("a", 65): false} {
		if ReleaseName(name) != want {
			t.Errorf("%q: %t, want %t", name, !want, want)
		}
	}
}
