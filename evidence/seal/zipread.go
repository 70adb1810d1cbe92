package seal

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Pack is an opened zip whose structure has been checked. Its contents have
// not: Verify does that. All methods may be called from several goroutines.
type Pack struct {
	base    string
	entries map[string]zipEntry // by name without the base directory
	r       io.ReaderAt
	close   func() error
}

// Open checks the structure of the zip at path and opens it. A zip that is not
// byte for byte what WriteZip would have written around the same contents is a
// Refusal: two entries of one name (case ignored), unsafe names, links and
// directories, compression, a prefix, gap, overlap, trailer or comment, extra
// fields, local and central headers that differ. Nothing is ever extracted.
func Open(path string) (*Pack, error) {
	// Looked at before it is opened: opening a FIFO waits for a writer.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, refuse("", "%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open pack: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = refuse("", "%s is not a regular file", path)
	}
	var p *Pack
	if err == nil {
		p, err = NewPack(f, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open pack: %w", err)
	}
	p.close = f.Close
	return p, nil
}

// NewPack is Open for a zip of size bytes in r.
func NewPack(r io.ReaderAt, size int64) (*Pack, error) {
	entries, err := readDirectory(r, size)
	if err != nil {
		return nil, err
	}
	base, _, _ := strings.Cut(entries[0].name, "/")
	p := &Pack{base: base, entries: map[string]zipEntry{}, r: r, close: func() error { return nil }}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.name, base+"/")
		if !ok {
			return nil, refuse(e.name, "not in the base directory %s/", base)
		}
		if err := checkSize(name, int64(e.size)); err != nil {
			return nil, err
		}
		names = append(names, name)
		p.entries[name] = e
	}
	if err := checkNames(names); err != nil {
		return nil, err
	}
	if !slices.IsSorted(names) {
		return nil, refuse("", "entries are not sorted by name")
	}
	if err := checkLocals(r, entries); err != nil {
		return nil, err
	}
	return p, agreeWithStandard(r, size, entries)
}

// readDirectory parses the end record and the central directory, whose bytes
// must be those that its own values give.
func readDirectory(r io.ReaderAt, size int64) ([]zipEntry, error) {
	if size < endLen || size > MaxPackBytes {
		return nil, refuse("", "a zip of %d bytes; %d to %d are allowed", size, endLen, int64(MaxPackBytes))
	}
	end := make([]byte, endLen)
	if _, err := r.ReadAt(end, size-endLen); err != nil {
		return nil, fmt.Errorf("read zip: %w", err)
	}
	le := binary.LittleEndian
	n, dirSize, dirAt := int(le.Uint16(end[10:])), le.Uint32(end[12:]), le.Uint32(end[16:])
	switch {
	case !bytes.Equal(end, endRecord(n, dirSize, dirAt)):
		return nil, refuse("", "does not end in a plain zip end record (trailer, comment, or not a zip)")
	case n == 0 || n > MaxEntries:
		return nil, refuse("", "%d entries; 1 to %d are allowed", n, MaxEntries)
	case int64(dirAt)+int64(dirSize)+endLen != size:
		return nil, refuse("", "bytes before, after or inside the zip directory")
	case int64(dirSize) > MaxEntries*(centralLen+maxPathBytes):
		return nil, refuse("", "zip directory of %d bytes", dirSize)
	}
	dir := make([]byte, dirSize)
	if _, err := r.ReadAt(dir, int64(dirAt)); err != nil {
		return nil, fmt.Errorf("read zip: %w", err)
	}
	entries, err := parseDirectory(dir, n)
	if err != nil {
		return nil, err
	}
	return entries, checkPlaces(entries, dirAt)
}

