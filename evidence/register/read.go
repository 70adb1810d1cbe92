package register

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"blackstart/evidence/seal"
)

// readers is how many files of a store are read at once: each may be a question over a network.
const readers = 32

// read takes all entries up to the first that is not in order, which it gives; v checks their signatures, if it is given.
func (l *Log) read(ctx context.Context, v note.Verifier) (*Altered, error) {
	files, unfit, err := l.files(ctx)
	if err != nil {
		return nil, fmt.Errorf("read register: %w", err)
	}
	lines, errs := parseAll(files, v)
	for i := range lines {
		if errs[i] != nil {
			return &Altered{int64(i), errs[i].Error()}, nil
		}
		if err := l.follow(lines[i]); err != nil {
			return l.blame(i, err), nil
		}
	}
	return unfit, nil
}

// files reads all entries, at once on several processors, up to the first that is gone or cannot be one, which unfit names.
func (l *Log) files(ctx context.Context) (files [][]byte, unfit *Altered, err error) {
	count, err := l.count(ctx)
	if err != nil {
		return nil, nil, err
	}
	files = make([][]byte, count)
	var lowest sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	batch := 64
	if l.bundled {
		batch = tileWidth
	}
	for from := 0; from < len(files); from += batch {
		g.Go(func() (err error) {
			if l.bundled && from%tileWidth == 0 && from+tileWidth <= len(files) {
				if copy(files[from:], l.bundle(ctx, int64(from))) > 0 {
					return nil
				}
			}
			for i := from; i < min(from+batch, len(files)) && err == nil; i++ {
				files[i], err = l.store.Get(ctx, entryName(int64(i)), MaxEntryBytes)
				if !isUnfit(err) && !errors.Is(err, ErrNotFound) {
					continue
				}
				lowest.Lock()
				if unfit == nil || int64(i) < unfit.Index {
					unfit = &Altered{int64(i), err.Error()}
				}
				lowest.Unlock()
				return nil
			}
			return err
		})
	}
	if err = g.Wait(); err == nil && unfit != nil {
		files = files[:unfit.Index]
	}
	return files, unfit, err
}

// count is the number of entries, by the last one's name: a list that is read while others append may lack one before it.
func (l *Log) count(ctx context.Context) (int64, error) {
	names, err := l.store.List(ctx, entryDir)
	if err != nil {
		return 0, err
	}
	count := int64(0)
	for _, name := range names {
		if l.stray(entryDir, name, strings.TrimSuffix(name, ".json")) {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(name, ".json"), 10, 64)
		if err != nil || n < 0 || entryName(n) != entryDir+"/"+name {
			return 0, &Altered{-1, fmt.Sprintf("%.60q lies among the entries and is none", name)}
		}
		count = max(count, n+1)
	}
	if count > MaxEntries {
		return 0, fmt.Errorf("more than %d entries", MaxEntries)
	}
	return count, nil
}

// stray tells of a name that can be none of a directory's, since it is no number, and remembers it: file managers and file systems
// leave such things. What could be read in two ways is none.
func (l *Log) stray(dir, name, number string) bool {
	stray := number == "" || strings.Trim(number, "0123456789") != ""
	if stray {
		l.strays = append(l.strays, dir+"/"+name)
	}
	return stray
}

// parseAll parses entries, and checks their signatures if a verifier is given; what is wrong with each stands at its index.
func parseAll(files [][]byte, v note.Verifier) ([]Line, []error) {
	lines, errs := make([]Line, len(files)), make([]error, len(files))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	const batch = 256
	for from := 0; from < len(files); from += batch {
		g.Go(func() error {
			for i := from; i < min(from+batch, len(files)); i++ {
				lines[i], errs[i] = readLine(files[i])
				if errs[i] == nil && v != nil {
					errs[i] = lines[i].signedBy(v)
				}
			}
			return nil
		})
	}
	_ = g.Wait() // its functions return nothing
	return lines, errs
}

func readLine(data []byte) (Line, error) {
	e, b, err := ParseEntry(data)
	return Line{Entry: e, Body: b, SHA256: seal.Digest(data), leaf: leafHash(data)}, err
}
