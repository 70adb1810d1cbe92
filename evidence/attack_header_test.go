package evidence_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

// manyLabels adds two million lines with a label each.
func manyLabels(d []byte) []byte {
	for n := range 2_000_000 {
		d = fmt.Appendf(d, "%x: y\n", n)
	}
	return d
}

// zip64 is the extra field that holds sizes of eight bytes.
func zip64(size uint64) string {
	return string(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64([]byte{1, 0, 16, 0}, size), size))
}

// headerAttacks change the zip around signed files, each field for itself.
func headerAttacks() []attack {
	forms := map[string]byHand{}
	entryForms(forms)
	nameForms(forms)
	orderForms(forms)
	endForms(forms)
	return sealed("header", forms)
}

// entryForms change one field of one entry, in the local header, in the directory, or in both.
func entryForms(forms map[string]byHand) {
	// one changes the entry of record.json.
	one := func(name string, do func(e *zipped)) {
		forms[name] = byHand{entries: func(all []zipped) []zipped {
			do(&all[slices.IndexFunc(all, func(e zipped) bool { return strings.HasSuffix(e.name, "/"+recordFile) })])
			return all
		}}
	}
	for bit := range 16 {
		one(fmt.Sprintf("flag-%d", bit), func(e *zipped) { e.flags = 1 << bit })
		one(fmt.Sprintf("flag-%d-local", bit), func(e *zipped) {
			e.localChange = func(h []byte) []byte { h[6+bit/8] |= 1 << (bit % 8); return h }
		})
	}
	for at, field := range map[int]string{0: "signature", 4: "version", 8: "method", 10: "time", 12: "date", 14: "crc", 18: "packed-size", 22: "size", 30: "name"} {
		one("local-"+field, func(e *zipped) { e.localChange = func(h []byte) []byte { h[at] ^= 1; return h } })
	}
	one("descriptor", func(e *zipped) {
		crc, size := crc32.ChecksumIEEE(e.data), uint32(len(e.data))
		d := binary.LittleEndian.AppendUint32(nil, 0x08074b50)
		for _, v := range []uint32{crc, size, size} {
			d = binary.LittleEndian.AppendUint32(d, v)
		}
		e.flags, e.after = 8, string(d)
		e.localChange = func(h []byte) []byte { clear(h[14:26]); return h }
	})
	one("zip64", func(e *zipped) {
		e.extra, e.needs = zip64(uint64(len(e.data))), 45
		e.size, e.packed = 0xffffffff, 0xffffffff
	})
	one("zip64-directory", func(e *zipped) { e.centralExtra, e.size, e.packed = zip64(uint64(len(e.data))), 0xffffffff, 0xffffffff })
	one("bomb", func(e *zipped) { e.method, e.size = 8, 0xfffffffe })
	one("stored-bomb", func(e *zipped) { e.size, e.packed = 0xfffffff0, 0xfffffff0 })
	one("crc", func(e *zipped) { e.crc = 1 })
	one("shorter", func(e *zipped) { e.size, e.packed = uint32(len(e.data)-1), uint32(len(e.data)-1) })
	one("longer", func(e *zipped) { e.size, e.packed = uint32(len(e.data)+1), uint32(len(e.data)+1) })
	one("comment", func(e *zipped) { e.comment = "all is well" })
	one("symlink", func(e *zipped) { e.mode = 0o120777 << 16 })
	one("directory", func(e *zipped) { e.mode = 0o040755<<16 | 0x10 })
	one("setuid", func(e *zipped) { e.mode = 0o104755 << 16 })
	one("gap", func(e *zipped) { e.gap = "gap" })
	one("gap-behind", func(e *zipped) { e.after = strings.Repeat("x", 1<<20) })
	one("offset", func(e *zipped) { e.at, e.moved = 1, true })
	one("offset-beyond", func(e *zipped) { e.at, e.moved = 0xfffffff0, true })
	one("hidden", func(e *zipped) { e.hidden = true })
}

