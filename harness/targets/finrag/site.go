package finrag

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
)

// Names of secrets.
const (
	DatabasePassword = "db.pass"
	DNSToken         = "dns.token"
	CallToken        = "controller.token"
	PagerKey         = "pagerduty.key"
	StatusToken      = "status.token"
	AuthorityKey     = "ca.key" // with it the controller renews certificates
)

// AdminToken names the secret of a region's admin endpoints.
func AdminToken(region string) string { return region + ".admin.token" }

// secretOf names the secret of each alert channel. Those of Slack, whose secret is part of the URL, and of mail, whose
// secret is the recipient, are kept for redaction only.
var secretOf = map[string]string{"pagerduty": PagerKey, "statuspage": StatusToken, "slack": "slack.token", "smtp": "smtp.to"}

// A Site is one target as both grounds see it: what was asked for, drawn and issued before anything starts, and its description
// once it has started.
type Site struct {
	Kind      Kind
	Request   harness.StartRequest
	Settings  Settings
	All       map[string]string // settings as text, defaults included
	Profile   Profile
	Dir       string            // target/ below the run's state directory
	Programs  []Program         // the builds of finrag, the one that runs first; none if it is in an image of the user's own
	Password  string            // of the databases
	Secrets   map[string]string // by file name
	Authority *Authority
	Leaves    map[string]Leaf    // by region
	Delivered []harness.Delivery // the deliveries as seen from where the controller is
	Layout    Layout             // complete before the description
	Fenced    map[string]bool    // databases that must not be started but alone; owned by the drill's goroutine
	Described harness.Description
}

// TargetDir is the part of a run's state directory that is the target's.
func TargetDir(runDir string) string { return filepath.Join(runDir, "target") }

// NewSite makes the directories, draws the secrets and issues the certificates of one start. The settings and the profile
// were checked before.
func NewSite(kind Kind, req harness.StartRequest) (*Site, error) {
	if req.Progress == nil {
		req.Progress = func(string) {}
	}
	s := &Site{
		Kind: kind, Request: req, Dir: TargetDir(req.Dir), Password: postgres.NewPassword(),
		Secrets: map[string]string{}, Leaves: map[string]Leaf{}, Fenced: map[string]bool{}, Delivered: slices.Clone(req.Deliveries),
	}
	var err error
	if s.Settings, s.All, err = ParseSettings(req.Settings); err != nil {
		return nil, err
	}
	if s.Profile, err = ProfileOf(req.Profile); err != nil {
		return nil, err
	}
	if err := s.makeDirs(); err != nil {
		return nil, err
	}
	if s.Authority, err = NewAuthority(); err != nil {
		return nil, err
	}
	for _, region := range Regions() {
		if s.Leaves[region], err = s.Authority.Issue(s.Config(""), region); err != nil {
			return nil, err
		}
	}
	return s, errors.Join(procs.WriteFile(s.Config("ca.crt"), s.Authority.PEM, 0o644), s.drawSecrets())
}

// LogFile is where a component's log is kept.
func (s *Site) LogFile(component string) string {
	return filepath.Join(s.Dir, "logs", component+".log")
}

// Config is the path of a configuration file.
func (s *Site) Config(name string) string { return filepath.Join(s.Dir, "config", name) }

// Secret is the path of a file with a secret.
func (s *Site) Secret(name string) string { return filepath.Join(s.Dir, "secrets", name) }

func (s *Site) makeDirs() error {
	for _, d := range []struct {
		name string
		mode os.FileMode
	}{{"", 0o755}, {"logs", 0o755}, {"config", 0o755}, {"secrets", 0o700}, {keptDir, 0o700}} {
		if err := procs.MkdirAll(filepath.Join(s.Dir, d.name), d.mode); err != nil {
			return fmt.Errorf("make the target's directory: %w", err)
		}
	}
	return nil
}

// drawSecrets makes the secrets and keeps all in the state directory, from where an undo can redact.
func (s *Site) drawSecrets() error {
	s.Secrets[DatabasePassword] = s.Password
	s.Secrets[DNSToken] = postgres.NewPassword()
	s.Secrets[CallToken] = postgres.NewPassword()
	for _, region := range Regions() {
		s.Secrets[AdminToken(region)] = postgres.NewPassword()
	}
	key, err := s.Authority.keyPEM()
	if err != nil {
		return fmt.Errorf("keep the key of the certificate authority: %w", err)
	}
	s.Secrets[AuthorityKey] = strings.TrimSpace(string(key))
	for _, d := range s.Request.Deliveries {
		if name := secretOf[d.Channel]; name != "" && d.Secret != "" {
			s.Secrets[name] = d.Secret
		}
	}
	if hide := s.Request.AddSecrets; hide != nil {
		hide(slices.Collect(maps.Values(s.Secrets))...)
	}
	var errs []error
	for name, secret := range s.Secrets {
		errs = append(errs, procs.WriteFile(s.Secret(name), []byte(secret+"\n"), 0o600))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("keep the secrets: %w", err)
	}
	return nil
}

// muted tells whether a channel is muted. Only the pager can be, by pager.muted.
func (s *Site) muted(channel string) bool { return channel == "pagerduty" && s.Settings.PagerMuted }
