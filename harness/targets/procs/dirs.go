package procs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// MkdirAll makes a directory and all above it that are missing, each with this mode whatever the umask: another account must
// be able to walk through to what is its own. What was there already stays as it is.
func MkdirAll(path string, mode fs.FileMode) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if above := filepath.Dir(path); above != path {
		if err := MkdirAll(above, mode); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, mode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // somebody else made it meanwhile
		}
		return err
	}
	return os.Chmod(path, mode)
}

// Files lists the files of a directory whose names end so, by path, sorted; a directory that is missing has none. (A glob
// would take characters of the directory's own path for patterns.)
func Files(dir, suffix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && !e.IsDir() {
			all = append(all, filepath.Join(dir, e.Name()))
		}
	}
	return all, nil
}

// OpenTree lets every account read what is below root, and run what its owner may run: what was unpacked under a narrow umask
// is of use to its owner alone.
func OpenTree(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type() == fs.ModeSymlink {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if d.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}

// ClosedAbove is the first directory on the way to path that an account with this uid and gid cannot walk through, "" if
// there is none. It reads modes alone.
func ClosedAbove(path string, uid, gid uint32) string {
	var way []string
	for dir := filepath.Dir(filepath.Clean(path)); ; dir = filepath.Dir(dir) {
		way = append(way, dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for i := len(way) - 1; i >= 0; i-- {
		info, err := os.Stat(way[i])
		if err != nil {
			return way[i]
		}
		if !walkable(info, uid, gid) {
			return way[i]
		}
	}
	return ""
}

func walkable(info fs.FileInfo, uid, gid uint32) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode().Perm()
	switch {
	case !ok || uid == 0:
		return true
	case s.Uid == uid:
		return mode&0o100 != 0
	case s.Gid == gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}
