package evidence_test

import (
	"encoding/binary"
	"slices"

	"blackstart/evidence/seal"
)

const (
	queries   = "data/samples/queries.bin"
	edge      = "data/samples/edge.bin"
	ledgerBin = "data/ledger/ledger.bin"
)

// edit changes record n of a binary file in place.
func (b *bag) edit(file string, n int, do func(rec []byte)) {
	b.t.Helper()
	data, size := b.get(file), recordLen(file)
	was := string(data)
	do(data[64+n*size : 64+(n+1)*size])
	if string(data) == was {
		b.t.Fatalf("record %d of %s is as it was, so nothing is forged", n, file)
	}
	b.put(file, data)
}

// find is the number of the first record that fits.
func (b *bag) find(file string, fits func(rec []byte) bool) int {
	b.t.Helper()
	data, size := b.get(file), recordLen(file)
	for n := 0; 64+(n+1)*size <= len(data); n++ {
		if fits(data[64+n*size : 64+(n+1)*size]) {
			return n
		}
	}
	b.t.Fatalf("%s has no record that this attack needs", file)
	return 0
}

func failedSample(rec []byte) bool { return rec[32] != 1 }

// field is an attack on one field of the first failed sample of a file.
func (b *bag) failed(file string, do func(rec []byte)) { b.edit(file, b.find(file, failedSample), do) }

func add64(rec []byte, at int, by int64) {
	binary.LittleEndian.PutUint64(rec[at:], uint64(int64(binary.LittleEndian.Uint64(rec[at:]))+by))
}

// without drops records, numbers those behind them anew, and says so in the header and the record.
func (b *bag) without(file string, from, count int, renumber bool) {
	data, size := b.get(file), recordLen(file)
	whole := (len(data) - 64) / size
	data = slices.Delete(data, 64+from*size, 64+(from+count)*size)
	for n := from; renumber && n < whole-count; n++ {
		binary.LittleEndian.PutUint64(data[64+n*size:], uint64(n))
	}
	binary.LittleEndian.PutUint64(data[56:], uint64(whole-count))
	b.put(file, data)
	b.count(file, whole-count)
}

func (b *bag) count(file string, n int) {
	r := b.record()
	for i := range r.Streams {
		if r.Streams[i].File == file {
			r.Streams[i].Count = n
		}
	}
	b.setRecord(r)
}

// retimed drops the failed samples and gives those behind the due times of the schedule: the careful way.
func (b *bag) retimed(file string) {
	data, size := b.get(file), recordLen(file)
	was := slices.Clone(data)
	out := slices.Clone(data[:64])
	for n := 0; 64+(n+1)*size <= len(data); n++ {
		rec := data[64+n*size : 64+(n+1)*size]
		if failedSample(rec) {
			good := data[64 : 64+size]
			shift := int64(binary.LittleEndian.Uint64(was[64+n*size+8:])) - int64(binary.LittleEndian.Uint64(was[72:]))
			rec = slices.Clone(good)
			binary.LittleEndian.PutUint64(rec, uint64(n))
			rec[33] = was[64+n*size+33]
			for at := 8; at < 32; at += 8 {
				add64(rec, at, shift)
			}
		}
		out = append(out, rec...)
	}
	b.put(file, out)
}

