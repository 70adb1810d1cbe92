package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/internal/distrust"
)

const onAPI = "west.api"

// quietFaults carries out what breaks a region without anybody noticing: SQL, certificates, another build.
func (target Target) quietFaults(t *testing.T) {
	b := target.start(t, map[string]string{"commit": "asynchronous", "documents": "20", "controller.failover": "disabled"})
	for _, step := range []struct {
		name string
		do   func(*testing.T, *fixture)
	}{
		{"runs SQL", runsSQL},
		{"restores a certificate that was never replaced", restoresNothing},
		{"serves wrong certificates", servesWrong},
		{"deploys another build", deploys},
		{"a deployed build outlives a kill", keepsBuild},
		{"everything is as before", asBefore},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(t, b) }) {
			return
		}
	}
}

func runsSQL(t *testing.T, b *fixture) {
	ctx := context.Background()
	standby := b.connect(t, "west", "west.db")
	paused := func() bool {
		var is bool
		must(t, standby.QueryRow(ctx, "SELECT pg_is_wal_replay_paused()").Scan(&is))
		return is
	}
	pause := harness.Action{Kind: harness.SQLRun, Components: []string{"west.db"}, SQL: "SELECT pg_wal_replay_pause()"}
	resume := harness.Action{Kind: harness.SQLRun, Components: []string{"west.db"}, SQL: "SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery()"}
	b.do(t, resume) // although nothing is paused
	b.do(t, pause)
	if !paused() {
		t.Error("the replay goes on")
	}
	b.exec(t, "east", "east.db", "CREATE SCHEMA blackstart", "CREATE TABLE blackstart.caught_up ()")
	if err := b.caughtUp(); err == nil {
		t.Error("the standby has replayed what it should not")
	}
	b.do(t, resume)
	b.do(t, resume)
	if paused() {
		t.Error("the replay is still paused")
	}
	eventually(t, "the standby catches up", b.caughtUp)
	if err := b.driver.Execute(ctx, harness.Action{Kind: harness.SQLRun, Components: []string{"west.db"}, SQL: "SELECT nonsense"}); err == nil {
		t.Error("SQL that the database refuses was carried out")
	}
}

// handshake connects as a strict client does, and says what is wrong with the certificate.
func (b *fixture) handshake(link string) (string, *x509.Certificate) {
	l, _ := b.about.LinkByName(link)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(b.about.Entry.CAPEM))
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: within},
		Config:    &tls.Config{RootCAs: roots, ServerName: strings.TrimSuffix(b.about.Entry.Name, "."), MinVersion: tls.VersionTLS12},
	}
	conn, err := dialer.Dial("tcp", l.Address)
	if err == nil {
		defer conn.Close()
		cert := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
		if left := time.Until(cert.NotAfter); left < 30*24*time.Hour {
			return harness.CertificateExpiring, cert
		}
		return harness.CertificateOK, cert
	}
	if wrong := distrust.Of(err); wrong != "" {
		return wrong, nil
	}
	return err.Error(), nil
}

// shows waits until a strict client finds what is wanted.
func (b *fixture) shows(t *testing.T, want string) (cert *x509.Certificate) {
	t.Helper()
	eventually(t, "a strict client finds "+want, func() error {
		var got string
		if got, cert = b.handshake("outside→" + onAPI); got != want {
			return errors.New("it finds " + got)
		}
		return nil
	})
	return cert
}

func (b *fixture) restoreCertificate(t *testing.T) {
	t.Helper()
	b.do(t, harness.Action{Kind: harness.CertificateRestore, Components: []string{onAPI}})
}

func restoresNothing(t *testing.T, b *fixture) {
	first := b.shows(t, harness.CertificateOK)
	b.restoreCertificate(t)
	if again := b.shows(t, harness.CertificateOK); again.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Error("another certificate is served than before")
	}
}

