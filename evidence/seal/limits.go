package seal

import "strings"

// Limits. A pack that exceeds one is refused, on writing as on reading.
const (
	// MaxPackBytes bounds a zip file; the format has no 64-bit extension.
	MaxPackBytes = 1<<32 - 1
	// MaxEntries is the largest number of files in a pack, MaxFiles of those
	// that are no checkpoints: a day of load signs one every ten seconds.
	MaxEntries = 10_000
	MaxFiles   = 256
	// MaxNameBytes is the longest name of a file inside the base directory:
	// room for the copies of a load's ledger on a node, under any id that a
	// scenario may have. MaxBaseBytes is that of the base directory.
	MaxNameBytes = 128
	MaxBaseBytes = 64
	// MaxReadFile is the largest file that ReadFile returns, in bytes.
	MaxReadFile = MaxEventLogBytes
	// MaxJSONBytes and MaxJSONDepth bound a JSON document, and so a file that
	// is one: record.json, inputs.json, …
	MaxJSONBytes = 4 << 20
	MaxJSONDepth = 64
	// MaxPDFBytes is the largest report.
	MaxPDFBytes = 16 << 20
	// MaxEventLogBytes is the largest event log.
	MaxEventLogBytes = 32 << 20
	// MaxInteger is the largest magnitude of an integer in JSON: 2^53 − 1.
	MaxInteger = 1<<53 - 1
	// MaxEventBytes is the longest line of an event log, with its newline.
	MaxEventBytes = 64 << 10
	// MaxEvents is the largest number of events in a log.
	MaxEvents = 1 << 20
	// LeafRecords is the number of records under one leaf of a hash tree.
	LeafRecords = 4096
	// MaxHeaderLen and MaxRecordLen bound a binary file's layout, in bytes. A
	// leaf of the longest records is read at once, on every processor.
	MaxHeaderLen = 4096
	MaxRecordLen = 256
	// MaxSignatureBytes is the largest manifest.p7s.
	MaxSignatureBytes = 64 << 10
	// MaxCertificates is the largest number of certificates in one signature.
	MaxCertificates = 8
	// MaxTreeBytes is the largest tree file: room for the leaves of 2^28
	// records, more than a pack can hold of more than 15 bytes each.
	MaxTreeBytes = 4 << 20
	// maxTagBytes is the largest of the other files beside the payload, whose
	// few lines have a length each.
	maxTagBytes = 16 << 10
	// MaxNoteBytes is the largest checkpoint.
	MaxNoteBytes = 16 << 10
	// MinRSABits is the shortest RSA key that may sign or vouch.
	MinRSABits = 2048
)

// Names inside a bag, relative to its base directory.
const (
	BagItFile       = "bagit.txt"
	BagInfoFile     = "bag-info.txt"
	ManifestFile    = "manifest-sha256.txt"
	TagManifestFile = "tagmanifest-sha256.txt"
	SignatureFile   = "signatures/manifest.p7s"
	PayloadDir      = "data"
	InputsFile      = "data/inputs.json"
	EventsFile      = "data/events.jsonl"
	CheckpointDir   = "data/checkpoints/"
	CheckpointExt   = ".note"
	// TreeExt, appended to a binary file's name, names its leaf hashes.
	TreeExt = ".tree"
)

// tagFiles are the only files outside PayloadDir, sorted.
var tagFiles = []string{BagInfoFile, BagItFile, ManifestFile, SignatureFile, TagManifestFile}

// checkSize refuses a file that is larger than any of its kind has to be, so
// that a foreign pack costs no more to read than one of ours.
func checkSize(name string, size int64) error {
	limit := int64(MaxPackBytes)
	switch {
	case name == EventsFile:
		limit = MaxEventLogBytes
	case name == BagItFile, name == BagInfoFile, name == TagManifestFile:
		limit = maxTagBytes
	case name == ManifestFile:
		limit = MaxEntries * (64 + 2 + MaxNameBytes + 1)
	case name == SignatureFile:
		limit = MaxSignatureBytes
	case strings.HasPrefix(name, CheckpointDir):
		limit = MaxNoteBytes
	case strings.HasSuffix(name, TreeExt):
		limit = MaxTreeBytes
	case strings.HasSuffix(name, ".json"):
		limit = MaxJSONBytes
	case strings.HasSuffix(name, ".pdf"):
		limit = MaxPDFBytes
	}
	if size > limit {
		return refuse(name, "%d bytes; such a file may have up to %d", size, limit)
	}
	return nil
}
