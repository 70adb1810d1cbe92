package seal

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestVerifyGoodPack(t *testing.T) {
	p := newPack(t, nil)
	r := verify(t, p.zip, p.options())
	ok(t, r.Err())
	for q, want := range map[Question]Status{Integrity: OK, Origin: NotChecked, Time: NotChecked} {
		if got := r.Answer(q); got != want {
			t.Errorf("%s: %v, want %v", q, got, want)
		}
	}
	if r.Rooted == nil || !r.Rooted.Throwaway || !r.Rooted.Expired.IsZero() {
		t.Errorf("rooted: %+v", r.Rooted)
	}
	if r.Info.PackID != "pack-1" || r.Chain.Head.Count != 5 || r.SignerName != "CN=fixture" || r.Files != 10 {
		t.Errorf("report: %+v", r)
	}
	for _, name := range []string{"bag info", "events", "checkpoints", "tree", "manifest", "tag manifest", "signature", "structure", "files"} {
		if !strings.Contains(fmt.Sprint(r.Checks), name+": ok") {
			t.Errorf("no ok check %q in %v", name, r.Checks)
		}
	}
}

func TestVerifyWithoutRootLeavesOriginOpen(t *testing.T) {
	p := newPack(t, nil)
	r := verify(t, p.zip, Options{})
	if r.Err() != nil || r.Answer(Integrity) != OK || r.Answer(Origin) != NotChecked {
		t.Fatalf("integrity %v, origin %v, %v", r.Answer(Integrity), r.Answer(Origin), r.Err())
	}
	other, err := NewThrowawayIdentity("fixture")
	ok(t, err)
	r = verify(t, p.zip, Options{Roots: []*x509.Certificate{other.Root}})
	if r.Answer(Integrity) != OK || r.Answer(Origin) != Failed || r.Rooted != nil {
		t.Fatalf("foreign root: integrity %v, origin %v", r.Answer(Integrity), r.Answer(Origin))
	}
	o := p.options()
	inner := o.Content
	o.Content = func(z *Pack) (Content, error) {
		c, err := inner(z)
		c.Class = "production"
		return c, err
	}
	if r = verify(t, p.zip, o); r.Answer(Origin) != NotChecked {
		t.Fatalf("production under a bare root: origin %v", r.Answer(Origin))
	}
}

// TestThrowawayExpires: eight years later a rehearsal is as whole and as unproven as on its first day; another root is still
// refused, and so is a signature from the future.
func TestThrowawayExpires(t *testing.T) {
	p := newPack(t, nil)
	later := time.Now().AddDate(8, 0, 0)
	o := p.options()
	o.Now = later
	r := verify(t, p.zip, o)
	if r.Err() != nil || r.Answer(Origin) != NotChecked || r.Rooted == nil || !r.Rooted.Expired.Equal(p.id.Leaf().NotAfter) ||
		!strings.Contains(fmt.Sprint(r.Checks), "throw-away key, expired "+p.id.Leaf().NotAfter.Format(time.DateOnly)+", as always unproven") {
		t.Errorf("eight years ahead: rooted %+v\n%v", r.Rooted, r.Checks)
	}
	if life := p.id.Leaf().NotAfter.Sub(p.id.Leaf().NotBefore); life > ThrowawayValidity+clockSkew+time.Second {
		t.Errorf("a throw-away key lives %v", life)
	}
	other, err := NewThrowawayIdentity("fixture")
	ok(t, err)
	if r = verify(t, p.zip, Options{Roots: []*x509.Certificate{other.Root}, Now: later}); r.Answer(Integrity) != OK || r.Answer(Origin) != Failed {
		t.Errorf("another root, eight years ahead: %v", r.Checks)
	}
	o.Now = time.Now().Add(-time.Hour)
	if r = verify(t, p.zip, o); r.Answer(Origin) != Failed {
		t.Errorf("an hour before it was signed: %v", r.Checks)
	}
	trust := &Trust{Anchors: []Anchor{{Role: "executor", HighestClass: "production", roots: []*x509.Certificate{p.id.Root}, to: later.AddDate(1, 0, 0)}}}
	o.Now, o.Trust = later, trust
	if r = verify(t, p.zip, o); r.Answer(Integrity) != OK || r.Answer(Origin) != Failed {
		t.Errorf("a trust file accepts a certificate that has run out: %v", r.Checks)
	}
	o.Now = time.Now()
	if r = verify(t, p.zip, o); r.Answer(Origin) != OK {
		t.Errorf("a trust file that names the root: %v", r.Checks)
	}
}

