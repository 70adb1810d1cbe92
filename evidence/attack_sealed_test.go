package evidence_test

import (
	"bytes"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"blackstart/evidence/seal"
)

// unchanged is the bag of an attack on the seal alone.
func unchanged(*bag) {}

// sealed makes an attack of each form of a seal; verify must name one of these files, if any are given.
func sealed(kind string, forms map[string]byHand, names ...string) (list []attack) {
	for name, how := range forms {
		list = append(list, attack{name: kind + "-" + name, do: unchanged, hand: &how, names: names})
	}
	return list
}

// manifestAttacks sign a manifest that lists the same files in another form, or other files: the signature is good.
func manifestAttacks() (list []attack) {
	replaced := func(from, to string, n int) func([]byte) []byte {
		return func(m []byte) []byte {
			if !bytes.Contains(m, []byte(from)) {
				panic("the manifest does not hold " + from)
			}
			return bytes.Replace(m, []byte(from), []byte(to), n)
		}
	}
	line := func(do func(all [][]byte) [][]byte) func([]byte) []byte {
		return func(m []byte) []byte { return slices.Concat(do(lines(m))...) }
	}
	zeros := strings.Repeat("0", 64)
	forms := map[string]byHand{}
	for name, change := range map[string]func([]byte) []byte{
		"space":          replaced("  data/record.json", "   data/record.json", 1),
		"one-space":      replaced("  data/record.json", " data/record.json", 1),
		"tab":            replaced("  data/record.json", "\tdata/record.json", 1),
		"binary-mark":    replaced("  data/record.json", " *data/record.json", 1),
		"trailing-space": replaced("data/record.json\n", "data/record.json \n", 1),
		"dot":            replaced("  data/record.json", "  ./data/record.json", 1),
		"crlf":           replaced("\n", "\r\n", -1),
		"upper-case":     bytes.ToUpper,
		"bom":            func(m []byte) []byte { return append([]byte("\xef\xbb\xbf"), m...) },
		"comment":        func(m []byte) []byte { return append([]byte("# all is well\n"), m...) },
		"blank-line":     func(m []byte) []byte { return append(m, '\n') },
		"no-newline":     func(m []byte) []byte { return m[:len(m)-1] },
		"nul":            func(m []byte) []byte { return append(m, 0) },
		"unsorted":       line(func(l [][]byte) [][]byte { l[0], l[1] = l[1], l[0]; return l }),
		"line-twice":     line(func(l [][]byte) [][]byte { return slices.Insert(l, 0, l[0]) }),
		"name-twice":     line(func(l [][]byte) [][]byte { return slices.Insert(l, 0, []byte(zeros+string(l[0][64:]))) }),
		"lists-itself":   func(m []byte) []byte { return append(m, zeros+"  manifest-sha256.txt\n"...) },
		"outside":        func(m []byte) []byte { return append(m, zeros+"  ../outside\n"...) },
		"endless-line":   func(m []byte) []byte { return append(m, bytes.Repeat([]byte("x"), 20<<20)...) },
		"many-lines": func(m []byte) []byte {
			return append(m, bytes.Repeat([]byte(zeros+"  data/x\n"), 200_000)...)
		},
	} {
		forms[name] = byHand{manifest: change}
	}
	list = sealed("manifest", forms, seal.ManifestFile)
	return append(list, sealed("manifest", map[string]byHand{
		"without-a-file": {manifest: line(func(l [][]byte) [][]byte {
			return slices.DeleteFunc(l, func(l []byte) bool { return bytes.HasSuffix(l, []byte("data/record.json\n")) })
		})},
		"another-digest":   {manifest: line(func(l [][]byte) [][]byte { l[0] = append([]byte(zeros), l[0][64:]...); return l })},
		"emptied":          {manifest: func([]byte) []byte { return nil }},
		"lists-a-tag-file": {manifest: func(m []byte) []byte { return append([]byte(seal.Digest([]byte(bagItText))+"  bagit.txt\n"), m...) }},
		"missing-file":     {manifest: func(m []byte) []byte { return append(m, zeros+"  data/zzz.json\n"...) }},
	}, "data/", seal.BagItFile)...)
}

