package pades

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// Limits of what is unpacked. A file beyond one of them is refused, whatever it claims to be.
const (
	maxStream   = 4 << 20  // bytes of one stream, unpacked
	maxUnpacked = 64 << 20 // bytes of all streams of a file, unpacked
)

// unpacker reads streams and keeps count of what it has unpacked so far.
type unpacker struct {
	file *file
	left int
}

func newUnpacker(f *file) *unpacker { return &unpacker{file: f, left: maxUnpacked} }

// stream reads the stream r: its dictionary, and its data unpacked. Filters other than FlateDecode are refused.
func (u *unpacker) stream(r ref) (dict, []byte, error) {
	d, raw, err := u.file.rawStream(r)
	if err != nil {
		return nil, nil, err
	}
	switch d.get("Filter") {
	case nil:
		return d, raw, u.spend(len(raw))
	case name("FlateDecode"):
	default:
		return nil, nil, fmt.Errorf("read stream %d: filter %v is not read", r.num, d.get("Filter"))
	}
	if d.get("DecodeParms") != nil {
		return nil, nil, fmt.Errorf("read stream %d: predictors are not read", r.num)
	}
	z, err := zlib.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, fmt.Errorf("read stream %d: %w", r.num, err)
	}
	data, err := io.ReadAll(io.LimitReader(z, int64(min(maxStream, u.left))+1))
	if err == nil {
		err = u.spend(len(data))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read stream %d: %w", r.num, err)
	}
	return d, data, nil
}

func (u *unpacker) spend(n int) error {
	if u.left -= n; n > maxStream || u.left < 0 {
		return fmt.Errorf("unpacked it is larger than %d bytes, or the whole file than %d", maxStream, maxUnpacked)
	}
	return nil
}

// rawStream reads the stream r as it lies in the file.
func (f *file) rawStream(r ref) (dict, []byte, error) {
	d, err := f.loadDict(r)
	if err != nil {
		return nil, nil, err
	}
	at, err := f.offset(r)
	if err != nil {
		return nil, nil, err
	}
	l := lexer{b: f.b, pos: at}
	_, err1 := l.integer()
	_, err2 := l.integer()
	err3 := l.expect("obj")
	_, err4 := l.object(0)
	if err := errors.Join(err1, err2, err3, err4, l.expect("stream")); err != nil {
		return nil, nil, err
	}
	if bytes.HasPrefix(f.b[l.pos:], []byte("\r\n")) {
		l.pos++
	}
	if l.pos >= len(f.b) || f.b[l.pos] != '\n' {
		return nil, nil, fmt.Errorf("read stream %d: no end of line before its data", r.num)
	}
	length, err := f.resolve(d.get("Length"))
	if err != nil {
		return nil, nil, err
	}
	n, ok := toInt(length)
	from := l.pos + 1
	if !ok || n > len(f.b)-from {
		return nil, nil, fmt.Errorf("read stream %d: its length is not that of its data", r.num)
	}
	end := lexer{b: f.b, pos: from + n}
	if err := errors.Join(end.expect("endstream"), end.expect("endobj")); err != nil {
		return nil, nil, fmt.Errorf("read stream %d: its length is not that of its data: %w", r.num, err)
	}
	return d, f.b[from : from+n], nil
}
