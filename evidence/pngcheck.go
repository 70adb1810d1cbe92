package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// plainPNG demands that a chart is a PNG as the tool draws it: header, picture and end, each with its check sum, and nothing
// else. What it shows, only the build that drew it can compare.
func plainPNG(data []byte) error {
	rest, ok := bytes.CutPrefix(data, []byte("\x89PNG\r\n\x1a\n"))
	if !ok {
		return errors.New("it is no PNG")
	}
	seen := ""
	for len(rest) > 0 {
		if len(rest) < 12 {
			return errors.New("it ends inside a chunk")
		}
		n := uint64(binary.BigEndian.Uint32(rest))
		if n > uint64(len(rest)-12) {
			return errors.New("it ends inside a chunk")
		}
		kind, sum := string(rest[4:8]), binary.BigEndian.Uint32(rest[8+n:])
		if crc32.ChecksumIEEE(rest[4:8+n]) != sum {
			return fmt.Errorf("the check sum of its chunk %q does not fit", kind)
		}
		if seen == "IEND" || kind != "IHDR" && kind != "IDAT" && kind != "IEND" || (seen == "") != (kind == "IHDR") || kind == "IEND" && seen != "IDAT" {
			return fmt.Errorf("chunk %q does not belong behind %q in a chart", kind, seen)
		}
		seen, rest = kind, rest[12+n:]
	}
	if seen != "IEND" {
		return errors.New("it has no end")
	}
	return nil
}
