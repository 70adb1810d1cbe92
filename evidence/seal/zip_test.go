package seal

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func smallZip(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "data/a", []byte("alpha"))
	put(t, dir, "data/b", nil)
	put(t, dir, "z.txt", []byte("zulu"))
	var b bytes.Buffer
	ok(t, WriteZip(context.Background(), dir, "pack", &b))
	return b.Bytes()
}

// rawZip lays entries out without any check.
func rawZip(contents string, names ...string) []byte {
	var out, dir []byte
	for _, n := range names {
		e := zipEntry{name: n, size: uint32(len(contents)), crc: 0, offset: uint32(len(out))}
		out = append(append(out, e.local()...), contents...)
		dir = append(dir, e.central()...)
	}
	at := len(out)
	return append(append(out, dir...), endRecord(len(names), uint32(len(dir)), uint32(at))...)
}

func mustRefuse(t *testing.T, what string, data []byte, reason string) {
	t.Helper()
	_, err := NewPack(bytes.NewReader(data), int64(len(data)))
	var ref *Refusal
	if !errors.As(err, &ref) || !strings.Contains(err.Error(), reason) {
		t.Errorf("%s: %v, want a refusal with %q", what, err, reason)
	}
}

func TestZipReadsBack(t *testing.T) {
	data := smallZip(t)
	if !bytes.Equal(data, smallZip(t)) {
		t.Error("the same files give two zips")
	}
	p, err := NewPack(bytes.NewReader(data), int64(len(data)))
	ok(t, err)
	a, err := p.ReadFile("data/a")
	ok(t, err)
	if string(a) != "alpha" || p.Base() != "pack" || strings.Join(p.Names(), " ") != "data/a data/b z.txt" {
		t.Errorf("%q %q %v", a, p.Base(), p.Names())
	}
	r, err := p.Open("z.txt")
	ok(t, err)
	z, err := io.ReadAll(r)
	ok(t, errors.Join(err, r.Close()))
	if string(z) != "zulu" {
		t.Errorf("z.txt is %q", z)
	}
	if _, err := p.ReadFile("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestUnzipAgrees(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs the python3 command on PATH, as a second zip reader")
	}
	path := filepath.Join(t.TempDir(), "pack.zip")
	ok(t, os.WriteFile(path, smallZip(t), 0o644))
	out, err := exec.CommandContext(t.Context(), python, "-c",
		"import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.namelist(), z.read('pack/data/a'))", path).CombinedOutput()
	ok(t, err)
	if got := strings.TrimSpace(string(out)); got != "None ['pack/data/a', 'pack/data/b', 'pack/z.txt'] b'alpha'" {
		t.Errorf("python reads %s", got)
	}
}

func TestZipRefusesNames(t *testing.T) {
	for name, reason := range map[string]string{
		"../x": "'..'", "pack/../x": "'..'", "/pack/x": "absolute", "pack\\x": "only", "pack/x y": "only", "pack/é": "only",
		"pack//x": "empty", "pack/./x": "'.'", "pack/x.": "end in", "pack/-x": "begin with", "pack/": "empty", "": "1 to",
		strings.Repeat("x", maxPathBytes+1): "too long", "pack/" + strings.Repeat("x", MaxNameBytes+1): "1 to", strings.Repeat("x", MaxBaseBytes+1) + "/x": "base directory", "C:/x": "only", "pack/\x00": "only",
	} {
		mustRefuse(t, name, rawZip("x", name), reason)
	}
	mustRefuse(t, "twice", rawZip("x", "p/a", "p/a"), "same name")
	mustRefuse(t, "case", rawZip("x", "p/A", "p/a"), "same name")
	mustRefuse(t, "file and directory", rawZip("x", "p/a", "p/a/b"), "also the file")
	mustRefuse(t, "unsorted", rawZip("x", "p/b", "p/a"), "sorted")
	mustRefuse(t, "two bases", rawZip("x", "p/a", "q/a"), "base directory")
	mustRefuse(t, "no base", rawZip("x", "a"), "base directory")
	mustRefuse(t, "none", rawZip("x"), "0 entries")
	var many []string
	for range MaxEntries + 1 {
		many = append(many, "p/a")
	}
	mustRefuse(t, "too many", rawZip("", many...), "entries")
}

func TestZipRefusesStructure(t *testing.T) {
	good := smallZip(t)
	insert := func(at int, s string) []byte { return append(append(bytes.Clone(good[:at]), s...), good[at:]...) }
	dirAt := bytes.Index(good, []byte("PK\x01\x02"))
	mustRefuse(t, "prefix", insert(0, "#!/bin/sh\n"), "bytes before")
	mustRefuse(t, "gap", insert(dirAt, "gap"), "bytes before")
	mustRefuse(t, "trailer", append(bytes.Clone(good), 0), "plain zip end record")
	mustRefuse(t, "empty", nil, "0 bytes")
	mustRefuse(t, "garbage", bytes.Repeat([]byte("x"), 100), "plain zip end record")
	overlap := bytes.Clone(good)
	second := dirAt + centralLen + len("pack/data/a")
	copy(overlap[second+42:second+46], overlap[dirAt+42:dirAt+46])
	mustRefuse(t, "overlap", overlap, "overlap")
	local := bytes.Clone(good)
	local[14] ^= 1
	mustRefuse(t, "local header", local, "local header differs")
}

