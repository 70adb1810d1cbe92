package register

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Dir is a store in a directory of a file system that has hard links. Where the directory itself is gone (a drive that is not
// mounted), nothing is made in its place.
type Dir string

// step is called between any two steps of a Put; a test lets the process die there.
var step = func(string) {}

// unnamed begins the names of files that are being written. What a crash leaves of one is never read.
const unnamed = ".new-"

// MakeDir makes the directories of a store, for Init.
func MakeDir(path string) (Dir, error) {
	for _, dir := range []string{entryDir, checkpointDir, "runs", probeDir} {
		if err := os.MkdirAll(filepath.Join(path, filepath.FromSlash(dir)), 0o755); err != nil {
			return "", fmt.Errorf("make the store: %w", Dir(path).explain(err))
		}
	}
	return Dir(path), errors.Join(syncDir(filepath.Join(path, "register")), syncDir(path))
}

// Put implements Store: temporary file, fsync, link, fsync of the directory. A link fails where the name is taken.
func (d Dir) Put(_ context.Context, name string, r io.ReadSeeker) (err error) {
	path := filepath.Join(string(d), filepath.FromSlash(name))
	dir := filepath.Dir(path)
	if err := d.makeParents(name); err != nil {
		return d.explain(err)
	}
	f, err := os.CreateTemp(dir, unnamed+"*")
	if err != nil {
		return d.explain(err)
	}
	step("made")
	_, err = io.Copy(f, r)
	step("written")
	err = errors.Join(err, f.Chmod(0o444), f.Sync(), f.Close())
	step("synced")
	if err == nil {
		err = linked(name, os.Link(f.Name(), path))
	}
	step("linked")
	if removed := os.Remove(f.Name()); err == nil && removed != nil {
		err = removed
	}
	step("removed")
	if err == nil {
		err = syncDir(dir)
	}
	step("kept")
	return d.explain(err)
}

// makeParents makes the directories of a name, but not the store's own.
func (d Dir) makeParents(name string) error {
	if _, err := os.Stat(filepath.Dir(filepath.Join(string(d), filepath.FromSlash(name)))); err == nil {
		return nil
	}
	parent := string(d)
	for _, part := range strings.Split(filepath.Dir(filepath.FromSlash(name)), string(filepath.Separator)) {
		dir := filepath.Join(parent, part)
		if made := os.Mkdir(dir, 0o755); made == nil {
			if err := syncDir(parent); err != nil {
				return err
			}
		}
		parent = dir
	}
	return nil
}

// linked says what it means that a name was not given.
func linked(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("create %s: %w", name, ErrExists)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOTSUP): // the file itself could be made
		return fmt.Errorf("create %s: %w: %w", name, errNoLinks, err)
	}
	return err
}

var errNoLinks = errors.New("the store's file system has no hard links")

// explain says what a person can do about what the file system refuses.
func (d Dir) explain(err error) error {
	hint := ""
	switch {
	case err == nil || errors.Is(err, ErrExists) || errors.Is(err, errNoLinks):
		return err
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		hint = "the store cannot be written to"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = "the store is full"
	case errors.Is(err, fs.ErrNotExist):
		hint = "the store is gone: is its drive mounted?"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", hint, err)
}

// Get implements Store.
func (d Dir) Get(_ context.Context, name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(filepath.Join(string(d), filepath.FromSlash(name)), os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe does not keep us waiting
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", name, ErrNotFound)
	}
	if errors.Is(err, syscall.ENXIO) { // a socket
		return nil, fmt.Errorf("read %s: %w", name, errIrregular)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: %w", name, errIrregular)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("read %s: %w", name, ErrLong)
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

var errIrregular = errors.New("it is no regular file")

// isUnfit tells that what is there cannot be a file of a register; anything else is trouble of the machine.
func isUnfit(err error) bool { return errors.Is(err, ErrLong) || errors.Is(err, errIrregular) }

// List implements Store.
func (d Dir) List(_ context.Context, dir string) ([]string, error) {
	f, err := os.Open(filepath.Join(string(d), filepath.FromSlash(dir)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := f.Readdirnames(-1)
	var names []string
	for _, n := range all {
		if !strings.HasPrefix(n, unnamed) {
			names = append(names, n)
		}
	}
	return names, err
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
