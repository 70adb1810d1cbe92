// Package pades signs PDF files and checks such signatures (PAdES baseline B-B: ETSI EN 319 142-1).
//
// Sign appends one revision to a PDF that has a classic cross-reference table: a signature field with a visible box, a
// detached CAdES signature over every other byte of the file and, when asked, the certification of the document
// (DocMDP level 2) and an empty field for a reviewer. Verify reads such a file with its own small tokenizer and accepts
// nothing that is not covered by a signature.
//
// The package never edits bytes that are already there, never reads encrypted files or cross-reference streams (it
// refuses them), never trusts a certificate found inside a file as an anchor, and never takes the time from the file:
// the /M entry is what the signer claimed and no more. Signature time stamps and long-term validation are not written
// here; room for the time stamp is left in every signature.
package pades

import "errors"

// The three ways in which Verify can fail. Every error it returns wraps exactly one of them.
var (
	// ErrUnsigned: the file can be read and holds no signature.
	ErrUnsigned = errors.New("the file carries no signature")
	// ErrAltered: the bytes are not those that were signed, or something is not covered by a signature.
	ErrAltered = errors.New("the file is not as it was signed")
	// ErrOrigin: the bytes are those that were signed, but the signer's certificate does not lead to a trusted root.
	ErrOrigin = errors.New("the signer is not trusted")
)

// Limits of the reader and the writer. A file beyond one of them is refused.
const (
	maxFileSize   = 256 << 20 // bytes
	maxDepth      = 48        // nesting of arrays and dictionaries
	maxItems      = 1 << 18   // entries of one array or dictionary
	maxObjects    = 1 << 17   // object numbers, and entries of all cross-reference tables together
	maxTokens     = 1 << 18   // objects of any type that one indirect object, trailer or page holds
	maxRevisions  = 64        // cross-reference sections in one file
	maxSignatures = 16        // signature fields in one file
	maxPages      = 10_000    // leaves visited in the page tree

	// contentsRoom is the room for the signature in bytes, stampRoom the part of it which a signature itself may not use:
	// it stays free for a signature time stamp.
	contentsRoom = 20 << 10
	stampRoom    = 10 << 10
)