// TestSignedOutsideItsValidity: the certificate was not yet, or no longer, valid when it signed by its own word.
func TestSignedOutsideItsValidity(t *testing.T) {
	id, err := NewThrowawayIdentity("late")
	ok(t, err)
	for name, at := range map[string]time.Time{"before": id.Leaf().NotBefore.Add(-time.Hour), "after": id.Leaf().NotAfter.Add(time.Hour)} {
		s := &Signature{Chain: id.Chain, SignedAt: at}
		if _, err := CheckRooted(s, []*x509.Certificate{id.Root}, at.AddDate(1, 0, 0)); err == nil {
			t.Errorf("signed %s its validity: accepted", name)
		}
	}
}

// smallSamples puts 20 records in the place of the many.
func smallSamples(t *testing.T) func(dir string) {
	return func(dir string) {
		const name = "data/samples/query.bin"
		ok(t, os.Remove(filepath.Join(dir, name+TreeExt)))
		put(t, dir, name, binaryFile(20, 40))
		writeTree(t, filepath.Join(dir, name), 64, 40)
	}
}

// TestAnyByteChangedIsNamed changes every byte of every file, in a bag that is
// zipped anew.
func TestAnyByteChangedIsNamed(t *testing.T) {
	p := newPack(t, smallSamples(t))
	files := p.read(t)
	for _, name := range sortedKeys(files) {
		body := files[name]
		for at := range body {
			body[at] ^= 1 << (at % 8)
			zip := memZip("pack", files)
			body[at] ^= 1 << (at % 8)
			z, err := NewPack(bytes.NewReader(zip), int64(len(zip)))
			ok(t, err)
			r, err := VerifyPack(context.Background(), z, p.options())
			ok(t, err)
			mustName(t, r, name, "")
			if at%10 != 0 {
				continue
			}
			if r, _ = VerifyPack(context.Background(), z, Options{}); r.Answer(Integrity) != Failed {
				t.Fatalf("%s byte %d: not noticed without content", name, at)
			}
		}
	}
}

// TestAnyByteOfZipChanged flips every byte of a small zip's structure, and some
// of the files' bytes, which the test above covers.
func TestAnyByteOfZipChanged(t *testing.T) {
	p := newPack(t, smallSamples(t))
	zip, err := os.ReadFile(p.zip)
	ok(t, err)
	z, err := NewPack(bytes.NewReader(zip), int64(len(zip)))
	ok(t, err)
	inside := make([]bool, len(zip))
	for _, e := range z.entries {
		for at := e.dataOffset(); at < e.end(); at++ {
			inside[at] = at%11 != 0
		}
	}
	for at := range zip {
		if inside[at] {
			continue
		}
		zip[at] ^= 1 << (at % 8)
		z, err := NewPack(bytes.NewReader(zip), int64(len(zip)))
		var ref *Refusal
		if err != nil && !errors.As(err, &ref) {
			t.Fatalf("byte %d: %v is not a refusal", at, err)
		}
		if err == nil {
			r, err := VerifyPack(context.Background(), z, Options{})
			ok(t, err)
			if r.Answer(Integrity) != Failed {
				t.Fatalf("byte %d of the zip: not noticed", at)
			}
		}
		zip[at] ^= 1 << (at % 8)
	}
}

