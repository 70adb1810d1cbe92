// Package secret resolves references to secrets: env (a variable), file (a path), exec (a program that prints it). A target file
// holds references and never a secret.
//
// A Secret prints [redacted] wherever it is printed, and tells whoever hides secrets of itself as soon as there is one. Nothing
// here writes a secret to disk, puts one into an argument or the environment of a program, or says what a program complained of.
package secret

import (
	"fmt"
	"log/slog"
)

// Redacted stands where a secret would.
const Redacted = "[redacted]"

// A Secret is one that was resolved. Its zero value is no secret: Reveal gives "". It lies behind a function, so that not even
// what prints unexported fields can reach it.
type Secret struct{ reveal func() string }

// of makes a secret of a text.
func of(text string) Secret { return Secret{func() string { return text }} }

// Reveal gives the secret itself, for the one who hands it on.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Format implements fmt.Formatter: whatever the verb, a secret is not printed.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// String is for those who do not ask fmt.
func (Secret) String() string { return Redacted }

// MarshalText implements encoding.TextMarshaler, for JSON above all.
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalYAML implements yaml.Marshaler.
func (Secret) MarshalYAML() (any, error) { return Redacted, nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }
