package evidence_test

import (
	"encoding/binary"
	"slices"
	"strings"

	"blackstart/evidence/seal"
)

// copiesOf are the files of copies of a ledger, by node.
func (b *bag) copiesOf(load, node string) string {
	b.t.Helper()
	for _, name := range b.names("data/ledger/"+load+".copies-"+node, ".bin") {
		return name
	}
	b.t.Fatalf("no copies of %s on %s", load, node)
	return ""
}

// lost is a write that may have been applied and is not on the standby: the loss that a forger would hide.
func (b *bag) lost() int {
	b.t.Helper()
	attempts, copies := b.get("data/ledger/isolated.bin"), b.get(b.copiesOf("isolated", "west"))
	for n := range len(copies) - 64 {
		if attempts[64+48*n+40] != 2 && copies[64+n] == 0 {
			return n
		}
	}
	b.t.Fatal("no write was lost in this drill")
	return 0
}

func ledgerAttacks() []attack {
	isolated := "data/ledger/isolated.bin"
	copied := "data/ledger/isolated.copies-west.db-after-heal.bin"
	other := "data/ledger/isolated.copies-east.db-after-heal.bin"
	list := []attack{
		{name: "copies-removed", do: func(b *bag) { b.remove(copied); b.remove(copied + ".tree") }, names: []string{copied}},
		{name: "copies-swapped-between-nodes", do: func(b *bag) { b.swap(copied, other); b.swap(copied+".tree", other+".tree") }, names: []string{copied, other}},
		{name: "copies-swapped-in-the-record", do: func(b *bag) {
			r := b.record()
			for n := range r.Ledger.Copies {
				c := &r.Ledger.Copies[n]
				c.Node = map[string]string{"west.db": "east.db", "east.db": "west.db"}[c.Node]
			}
			b.setRecord(r)
		}, told: true, anew: true, names: []string{seal.CheckpointDir}},
		{name: "copies-of-another-reading-added", do: func(b *bag) {
			b.put(strings.Replace(copied, "after-heal", "before-heal", 1), b.get(copied))
		}, names: []string{strings.Replace(copied, "after-heal", "before-heal", 1)}},
		{name: "copies-of-another-node-added", do: func(b *bag) {
			name := strings.Replace(copied, "west.db", "north.db", 1)
			b.put(name, b.get(copied))
			b.put(name+".tree", b.get(copied+".tree"))
		}, names: []string{strings.Replace(copied, "west.db", "north.db", 1), strings.Replace(copied, "west.db", "north.db", 1) + ".tree"}},
		{name: "copies-not-named-by-the-record", do: func(b *bag) {
			r := b.record()
			r.Ledger.Copies = r.Ledger.Copies[:len(r.Ledger.Copies)-1]
			b.setRecord(r)
		}, told: true, names: []string{seal.CheckpointDir}},
		{name: "ledger-removed", do: func(b *bag) { b.remove(ledgerBin); b.remove(ledgerBin + ".tree") }, names: []string{ledgerBin}},
	}
	list = append(list, both("copies-of-a-lost-write", copied, func(b *bag) {
		b.edit(copied, b.lost(), func(r []byte) { r[0] = 1 })
	})...)
	list = append(list, both("copies-out-of-range", copied, func(b *bag) { b.edit(copied, 0, func(r []byte) { r[0] = 255 }) })...)
	list = append(list, both("copies-cut", copied, func(b *bag) {
		data := b.get(copied)
		add64(data, 56, -1)
		b.put(copied, data[:len(data)-1])
	})...)
	list = append(list, attack{name: "copies-of-all-lost-writes-judged-anew", do: func(b *bag) {
		for b.hasLost() {
			b.edit(copied, b.lost(), func(r []byte) { r[0] = 1 })
		}
		r := b.record()
		r.Ledger.OldOnly, r.Ledger.OldOnlyIDs = 0, nil
		b.setRecord(r)
	}, told: true, anew: true, names: []string{seal.CheckpointDir}})
	fields := map[string]func(b *bag, r []byte){
		"outcome":      func(_ *bag, r []byte) { r[40] = 4 - r[40] },
		"amount":       func(_ *bag, r []byte) { add64(r, 32, -1) },
		"retry-of":     func(_ *bag, r []byte) { binary.LittleEndian.PutUint64(r[8:], binary.LittleEndian.Uint64(r)-1) },
		"place":        func(_ *bag, r []byte) { r[41] = 2 },
		"place-none":   func(_ *bag, r []byte) { r[41] = 0 },
		"place-beyond": func(_ *bag, r []byte) { r[41] = 7 },
		"sent":         func(_ *bag, r []byte) { add64(r, 16, 1) },
		"done":         func(_ *bag, r []byte) { add64(r, 24, -1) },
		"done-before":  func(_ *bag, r []byte) { add64(r, 24, -1e10) },
		"reserved":     func(_ *bag, r []byte) { r[42] = 1 },
		"worker":       func(_ *bag, r []byte) { r[44] ^= 1 },
		"id":           func(_ *bag, r []byte) { add64(r, 0, 1<<20) },
	}
	for name, do := range fields {
		list = append(list, both("ledger-"+name, isolated, func(b *bag) { b.edit(isolated, b.lost(), func(r []byte) { do(b, r) }) })...)
	}
	return append(list, both("ledger-cut-at-end", ledgerBin, func(b *bag) {
		data := b.get(ledgerBin)
		add64(data, 56, -1)
		b.put(ledgerBin, slices.Clone(data[:len(data)-48]))
		b.count(ledgerBin, (len(data)-64)/48-1)
	})...)
}

func (b *bag) hasLost() bool {
	attempts, copies := b.get("data/ledger/isolated.bin"), b.get(b.copiesOf("isolated", "west"))
	for n := range len(copies) - 64 {
		if attempts[64+48*n+40] != 2 && copies[64+n] == 0 {
			return true
		}
	}
	return false
}
