package evidence

import (
	"io"
	"io/fs"
	"path"
	"time"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// packFS shows a pack as a file system to package measure.
type packFS struct{ pack *seal.Pack }

// Open opens one file of the pack.
func (f packFS) Open(name string) (fs.File, error) {
	s, err := f.pack.Section(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &packFile{SectionReader: s, name: path.Base(name)}, nil
}

// packFile is one opened file; it is its own description.
type packFile struct {
	*io.SectionReader
	name string
}

func (f *packFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *packFile) Close() error               { return nil }
func (f *packFile) Name() string               { return f.name }
func (f *packFile) Mode() fs.FileMode          { return 0o444 }
func (f *packFile) ModTime() time.Time         { return time.Time{} }
func (f *packFile) IsDir() bool                { return false }
func (f *packFile) Sys() any                   { return nil }

// ReadRecord reads the record of a pack.
func ReadRecord(p *seal.Pack) (*harness.Record, error) {
	data, err := p.ReadFile(RecordFile)
	if err != nil {
		return nil, err
	}
	var rec harness.Record
	if err := seal.StrictDecode(data, &rec); err != nil {
		return nil, err
	}
	return &rec, nil
}
