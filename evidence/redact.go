package evidence

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// minSecret is the shortest string that is treated as a secret: replacing shorter ones would shred ordinary text.
const minSecret = 6

// maxLogBytes bounds one log that is kept; of a longer one the end is kept and the cut is said.
const maxLogBytes = 8 << 20

// Redactor takes secrets out of everything before it is written. Its zero value takes nothing out.
type Redactor struct{ secrets []string }

// NewRedactor takes out each of the secrets; the longest first, so that one inside another leaves nothing behind.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Add(secrets...)
	return r
}

// Add takes out more secrets from now on.
func (r *Redactor) Add(secrets ...string) {
	for _, s := range secrets {
		if len(s) >= minSecret {
			r.secrets = append(r.secrets, s)
		}
	}
	sort.SliceStable(r.secrets, func(i, j int) bool { return len(r.secrets[i]) > len(r.secrets[j]) })
}

// Text returns s without secrets.
func (r *Redactor) Text(s string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, Redacted)
	}
	return s
}

// Bytes returns b without secrets.
func (r *Redactor) Bytes(b []byte) []byte {
	for _, secret := range r.secrets {
		b = bytes.ReplaceAll(b, []byte(secret), []byte(Redacted))
	}
	return b
}

// CopyLogs copies every file of a directory, redacted, and returns how many it copied. A missing source is no logs.
func (r *Redactor) CopyLogs(from, to string) (int, error) {
	n := 0
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path == from && os.IsNotExist(err) {
				return nil
			}
			return err
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if len(data) > maxLogBytes {
			data = append(fmt.Appendf(nil, "[the first %d bytes were left out]\n", len(data)-maxLogBytes), data[len(data)-maxLogBytes:]...)
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		n++
		return os.WriteFile(dst, r.Bytes(data), 0o644)
	})
	if err != nil {
		return n, fmt.Errorf("keep logs: %w", err)
	}
	return n, nil
}

// redactObservations takes secrets out of what probes kept: an answer holds what the target said in its own words.
func (s *Sealing) redactObservations() error {
	files, err := filepath.Glob(filepath.Join(s.Dir, "data", "observations", "*.jsonl"))
	if err != nil {
		return err
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("redact observations: %w", err)
		}
		if clean := s.Redact.Bytes(data); !bytes.Equal(clean, data) {
			if err := os.WriteFile(name, clean, 0o644); err != nil {
				return fmt.Errorf("redact observations: %w", err)
			}
		}
	}
	return nil
}
