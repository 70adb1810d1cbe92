package seal

import "encoding/binary"

// The one form of a zip that a pack may have. Writer and reader share these
// functions, so that a header has exactly one encoding.
const (
	localLen   = 30
	centralLen = 46
	endLen     = 22

	sigLocal   = 0x04034b50
	sigCentral = 0x02014b50
	sigEnd     = 0x06054b50

	zipNeeds  = 20              // version 2.0: directories in names
	zipMadeBy = 3<<8 | zipNeeds // Unix, so that the mode below counts
	zipMode   = 0o100644 << 16  // a regular file, rw-r--r--
	zipDate   = 0<<9 | 1<<5 | 1 // 1980-01-01, the first date there is
	zipTime   = 0               // 00:00:00
)

type zipEntry struct {
	name   string // with the base directory
	size   uint32
	crc    uint32
	offset uint32 // of the local header
}

func (e zipEntry) dataOffset() int64 { return int64(e.offset) + localLen + int64(len(e.name)) }
func (e zipEntry) end() int64        { return e.dataOffset() + int64(e.size) }

// shared appends what local and central headers share: flags, method, time,
// date, CRC, both sizes, name length, extra length.
func (e zipEntry) shared(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, zipNeeds)
	b = le.AppendUint16(b, 0) // flags: no descriptor, no encryption
	b = le.AppendUint16(b, 0) // method: stored
	b = le.AppendUint16(b, zipTime)
	b = le.AppendUint16(b, zipDate)
	b = le.AppendUint32(b, e.crc)
	b = le.AppendUint32(b, e.size)
	b = le.AppendUint32(b, e.size)
	b = le.AppendUint16(b, uint16(len(e.name)))
	return le.AppendUint16(b, 0) // no extra field
}

func (e zipEntry) local() []byte {
	b := binary.LittleEndian.AppendUint32(nil, sigLocal)
	return append(e.shared(b), e.name...)
}

func (e zipEntry) central() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, sigCentral)
	b = le.AppendUint16(b, zipMadeBy)
	b = e.shared(b)
	b = le.AppendUint16(b, 0) // no comment
	b = le.AppendUint16(b, 0) // disk
	b = le.AppendUint16(b, 0) // internal attributes
	b = le.AppendUint32(b, zipMode)
	b = le.AppendUint32(b, e.offset)
	return append(b, e.name...)
}

// endRecord closes a zip of n entries whose directory has size bytes at offset.
func endRecord(n int, size, offset uint32) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, sigEnd)
	b = le.AppendUint32(b, 0) // disks
	b = le.AppendUint16(b, uint16(n))
	b = le.AppendUint16(b, uint16(n))
	b = le.AppendUint32(b, size)
	b = le.AppendUint32(b, offset)
	return le.AppendUint16(b, 0) // no comment
}
