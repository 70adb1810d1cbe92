package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// sealedIn is where a run is sealed: in its state directory, once. What is put where the pack is asked for, and into an evidence
// store, are copies: whatever becomes of either before the run is over, the same bytes are put there again. A second seal would have
// another key, and an honest pack would be one that its register does not know.
type sealedIn string

func sealedOf(runDir string) sealedIn { return sealedIn(filepath.Join(runDir, "sealed")) }

func (s sealedIn) pack() string { return filepath.Join(string(s), "pack.zip") }
func (s sealedIn) root() string { return filepath.Join(string(s), "root.pem") }

// there tells whether the run is sealed.
func (s sealedIn) there() (bool, error) {
	_, err := os.Lstat(s.pack())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// seal seals a bag with a key of its own, and gives the fingerprint of its root. The root is there before the pack is.
func (s sealedIn) seal(ctx context.Context, rec *harness.Record, what evidence.Sealing) (harness.Findings, seal.Sealed, string, error) {
	id, rootPEM, fingerprint, err := signer(rec)
	if err == nil {
		err = os.MkdirAll(string(s), 0o755)
	}
	if err == nil {
		err = writeAtomic(s.root(), rootPEM)
	}
	if err != nil {
		return harness.Findings{}, seal.Sealed{}, "", err
	}
	what.Path, what.Identity = s.pack(), id
	findings, sealed, err := evidence.Seal(ctx, what)
	return findings, sealed, fingerprint, err
}

// place puts the pack, and its root beside it, into a directory, and says where. Of another pack that has its name there the earlier
// name is kept, with its time.
func (s sealedIn) place(out, name string) (pack, root string, err error) {
	pack, root = filepath.Join(out, name+".zip"), filepath.Join(out, name+".root.pem")
	if same, err := sameFile(s.pack(), pack); err != nil {
		return "", "", err
	} else if !same {
		if _, err := placeFor(out, name); err != nil {
			return "", "", err
		}
		if err := seal.CopyPack(s.pack(), pack); err != nil {
			return "", "", err
		}
	}
	pem, err := os.ReadFile(s.root())
	if err == nil {
		err = writeAtomic(root, pem)
	}
	if err == nil {
		err = os.Chmod(root, 0o644)
	}
	return pack, root, err
}

// sameFile tells whether path is a file with the bytes of another.
func sameFile(of, path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return false, nil
	}
	var sums [2]string
	for i, p := range []string{of, path} {
		if err == nil {
			sums[i], err = digestOf(p)
		}
	}
	if err != nil {
		return false, fmt.Errorf("see which pack is there: %w", err)
	}
	return sums[0] == sums[1], nil
}

func digestOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return seal.DigestReader(f)
}
