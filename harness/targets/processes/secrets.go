package processes

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Secrets lists every secret the run gave to its parts, so that the caller can take them out of what it writes.
func (d *Driver) Secrets() []string {
	r := d.current()
	if r == nil {
		return nil
	}
	return slices.Collect(maps.Values(r.secrets))
}

// SecretsIn reads the secrets of a run that was killed from its state directory; what cannot be read is left out.
func SecretsIn(runDir string) []string {
	files, err := filepath.Glob(filepath.Join(targetDir(runDir), "secrets", "*"))
	if err != nil {
		return nil
	}
	var all []string
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil {
			all = append(all, strings.TrimSpace(string(data)))
		}
	}
	return all
}

// KnownSettings gives each setting with the check of its value, for the validation of scenarios.
func KnownSettings() map[string]func(value string) error {
	known := map[string]func(string) error{}
	for key, s := range settingsByKey {
		known[key] = func(value string) error { return s.read(&Settings{}, value) }
	}
	return known
}
