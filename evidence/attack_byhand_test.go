package evidence_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// byHand seals a bag as the product never would: whatever the bag holds, in whatever form, with a good signature over it. The
// zero value gives what the product gives.
type byHand struct {
	manifest  func([]byte) []byte            // before it is signed
	signature func(b *bag, m []byte) []byte  // of the manifest m; nil: the product's
	tags      map[string]func([]byte) []byte // files beside data/, after the signature and before the tag manifest
	entries   func([]zipped) []zipped        // of the zip, sorted
	directory func([]byte) []byte            // of the zip
	end       func([]byte) []byte            // the zip's end record
	prefix    string                         // bytes before the zip
	shifted   bool                           // offsets count the prefix
}

// zipped is one entry of a zip, with everything that a header can say.
type zipped struct {
	name, local   string // local: the name in the local header, "" for the same
	data          []byte
	gap           string // bytes before the local header
	flags, method uint16
	needs, date   uint16 // 0: as the product writes them
	size, packed  uint32 // 0: those of data
	crc           uint32 // 0: that of data
	extra         string // of both headers
	centralExtra  string
	comment       string
	after         string // bytes after the data, for a descriptor
	mode          uint32 // 0: a plain file
	at            uint32 // of the local header in the directory, where moved
	moved         bool
	hidden        bool                // not in the directory
	localChange   func([]byte) []byte // of the local header
}

// bagItText is the whole of bagit.txt.
const bagItText = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// sealByHand writes the bag as a pack that the same throw-away key signs as seal does.
func (b *bag) sealByHand(how byHand) (pack, root string) {
	b.t.Helper()
	dir := b.t.TempDir()
	pack, root = filepath.Join(dir, b.honest.base+".zip"), filepath.Join(dir, "root.pem")
	must(b.t, os.WriteFile(root, b.honest.id.RootPEM, 0o600))
	files := maps.Clone(b.files)
	maps.Copy(files, b.tagFiles(how))
	var entries []zipped
	for _, name := range slices.Sorted(maps.Keys(files)) {
		entries = append(entries, zipped{name: b.honest.base + "/" + name, data: files[name]})
	}
	if how.entries != nil {
		entries = how.entries(entries)
	}
	f, err := os.Create(pack)
	must(b.t, err)
	w := bufio.NewWriterSize(f, 1<<20)
	writeZip(w, how, entries)
	must(b.t, w.Flush())
	must(b.t, f.Close())
	return pack, root
}

// tagFiles are the files beside data/.
func (b *bag) tagFiles(how byHand) map[string][]byte {
	m, octets := seal.Manifest{}, int64(0)
	for name, data := range b.files {
		m[name], octets = seal.Digest(data), octets+int64(len(data))
	}
	manifest := m.Bytes()
	if how.manifest != nil {
		manifest = how.manifest(manifest)
	}
	sign := how.signature
	if sign == nil {
		sign = func(b *bag, m []byte) []byte { return b.signed(b.honest.id.Identity, m) }
	}
	var rec harness.Record
	if data, ok := b.files[recordFile]; !ok || json.Unmarshal(data, &rec) != nil {
		must(b.t, json.Unmarshal(b.honest.files[recordFile], &rec)) // one that cannot be read is described as the honest one was
	}
	info := evidence.BagInfo(&rec)
	info.PayloadOctets, info.PayloadFiles = octets, len(b.files)
	text, err := info.Bytes()
	must(b.t, err)
	tags := map[string][]byte{seal.BagItFile: []byte(bagItText), seal.BagInfoFile: text, seal.ManifestFile: manifest, seal.SignatureFile: sign(b, manifest)}
	for name, change := range how.tags {
		if name != seal.TagManifestFile {
			tags[name] = change(tags[name])
		}
	}
	list := seal.Manifest{}
	for name, data := range tags {
		list[name] = seal.Digest(data)
	}
	tags[seal.TagManifestFile] = list.Bytes()
	if change := how.tags[seal.TagManifestFile]; change != nil {
		tags[seal.TagManifestFile] = change(tags[seal.TagManifestFile])
	}
	return tags
}

func (b *bag) signed(id *seal.Identity, manifest []byte) []byte {
	p7s, err := seal.SignCMS(manifest, id, time.Now())
	must(b.t, err)
	return p7s
}

