package register

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// Store is where a register lives. A name has parts of [A-Za-z0-9.-] with slashes between them.
type Store interface {
	// Put creates name with all that r gives, and makes it durable before it returns. A name that is there is never
	// touched: ErrExists; nil only if it holds what r gives, of a store that lost a reply and cannot know who put it there. After any
	// other error the file may be there, whole, or not; never in part. r may be read more than once.
	Put(ctx context.Context, name string, r io.ReadSeeker) error
	// Get reads a file of at most limit bytes; ErrNotFound if there is none, ErrLong if it has more.
	Get(ctx context.Context, name string, limit int64) ([]byte, error)
	// List gives the names below a directory, in any order, without its name; nothing if there is none.
	List(ctx context.Context, dir string) ([]string, error)
}

// Answers of a Store.
var (
	ErrExists   = errors.New("it exists already")
	ErrNotFound = errors.New("it does not exist")
	ErrLong     = errors.New("it is longer than such a file may be")
)

// Names in a store.
const (
	AboutFile     = "store.json" // what a store says of itself
	entryDir      = "register/entry"
	checkpointDir = "register/checkpoints"
	probeDir      = "probe"
)

func entryName(n int64) string         { return fmt.Sprintf("%s/%d.json", entryDir, n) }
func checkpointName(size int64) string { return fmt.Sprintf("%s/%d", checkpointDir, size) }
func packName(run string) string       { return "runs/" + run + "/pack.zip" }
func putBytes(ctx context.Context, s Store, name string, data []byte) error {
	return s.Put(ctx, name, bytes.NewReader(data))
}

// Formats of what this build writes. A later number in either was written by a newer version.
const (
	storeFormat = "blackstart.store/1"
	entryFormat = "blackstart.register/1"
)

// About is what a store says of itself: store.json.
type About struct {
	Format string `json:"format"`
	Origin string `json:"origin"` // name of the log
	Key    string `json:"key"`    // public half of its key: origin+hash+base64
}

// Init makes a register in an empty store, for the log and key that key names. A store that lets a file be written twice is
// refused: two writers would overwrite each other's entries.
func Init(ctx context.Context, s Store, key *Key) error {
	switch _, err := s.Get(ctx, AboutFile, MaxEntryBytes); {
	case err == nil:
		return errOneAlready
	case !errors.Is(err, ErrNotFound):
		return fmt.Errorf("make register: %w", err)
	}
	if err := probe(ctx, s); err != nil {
		return fmt.Errorf("try the store: %w", err)
	}
	data, err := encode(About{Format: storeFormat, Origin: key.Name(), Key: key.Verifier()})
	if err != nil {
		return fmt.Errorf("make register: %w", err)
	}
	if err := putBytes(ctx, s, AboutFile, data); err != nil {
		if errors.Is(err, ErrExists) {
			return errOneAlready
		}
		return fmt.Errorf("make register: %w", err)
	}
	return nil
}

var errOneAlready = errors.New("make register: there is one already: its history is never begun anew")

// KeepPack copies a sealed pack to its place in the store. One that is there already must be the same, to the byte.
func (l *Log) KeepPack(ctx context.Context, run string, pack io.ReadSeeker, size int64) error {
	err := l.store.Put(ctx, packName(run), pack)
	if !errors.Is(err, ErrExists) {
		if err != nil {
			err = fmt.Errorf("copy the pack to the store: %w", err)
		}
		return err
	}
	there, err := l.store.Get(ctx, packName(run), size)
	if err != nil {
		return fmt.Errorf("read the pack in the store: %w", err)
	}
	if _, err := pack.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the pack: %w", err)
	}
	if same, err := sameBytes(pack, there); err != nil || !same {
		return errors.Join(fmt.Errorf("copy the pack to the store: another one is there as %s", packName(run)), err)
	}
	return nil
}

func sameBytes(r io.Reader, want []byte) (bool, error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if n > len(want) || !bytes.Equal(buf[:n], want[:n]) {
			return false, nil
		}
		want = want[n:]
		if err == io.EOF {
			return len(want) == 0, nil
		}
		if err != nil {
			return false, err
		}
	}
}