// signatureAttacks change the signature's form, or whose it is, and fit the tag manifest to it.
func signatureAttacks() []attack {
	changed := func(do func(p7s []byte) []byte) byHand {
		return byHand{signature: func(b *bag, m []byte) []byte { return do(b.signed(b.honest.id.Identity, m)) }}
	}
	return sealed("signature", map[string]byHand{
		"trailing-byte":    changed(func(p []byte) []byte { return append(p, 0) }),
		"trailing-newline": changed(func(p []byte) []byte { return append(p, '\n') }),
		"twice":            changed(func(p []byte) []byte { return slices.Concat(p, p) }),
		"leading-byte":     changed(func(p []byte) []byte { return append([]byte{0}, p...) }),
		"cut":              changed(func(p []byte) []byte { return p[:len(p)-1] }),
		"emptied":          changed(func([]byte) []byte { return nil }),
		"text":             changed(func(p []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: p}) }),
		"large":            changed(func(p []byte) []byte { return append(p, make([]byte, 20<<20)...) }),
		"deep":             changed(func([]byte) []byte { return bytes.Repeat([]byte{0x30, 0x80}, 30<<10) }),
		"length-of-length": changed(func(p []byte) []byte { return slices.Concat([]byte{0x30, 0x83, 0}, p[2:]) }),
		"signer-twice":     changed(func(p []byte) []byte { return withSigners(p, p, p) }),
		"no-signer":        changed(func(p []byte) []byte { return withSigners(p) }),
		"of-other-bytes":   {signature: func(b *bag, m []byte) []byte { return b.signed(b.honest.id.Identity, append(m, '\n')) }},
		"two-signers": {signature: func(b *bag, m []byte) []byte {
			other, err := seal.NewThrowawayIdentity("somebody else")
			must(b.t, err)
			own := b.signed(b.honest.id.Identity, m)
			return withSigners(own, own, b.signed(other.Identity, m))
		}},
		"of-long-ago": {signature: func(b *bag, m []byte) []byte { // before the drill, and before its certificate was valid
			p7s, err := seal.SignCMS(m, b.honest.id.Identity, time.Now().Add(-20*365*24*time.Hour))
			must(b.t, err)
			return p7s
		}},
	}, seal.SignatureFile, seal.ManifestFile)
}

// withSigners gives a signature the certificates and the signers of these signatures, each good for itself.
func withSigners(p7s []byte, of ...[]byte) []byte {
	context0 := asn1.Tag(0).ContextSpecific().Constructed()
	var certs, signers [][]byte
	take := func(p []byte) (kind, head cryptobyte.String) {
		in := cryptobyte.String(p)
		var info, explicit, data, list, infos cryptobyte.String
		ok := in.ReadASN1(&info, asn1.SEQUENCE) && info.ReadASN1Element(&kind, asn1.OBJECT_IDENTIFIER) &&
			info.ReadASN1(&explicit, context0) && explicit.ReadASN1(&data, asn1.SEQUENCE)
		before := data
		ok = ok && data.SkipASN1(asn1.INTEGER) && data.SkipASN1(asn1.SET) && data.SkipASN1(asn1.SEQUENCE)
		head = before[:len(before)-len(data)]
		if !ok || !data.ReadASN1(&list, context0) || !data.ReadASN1(&infos, asn1.SET) {
			panic("the signature is not as it is written")
		}
		certs, signers = append(certs, list), append(signers, infos)
		return kind, head
	}
	kind, head := take(p7s)
	certs, signers = certs[:1], nil
	for _, p := range of {
		take(p)
	}
	seen := map[string]bool{}
	certs = slices.DeleteFunc(certs, func(c []byte) bool { twice := seen[string(c)]; seen[string(c)] = true; return twice })
	slices.SortFunc(certs, bytes.Compare)
	slices.SortFunc(signers, bytes.Compare)
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(kind)
		b.AddASN1(context0, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(head)
				b.AddASN1(context0, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(certs...)) })
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(signers...)) })
			})
		})
	})
	return out.BytesOrPanic()
}

// tagAttacks change what no signature covers, and fit the tag manifest to it.
func tagAttacks() (list []attack) {
	for name, do := range map[string]func([]byte) []byte{
		"crlf":           func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\n"), []byte("\r\n")) },
		"line-twice":     func(d []byte) []byte { return slices.Concat(lines(d)[0], d) },
		"line-added":     func(d []byte) []byte { return append(d, "Contact-Name: a friend\n"...) },
		"space":          func(d []byte) []byte { return bytes.Replace(d, []byte(": "), []byte(":  "), 1) },
		"folded":         func(d []byte) []byte { return append(d, "  and more\n"...) },
		"emptied":        func([]byte) []byte { return nil },
		"ten-megabytes":  func(d []byte) []byte { return append(d, bytes.Repeat([]byte("x"), 10<<20)...) },
		"million-labels": manyLabels,
	} {
		for short, file := range map[string]string{"info": seal.BagInfoFile, "bagit": seal.BagItFile} {
			list = append(list, sealed("tag-"+short, map[string]byHand{name: {tags: map[string]func([]byte) []byte{file: do}}}, file)...)
		}
		if name != "space" && name != "folded" {
			list = append(list, sealed("tag-manifest", map[string]byHand{name: {tags: map[string]func([]byte) []byte{seal.TagManifestFile: do}}}, seal.TagManifestFile)...)
		}
	}
	return append(list, sealed("tag-info", map[string]byHand{
		"payload": {tags: map[string]func([]byte) []byte{seal.BagInfoFile: func(d []byte) []byte {
			return bytes.Replace(d, []byte("Payload-Oxum: "), []byte("Payload-Oxum: 1"), 1)
		}}},
		"description": {tags: map[string]func([]byte) []byte{seal.BagInfoFile: func(d []byte) []byte {
			return bytes.Replace(d, []byte("External-Description: "), []byte("External-Description: passed, "), 1)
		}}},
	}, seal.BagInfoFile)...)
}
