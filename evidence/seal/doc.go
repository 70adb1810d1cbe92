// Package seal closes an evidence pack and checks one.
//
// It holds the manifest, the event chain, the hash tree over binary files,
// the signatures and the verification, and nothing else, so that an auditor
// can read all of it in an hour. It knows file names and bytes. It never
// interprets a record or a finding, never judges a drill, never trusts a
// certificate that comes from inside a pack, never reaches the network and
// never writes outside the directory it was given.
//
// # The pack
//
// A pack is a BagIt 1.0 bag (RFC 8493) in a zip file. The zip has exactly one
// possible byte sequence for a given base name and map of files (stored,
// sorted, fixed times, no extra fields, no descriptors), so the reader
// regenerates every header and compares: anything else is refused.
//
//	BASE/bagit.txt                 constant
//	BASE/bag-info.txt              a pure function of BagInfo
//	BASE/data/...                  the payload, the caller's
//	BASE/manifest-sha256.txt       SHA-256 of every payload file
//	BASE/signatures/manifest.p7s   CMS signature over the manifest's bytes
//	BASE/tagmanifest-sha256.txt    SHA-256 of the other four: a transport checksum
//
// # The event chain
//
// data/events.jsonl has one JSON object a line. Every line begins with
//
//	{"seq":N,"prev":"D"
//
// where N counts from 0 and D is the lower-case hex SHA-256 of the line before
// including its newline; for event 0 it is the digest of data/inputs.json. The
// last event has "kind":"log.closed" and "count", the number of events with
// itself. Checkpoints are signed notes (C2SP tlog-checkpoint) over an RFC 6962
// tree whose leaf i is line i including its newline.
//
// # The hash tree over a binary file
//
// Leaf 0 is the file's header, exactly HeaderLen bytes. Leaf i ≥ 1 is the raw
// bytes of the records (i−1)·4096 up to i·4096, exclusive; the last leaf may
// hold fewer, and a file without records has leaf 0 alone. A file that ends
// inside its header or inside a record has no tree. Hashes are RFC 6962:
// SHA-256(0x00 ‖ leaf) and SHA-256(0x01 ‖ left ‖ right), a tree of n leaves
// splitting at the largest power of two below n. Beside NAME.bin may lie
// NAME.bin.tree, a text file with the root and all leaf hashes; through it
// Verify can say which leaf of an altered file is the first altered one.
//
// # What a signature is worth
//
// Integrity, origin and time are three answers. Integrity: the bytes are those
// that were signed. Origin: the signer's certificate leads to a root that the
// caller's trust file names; a root alone (Options.Roots) refuses a signer who
// does not lead to it and leaves the others unproven, because whoever makes a
// pack can make a root. Time: this package has no time stamps, so the signing
// time is always "self-asserted" and certificates are judged at the present
// moment; under a root alone, where nothing is proven, at the signing time, so
// that a throw-away key that has run out makes no pack look altered.
//
// Of a pack that is not as it was signed nothing is parsed: Verify names the
// files, the first altered event and the first altered leaf, and stops.
package seal