func TestVerifyNamesFirstAlteredEventAndLeaf(t *testing.T) {
	p := newPack(t, nil)
	swap := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
	}
	undo := p.edit(t, EventsFile, swap("fault.confirmed", "fault.c0nfirmed"))
	mustName(t, verify(t, p.write(t), p.options()), EventsFile, "first altered event: 2:")
	undo()
	undo = p.edit(t, EventsFile, swap(`"count":5`, `"count":5 `))
	mustName(t, verify(t, p.write(t), p.options()), EventsFile, "first altered event: 4 ")
	undo()
	undo = p.edit(t, InputsFile, swap("rehearsal", "production"))
	mustName(t, verify(t, p.write(t), p.options()), InputsFile, "changed")
	undo()
	const bin = "data/samples/query.bin"
	for at, leaf := range map[int]string{3: "leaf: 0 ", 64: "leaf: 1 ", 64 + 40*LeafRecords: "leaf: 2 "} {
		undo = p.edit(t, bin, func(b []byte) []byte { b[at]++; return b })
		mustName(t, verify(t, p.write(t), p.options()), bin, leaf)
		undo()
	}
	undo = p.edit(t, bin, func(b []byte) []byte { return b[:len(b)-7] })
	mustName(t, verify(t, p.write(t), p.options()), bin, "leaf: 2 ")
	undo()
	undo = p.edit(t, bin+TreeExt, func(b []byte) []byte { b[len(b)-2] ^= 1; return b })
	mustName(t, verify(t, p.write(t), p.options()), bin+TreeExt, "")
	undo()
	ok(t, verifyErr(t, p))
}

func verifyErr(t *testing.T, p pack) error {
	r := verify(t, p.write(t), p.options())
	return r.Err()
}

func TestVerifyAddedRemovedRenamed(t *testing.T) {
	p := newPack(t, nil)
	path := func(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }
	for _, name := range []string{"data/extra", "extra.txt", "reviews/0001/review.json", "signatures/other.p7s"} {
		put(t, p.dir, name, []byte("x"))
		mustName(t, verify(t, p.write(t), p.options()), name, "added")
		ok(t, os.Remove(path(name)))
	}
	files, err := listTree(p.dir)
	ok(t, err)
	for _, f := range files {
		ok(t, os.Rename(path(f.name), p.dir+".gone"))
		mustName(t, verify(t, p.write(t), p.options()), f.name, "missing")
		ok(t, os.Rename(p.dir+".gone", path(f.name)))
	}
	ok(t, os.Rename(path("data/report.pdf"), path("data/other.pdf")))
	mustName(t, verify(t, p.write(t), p.options()), "data/other.pdf", "renamed: it was data/report.pdf")
}

// TestReworkedTags: somebody without the key makes the tag manifest anew.
func TestReworkedTags(t *testing.T) {
	retag := func(p pack) {
		tags := Manifest{}
		for _, name := range tagFiles[:len(tagFiles)-1] {
			data, err := os.ReadFile(filepath.Join(p.dir, name))
			ok(t, err)
			tags[name] = Digest(data)
		}
		p.edit(t, TagManifestFile, func([]byte) []byte { return tags.Bytes() })
	}
	for name, change := range map[string][2]string{
		BagInfoFile:  {"Example", "Exampel"},
		BagItFile:    {"1.0", "1.1"},
		ManifestFile: {"\n", "\r\n"},
	} {
		p := newPack(t, nil)
		p.edit(t, name, func(b []byte) []byte { return bytes.Replace(b, []byte(change[0]), []byte(change[1]), 1) })
		retag(p)
		mustName(t, verify(t, p.write(t), p.options()), name, "")
	}
	p := newPack(t, nil)
	p.edit(t, TagManifestFile, func(b []byte) []byte { return append(b, strings.Repeat("0", 64)+"  zzz.txt\n"...) })
	mustName(t, verify(t, p.write(t), p.options()), TagManifestFile, "lists 5 files, not 4")
	p = newPack(t, nil) // a payload file changed, both manifests made anew
	p.edit(t, "data/record.json", func(b []byte) []byte { return append(b, '\n') })
	m, _, err := payloadManifest(context.Background(), p.dir, p.info)
	ok(t, err)
	p.edit(t, ManifestFile, func([]byte) []byte { return m })
	retag(p)
	mustName(t, verify(t, p.write(t), p.options()), ManifestFile, "not the content that was signed")
}