// writeZip lays the entries out byte by byte, so that every field of every header can be set.
func writeZip(w *bufio.Writer, how byHand, entries []zipped) {
	at := 0
	put := func(data []byte) {
		_, _ = w.Write(data) // an error is kept for Flush
		at += len(data)
	}
	_, _ = w.WriteString(how.prefix)
	if how.shifted {
		at = len(how.prefix)
	}
	var directory []byte
	listed := 0
	for _, e := range entries {
		put([]byte(e.gap))
		e = e.filled(uint32(at))
		local := e.header(true)
		if e.localChange != nil {
			local = e.localChange(local)
		}
		put(local)
		put(e.data)
		put([]byte(e.after))
		if !e.hidden {
			directory = append(directory, e.header(false)...)
			listed++
		}
	}
	if how.directory != nil {
		directory = how.directory(directory)
	}
	end := binary.LittleEndian.AppendUint32(nil, 0x06054b50)
	end = append(end, 0, 0, 0, 0)
	end = binary.LittleEndian.AppendUint16(end, uint16(listed))
	end = binary.LittleEndian.AppendUint16(end, uint16(listed))
	end = binary.LittleEndian.AppendUint32(end, uint32(len(directory)))
	end = binary.LittleEndian.AppendUint32(end, uint32(at))
	end = append(end, 0, 0)
	if how.end != nil {
		end = how.end(end)
	}
	put(directory)
	put(end)
}

// filled gives what was left open the values that the product writes.
func (e zipped) filled(at uint32) zipped {
	or := func(v *uint32, plain uint32) {
		if *v == 0 {
			*v = plain
		}
	}
	if e.local == "" {
		e.local = e.name
	}
	if e.needs == 0 {
		e.needs = 20
	}
	if e.date == 0 {
		e.date = 1<<5 | 1
	}
	or(&e.size, uint32(len(e.data)))
	or(&e.packed, uint32(len(e.data)))
	or(&e.crc, crc32.ChecksumIEEE(e.data))
	or(&e.mode, 0o100644<<16)
	if !e.moved {
		e.at = at
	}
	return e
}

// header is the local header, or the entry in the directory.
func (e zipped) header(local bool) []byte {
	le := binary.LittleEndian
	name, extra := e.local, e.extra
	h := le.AppendUint32(nil, 0x04034b50)
	if !local {
		name, extra = e.name, e.extra+e.centralExtra
		h = le.AppendUint16(le.AppendUint32(nil, 0x02014b50), 3<<8|20)
	}
	for _, v := range []uint16{e.needs, e.flags, e.method, 0, e.date} {
		h = le.AppendUint16(h, v)
	}
	for _, v := range []uint32{e.crc, e.packed, e.size} {
		h = le.AppendUint32(h, v)
	}
	h = le.AppendUint16(le.AppendUint16(h, uint16(len(name))), uint16(len(extra)))
	if local {
		return append(append(h, name...), extra...)
	}
	for _, v := range []uint16{uint16(len(e.comment)), 0, 0} {
		h = le.AppendUint16(h, v)
	}
	h = le.AppendUint32(le.AppendUint32(h, e.mode), e.at)
	return slices.Concat(h, []byte(name), []byte(extra), []byte(e.comment))
}

// TestSealedByHandIsTheProducts: what the helper writes without a change is what the product writes, so that an attack is found
// for its change alone.
func TestSealedByHandIsTheProducts(t *testing.T) {
	for _, kind := range []string{"pass", "interrupted"} {
		b := openBag(t, kind)
		hand, root := b.sealByHand(byHand{})
		if got := verify(t, hand, root); got.exit != 0 {
			t.Errorf("%s: exit %d, want 0\n%s", kind, got.exit, got.failures())
		}
		product, _ := b.seal("", false)
		one, err := os.ReadFile(hand)
		must(t, err)
		other, err := os.ReadFile(product)
		must(t, err)
		// The signatures are of different moments, in the same length or a byte more or less.
		at := bytes.Index(one, []byte(b.honest.base+"/"+seal.ManifestFile))
		if at < 0 || !bytes.Equal(one[:at], other[:at]) {
			t.Errorf("%s: by hand it has other bytes than the product writes", kind)
		}
	}
}
