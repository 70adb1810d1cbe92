// Package config reads finrag's three configuration files: one for a region, one for the DNS server, one for the controller.
//
// Decoding is strict: an unknown key, a missing value, a second YAML document or a password inside a URL is an error, and
// every problem of a file is reported at once. Relative paths are taken from the folder of the file that names them.
// It never reads the environment, and a secret never passes through it: files of secrets are read by whoever uses them.
package config

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

const (
	maxFileBytes   = 1 << 20 // a configuration file is a page, not a book
	maxSecretBytes = 4 << 10
)

// Duration is a time.Duration written as Go writes it ("1s", "10m"). It is never negative.
type Duration time.Duration

// D returns d as a time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

// UnmarshalYAML reads a duration such as "1s".
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil || v < 0 {
		return fmt.Errorf("line %d: read duration %q: want something like 500ms, 1s or 10m", n.Line, n.Value)
	}
	*d = Duration(v)
	return nil
}

// Size is a number of bytes, written with a unit of B, KiB or MiB.
type Size int64

// UnmarshalYAML reads a size such as "1MiB".
func (s *Size) UnmarshalYAML(n *yaml.Node) error {
	for _, u := range []struct {
		suffix string
		scale  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"B", 1}} {
		digits, ok := strings.CutSuffix(n.Value, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
		if err != nil || v <= 0 {
			break
		}
		*s = Size(v * u.scale)
		return nil
	}
	return fmt.Errorf("line %d: read size %q: want something like 64KiB or 1MiB", n.Line, n.Value)
}

// Database says how one PostgreSQL is reached. URL is a postgres:// URL without a password; PasswordFile may be empty.
type Database struct {
	URL          string `yaml:"url"`
	PasswordFile string `yaml:"passwordFile"`
}

func (d Database) problems(at string) []error {
	u, err := url.Parse(d.URL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return []error{fmt.Errorf("%s.url: want a postgres:// URL", at)}
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return []error{fmt.Errorf("%s.url: holds a password; put it in a file and name that in passwordFile", at)}
	}
	return nil
}

// ReadSecret returns the content of the file at path without surrounding white space. An empty secret is an error.
func ReadSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretBytes))
	if err != nil {
		return "", fmt.Errorf("read secret %s: %w", path, err)
	}
	s := strings.TrimSpace(string(b))
	if s == "" {
		return "", fmt.Errorf("read secret %s: the file is empty", path)
	}
	return s, nil
}

// load decodes the one YAML document at path into v, whose fields hold the defaults.
func load(path string, v any) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	dec := yaml.NewDecoder(io.LimitReader(f, maxFileBytes))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("read configuration %s: the file is empty", path)
		}
		return fmt.Errorf("read configuration %s: %w", path, err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("read configuration %s: line %d: a second YAML document; one file holds one", path, more.Line)
	}
	return nil
}

// checked joins the problems of the file at path into one error, or returns nil.
func checked(path string, problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("check configuration %s: %w", path, errors.Join(problems...))
}

// anchor makes each non-empty relative path absolute, seen from the folder of the file at path.
func anchor(path string, fields ...*string) {
	dir := filepath.Dir(path)
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	for _, f := range fields {
		if *f != "" && !filepath.IsAbs(*f) {
			*f = filepath.Join(dir, *f)
		}
	}
}

func required(at, value string) []error {
	if value == "" {
		return []error{fmt.Errorf("%s: is missing", at)}
	}
	return nil
}

func hostPort(at, value string) []error {
	if _, _, err := net.SplitHostPort(value); err != nil {
		return []error{fmt.Errorf("%s: want host:port, have %q", at, value)}
	}
	return nil
}

func webURL(at, value string, schemes ...string) []error {
	u, err := url.Parse(value)
	if err == nil && u.Host != "" {
		for _, s := range schemes {
			if u.Scheme == s {
				return nil
			}
		}
	}
	return []error{fmt.Errorf("%s: want a %s URL, have %q", at, strings.Join(schemes, " or "), value)}
}

func positive(at string, d Duration) []error {
	if d <= 0 {
		return []error{fmt.Errorf("%s: must be more than 0", at)}
	}
	return nil
}
