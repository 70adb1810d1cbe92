// Package docs carries the pages that go into every pack. It holds no other code.
package docs

import (
	_ "embed"
	"slices"
)

// Formats is formats.md: the layout of every file of a pack.
//
//go:embed formats.md
var Formats []byte

//go:embed measurement.md
var measurement []byte

// Carried is what every pack carries as data/as-run/formats.md: the layout of its files, and the definition of every number.
func Carried() []byte {
	return slices.Concat(Formats, []byte("\n---\n\n"), measurement)
}