func parseDirectory(dir []byte, n int) ([]zipEntry, error) {
	le := binary.LittleEndian
	entries := make([]zipEntry, 0, n)
	for i := range n {
		if len(dir) < centralLen {
			return nil, refuse("", "zip directory ends in entry %d", i)
		}
		nameLen := int(le.Uint16(dir[28:]))
		if nameLen > maxPathBytes || len(dir) < centralLen+nameLen {
			return nil, refuse("", "zip entry %d: its name is too long", i)
		}
		e := zipEntry{
			name: string(dir[centralLen : centralLen+nameLen]),
			crc:  le.Uint32(dir[16:]), size: le.Uint32(dir[24:]), offset: le.Uint32(dir[42:]),
		}
		if err := checkPath(e.name); err != nil {
			return nil, err
		}
		want := e.central()
		if !bytes.Equal(dir[:len(want)], want) {
			return nil, refuse(e.name, "its zip directory entry is not plain (compressed, encrypted, a link or directory, extra fields, comment, time)")
		}
		entries, dir = append(entries, e), dir[len(want):]
	}
	if len(dir) != 0 {
		return nil, refuse("", "%d bytes after the last zip directory entry", len(dir))
	}
	return entries, nil
}

// checkPlaces demands that the entries follow each other without gap or
// overlap from the first byte up to the directory.
func checkPlaces(entries []zipEntry, dirAt uint32) error {
	var at int64
	for _, e := range entries {
		if int64(e.offset) != at {
			return refuse(e.name, "starts at byte %d of the zip, not at %d (prefix, gap or overlap)", e.offset, at)
		}
		at = e.end()
	}
	if at != int64(dirAt) {
		return refuse(entries[len(entries)-1].name, "ends at byte %d of the zip, its directory starts at %d", at, dirAt)
	}
	return nil
}

func checkLocals(r io.ReaderAt, entries []zipEntry) error {
	for _, e := range entries {
		want := e.local()
		got := make([]byte, len(want))
		if _, err := r.ReadAt(got, int64(e.offset)); err != nil {
			return fmt.Errorf("read zip: %w", err)
		}
		if !bytes.Equal(got, want) {
			return refuse(e.name, "its local header differs from the zip directory")
		}
	}
	return nil
}

// agreeWithStandard makes sure that an ordinary reader sees the same files.
func agreeWithStandard(r io.ReaderAt, size int64, entries []zipEntry) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return refuse("", "ordinary zip readers refuse it: %v", err)
	}
	if len(z.File) != len(entries) || z.Comment != "" {
		return refuse("", "ordinary zip readers see %d files, not %d", len(z.File), len(entries))
	}
	for i, f := range z.File {
		e := entries[i]
		at, err := f.DataOffset()
		if err != nil || at != e.dataOffset() || f.Name != e.name || f.UncompressedSize64 != uint64(e.size) ||
			f.CRC32 != e.crc || f.Method != zip.Store || !f.Mode().IsRegular() {
			return refuse(e.name, "ordinary zip readers see another file")
		}
	}
	return nil
}

// Close closes the underlying file.
func (p *Pack) Close() error { return p.close() }

// Base is the name of the base directory.
func (p *Pack) Base() string { return p.base }

// Names returns the names of all files without the base directory, sorted.
func (p *Pack) Names() []string { return sortedKeys(p.entries) }

// Has reports whether there is a file of this name.
func (p *Pack) Has(name string) bool { _, ok := p.entries[name]; return ok }

// Section returns the bytes of one file, for reading at any place.
func (p *Pack) Section(name string) (*io.SectionReader, error) {
	e, ok := p.entries[name]
	if !ok {
		return nil, fmt.Errorf("open %s in pack: %w", name, os.ErrNotExist)
	}
	return io.NewSectionReader(p.r, e.dataOffset(), int64(e.size)), nil
}

// Open returns the bytes of one file as a stream.
func (p *Pack) Open(name string) (io.ReadCloser, error) {
	s, err := p.Section(name)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(s), nil
}

// ReadFile returns one file of up to MaxReadFile bytes.
func (p *Pack) ReadFile(name string) ([]byte, error) {
	s, err := p.Section(name)
	if err != nil {
		return nil, err
	}
	if s.Size() > MaxReadFile {
		return nil, refuse(name, "%d bytes; up to %d can be read at once", s.Size(), MaxReadFile)
	}
	data := make([]byte, s.Size())
	if _, err := io.ReadFull(s, data); err != nil {
		return nil, fmt.Errorf("read %s in pack: %w", name, err)
	}
	return data, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
