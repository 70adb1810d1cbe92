// Package controller watches the primary region from outside and moves the service to the standby when it is gone.
//
// In order: health checks fail, the failure is confirmed, pre-flight asks whether the standby may be promoted, the old
// primary is fenced as far as it can be reached, the standby promoted, the DNS switched, an end-to-end query asked. Better
// down than wrong data: a standby that fails pre-flight is not promoted, and people are called instead. The controller never
// fails back, and never promotes anything but the configured standby.
package controller

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/notify"
)

// Controller is one controller. Make it with New and run it once.
type Controller struct {
	config   config.Controller
	build    string
	log      *slog.Logger
	roots    *x509.CertPool
	dnsToken string
	operator string // token of who may ask for a failover; empty: nobody
	audit    *auditLog
	sender   *notify.Sender
	history  history

	state     State                     // owned by the goroutine that watches
	shown     atomic.Pointer[State]     // its last copy, for readers
	failures  int                       // failed checks in a row; owned by the goroutine that watches
	successes int                       // good checks in a row, likewise
	lastGood  atomic.Pointer[time.Time] // start of the last check that passed

	adminTokens map[string]string // by region
	authority   *authority        // nil: nothing is renewed
	samples     chan Sample       // to the goroutine that watches
	lagging     int               // samples in a row that lag; owned by the goroutine that watches
	judgeFrom   time.Time         // samples from before it are not judged; likewise

	requested atomic.Bool // an operator asked for a failover

	onMark func(string) // for tests: called when a phase or an audit line is on disk
}

// New reads the state, the secrets and the certificate authority, and opens the audit log.
func New(c config.Controller, build string, log *slog.Logger) (*Controller, error) {
	k := &Controller{config: c, build: build, log: log, samples: make(chan Sample, historyLength), onMark: func(string) {}}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("read certificate authority: %w", err)
	}
	k.roots = x509.NewCertPool()
	if !k.roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read certificate authority %s: no certificate in it", c.CA)
	}
	if err := k.readSecrets(); err != nil {
		return nil, err
	}
	if k.state, err = readState(c.State); err != nil {
		return nil, err
	}
	if err := k.state.write(c.State); err != nil {
		return nil, fmt.Errorf("try the state file: %w", err)
	}
	if k.sender, err = notify.New(c.Notify, k.noteOutcome); err != nil {
		return nil, err
	}
	if k.audit, err = openAudit(c.Audit); err != nil {
		return nil, err
	}
	k.publish()
	return k, nil
}

func (c *Controller) readSecrets() (err error) {
	if c.dnsToken, err = config.ReadSecret(c.config.DNS.TokenFile); err != nil {
		return err
	}
	if file := c.config.Failover.TokenFile; file != "" {
		if c.operator, err = config.ReadSecret(file); err != nil {
			return err
		}
	}
	c.adminTokens = map[string]string{}
	for _, end := range []config.RegionEnd{c.config.Regions.Primary, c.config.Regions.Standby} {
		if end.AdminTokenFile == "" {
			continue
		}
		if c.adminTokens[end.Name], err = config.ReadSecret(end.AdminTokenFile); err != nil {
			return err
		}
	}
	if files := c.config.Certificates.Authority; files.Key != "" {
		c.authority, err = loadAuthority(files)
	}
	return err
}

// Run watches until ctx ends, then stops within two seconds. A failover that it cuts short goes on at the next start.
func (c *Controller) Run(ctx context.Context) error {
	defer c.audit.close()
	listener, err := c.listen(ctx)
	if err != nil {
		return err
	}
	if err := c.audit.write(eventStarted, c.introduction()); err != nil {
		listener.Close()
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	var served error
	wg.Go(func() {
		served = c.serve(ctx, listener)
		stop()
	})
	wg.Go(func() { c.sender.Run(ctx) })
	wg.Go(func() { c.sampleForever(ctx) })
	wg.Go(func() { c.watch(ctx) })
	wg.Wait()
	return served
}

func (c *Controller) introduction() detail {
	return detail{
		"profile": c.config.Profile, "build": c.build, "phase": c.state.Phase, "commit": c.config.Commit.Mode,
		"failover_enabled": c.config.Failover.Enabled, "preflight_enabled": c.config.Preflight.Enabled,
		"primary": c.config.Regions.Primary.Name, "standby": c.config.Regions.Standby.Name,
		"check_interval_ms": c.config.Check.Interval.D().Milliseconds(), "check_failures": c.config.Check.Failures,
		"check_timeout_ms": c.config.Check.Timeout.D().Milliseconds(), "check_confirm": c.config.Check.Confirm,
		"replication_enabled": c.config.Replication.Enabled, "replication_silent_when_broken": c.config.Replication.SilentWhenBroken,
		"certificates_check": c.config.Certificates.Check, "certificates_renew": c.config.Certificates.Renews(),
		"parity_enabled": c.config.Parity.Enabled, "parity_deploy": c.config.Parity.Deploys(),
	}
}

// enter makes phase the current one, on disk first. A failover must not stop because the controller's disk is full, so
// that is logged and no more: every step can be taken again.
func (c *Controller) enter(phase Phase) {
	c.state.Phase = phase
	c.save()
	c.onMark(string(phase))
}

func (c *Controller) save() {
	if err := c.state.write(c.config.State); err != nil {
		c.log.Error("state not written", "phase", c.state.Phase, "error", err)
	}
	c.publish()
}

func (c *Controller) publish() {
	s := c.state
	c.shown.Store(&s)
}

// note writes an audit line, and the same to the log.
func (c *Controller) note(event string, d detail) {
	c.log.Info(event, "detail", d)
	if err := c.audit.write(event, d); err != nil {
		c.log.Error("audit line not written", "event", event, "error", err)
	}
	c.onMark(event)
}

func (c *Controller) noteOutcome(o notify.Outcome) {
	d := detail{"channel": o.Channel, "about": o.Kind}
	switch {
	case o.Muted:
		c.note(eventNotifyMuted, d)
	case o.Err != nil:
		d["attempts"], d["error"] = o.Attempts, o.Err.Error()
		c.note(eventNotifyFailed, d)
	default:
		d["attempts"], d["took_ms"] = o.Attempts, milliseconds(o.Took)
		c.note(eventNotifySent, d)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// pause waits for d, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
