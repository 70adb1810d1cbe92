package loadgen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// The fixed sizes and marks of the binary files. Changing one breaks packs
// already made; a new layout needs a new Version.
const (
	Magic       = "blackstart.pack/" // first 16 bytes of each file
	Version     = 2
	HeaderSize  = 64 // bytes
	SampleSize  = 40 // bytes
	AttemptSize = 48 // bytes
	CopySize    = 1  // bytes
	countOffset = 56 // where the header holds the count
)

// FileKind says what the records of a file are.
type FileKind uint16

// The kinds of binary file.
const (
	KindSamples FileKind = 1
	KindLedger  FileKind = 2
	KindCopies  FileKind = 3 // what one reading of a database found of a ledger's ids
)

func (k FileKind) String() string {
	switch k {
	case KindSamples:
		return "samples"
	case KindLedger:
		return "ledger"
	case KindCopies:
		return "copies"
	}
	return fmt.Sprintf("kind-%d", uint16(k))
}

// recordSize is the length of one record in bytes, 0 for an unknown kind.
func (k FileKind) recordSize() int {
	switch k {
	case KindSamples:
		return SampleSize
	case KindLedger:
		return AttemptSize
	case KindCopies:
		return CopySize
	}
	return 0
}

// Errors of readers that say the bytes are not a file of ours, or not of the
// kind asked for. Test with errors.Is.
var (
	ErrMagic   = errors.New("not a blackstart.pack/ file")
	ErrVersion = errors.New("unknown version of blackstart.pack/")
	ErrKind    = errors.New("wrong kind of file")
	ErrLayout  = errors.New("wrong layout in the header")
	ErrRecord  = errors.New("impossible record")
)

// Header is the first 64 bytes of a binary file.
type Header struct {
	Kind   FileKind
	Run    [16]byte // the drill's run id (UUIDv7)
	Stream uint32   // number of the stream within the run
	Place  Place    // where the clients stood; 0 of copies, which have none
	Host   uint8    // index into the record's hosts: whose clock the offsets are read from; 0 of copies
	Anchor int64    // UTC, ns since the Unix epoch, of instant 0 of all offsets
	Count  uint64   // records in the file; 0 while it is not closed
}

// AnchorTime returns the anchor as a UTC time.
func (h Header) AnchorTime() time.Time { return time.Unix(0, h.Anchor).UTC() }

// AppendBinary appends the 64 bytes of the header to b.
func (h Header) AppendBinary(b []byte) ([]byte, error) {
	size := h.Kind.recordSize()
	if size == 0 {
		return b, fmt.Errorf("encode header: %w: %s", ErrKind, h.Kind)
	}
	le := binary.LittleEndian
	b = append(b, Magic...)
	b = le.AppendUint16(b, Version)
	b = le.AppendUint16(b, uint16(h.Kind))
	b = le.AppendUint16(b, HeaderSize)
	b = le.AppendUint16(b, uint16(size))
	b = append(b, h.Run[:]...)
	b = le.AppendUint32(b, h.Stream)
	b = append(b, byte(h.Place), h.Host, 0, 0)
	b = le.AppendUint64(b, uint64(h.Anchor))
	return le.AppendUint64(b, h.Count), nil
}

// DecodeHeader reads the header in b, which must be at least HeaderSize long.
func DecodeHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize || string(b[:16]) != Magic {
		return Header{}, fmt.Errorf("decode header: %w", ErrMagic)
	}
	le := binary.LittleEndian
	if v := le.Uint16(b[16:]); v != Version {
		return Header{}, fmt.Errorf("decode header: %w: %d, this program reads %d", ErrVersion, v, Version)
	}
	h := Header{
		Kind:   FileKind(le.Uint16(b[18:])),
		Run:    [16]byte(b[24:40]),
		Stream: le.Uint32(b[40:]),
		Place:  Place(b[44]),
		Host:   b[45],
		Anchor: int64(le.Uint64(b[48:])),
		Count:  le.Uint64(b[countOffset:]),
	}
	size := h.Kind.recordSize()
	if size == 0 {
		return Header{}, fmt.Errorf("decode header: %w: %s", ErrKind, h.Kind)
	}
	headerLen, recordLen := le.Uint16(b[20:]), le.Uint16(b[22:])
	if headerLen != HeaderSize || int(recordLen) != size {
		return Header{}, fmt.Errorf("decode header: %w: lengths %d and %d, want %d and %d",
			ErrLayout, headerLen, recordLen, HeaderSize, size)
	}
	if h.Kind == KindCopies && (h.Place != 0 || h.Host != 0) {
		return Header{}, fmt.Errorf("decode header: %w: copies of place %d and host %d", ErrLayout, h.Place, h.Host)
	}
	if reserved := le.Uint16(b[46:]); reserved != 0 {
		return Header{}, fmt.Errorf("decode header: %w: reserved bytes hold %d", ErrLayout, reserved)
	}
	if h.Kind != KindSamples && h.Stream > MaxLedgerStream {
		return Header{}, fmt.Errorf("decode header: %w: ledger stream %d exceeds %d", ErrLayout, h.Stream, MaxLedgerStream)
	}
	return h, nil
}

// ReadHeader reads the header at the start of r and nothing beyond it.
func ReadHeader(r io.Reader) (Header, error) {
	var b [HeaderSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return Header{}, fmt.Errorf("read header: %w: shorter than %d bytes", ErrMagic, HeaderSize)
		}
		return Header{}, fmt.Errorf("read header: %w", err)
	}
	return DecodeHeader(b[:])
}