func sampleAttacks() []attack {
	list := []attack{
		{name: "samples-failed-ones-told-as-good-judged-anew", do: func(b *bag) { b.retimed(queries); b.retimed(edge) }, told: true,
			anew: true, names: []string{seal.CheckpointDir}},
		{name: "tree-of-another-file", do: func(b *bag) { b.swap(queries+".tree", edge+".tree") }, names: []string{queries, queries + ".tree"}},
		{name: "tree-removed", do: func(b *bag) { b.remove(queries + ".tree") }, names: []string{queries, queries + ".tree"}},
		{name: "tree-leaf-changed", do: func(b *bag) {
			data := b.get(queries + ".tree")
			data[len(data)-2] ^= 1
			b.put(queries+".tree", data)
		}, names: []string{queries, queries + ".tree"}},
		{name: "tree-emptied", do: func(b *bag) { b.put(queries+".tree", nil) }, names: []string{queries, queries + ".tree"}},
		{name: "samples-removed", do: func(b *bag) { b.remove(queries); b.remove(queries + ".tree") }, names: []string{queries}},
		{name: "samples-torn", do: func(b *bag) { b.put(queries, b.get(queries)[:len(b.files[queries])-7]) }, names: []string{queries}},
		{name: "samples-header-alone", do: func(b *bag) { b.put(queries, b.get(queries)[:64]) }, told: true, names: []string{queries}},
		{name: "samples-empty-file", do: func(b *bag) { b.put(queries, nil) }, names: []string{queries}},
		{name: "samples-trailing-byte", do: func(b *bag) { b.put(queries, append(b.get(queries), 0)) }, names: []string{queries}},
		{name: "samples-swapped", do: func(b *bag) { b.swap(queries, edge) }, names: []string{queries, edge}},
	}
	fields := map[string]func(rec []byte){
		"outcome-good":    func(r []byte) { r[32] = 1 },
		"outcome-other":   func(r []byte) { r[32] = 14 },
		"outcome-unknown": func(r []byte) { r[32] = 99 },
		"due":             func(r []byte) { add64(r, 8, -1) },
		"sent":            func(r []byte) { add64(r, 16, 1) },
		"done":            func(r []byte) { add64(r, 24, -1000) },
		"cohort":          func(r []byte) { r[33] = (r[33] + 1) % 3 },
		"cohort-unknown":  func(r []byte) { r[33] = 200 },
		"outcome-unnamed": func(r []byte) { r[32] = 40 },
		"status":          func(r []byte) { binary.LittleEndian.PutUint16(r[34:], 204) },
		"worker":          func(r []byte) { r[36] ^= 1 },
		"seq":             func(r []byte) { add64(r, 0, 1) },
	}
	for name, do := range fields {
		list = append(list, both("sample-"+name, queries, func(b *bag) { b.failed(queries, do) })...)
	}
	headers := map[string]func(h []byte){
		"count": func(h []byte) { add64(h, 56, -1) }, "anchor": func(h []byte) { add64(h, 48, 1e9) }, "run": func(h []byte) { h[30] ^= 1 },
		"stream": func(h []byte) { h[40] ^= 8 }, "version": func(h []byte) { h[16] = 3 }, "kind": func(h []byte) { h[18] = 2 },
		"reserved": func(h []byte) { h[46] = 1 }, "place": func(h []byte) { h[44] = 1 }, "place-beyond": func(h []byte) { h[44] = 200 }, "host": func(h []byte) { h[45] = 1 }, "not-closed": func(h []byte) { binary.LittleEndian.PutUint64(h[56:], 0) },
	}
	for name, do := range headers {
		list = append(list, both("sample-header-"+name, queries, func(b *bag) {
			data := b.get(queries)
			do(data[:64])
			b.put(queries, data)
		})...)
	}
	list = append(list, both("samples-dropped", queries, func(b *bag) { b.without(queries, b.find(queries, failedSample), 1, false) })...)
	list = append(list, both("samples-dropped-renumbered", queries, func(b *bag) { b.without(queries, b.find(queries, failedSample), 9, true) })...)
	list = append(list, both("samples-cut-at-end", queries, func(b *bag) {
		b.without(queries, (len(b.files[queries])-64)/40-20, 20, false)
	})...)
	list = append(list, both("samples-reordered", queries, func(b *bag) {
		data := b.get(queries)
		one := slices.Clone(data[64:104])
		copy(data[64:104], data[104:144])
		copy(data[104:144], one)
		b.put(queries, data)
	})...)
	return append(list, both("samples-added", queries, func(b *bag) {
		data := b.get(queries)
		last := slices.Clone(data[len(data)-40:])
		add64(last, 0, 1)
		add64(data, 56, 1)
		b.put(queries, append(data, last...))
		b.count(queries, (len(data)-64)/40+1)
	})...)
}