// TestDishonestSealer: sealed with a good key over data that does not fit.
func TestDishonestSealer(t *testing.T) {
	replace := func(name, old, new string) func(string) {
		return func(dir string) {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			ok(t, err)
			ok(t, os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(new), 1), 0o644))
		}
	}
	remove := func(name string) func(string) {
		return func(dir string) { ok(t, os.Remove(filepath.Join(dir, name))) }
	}
	for _, c := range []struct {
		change       func(string)
		file, detail string
	}{
		{replace(EventsFile, "fault.undone", "fault.und0ne"), EventsFile, "first altered event: 3:"},
		{replace(EventsFile, `"count":5`, `"count":5,"a":1`), CheckpointDir + "end.note", "not the one it speaks of"},
		{remove(CheckpointDir + "end.note"), CheckpointDir + "end.note", "missing"},
		{replace(CheckpointDir+"start.note", "phase start", "phase stort"), CheckpointDir + "start.note", "verify checkpoint"},
		{remove("data/samples/query.bin"), "data/samples/query.bin", "missing"},
		{remove(EventsFile), EventsFile, "missing"},
		{replace("data/samples/query.bin.tree", "root=", "root=0"), "data/samples/query.bin.tree", "tree file"},
		{func(dir string) {
			d := filepath.Join(dir, CheckpointDir)
			ok(t, os.Rename(d+"/start.note", d+"/fault.note"))
		}, CheckpointDir + "fault.note", "checkpoint of phase start"},
	} {
		p := newPack(t, c.change)
		mustName(t, verify(t, p.zip, p.options()), c.file, c.detail)
	}
}

func TestVerifyContentError(t *testing.T) {
	p := newPack(t, nil)
	o := p.options()
	o.Content = func(*Pack) (Content, error) { return Content{}, refuse(InputsFile, "unreadable") }
	mustName(t, verify(t, p.zip, o), InputsFile, "unreadable")
}

func TestSealRefuses(t *testing.T) {
	p := newPack(t, nil)
	if _, err := Seal(context.Background(), p.dir, p.info, p.id.Identity); err == nil {
		t.Error("sealed twice")
	}
	dir := filepath.Join(t.TempDir(), "bag")
	put(t, dir, "data/a", []byte("a"))
	if _, err := Seal(context.Background(), dir, BagInfo{RunID: "r", Sealed: time.Now()}, p.id.Identity); err == nil {
		t.Error("no pack id: want an error")
	}
	left, err := os.ReadDir(dir)
	ok(t, err)
	if len(left) != 1 {
		t.Errorf("a failed seal left %v", left)
	}
	ok(t, os.Symlink("a", filepath.Join(dir, "data/b")))
	if _, err := Seal(context.Background(), dir, p.info, p.id.Identity); err == nil {
		t.Error("symlink: want an error")
	}
}

func TestWritePackLeavesNothingHalf(t *testing.T) {
	p := newPack(t, nil)
	dir := t.TempDir()
	full := errors.New("no space left on device")
	err := atomically(filepath.Join(dir, "x.zip"), func(w io.Writer) error {
		_, _ = w.Write([]byte("half"))
		return full
	})
	left, _ := os.ReadDir(dir)
	if !errors.Is(err, full) || len(left) != 0 {
		t.Fatalf("%v, left %v", err, left)
	}
	if err := WritePack(context.Background(), p.dir, "pack", p.zip); err == nil {
		t.Error("replaced an existing pack")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := WritePack(ctx, p.dir, "pack", filepath.Join(dir, "y.zip")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ = os.ReadDir(dir); len(left) != 0 {
		t.Errorf("cancelled: left %v", left)
	}
}
