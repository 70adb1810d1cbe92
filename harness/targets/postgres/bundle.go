package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	embedded "github.com/fergusstrange/embedded-postgres"

	"blackstart/harness/targets/procs"
)

// The bundle: which version, and the SHA-256 of the archive inside the published
// jar, by GOARCH. The library compares the download with the checksum published
// beside it; we compare with what we know, before anything of it is run.
const bundleVersion = embedded.V16

var bundleDigests = map[string]string{
	"amd64": "53146949c7fb36014091ac8db42529ab9b923b4a06d0c0d9087694e9c296feef",
	"arm64": "c0dc09808068c99357cc9fbf9b4ecb6df1c0725f678cc2d6bfa68a48d6ef1062",
}

// fetch returns the bundle, from the cache or downloaded into it.
func fetch(ctx context.Context, o Options, account *Account) (*Install, error) {
	fail := func(err error) error { return &Error{"fetch", "the PostgreSQL bundle", err, installHint} }
	want, ok := bundleDigests[runtime.GOARCH]
	if !ok {
		return nil, fail(fmt.Errorf("there is none for %s", runtime.GOARCH))
	}
	if o.CacheDir == "" {
		return nil, fail(errors.New("no cache directory was given"))
	}
	// One directory for each digest: a new pin never meets old files.
	final := filepath.Join(o.CacheDir, "postgres-"+string(bundleVersion)+"-"+want[:12])
	if in, err := inspect(ctx, filepath.Join(final, "bin"), account); err == nil {
		in.Bundle = true
		return in, nil
	}
	if o.Notice != nil {
		o.Notice(fmt.Sprintf("fetching PostgreSQL %s (15 MB, once) into %s", bundleVersion, final))
	}
	if err := procs.MkdirAll(o.CacheDir, 0o755); err != nil {
		return nil, fail(err)
	}
	work, err := os.MkdirTemp(o.CacheDir, "fetch-*")
	if err != nil {
		return nil, fail(err)
	}
	defer os.RemoveAll(work)
	if err := errors.Join(download(ctx, work), checkDigest(work, want)); err != nil {
		return nil, fail(err)
	}
	unpacked := filepath.Join(work, "unpacked")
	if err := procs.OpenTree(unpacked); err != nil {
		return nil, fail(err)
	}
	if err := os.RemoveAll(final); err != nil { // half a bundle, or another's that does not run
		return nil, fail(err)
	}
	if err := os.Rename(unpacked, final); err != nil {
		return nil, fail(err)
	}
	in, err := inspect(ctx, filepath.Join(final, "bin"), account)
	if err != nil {
		return nil, fail(err)
	}
	in.Bundle = true
	return in, nil
}

// download lets the library fetch the archive, verify the published checksum and
// unpack it below work. The library offers that only as the first part of its
// Start. A runtime directory behind a dangling link ends Start right after the
// unpacking, before it would run anything.
func download(ctx context.Context, work string) error {
	dangling := filepath.Join(work, "nowhere")
	if err := os.Symlink(filepath.Join(work, "missing"), dangling); err != nil {
		return err
	}
	cfg := embedded.DefaultConfig().Version(bundleVersion).Port(0).
		CachePath(work).BinariesPath(filepath.Join(work, "unpacked")).
		RuntimePath(filepath.Join(dangling, "runtime")).Logger(io.Discard)
	ctx, cancel := context.WithTimeout(ctx, FetchTimeout)
	defer cancel()
	result := make(chan error, 1)
	// The library takes no context: on a timeout its download is left to itself.
	go func() { result <- embedded.NewDatabase(cfg).Start() }()
	select {
	case err := <-result:
		if _, missing := os.Stat(filepath.Join(work, "unpacked", "bin", "postgres")); missing != nil {
			return err
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("download: %w", ctx.Err())
	}
}

// checkDigest compares the one archive below work with the digest we know.
func checkDigest(work, want string) error {
	archives, err := procs.Files(work, ".txz")
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("check the archive: found %d of them, want 1", len(archives))
	}
	f, err := os.Open(archives[0])
	if err != nil {
		return fmt.Errorf("check the archive: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("check the archive: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("check the archive: SHA-256 is %s, want %s: it is not the one we know", got, want)
	}
	return nil
}
