package seal

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// WriteZip writes every file below dir to w, as a zip with the one base
// directory base. The bytes depend on base and on the files' names and
// contents alone.
func WriteZip(ctx context.Context, dir, base string, w io.Writer) error {
	if err := checkBase(base); err != nil {
		return err
	}
	files, err := listTree(dir)
	if err != nil {
		return fmt.Errorf("write zip: %w", err)
	}
	if err := crcTree(ctx, dir, files); err != nil {
		return fmt.Errorf("write zip: %w", err)
	}
	entries, directory, err := layOut(base, files)
	if err != nil {
		return fmt.Errorf("write zip: %w", err)
	}
	for i, e := range entries {
		if _, err := w.Write(e.local()); err != nil {
			return fmt.Errorf("write zip: %w", err)
		}
		if err := copyFile(ctx, w, dir, files[i]); err != nil {
			return fmt.Errorf("write zip: %w", err)
		}
	}
	if _, err := w.Write(directory); err != nil {
		return fmt.Errorf("write zip: %w", err)
	}
	return nil
}

func checkBase(base string) error {
	if err := CheckName(base); err != nil {
		return err
	}
	if filepath.Base(base) != base {
		return refuse(base, "the base directory must be one name")
	}
	return nil
}

// layOut gives each file its place and returns the central directory with the
// end record.
func layOut(base string, files []file) ([]zipEntry, []byte, error) {
	if len(files) == 0 {
		return nil, nil, refuse("", "no files")
	}
	var entries []zipEntry
	var directory []byte
	var at int64
	for _, f := range files {
		e := zipEntry{name: base + "/" + f.name, size: uint32(f.size), crc: f.crc, offset: uint32(at)}
		if err := errors.Join(checkPath(e.name), checkSize(f.name, f.size)); err != nil {
			return nil, nil, err
		}
		if at += localLen + int64(len(e.name)) + f.size; f.size > MaxPackBytes || at > MaxPackBytes {
			return nil, nil, refuse(f.name, "pack would exceed %d bytes", int64(MaxPackBytes))
		}
		entries = append(entries, e)
		directory = append(directory, e.central()...)
	}
	if at+int64(len(directory))+endLen > MaxPackBytes {
		return nil, nil, refuse("", "pack would exceed %d bytes", int64(MaxPackBytes))
	}
	return entries, append(directory, endRecord(len(entries), uint32(len(directory)), uint32(at))...), nil
}

func crcTree(ctx context.Context, dir string, files []file) error {
	return parallel(ctx, len(files), func(i int) error {
		in, err := os.Open(filepath.Join(dir, filepath.FromSlash(files[i].name)))
		if err != nil {
			return err
		}
		defer in.Close()
		c := crc32.NewIEEE()
		if files[i].size, err = copyCtx(ctx, c, in); err != nil {
			return err
		}
		files[i].crc = c.Sum32()
		return nil
	})
}

// copyFile copies one file and refuses it if it is not the one measured before.
func copyFile(ctx context.Context, w io.Writer, dir string, f file) error {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.name)))
	if err != nil {
		return err
	}
	defer in.Close()
	c := crc32.NewIEEE()
	n, err := copyCtx(ctx, io.MultiWriter(w, c), io.LimitReader(in, f.size+1))
	if err != nil {
		return err
	}
	if n != f.size || c.Sum32() != f.crc {
		return refuse(f.name, "it changed while it was read")
	}
	return nil
}

// WritePack writes the zip of dir to path: to a temporary file beside it,
// synced, then renamed. When it fails, path is as it was and nothing half
// written is left. An existing path is an error: a pack is never replaced.
func WritePack(ctx context.Context, dir, base, path string) error {
	return atomically(path, func(w io.Writer) error { return WriteZip(ctx, dir, base, w) })
}

// CopyPack puts a pack that is sealed to another path, in the same way.
func CopyPack(from, path string) error {
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy pack: %w", err)
	}
	defer f.Close()
	return atomically(path, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

func atomically(path string, fill func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("write pack: %s exists already; packs are never replaced, choose another name", path)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".sealing-*")
	if err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	defer func() { err = errors.Join(err, removeIfThere(tmp.Name())) }()
	err = fill(tmp)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("write pack %s: %w", path, err)
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
