package register

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tileDir holds the log once more in the layout of C2SP tlog-tiles: hashes in tiles of 256, and entries in bundles of as many. All of it is
// derived from the entries, by anybody, without the key; whoever reads takes bundles where they are, instead of many small files.
const (
	tileDir    = "register/tile"
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	entryTiles = -1 // as tlog numbers the level of bundles
)

// maxBundle is the longest bundle: each entry has two bytes before it that say how long it is.
const maxBundle = tileWidth * (2 + MaxEntryBytes)

// tileName is where a tile lies: as tlog names it, without the height, which is fixed.
func tileName(t tlog.Tile) string {
	name := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if rest, ok := strings.CutPrefix(name, "data/"); ok {
		name = "entries/" + rest
	}
	return tileDir + "/" + name
}

// tileOf reads such a name, as WriteTiles writes it and in no other way.
func tileOf(name string) (tlog.Tile, bool) {
	rest := strings.TrimPrefix(name, tileDir+"/")
	if bundle, ok := strings.CutPrefix(rest, "entries/"); ok {
		rest = "data/" + bundle
	}
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", tileHeight, rest))
	return t, err == nil && tileName(t) == name
}

// tiles are all that a log of this size has: full ones, and of each level one at most that is not.
func tiles(size int64) (all []tlog.Tile) {
	for _, t := range tlog.NewTiles(tileHeight, 0, size) {
		if all = append(all, t); t.L == 0 {
			t.L = entryTiles
			all = append(all, t)
		}
	}
	return all
}

// entriesOf is how many entries a log must have for a tile to be in it.
func entriesOf(t tlog.Tile) int64 {
	return (t.N<<tileHeight + int64(t.W)) << (tileHeight * max(0, t.L))
}

// tile is what a tile of this log holds.
func (l *Log) tile(t tlog.Tile) ([]byte, error) {
	if t.L != entryTiles {
		return tlog.ReadTileData(t, l.hashes)
	}
	var b bytes.Buffer
	for _, line := range l.lines[t.N<<tileHeight:][:t.W] {
		data, err := encode(line.Entry)
		if err != nil {
			return nil, err
		}
		b.Write(binary.BigEndian.AppendUint16(nil, uint16(len(data)))) // MaxEntryBytes fits
		b.Write(data)
	}
	return b.Bytes(), nil
}

// WriteTiles makes what tiles the log lacks, up to its last entry, and says how many it made and how many were there. One that is there is
// left as it is: whether it agrees, Verify says.
func (l *Log) WriteTiles(ctx context.Context) (made, there int, err error) {
	names, _, err := l.tileNames(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("write tiles: %w", err)
	}
	for _, t := range tiles(l.Size()) {
		if names[tileName(t)] {
			there++
			continue
		}
		data, err := l.tile(t)
		if err == nil {
			err = putBytes(ctx, l.store, tileName(t), data)
		}
		if err != nil && !errors.Is(err, ErrExists) { // another did the same
			return made, there, fmt.Errorf("write tiles: %w", err)
		}
		made++
	}
	return made, there, nil
}

// maxTileDepth is that of a bundle's name below tileDir: entries/x001/234.p/56.
const maxTileDepth = 5

// tileNames lists what tiles there are, and what lies among them and is none.
func (l *Log) tileNames(ctx context.Context) (names map[string]bool, strays []string, err error) {
	names = map[string]bool{}
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		all, err := l.store.List(ctx, dir)
		for _, n := range all {
			name := dir + "/" + n
			_, ok := tileOf(name)
			switch {
			case ok:
				names[name] = true
			case depth < maxTileDepth && (depth == 0 || strings.HasPrefix(n, "x") || strings.HasSuffix(n, ".p")):
				if err := walk(name, depth+1); err != nil {
					return err
				}
			default:
				strays = append(strays, name)
			}
		}
		return err
	}
	return names, strays, walk(tileDir, 0)
}

// checkTiles holds the tiles that are there against the entries.
func (v *Verified) checkTiles(ctx context.Context) error {
	l := v.Log
	names, strays, err := l.tileNames(ctx)
	if err != nil {
		return fmt.Errorf("read tiles: %w", err)
	}
	l.strays = append(l.strays, strays...)
	missing := 0
	for _, t := range tiles(l.Size()) {
		if t.W == tileWidth && !names[tileName(t)] {
			missing++
		}
	}
	if missing > 0 && len(names) > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d full tiles are not there yet: blackstart register tiles makes them", missing))
	}
	for name := range names {
		t, _ := tileOf(name)
		if err := l.checkTile(ctx, t); err != nil {
			if !isUnfit(err) && !errors.Is(err, errTile) {
				return err
			}
			v.problem(fmt.Errorf("tile %s: %w", strings.TrimPrefix(name, tileDir+"/"), err))
			if len(v.Problems) >= maxProblems {
				return nil
			}
		}
	}
	return nil
}

var errTile = errors.New("it does not agree with the entries")

func (l *Log) checkTile(ctx context.Context, t tlog.Tile) error {
	if entriesOf(t) > l.Size() {
		return fmt.Errorf("%w: it speaks of %d, the register has %d", errTile, entriesOf(t), l.Size())
	}
	want, err := l.tile(t)
	if err != nil {
		return err
	}
	got, err := l.store.Get(ctx, tileName(t), maxBundle)
	if err == nil && !bytes.Equal(got, want) {
		err = errTile
	}
	return err
}

// bundle gives the files of the entries from first on, as many as a full bundle has; nil where there is none that can be read, and each
// entry has to be asked for.
func (l *Log) bundle(ctx context.Context, first int64) [][]byte {
	data, err := l.store.Get(ctx, tileName(tlog.Tile{H: tileHeight, L: entryTiles, N: first >> tileHeight, W: tileWidth}), maxBundle)
	if err != nil {
		return nil
	}
	files := make([][]byte, 0, tileWidth)
	for len(data) >= 2 {
		n := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+n {
			return nil
		}
		files, data = append(files, data[2:2+n]), data[2+n:]
	}
	if len(files) != tileWidth || len(data) > 0 {
		return nil
	}
	return files
}
