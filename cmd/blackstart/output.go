package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// roomFor checks that everything a drill writes has a place and room.
func (f *runFlags) roomFor(stateDir string) error {
	if err := enoughSpace(stateDir); err != nil {
		return err
	}
	if err := writable(f.out, "--out"); err != nil {
		return err
	}
	if f.junit != "" {
		if err := writable(filepath.Dir(f.junit), "--junit"); err != nil {
			return err
		}
	}
	return enoughSpace(f.out)
}

// writable makes a directory and tries it: no drill may end in a pack that cannot be written.
func writable(dir, flag string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".blackstart-*"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return harnessError(fmt.Errorf("write to the output directory: %w", err), "name another with "+flag)
	}
	return nil
}

// placeFor gives the path of a new pack; one that is there already is kept under a name with its time.
func placeFor(out, name string) (string, error) {
	path := filepath.Join(out, name+".zip")
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	stamp := info.ModTime().UTC().Format("20060102T150405.000Z")
	for _, ext := range []string{".zip", ".root.pem"} {
		old := filepath.Join(out, name+ext)
		if err := os.Rename(old, filepath.Join(out, name+"."+stamp+ext)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("keep the earlier pack: %w", err)
		}
	}
	return path, nil
}