func servesWrong(t *testing.T, b *fixture) {
	first := b.shows(t, harness.CertificateOK)
	original := first.SerialNumber
	for _, spec := range []harness.CertificateSpec{
		{Wrong: harness.CertificateExpired}, {Wrong: harness.CertificateExpiring, Days: 7},
		{Wrong: harness.CertificateWrongName}, {Wrong: harness.CertificateUnknownIssuer},
	} {
		b.do(t, harness.Action{Kind: harness.CertificateSwap, Components: []string{onAPI}, Certificate: &spec})
		cert := b.shows(t, spec.Wrong)
		if spec.Days > 0 && time.Until(cert.NotAfter) > 7*24*time.Hour {
			t.Errorf("it ends on %v", cert.NotAfter)
		}
		if other, _ := b.handshake("outside→east.api"); other != harness.CertificateOK {
			t.Errorf("the other region's certificate is %s", other)
		}
	}
	for range 2 { // what was kept is the first, however many have been replaced
		b.restoreCertificate(t)
		if back := b.shows(t, harness.CertificateOK); back.SerialNumber.Cmp(original) != 0 {
			t.Errorf("serial %v is served, %v was", back.SerialNumber, original)
		}
	}
	eventually(t, "the region is healthy", func() error { return b.get("outside→"+onAPI, "/health", new(struct{})) })
}

// get asks an API through a link.
func (b *fixture) get(link, path string, into any) error {
	l, _ := b.about.LinkByName(link)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(b.about.Entry.CAPEM))
	name := strings.TrimSuffix(b.about.Entry.Name, ".")
	client := http.Client{Timeout: within, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12},
	}}
	resp, err := client.Get("https://" + l.Address + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (b *fixture) runsBuild(t *testing.T, want string) {
	t.Helper()
	var version struct{ Build string }
	must(t, b.get("outside→"+onAPI, "/version", &version))
	if version.Build != want {
		t.Errorf("it runs %q, want %q", version.Build, want)
	}
}

func (b *fixture) deploy(t *testing.T, build string) {
	t.Helper()
	b.do(t, harness.Action{Kind: harness.CodeDeploy, Components: []string{onAPI}, Build: build})
}

func deploys(t *testing.T, b *fixture) {
	if !slices.Contains(b.driver.Can(), harness.CodeDeploy) {
		t.Fatal("it cannot deploy: is there a second build?")
	}
	current, previous := b.about.Builds[0], b.about.Builds[1]
	for range 2 {
		b.deploy(t, harness.BuildCurrent) // although it runs
		b.runsBuild(t, current.Version)
	}
	for range 2 {
		b.deploy(t, harness.BuildPrevious)
		b.runsBuild(t, previous.Version)
	}
	var other struct{ Build string }
	must(t, b.get("outside→east.api", "/version", &other))
	if other.Build != current.Version {
		t.Errorf("the other region runs %q", other.Build)
	}
}

// keepsBuild kills a region that runs another build: it comes back with it, and takes the first one again, told while it
// is down or while it runs.
func keepsBuild(t *testing.T, b *fixture) {
	on := []string{onAPI}
	b.do(t, harness.Action{Kind: harness.ComponentKill, Components: on})
	must(t, b.await(harness.ComponentGone, onAPI))
	b.do(t, harness.Action{Kind: harness.ComponentStart, Components: on})
	eventually(t, "it answers again", func() error { return b.get("outside→"+onAPI, "/version", new(struct{})) })
	b.runsBuild(t, b.about.Builds[1].Version)
	b.do(t, harness.Action{Kind: harness.ComponentKill, Components: on})
	b.deploy(t, harness.BuildCurrent)
	b.do(t, harness.Action{Kind: harness.ComponentStart, Components: on})
	b.restoreCertificate(t) // to one that has hardly started
	eventually(t, "it answers again", func() error { return b.get("outside→"+onAPI, "/version", new(struct{})) })
	b.runsBuild(t, b.about.Builds[0].Version)
	b.deploy(t, harness.BuildPrevious)
	b.deploy(t, harness.BuildCurrent)
	b.runsBuild(t, b.about.Builds[0].Version)
}

func asBefore(t *testing.T, b *fixture) {
	b.shows(t, harness.CertificateOK)
	must(t, b.await(harness.ComponentRuns, "east.db", "east.api", "west.db", onAPI))
	must(t, b.await(harness.LinkAnswers, "outside→"+onAPI, "outside→west.db", "west.db→east.db"))
	eventually(t, "the region is healthy", func() error { return b.get("outside→"+onAPI, "/health", new(struct{})) })
}
