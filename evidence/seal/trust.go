package seal

import (
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// TrustFormat is the "format" of a trust file.
const TrustFormat = "blackstart.trust/1"

// environmentClasses, from the least to the most that a signer may vouch for.
var environmentClasses = []string{"rehearsal", "staging", "production"}

// roles of those who may sign.
var roles = []string{"executor", "approver", "reviewer"}

// Trust says whose signatures a checker accepts. It comes from outside the
// pack:
//
//	{
//	  "format": "blackstart.trust/1",
//	  "anchors": [{
//	    "role": "executor",
//	    "root_pem": "audit-root.pem",
//	    "spki_sha256": "0f3c…",
//	    "not_before": "2026-01-01T00:00:00Z",
//	    "not_after": "2027-01-01T00:00:00Z",
//	    "highest_class": "production"
//	  }],
//	  "registers": ["example.org/drills+0a1b2c3d+AZ…"]
//	}
type Trust struct {
	Format  string   `json:"format"`
	Anchors []Anchor `json:"anchors"`
	// Registers are the public keys of registers, as `blackstart store init`
	// prints them. If there are any, a run that was opened in none of them is
	// not accepted. Optional.
	Registers []string `json:"registers,omitempty"`
}

// DemandsRegister returns an error unless the register with this public key,
// "" for none, is one that t accepts.
func (t *Trust) DemandsRegister(key string) error {
	switch {
	case t == nil || len(t.Registers) == 0 || slices.Contains(t.Registers, key):
		return nil
	case key == "":
		return errors.New("the trust file demands a register, and the run is opened in none")
	}
	return fmt.Errorf("the register %.100q is none of those that the trust file demands", key)
}

// Anchor accepts one root, one signer's key, or one signer's key under a root.
type Anchor struct {
	Role string `json:"role"` // executor, approver or reviewer
	// RootPEM is a PEM file, relative to the trust file. Optional if SPKI is
	// given.
	RootPEM string `json:"root_pem"`
	// SPKI is the hex SHA-256 of the signer's SubjectPublicKeyInfo. Optional if
	// RootPEM is given; alone it accepts this key whoever certified it.
	SPKI string `json:"spki_sha256"`
	// NotBefore and NotAfter bound, in RFC 3339 UTC, when the anchor counts.
	NotBefore string `json:"not_before"`
	NotAfter  string `json:"not_after"`
	// HighestClass is the highest environment class the signer may vouch for:
	// rehearsal, staging or production.
	HighestClass string `json:"highest_class"`

	roots    []*x509.Certificate
	from, to time.Time
}

// LoadTrust reads a trust file and the PEM files it names, strictly.
func LoadTrust(path string) (*Trust, error) {
	data, err := readTrusted(path)
	if err != nil {
		return nil, fmt.Errorf("load trust: %w", err)
	}
	var t Trust
	if err := StrictDecode(data, &t); err != nil {
		return nil, fmt.Errorf("load trust from %s: %w", path, err)
	}
	if t.Format != TrustFormat {
		return nil, fmt.Errorf("load trust from %s: format is %q, not %s", path, t.Format, TrustFormat)
	}
	if len(t.Anchors) == 0 {
		return nil, fmt.Errorf("load trust from %s: no anchors", path)
	}
	for i, key := range t.Registers {
		if _, err := note.NewVerifier(key); err != nil {
			return nil, fmt.Errorf("load trust from %s: register %d: %.100q is not the line with a register's key that store init prints", path, i+1, key)
		}
	}
	for i := range t.Anchors {
		if err := t.Anchors[i].load(filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("load trust from %s: anchor %d: %w", path, i+1, err)
		}
	}
	return &t, nil
}

func (a *Anchor) load(dir string) (err error) {
	switch {
	case !slices.Contains(roles, a.Role):
		return fmt.Errorf("role %q is none of %v", a.Role, roles)
	case !slices.Contains(environmentClasses, a.HighestClass):
		return fmt.Errorf("highest_class %q is none of %v", a.HighestClass, environmentClasses)
	case a.RootPEM == "" && a.SPKI == "":
		return errors.New("neither root_pem nor spki_sha256")
	case a.SPKI != "" && !isDigest(a.SPKI):
		return errors.New("spki_sha256 is not a lower-case hex SHA-256")
	}
	if a.from, err = time.Parse(time.RFC3339, a.NotBefore); err != nil {
		return fmt.Errorf("not_before: %w", err)
	}
	if a.to, err = time.Parse(time.RFC3339, a.NotAfter); err != nil {
		return fmt.Errorf("not_after: %w", err)
	}
	if !a.from.Before(a.to) {
		return errors.New("not_before is not before not_after")
	}
	if a.RootPEM == "" {
		return nil
	}
	if !filepath.IsAbs(a.RootPEM) {
		a.RootPEM = filepath.Join(dir, a.RootPEM)
	}
	a.roots, err = LoadRoots(a.RootPEM)
	return err
}

// Vouch returns nil when some anchor accepts s, at the moment at, as a
// signature of this role over a pack of this environment class. Otherwise it
// returns why each anchor of the role does not.
func (t *Trust) Vouch(s *Signature, role, class string, at time.Time) error {
	level := slices.Index(environmentClasses, class)
	if level < 0 {
		return fmt.Errorf("check origin: environment class %q is none of %v", class, environmentClasses)
	}
	var why []error
	for i := range t.Anchors {
		a := &t.Anchors[i]
		if a.Role != role {
			continue
		}
		err := a.vouch(s, level, at)
		if err == nil {
			return nil
		}
		why = append(why, fmt.Errorf("anchor %d: %w", i+1, err))
	}
	if len(why) == 0 {
		return fmt.Errorf("check origin: the trust file has no anchor for role %s", role)
	}
	return errors.Join(why...)
}

func (a *Anchor) vouch(s *Signature, level int, at time.Time) error {
	switch {
	case a.roots == nil && a.SPKI == "":
		return errors.New("check origin: anchor was not loaded by LoadTrust")
	case at.Before(a.from), at.After(a.to), s.SignedAt.Before(a.from), s.SignedAt.After(a.to):
		return errors.New("check origin: outside the anchor's validity")
	case level > slices.Index(environmentClasses, a.HighestClass):
		return fmt.Errorf("check origin: it may vouch up to class %s only", a.HighestClass)
	case a.SPKI != "" && a.SPKI != SPKI(s.Signer()):
		return fmt.Errorf("check origin: signer's key is %s, not the one named", SPKI(s.Signer()))
	case a.roots != nil:
		return CheckOrigin(s, a.roots, at)
	}
	return checkSignedAt(s, at)
}