// nameForms add a file under a name that no pack has.
func nameForms(forms map[string]byHand) {
	added := func(name string, e func(all []zipped) []zipped) {
		forms[name] = byHand{entries: func(all []zipped) []zipped { return append(all, e(all)...) }}
	}
	for name, path := range map[string]string{"absolute": "/etc/passwd", "parent": "../../x", "parent-inside": "%s/data/../../x", "dot": "%s/./data/x",
		"backslash": `%s\data\x`, "drive": "C:/x", "nul": "%s/data/record.json\x00.txt", "control": "%s/data/\x1b[2Jx", "not-utf8": "%s/data/\xff",
		"trailing-dot": "%s/data/record.json.", "dash": "%s/-rf", "empty": "", "slash-twice": "%s//data/x", "long": "%s/data/" + strings.Repeat("x", 60_000),
		"base-alone": "%s", "base-slash": "%s/", "below-a-file": "%s/data/record.json/x"} {
		added("name-"+name, func(all []zipped) []zipped {
			base, _, _ := strings.Cut(all[0].name, "/")
			return []zipped{{name: strings.ReplaceAll(path, "%s", base), data: []byte("x")}}
		})
	}
	added("name-twice", func(all []zipped) []zipped { return []zipped{all[len(all)-1]} })
}

// orderForms move entries, or bytes before and between them.
func orderForms(forms map[string]byHand) {
	forms["local-name"] = byHand{entries: func(all []zipped) []zipped { all[2].local = "../../" + all[2].name; return all }}
	forms["second-record"] = byHand{entries: func(all []zipped) []zipped {
		at := slices.IndexFunc(all, func(e zipped) bool { return strings.HasSuffix(e.name, "/"+recordFile) })
		other := all[at]
		other.data = bytes.Replace(other.data, []byte("pass"), []byte("fail"), 1)
		return slices.Insert(all, at, other)
	}}
	forms["order"] = byHand{entries: func(all []zipped) []zipped { slices.Reverse(all); return all }}
	forms["shared-data"] = byHand{entries: func(all []zipped) []zipped { // every entry stands for the bytes of the first
		for n := range all[1:] {
			all[n+1].at, all[n+1].moved = 0, true
		}
		return all
	}}
	forms["prefix"] = byHand{prefix: "#!/bin/sh\n"}
	forms["prefix-shifted"] = byHand{prefix: "#!/bin/sh\n", shifted: true}
}

// endForms change the directory and the end record.
func endForms(forms map[string]byHand) {
	forms["directory-byte-added"] = byHand{directory: func(d []byte) []byte { return append(d, 0) }}
	forms["directory-emptied"] = byHand{directory: func([]byte) []byte { return nil }}
	forms["directory-made-by"] = byHand{directory: func(d []byte) []byte { d[5] = 0; return d }}
	forms["directory-disk"] = byHand{directory: func(d []byte) []byte { d[34] = 1; return d }}
	forms["directory-internal"] = byHand{directory: func(d []byte) []byte { d[36] = 1; return d }}
	for at, field := range map[int]string{0: "signature", 4: "disk", 6: "directory-disk", 8: "entries-here", 10: "entries", 12: "directory-size", 16: "directory-offset", 20: "comment-length"} {
		forms["end-"+field] = byHand{end: func(e []byte) []byte { e[at] ^= 1; return e }}
	}
	forms["end-comment"] = byHand{end: func(e []byte) []byte { e[20] = 4; return append(e, "well"...) }}
	forms["end-twice"] = byHand{end: func(e []byte) []byte { return slices.Concat(e, e) }}
	forms["end-inside-a-comment"] = byHand{end: func(e []byte) []byte { // readers that look from behind find the second
		first := bytes.Clone(e)
		first[20] = byte(len(e))
		return append(first, e...)
	}}
	forms["end-zip64"] = byHand{end: func(e []byte) []byte {
		le := binary.LittleEndian
		r := le.AppendUint64(le.AppendUint32(nil, 0x06064b50), 44)
		r = append(r, 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		n, size, at := uint64(le.Uint16(e[8:])), uint64(le.Uint32(e[12:])), uint64(le.Uint32(e[16:]))
		for _, v := range []uint64{n, n, size, at} {
			r = le.AppendUint64(r, v)
		}
		r = le.AppendUint64(append(le.AppendUint32(r, 0x07064b50), 0, 0, 0, 0), at+size)
		return slices.Concat(r, []byte{1, 0, 0, 0}, e)
	}}
}
