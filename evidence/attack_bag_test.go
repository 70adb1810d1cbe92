package evidence_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

const (
	recordFile = "data/record.json"
	eventsFile = "data/events.jsonl"
	inputsFile = "data/inputs.json"
	endNote    = "data/checkpoints/end.note"
)

// A bag is the payload of an unpacked pack. A change replaces a slice and never writes into one: all bags share them.
type bag struct {
	t      *testing.T
	honest *honestPack
	files  map[string][]byte
}

// An honestPack is unpacked once: its payload lies in dir, for hard links, and in memory.
// Its reports are signed anew by the forger's own key, as every report must be signed by who signs the pack; with a run key, its
// whole log is, too.
type honestPack struct {
	base  string
	id    *seal.Throwaway
	key   *seal.RunKey // nil: the run's own, which nobody has
	dir   string
	files map[string][]byte
}

var honestPacks = struct {
	sync.Mutex
	of map[string]*honestPack
}{of: map[string]*honestPack{}}

// openBag gives the payload of the pack of this kind, and skips where the directory has none.
func openBag(t *testing.T, kind string) *bag { return openBagOf(t, kind, false) }

// openBagOf gives, if taken is true, one whose run key the forger made.
func openBagOf(t *testing.T, kind string, taken bool) *bag {
	t.Helper()
	if kind == "" {
		kind = "pass"
	}
	dir := os.Getenv("BLACKSTART_PACKS_DIR")
	if dir == "" {
		dir = filepath.Join("..", "testdata", "packs", "2")
	}
	path := filepath.Join(dir, kind+".zip")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no pack of a drill that ended %s: %v", kind, err)
	}
	honestPacks.Lock()
	defer honestPacks.Unlock()
	of := fmt.Sprint(kind, taken)
	h := honestPacks.of[of]
	if h == nil {
		h = unpack(t, path)
		h.resign(t, taken)
		honestPacks.of[of] = h
	}
	return &bag{t, h, maps.Clone(h.files)}
}

func unpack(t *testing.T, path string) *honestPack {
	t.Helper()
	z, err := zip.OpenReader(path)
	must(t, err)
	defer z.Close()
	dir, err := os.MkdirTemp("", "attack-honest-")
	must(t, err)
	h := &honestPack{dir: dir, files: map[string][]byte{}}
	for _, f := range z.File {
		base, name, _ := strings.Cut(f.Name, "/")
		h.base = base
		if !strings.HasPrefix(name, "data/") {
			continue
		}
		r, err := f.Open()
		must(t, err)
		data, err := io.ReadAll(r)
		must(t, err)
		h.files[name] = data
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750))
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	return h
}

// resign makes the reports the forger's, and the run key too if it is taken, and keeps that as the honest pack.
func (h *honestPack) resign(t *testing.T, taken bool) {
	t.Helper()
	id, err := seal.NewThrowawayIdentity("Rehearsal by root")
	must(t, err)
	h.id = id
	b := &bag{t, h, maps.Clone(h.files)}
	if taken {
		b.takeKey()
	}
	pack, _ := b.seal("", true)
	again := unpack(t, pack)
	h.dir, h.files = again.dir, again.files
}

// get returns a copy of a file, to be changed.
func (b *bag) get(name string) []byte {
	b.t.Helper()
	data, ok := b.files[name]
	if !ok {
		b.t.Fatalf("the honest pack has no %s", name)
	}
	return bytes.Clone(data)
}

func (b *bag) put(name string, data []byte) { b.files[name] = data }

func (b *bag) remove(name string) {
	b.get(name)
	delete(b.files, name)
}

// replace changes the first place where a text stands, which must be there.
func (b *bag) replace(name, from, to string) {
	b.t.Helper()
	data := b.get(name)
	if !bytes.Contains(data, []byte(from)) || from == to {
		b.t.Fatalf("%s does not hold %q, so nothing is forged", name, from)
	}
	b.put(name, bytes.Replace(data, []byte(from), []byte(to), 1))
}

func (b *bag) swap(one, other string) {
	x, y := b.get(one), b.get(other)
	if bytes.Equal(x, y) {
		b.t.Fatalf("%s and %s are the same", one, other)
	}
	b.put(one, y)
	b.put(other, x)
}

// names are the files under a prefix with a suffix, sorted.
func (b *bag) names(prefix, suffix string) (names []string) {
	for name := range b.files {
		if strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (b *bag) changed() bool { return !maps.EqualFunc(b.files, b.honest.files, bytes.Equal) }

// record and setRecord read and write record.json in the product's own form.
func (b *bag) record() *harness.Record {
	b.t.Helper()
	var r harness.Record
	must(b.t, json.Unmarshal(b.get(recordFile), &r))
	return &r
}

func (b *bag) setRecord(r *harness.Record) {
	data, err := json.Marshal(r)
	must(b.t, err)
	var out bytes.Buffer
	must(b.t, json.Indent(&out, data, "", " "))
	out.WriteByte('\n')
	b.put(recordFile, out.Bytes())
}

// sealing is one at a time: reports are laid out by a generator with global state.
var sealing sync.Mutex

// seal writes the bag as a pack that a throw-away key signs, and returns it with the root. With anew everything derived is made
// by the product.
func (b *bag) seal(name string, anew bool) (pack, root string) {
	b.t.Helper()
	pack, root, err := b.trySeal(name, anew)
	if err != nil {
		b.t.Skipf("the product's own sealing refuses it: %v", err)
	}
	return pack, root
}

// trySeal is seal for a bag that the product may not seal.
func (b *bag) trySeal(name string, anew bool) (pack, root string, err error) {
	b.t.Helper()
	dir := b.t.TempDir()
	in := filepath.Join(dir, "bag")
	for name, data := range b.files {
		path := filepath.Join(in, name)
		must(b.t, os.MkdirAll(filepath.Dir(path), 0o750))
		honest, ok := b.honest.files[name]
		if ok && bytes.Equal(honest, data) && os.Link(filepath.Join(b.honest.dir, name), path) == nil {
			continue
		}
		must(b.t, os.WriteFile(path, data, 0o600))
	}
	id := b.honest.id
	pack, root = filepath.Join(dir, b.honest.base+".zip"), filepath.Join(dir, "root.pem")
	must(b.t, os.WriteFile(root, id.RootPEM, 0o600))
	ctx := b.t.Context()
	if anew {
		sealing.Lock()
		defer sealing.Unlock()
		must(b.t, evidence.Unseal(in))
		_, _, err = evidence.Seal(ctx, evidence.Sealing{
			Dir: in, Base: b.honest.base, Path: pack, Redact: evidence.NewRedactor(), Identity: id.Identity, Progress: func(string) {},
		})
		return pack, root, err
	}
	// A record that cannot be read is described as the honest one was.
	var rec harness.Record
	if data, ok := b.files[recordFile]; !ok || json.Unmarshal(data, &rec) != nil {
		must(b.t, json.Unmarshal(b.honest.files[recordFile], &rec))
	}
	if _, err = seal.Seal(ctx, in, evidence.BagInfo(&rec), id.Identity); err != nil {
		return "", "", err
	}
	return pack, root, seal.WritePack(ctx, in, b.honest.base, pack)
}
