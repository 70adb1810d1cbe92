package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// minSecret is the shortest string that is treated as a secret: replacing shorter ones would shred ordinary text.
const minSecret = 6

// minSecretLine is the shortest line of a secret of several lines, such as a key in PEM, that is a secret by itself.
const minSecretLine = 16

// maxLogBytes bounds one log that is kept; of a longer one the end is kept and the cut is said.
const maxLogBytes = 8 << 20

// Redactor takes secrets out of everything before it is written. Its zero value takes nothing out. It may be used by several
// goroutines: secrets join it when they are made, while events are being written.
type Redactor struct {
	mu      sync.RWMutex
	secrets []string // every form in which one may be written, the longest first
}

// NewRedactor takes out each of the secrets; the longest first, so that one inside another leaves nothing behind.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Add(secrets...)
	return r
}

// Add takes out more secrets from now on: as they are, as JSON strings hold them, and line by line.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		for _, form := range forms(s) {
			if len(form) >= minSecret && !slices.Contains(r.secrets, form) {
				r.secrets = append(r.secrets, form)
			}
		}
	}
	sort.SliceStable(r.secrets, func(i, j int) bool { return len(r.secrets[i]) > len(r.secrets[j]) })
}

// forms lists how a secret may come to stand in a file.
func forms(secret string) []string {
	all := []string{secret}
	if quoted, err := marshal(secret); err == nil { // with HTML characters as they are, as packs write them
		all = append(all, strings.Trim(strings.TrimSpace(string(quoted)), `"`))
	}
	if quoted, err := json.Marshal(secret); err == nil { // with HTML characters escaped, as other programs write them
		all = append(all, strings.Trim(string(quoted), `"`))
	}
	if lines := strings.Split(secret, "\n"); len(lines) > 1 {
		for _, l := range lines {
			if l = strings.TrimSpace(l); len(l) >= minSecretLine && !strings.HasPrefix(l, "-----") {
				all = append(all, l)
			}
		}
	}
	return all
}

// Text returns s without secrets.
func (r *Redactor) Text(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, Redacted)
	}
	return s
}

// Bytes returns b without secrets.
func (r *Redactor) Bytes(b []byte) []byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
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
		data = r.Bytes(data) // before anything is cut off: half a secret is not found
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
		return os.WriteFile(dst, data, 0o644)
	})
	if err != nil {
		return n, fmt.Errorf("keep logs: %w", err)
	}
	return n, nil
}
