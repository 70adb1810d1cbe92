package procs_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"blackstart/harness/targets/procs"
)

// The umask is the whole process's; no test here runs beside another.
func underUmask(t *testing.T, mask int) {
	t.Helper()
	old := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(old) })
}

func TestDirectoriesAreOpenWhateverTheUmask(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o711); err != nil {
		t.Fatal(err)
	}
	underUmask(t, 0o077)
	for range 2 {
		if err := procs.MkdirAll(filepath.Join(root, "a", "b c", "ü"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]os.FileMode{root: 0o711, "a": 0o755, "a/b c": 0o755, "a/b c/ü": 0o755} {
		path := dir
		if dir != root {
			path = filepath.Join(root, dir)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", dir, info.Mode(), err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := procs.MkdirAll(filepath.Join(root, "file", "x"), 0o755); err == nil {
		t.Error("a directory was made below a file")
	}
}

func TestATreeIsOpened(t *testing.T) {
	underUmask(t, 0o077)
	root := filepath.Join(t.TempDir(), "tree")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(root, "bin"), 0o755), os.WriteFile(filepath.Join(root, "bin", "program"), nil, 0o755),
		os.WriteFile(filepath.Join(root, "data"), nil, 0o644), os.Symlink("/nowhere", filepath.Join(root, "link")), procs.OpenTree(root),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]os.FileMode{"": 0o755, "bin": 0o755, "bin/program": 0o755, "data": 0o644} {
		if info, err := os.Stat(filepath.Join(root, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}

func TestTheClosedDirectoryIsNamed(t *testing.T) {
	root := t.TempDir()
	closed := filepath.Join(root, "closed")
	if err := os.MkdirAll(filepath.Join(closed, "open"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	const stranger = 54321
	path := filepath.Join(closed, "open", "data")
	above := procs.ClosedAbove(filepath.Dir(root), stranger, stranger) // the machine's own directories
	if got := procs.ClosedAbove(path, stranger, stranger); got != closed && above == "" && !isAbove(got, root) {
		t.Errorf("%q is closed, want %q", got, closed)
	}
	if got := procs.ClosedAbove(path, 0, 0); got != "" {
		t.Errorf("root cannot pass %q", got)
	}
	if got := procs.ClosedAbove(path, uint32(os.Geteuid()), uint32(os.Getegid())); got != "" {
		t.Errorf("its owner cannot pass %q", got)
	}
}

// isAbove tells whether the tests' own directory is closed already.
func isAbove(dir, root string) bool { return len(dir) <= len(root) }
