package seal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Digest is the lower-case hex SHA-256 of data.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// DigestReader is Digest over a stream.
func DigestReader(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := copyCtx(context.Background(), h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

const copyBuffer = 256 << 10

// buffers are reused: a pack may have thousands of small files.
var buffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

// onlyWriter hides ReadFrom, so that CopyBuffer uses the buffer it was given.
type onlyWriter struct{ io.Writer }

// file is one file with its digests; name is slash-separated and relative.
type file struct {
	name   string
	size   int64
	sha256 string
	crc    uint32
}

// listTree returns the names and sizes of all files below dir, sorted by name.
// Anything that is neither directory nor regular file is a Refusal. An empty
// directory is not part of a pack.
func listTree(dir string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if !d.Type().IsRegular() {
			return refuse(rel, "not a regular file")
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := checkSize(rel, info.Size()); err != nil {
			return err
		}
		files = append(files, file{name: rel, size: info.Size()})
		if len(files) > MaxEntries {
			return refuse("", "more than %d files", MaxEntries)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.name
	}
	return files, checkNames(names)
}

// digestTree fills SHA-256 and CRC-32 of the files below dir, in parallel.
func digestTree(ctx context.Context, dir string, files []file) error {
	return parallel(ctx, len(files), func(i int) error {
		f := &files[i]
		in, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.name)))
		if err != nil {
			return err
		}
		defer in.Close()
		h, c := sha256.New(), crc32.NewIEEE()
		n, err := copyCtx(ctx, io.MultiWriter(h, c), in)
		if err != nil {
			return err
		}
		if n != f.size {
			return refuse(f.name, "it changed while it was read")
		}
		f.sha256, f.crc = hex.EncodeToString(h.Sum(nil)), c.Sum32()
		return nil
	})
}

// parallel runs job(0) to job(n-1) on all processors and waits for them.
func parallel(ctx context.Context, n int, job func(int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return job(i)
		})
	}
	return g.Wait()
}

// copyCtx copies r to w until the end or until ctx is done.
func copyCtx(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	buf := buffers.Get().(*[copyBuffer]byte)
	defer buffers.Put(buf)
	return io.CopyBuffer(onlyWriter{w}, ctxReader{ctx, r}, buf[:])
}

type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
