package register

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
)

// FileKeyWorth is what a key in a file is worth, in words.
const FileKeyWorth = "a file key: anyone who read the file could sign"

// Key signs the entries and checkpoints of one register. It implements note.Signer.
type Key struct {
	private  ed25519.PrivateKey
	verifier note.Verifier
	text     string // public half
}

// Name is the origin of the log that the key signs for.
func (k *Key) Name() string { return k.verifier.Name() }

// KeyHash implements note.Signer.
func (k *Key) KeyHash() uint32 { return k.verifier.KeyHash() }

// Sign implements note.Signer.
func (k *Key) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(k.private, msg), nil }

// Verifier is the public half as store.json and inputs.json have it: origin+hash+base64.
func (k *Key) Verifier() string { return k.text }

// NewKey gives a private key the name of its log: no spaces, no '+'.
func NewKey(origin string, private ed25519.PrivateKey) (*Key, error) {
	text, err := note.NewEd25519VerifierKey(origin, private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("name the register %q: %w", origin, err)
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("name the register %q: a name has no spaces and no '+': %w", origin, err)
	}
	return &Key{private: private, verifier: v, text: text}, nil
}

// maxKeyBytes is more than a PEM file with one Ed25519 key takes.
const maxKeyBytes = 16 << 10

// LoadKey reads an unencrypted Ed25519 key (PKCS #8, PEM), as `openssl genpkey -algorithm ed25519` writes it.
func LoadKey(path, origin string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the register's key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyBytes {
		return nil, fmt.Errorf("read the register's key: %s is no key file", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the register's key: %w", err)
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, fmt.Errorf("read the register's key: %s holds no PEM block", path)
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return nil, fmt.Errorf("read the register's key: the one in %s has a passphrase; write it without: openssl pkey -in %s -out plain.pem", path, path)
	case block.Type != "PRIVATE KEY":
		return nil, fmt.Errorf("read the register's key: %s holds a %q, not a PRIVATE KEY", path, block.Type)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, fmt.Errorf("read the register's key: %s holds more than one PEM block", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the register's key from %s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read the register's key: the one in %s is a %T; make one with: openssl genpkey -algorithm ed25519", path, key)
	}
	return NewKey(origin, private)
}

// MakeKey writes a new key to path, which must not exist, for its owner's eyes only.
func MakeKey(path string) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make the register's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("make the register's key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the register's key: %w", err)
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
	if err != nil {
		return fmt.Errorf("make the register's key: %w", err)
	}
	return nil
}