// TestZipRefusesOtherWriters: everything archive/zip can write that a pack
// must not hold.
func TestZipRefusesOtherWriters(t *testing.T) {
	for what, h := range map[string]zip.FileHeader{
		"plain, with descriptor": {Method: zip.Store},
		"compressed":             {Method: zip.Deflate},
		"comment":                {Method: zip.Store, Comment: "hello"},
		"extra":                  {Method: zip.Store, Extra: []byte{1, 0, 0, 0}},
		"time":                   {Method: zip.Store, Modified: time.Now()},
	} {
		mustRefuse(t, what, foreignZip(t, h), "not plain")
	}
	link := zip.FileHeader{Method: zip.Store}
	link.SetMode(fs.ModeSymlink | 0o777)
	mustRefuse(t, "symlink", foreignZip(t, link), "not plain")
}

func foreignZip(t *testing.T, h zip.FileHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h.Name = "pack/a"
	f, err := w.CreateHeader(&h)
	ok(t, err)
	_, err = f.Write([]byte("alpha"))
	ok(t, errors.Join(err, w.Close()))
	return b.Bytes()
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("directory: want an error")
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	path := filepath.Join(t.TempDir(), "x.zip")
	ok(t, os.WriteFile(path, []byte("hello"), 0o644))
	r, err := Verify(t.Context(), path, Options{})
	if err != nil || r.Answer(Integrity) != Failed || r.Answer(Origin) != NotChecked {
		t.Errorf("not a zip: %v %v", r, err)
	}
}

func TestWriteZipRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := WriteZip(t.Context(), dir, "p", io.Discard); err == nil {
		t.Error("no files: want an error")
	}
	put(t, dir, "a b", nil)
	if err := WriteZip(t.Context(), dir, "p", io.Discard); err == nil {
		t.Error("space in a name: want an error")
	}
	ok(t, os.Remove(filepath.Join(dir, "a b")))
	put(t, dir, "a", nil)
	for _, base := range []string{"", "a/b", "..", "a b"} {
		if err := WriteZip(t.Context(), dir, base, io.Discard); err == nil {
			t.Errorf("base %q: want an error", base)
		}
	}
	if got := BaseName("drill 2026/01: ü."); CheckName(got) != nil {
		t.Errorf("BaseName gives %q", got)
	}
}

func FuzzNewPack(f *testing.F) {
	f.Add(smallZip(f))
	f.Add(rawZip("x", "../x"))
	f.Add(rawZip("x", "p/a", "p/A"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := NewPack(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		// An accepted zip has one form: writing its contents anew gives it back.
		out, dir := []byte(nil), []byte(nil)
		for _, name := range p.Names() {
			body, err := p.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			e := zipEntry{name: p.Base() + "/" + name, size: uint32(len(body)), crc: p.entries[name].crc, offset: uint32(len(out))}
			out = append(append(out, e.local()...), body...)
			dir = append(dir, e.central()...)
		}
		at := len(out)
		out = append(append(out, dir...), endRecord(len(p.Names()), uint32(len(dir)), uint32(at))...)
		if !bytes.Equal(out, data) {
			t.Fatal("accepted, but not the one form")
		}
	})
}

func FuzzVerifyCMS(f *testing.F) {
	p7s, err := SignCMS(manifestText, fixtureIdentity().Identity, time.Now())
	ok(f, err)
	f.Add(p7s)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := VerifyCMS(manifestText, data); err != nil {
			return
		}
		p, err := parseCMS(data)
		if err != nil {
			t.Fatal(err)
		}
		if der, err := p.der(); err != nil || !bytes.Equal(der, data) {
			t.Fatal("accepted, but not the one form")
		}
	})
}

func FuzzVerifyChain(f *testing.F) {
	path, _ := newLog(f, 3)
	data, err := os.ReadFile(path)
	ok(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := VerifyChain(bytes.NewReader(data), inputsSum, 1)
		if (c.Roots[1] == Hash{}) != (c.Head.Count == 0) || len(c.Roots) > 1 || c.Size > int64(len(data)) || (err == nil) != (c.Closed && c.Size == int64(len(data))) {
			t.Fatalf("%+v, %v", c, err)
		}
	})
}

func FuzzParsers(f *testing.F) {
	info, err := BagInfo{PackID: "p", RunID: "r", Sealed: time.Unix(1, 2)}.Bytes()
	ok(f, err)
	f.Add(info)
	f.Add(Manifest{"data/a": inputsSum}.Bytes())
	f.Add(mustTree(f, binaryFile(3, 40), 40).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := ParseManifest("m", data); err == nil && !bytes.Equal(m.Bytes(), data) {
			t.Fatal("manifest does not read back")
		}
		if b, err := ParseBagInfo(data); err == nil {
			if again, err := b.Bytes(); err != nil || !bytes.Equal(again, data) {
				t.Fatal("bag info does not read back")
			}
		}
		if tree, err := ParseTree(data); err == nil && !bytes.Equal(tree.Bytes(), data) {
			t.Fatal("tree does not read back")
		}
	})
}
