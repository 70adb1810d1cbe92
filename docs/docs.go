// Package docs carries the pages that go into every pack. It holds no other code.
package docs

import _ "embed"

// Formats is formats.md: the layout of every file of a pack.
//
//go:embed formats.md
var Formats []byte
