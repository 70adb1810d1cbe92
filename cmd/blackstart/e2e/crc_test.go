package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// fixCRC makes the checksums of one stored file agree with its changed content, so that only the evidence's own digests can
// find the change.
func fixCRC(t *testing.T, whole []byte, file, base string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	name := base + "/" + file
	for _, f := range r.File {
		if f.Name != name {
			continue
		}
		at, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		sum := crc32.ChecksumIEEE(whole[at : at+int64(f.UncompressedSize64)])
		local := at - int64(len(name)) - 30
		binary.LittleEndian.PutUint32(whole[local+14:], sum)
		entry := bytes.LastIndex(whole, append([]byte(nil), name...)) - 46
		binary.LittleEndian.PutUint32(whole[entry+16:], sum)
		return
	}
	t.Fatalf("%s is not in the zip", name)
}
