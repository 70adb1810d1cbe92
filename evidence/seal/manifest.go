package seal

import (
	"bytes"
	"strings"
)

// Manifest maps a file's name to the lower-case hex SHA-256 of its bytes.
type Manifest map[string]string

// Bytes returns the form that `sha256sum -c` reads: a line per file, sorted by
// name, digest and name apart by two spaces.
func (m Manifest) Bytes() []byte {
	var b bytes.Buffer
	for _, name := range sortedKeys(m) {
		b.WriteString(m[name] + "  " + name + "\n")
	}
	return b.Bytes()
}

// ParseManifest reads exactly what Bytes writes. file names it in the Refusal
// that any other content is answered with.
func ParseManifest(file string, data []byte) (Manifest, error) {
	m := Manifest{}
	for line := range strings.Lines(string(data)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || !isDigest(sum) || CheckName(name) != nil {
			return nil, refuse(file, "line %d is not 'sha256  name'", len(m)+1)
		}
		if _, twice := m[name]; twice {
			return nil, refuse(file, "names %s twice", name)
		}
		if len(m) == MaxEntries {
			return nil, refuse(file, "more than %d lines", MaxEntries)
		}
		m[name] = sum
	}
	if !bytes.Equal(m.Bytes(), data) {
		return nil, refuse(file, "not sorted, or no newline at the end")
	}
	return m, nil
}

// isDigest reports whether s is a lower-case hex SHA-256.
func isDigest(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
