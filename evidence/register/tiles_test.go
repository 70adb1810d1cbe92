package register

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// tiled is a register whose tiles were made at two sizes.
func tiled(t *testing.T) (Dir, *Key) {
	t.Helper()
	d, key, _ := bigStore(t, 300)
	l := open(t, d)
	if _, _, err := l.WriteTiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	big, _, _ := bigStore(t, 530) // the same, and more
	if err := os.Rename(path(d, tileDir), path(big, tileDir)); err != nil {
		t.Fatal(err)
	}
	l = open(t, big)
	if _, _, err := l.WriteTiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	return big, key
}

// stranger reads tiles as any client of tlog-tiles does.
type stranger struct{ Dir }

func (s stranger) Height() int { return 8 }
func (s stranger) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		name := strings.TrimPrefix(t.Path(), "tile/8/")
		data, err := os.ReadFile(filepath.Join(string(s.Dir), "register", "tile", name))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}
func (s stranger) SaveTiles([]tlog.Tile, [][]byte) {}

// TestTilesAreWhatAStrangerReads: the reader of golang.org/x/mod proves an entry from the tiles alone.
func TestTilesAreWhatAStrangerReads(t *testing.T) {
	d, _ := tiled(t)
	l := open(t, d)
	for _, size := range []int64{300, 530} {
		root, err := l.Root(size)
		if err != nil {
			t.Fatal(err)
		}
		r := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, stranger{d})
		proof, err := tlog.ProveRecord(size, 7, r)
		if err != nil || tlog.CheckRecord(proof, size, root, 7, leafHash(read(t, d, entryName(7)))) != nil {
			t.Errorf("%d entries: %v", size, err)
		}
	}
	if v := verify(t, d); len(v.Problems) > 0 || strings.Contains(fmt.Sprint(v.Notes), "tile") {
		t.Errorf("%q %q", v.Problems, v.Notes)
	}
	if made, there, err := l.WriteTiles(t.Context()); made != 0 || there != 7 || err != nil {
		t.Errorf("again: %d made, %d there, %v", made, there, err)
	}
}

// TestEntriesAreReadFromBundles, and one by one where there are none, or where one is not as it should be.
func TestEntriesAreReadFromBundles(t *testing.T) {
	d, _ := tiled(t)
	l, err := openAbout(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	files := l.bundle(t.Context(), 256)
	if len(files) != 256 || !bytes.Equal(files[4], read(t, d, entryName(260))) {
		t.Fatalf("%d files", len(files))
	}
	entry := read(t, d, entryName(260))
	write(t, d, entryName(260), []byte("{}"))
	if got := open(t, d); got.Size() != 530 {
		t.Errorf("%d entries", got.Size())
	}
	if v := verify(t, d); !strings.HasPrefix(fmt.Sprint(v.Problems), "[first altered entry: 260") {
		t.Errorf("verify trusts bundles: %q", v.Problems)
	}
	write(t, d, entryName(260), entry)
	name := "register/tile/entries/001"
	bundle := read(t, d, name)
	for _, bad := range [][]byte{nil, bundle[:len(bundle)-1], append([]byte{255, 255}, bundle...), bundle[:2+len(files[0])]} {
		write(t, d, name, bad)
		if got := open(t, d); got.Size() != 530 {
			t.Errorf("%d entries", got.Size())
		}
	}
	write(t, d, name, bytes.Replace(bundle, []byte("a tester"), []byte("a forger"), 1))
	if _, err := Open(t.Context(), d); err == nil || !strings.Contains(err.Error(), "first altered entry") {
		t.Errorf("an altered bundle: %v", err)
	}
}

// TestVerifyHoldsTilesAgainstEntries: one change at a time.
func TestVerifyHoldsTilesAgainstEntries(t *testing.T) {
	d, key := tiled(t)
	for name, c := range map[string]struct{ want, note string }{
		"register/tile/0/000":        {"tile 0/000: it does not agree", ""},
		"register/tile/1/000.p/2":    {"tile 1/000.p/2: it does not agree", ""},
		"register/tile/0/001.p/44":   {"tile 0/001.p/44: it does not agree", ""},
		"register/tile/entries/001":  {"tile entries/001: it does not agree", ""},
		"register/tile/0/002.p/200":  {"it speaks of 712, the register has 530", ""},
		"register/tile/0/x001/234":   {"it speaks of 316160, the register has 530", ""},
		"register/tile/0/notes.txt":  {"", "1 files lie in the register's directories and are none of it"},
		"register/tile/0/000.p/0300": {"", "1 files lie in the register's directories and are none of it"},
	} {
		was, err := os.ReadFile(path(d, name))
		there := err == nil
		if err := os.MkdirAll(filepath.Dir(path(d, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, d, name, append([]byte("x"), was...))
		v := verify(t, d)
		if c.want == "" && len(v.Problems) > 0 || !strings.Contains(fmt.Sprint(v.Problems), c.want) || !strings.Contains(fmt.Sprint(v.Notes), c.note) {
			t.Errorf("%s: %q %q", name, v.Problems, v.Notes)
		}
		if err := os.Remove(path(d, name)); err != nil {
			t.Fatal(err)
		}
		if there {
			write(t, d, name, was)
		}
	}
	if err := os.Remove(path(d, "register/tile/0/001")); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, d); len(v.Problems) > 0 || !strings.Contains(fmt.Sprint(v.Notes), "1 full tiles are not there yet") {
		t.Errorf("%q %q", v.Problems, v.Notes)
	}
	fill(t, open(t, d), key, 531)
	if made, _, err := open(t, d).WriteTiles(t.Context()); made == 0 || err != nil {
		t.Errorf("%d made, %v", made, err)
	}
	if v := verify(t, d); len(v.Problems) > 0 || strings.Contains(fmt.Sprint(v.Notes), "tile") {
		t.Errorf("%q %q", v.Problems, v.Notes)
	}
}
