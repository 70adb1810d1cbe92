package seal

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// pack is a sealed bag of every kind of file, with what is needed to verify it.
type pack struct {
	dir  string // the bag
	zip  string
	id   *Throwaway
	info BagInfo
}

var fixtureIdentity = sync.OnceValue(func() *Throwaway {
	id, err := NewThrowawayIdentity("fixture")
	if err != nil {
		panic(err)
	}
	return id
})

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	ok(t, os.MkdirAll(filepath.Dir(path), 0o755))
	ok(t, os.WriteFile(path, data, 0o644))
}

// binaryFile is a 64-byte header and n records of recordLen bytes.
func binaryFile(n, recordLen int) []byte {
	out := bytes.Repeat([]byte{0xB5}, 64)
	for i := range n {
		rec := make([]byte, recordLen)
		binary.LittleEndian.PutUint64(rec, uint64(i))
		out = append(out, rec...)
	}
	return out
}

func newPack(t testing.TB, change func(dir string)) pack {
	t.Helper()
	p := pack{dir: filepath.Join(t.TempDir(), "bag"), id: fixtureIdentity()}
	key, err := NewRunKey("blackstart/run-1")
	ok(t, err)
	inputs, err := json.Marshal(map[string]string{"class": "rehearsal", "run_key": key.Verifier()})
	ok(t, err)
	inputs = append(inputs, '\n')
	put(t, p.dir, InputsFile, inputs)
	log, err := NewChain(filepath.Join(p.dir, EventsFile), Digest(inputs))
	ok(t, err)
	for _, kind := range []string{"drill.started", "fault.injected", "fault.confirmed", "fault.undone"} {
		_, err := log.Append(map[string]any{"kind": kind, "at_ns": 5})
		ok(t, err)
		if kind == "drill.started" {
			signCheckpoint(t, p.dir, key, log.Head(), "start")
		}
	}
	head, err := log.Close(nil, nil)
	ok(t, err)
	signCheckpoint(t, p.dir, key, head, "end")
	put(t, p.dir, "data/samples/query.bin", binaryFile(LeafRecords+5, 40))
	writeTree(t, filepath.Join(p.dir, "data/samples/query.bin"), 64, 40)
	put(t, p.dir, "data/ledger/writes.bin", binaryFile(3, 48))
	put(t, p.dir, "data/record.json", []byte("{\"format\":\"blackstart.pack/2\"}\n"))
	put(t, p.dir, "data/report.pdf", []byte("%PDF-1.7 stand-in"))
	put(t, p.dir, "data/empty", nil)
	if change != nil {
		change(p.dir)
	}
	info := BagInfo{PackID: "pack-1", RunID: "run-1", Sealed: time.Unix(1762000000, 123456789), Organization: "Example", Software: "blackstart 1"}
	sealed, err := Seal(context.Background(), p.dir, info, p.id.Identity)
	ok(t, err)
	p.info = sealed.Info
	p.zip = p.write(t)
	return p
}

func signCheckpoint(t testing.TB, dir string, key *RunKey, head ChainHead, phase string) {
	t.Helper()
	msg, err := key.Sign(head, phase)
	ok(t, err)
	put(t, dir, CheckpointDir+phase+CheckpointExt, msg)
}

// write zips the bag as it stands.
func (p pack) write(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pack.zip")
	ok(t, WritePack(context.Background(), p.dir, "pack", path))
	return path
}

func (p pack) options() Options {
	return Options{Roots: []*x509.Certificate{p.id.Root}, Content: func(z *Pack) (Content, error) {
		data, err := z.ReadFile(InputsFile)
		if err != nil {
			return Content{}, err
		}
		var in struct {
			Class  string `json:"class"`
			RunKey string `json:"run_key"`
		}
		err = StrictDecode(data, &in)
		return Content{Info: p.info, RunKey: in.RunKey, Class: in.Class}, err
	}}
}

func verify(t testing.TB, path string, o Options) Report {
	t.Helper()
	r, err := Verify(context.Background(), path, o)
	ok(t, err)
	return r
}

// mustName fails unless integrity failed and a failed check is about file and
// says detail.
func mustName(t testing.TB, r Report, file, detail string) {
	t.Helper()
	if r.Answer(Integrity) != Failed {
		t.Fatalf("integrity is %v, want failed, for %s", r.Answer(Integrity), file)
	}
	for _, c := range r.Failures() {
		if c.File == file && strings.Contains(c.Detail, detail) {
			return
		}
	}
	t.Fatalf("no failed check names %s with %q:\n%v", file, detail, r.Err())
}

// edit changes a file of the bag and returns a function that undoes it.
func (p pack) edit(t testing.TB, name string, change func([]byte) []byte) (undo func()) {
	t.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	before, err := os.ReadFile(path)
	ok(t, err)
	ok(t, os.WriteFile(path, change(bytes.Clone(before)), 0o644))
	return func() { ok(t, os.WriteFile(path, before, 0o644)) }
}

// read returns all files of the bag.
func (p pack) read(t testing.TB) map[string][]byte {
	t.Helper()
	list, err := listTree(p.dir)
	ok(t, err)
	files := map[string][]byte{}
	for _, f := range list {
		files[f.name], err = os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(f.name)))
		ok(t, err)
	}
	return files
}

// memZip is WriteZip over files in memory.
func memZip(base string, files map[string][]byte) []byte {
	var out, dir []byte
	for _, name := range sortedKeys(files) {
		body := files[name]
		e := zipEntry{name: base + "/" + name, size: uint32(len(body)), crc: crc32.ChecksumIEEE(body), offset: uint32(len(out))}
		out = append(append(out, e.local()...), body...)
		dir = append(dir, e.central()...)
	}
	at := len(out)
	return append(append(out, dir...), endRecord(len(files), uint32(len(dir)), uint32(at))...)
}
