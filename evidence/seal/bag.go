package seal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Sealed is what a register notes about a pack.
type Sealed struct {
	Info            BagInfo   // with the payload's size filled in
	ManifestSHA256  string    // digest of manifest-sha256.txt
	SignatureSHA256 string    // digest of signatures/manifest.p7s
	SignedAt        time.Time // self-asserted
}

// Seal makes the directory dir, which holds data/ and nothing else, into a
// signed bag: it writes bagit.txt, bag-info.txt, the manifest, the signature
// and the tag manifest, in this order, and syncs each. A directory that has
// already been sealed is refused. When Seal fails it removes what it wrote.
func Seal(ctx context.Context, dir string, info BagInfo, id *Identity) (_ Sealed, err error) {
	if err := onlyPayload(dir); err != nil {
		return Sealed{}, err
	}
	var made []string
	defer func() {
		if err != nil {
			for _, path := range slices.Backward(made) {
				err = errors.Join(err, os.Remove(path))
			}
		}
	}()
	tags := Manifest{}
	put := func(name string, data []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		made = append(made, path)
		tags[name] = Digest(data)
		return writeSynced(path, data)
	}
	manifest, info, err := payloadManifest(ctx, dir, info)
	if err != nil {
		return Sealed{}, fmt.Errorf("seal bag: %w", err)
	}
	infoBytes, err := info.Bytes()
	if err != nil {
		return Sealed{}, fmt.Errorf("seal bag: %w", err)
	}
	signedAt := time.Now().UTC().Truncate(time.Second)
	p7s, err := SignCMS(manifest, id, signedAt)
	if err != nil {
		return Sealed{}, fmt.Errorf("seal bag: %w", err)
	}
	sigDir := filepath.Join(dir, filepath.Dir(SignatureFile))
	if err := os.Mkdir(sigDir, 0o755); err != nil {
		return Sealed{}, fmt.Errorf("seal bag: %w", err)
	}
	made = append(made, sigDir)
	for _, f := range []struct {
		name string
		data []byte
	}{{BagItFile, []byte(bagIt)}, {BagInfoFile, infoBytes}, {ManifestFile, manifest}, {SignatureFile, p7s}} {
		if err := put(f.name, f.data); err != nil {
			return Sealed{}, fmt.Errorf("seal bag: %w", err)
		}
	}
	sealed := Sealed{Info: info, ManifestSHA256: tags[ManifestFile], SignatureSHA256: tags[SignatureFile], SignedAt: signedAt}
	if err := put(TagManifestFile, tags.Bytes()); err != nil {
		return Sealed{}, fmt.Errorf("seal bag: %w", err)
	}
	return sealed, syncDir(dir)
}

// payloadManifest digests data/ and returns the manifest's bytes and info with
// the payload's size.
func payloadManifest(ctx context.Context, dir string, info BagInfo) ([]byte, BagInfo, error) {
	files, err := listTree(filepath.Join(dir, PayloadDir))
	if err != nil {
		return nil, info, err
	}
	if len(files) == 0 {
		return nil, info, refuse(PayloadDir, "no file in it")
	}
	for i := range files {
		files[i].name = PayloadDir + "/" + files[i].name
	}
	if err := digestTree(ctx, dir, files); err != nil {
		return nil, info, err
	}
	m := Manifest{}
	info.PayloadOctets, info.PayloadFiles = 0, len(files)
	for _, f := range files {
		m[f.name] = f.sha256
		info.PayloadOctets += f.size
	}
	return m.Bytes(), info, nil
}

func onlyPayload(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("seal bag: %w", err)
	}
	for _, e := range entries {
		if e.Name() != PayloadDir || !e.IsDir() {
			return fmt.Errorf("seal bag: %s holds %s; it may hold only the directory %s/ (has it been sealed before?)",
				dir, e.Name(), PayloadDir)
		}
	}
	if len(entries) == 0 {
		return fmt.Errorf("seal bag: %s holds no %s/", dir, PayloadDir)
	}
	return nil
}

// writeSynced creates path, which must not exist, and syncs it to disk.
func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// BaseName makes a base directory's name out of any text: each byte that a
// name may not hold becomes '-'.
func BaseName(text string) string {
	out := []byte(text)
	for i, c := range out {
		if !nameByte(c) || c == '/' {
			out[i] = '-'
		}
	}
	s := strings.Trim(string(out), ".-")
	if s == "" {
		return "pack-" + fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:8]
	}
	return s[:min(len(s), MaxBaseBytes)]
}
