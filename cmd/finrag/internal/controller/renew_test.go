package controller

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/pgtest"
)

// renewing is a change that gives the controller what it needs to renew the standby's certificate.
func renewing(c *config.Controller) {
	dir, on := filepath.Dir(c.CA), true
	c.Certificates.Renew = &on
	c.Certificates.Authority = config.Authority{Certificate: c.CA, Key: filepath.Join(dir, "ca.key")}
	c.Regions.Standby.AdminTokenFile = filepath.Join(dir, "token")
}

// accepts is what a client that verifies everything says of the region at ip: nil, or why not.
func (r *rig) accepts(ip string) error {
	d := net.Dialer{Timeout: time.Second}
	conn, err := tls.DialWithDialer(&d, "tcp", net.JoinHostPort(ip, strconv.Itoa(r.port)), &tls.Config{RootCAs: r.ca.Pool, ServerName: publicName})
	if err == nil {
		conn.Close()
	}
	return err
}

func TestAnExpiredCertificateIsRenewedBeforeTheFailover(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t, renewing)
	r.startController(t, c)
	awaitReadiness(t, c)
	r.west.stop()
	r.west = r.startRegion(t, "west", "127.77.2.1", r.standby, time.Now().Add(-time.Hour))
	awaitEvent(t, c.Audit, eventCertificateExpired)
	pgtest.Eventually(t, "a complete sample that holds the standby's health and its certificate", func() bool {
		s, ok := shownState(c)
		return ok && s.Readiness.Complete && s.Readiness.Standby.API.OK && s.Readiness.Standby.Certificate.expired(time.Now())
	})
	r.east.stop()
	awaitEvent(t, c.Audit, eventDone)
	want := "certificate.expired failure.detected failover.declared certificate.renewed certificate.valid preflight.passed fence.done promote.done " +
		"dns.switched verify.passed failover.done"
	if got := story(t, c.Audit); got != want {
		t.Errorf("audit tells\n%s, want\n%s", got, want)
	}
	d := lastDetail(t, c.Audit, eventCertificateRenewed, 1)
	if end, err := time.Parse(time.RFC3339, d["not_after"].(string)); err != nil || !end.After(time.Now()) || d["region"] != "west" || d["serial"] == "7" {
		t.Errorf("renewed: %v", d)
	}
	if err := r.accepts("127.77.2.1"); err != nil {
		t.Errorf("a strict client says %v", err)
	}
	pgtest.Eventually(t, "the pager's incident of the certificate is resolved", func() bool {
		return slices.Contains(r.inbox.pages(), "resolve certificate.expired info west.api west")
	})
}

// TestACertificateOfAnotherNameIsNotRenewed shows that it is refused, and then what a controller does that checks nothing.
func TestACertificateOfAnotherNameIsNotRenewed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t, renewing)
	_, s := r.startController(t, c)
	awaitReadiness(t, c)
	r.west.stop()
	r.ca.Issue(t, filepath.Join(r.dir, "other.crt"), filepath.Join(r.dir, "other.key"), "other.finrag.test", 9, time.Now().Add(time.Hour))
	r.west = r.startWestWith(t, "admin: {tokenFile: token}", "other")
	awaitEvent(t, c.Audit, eventCertificateInvalid)
	r.east.stop()
	awaitEvent(t, c.Audit, eventRefused)
	if names, _ := events(t, c.Audit); slices.Contains(names, eventCertificateRenewed) {
		t.Error("a certificate of another name was renewed")
	}
	s.stop()

	r.east = r.startRegion(t, "east", "127.77.1.1", r.primary, time.Now().Add(time.Hour))
	c = r.controllerConfig(t, func(c *config.Controller) {
		c.Listen = "127.0.0.1:" + strconv.Itoa(pgtest.FreePort(t))
		c.Certificates = config.Certificates{}
	})
	r.startController(t, c)
	awaitReadiness(t, c)
	r.east.stop()
	awaitEvent(t, c.Audit, eventDone)
	if got := story(t, c.Audit); got != "failure.detected failover.declared preflight.passed fence.done promote.done dns.switched verify.passed failover.done" {
		t.Errorf("audit tells %s", got)
	}
	if err := r.accepts("127.77.2.1"); err == nil {
		t.Error("a strict client accepts a certificate of another name")
	}
}

// TestTheAuthoritySignsNoOtherName gives it requests that it must not sign.
func TestTheAuthoritySignsNoOtherName(t *testing.T) {
	dir := t.TempDir()
	ca := pgtest.NewAuthority(t, dir)
	a, err := loadAuthority(config.Authority{Certificate: ca.File, Key: ca.KeyFile})
	if err != nil {
		t.Fatal(err)
	}
	ca.Issue(t, dir+"/a.crt", dir+"/a.key", publicName, 7, time.Now().Add(-time.Hour))
	pair, err := tls.LoadX509KeyPair(dir+"/a.crt", dir+"/a.key")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		request string
		signs   bool
	}{
		"the same name": {pgtest.NewRequest(t, publicName), true},
		"another name":  {pgtest.NewRequest(t, "other.finrag.test"), false},
		"no request":    {"nonsense", false},
	} {
		_, cert, err := a.sign([]byte(test.request), pair.Leaf, time.Now())
		if (err == nil) != test.signs {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && cert.NotAfter.After(a.cert.NotAfter) {
			t.Errorf("%s: it outlives its authority", name)
		}
	}
	if _, err := loadAuthority(config.Authority{Certificate: dir + "/a.crt", Key: dir + "/a.key"}); err == nil {
		t.Error("a region's certificate is taken for an authority")
	}
}

func TestTimeLeftIsSaidAsPeopleDo(t *testing.T) {
	for _, c := range []struct {
		left time.Duration
		want string
	}{
		{20*24*time.Hour - 3*time.Second, "20 days"},
		{48 * time.Hour, "2 days"},
		{30 * time.Hour, "30h0m0s"},
		{90 * time.Second, "2m0s"},
	} {
		if got := timeLeft(c.left); got != c.want {
			t.Errorf("%s left: %q, want %q", c.left, got, c.want)
		}
	}
}
