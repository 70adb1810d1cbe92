package register

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"blackstart/evidence/seal"
)

// Line is an entry as it was read.
type Line struct {
	Entry
	Body   Body   // nil for a kind that this build does not write
	SHA256 string // of its file
	leaf   seal.Hash
}

// Log is a register that has been read. It is used by one goroutine; other processes may append meanwhile.
type Log struct {
	About
	store    Store
	sum      string // SHA-256 of store.json
	verifier note.Verifier
	lines    []Line
	hashes   seal.Stored
	noted    int64    // the largest size whose checkpoint is known to be there
	bundled  bool     // entries are read from bundles where there are some
	strays   []string // what lies among entries and checkpoints, and can be none
}

// Altered says where a register is first not what it was.
type Altered struct {
	Index  int64 // of the entry; −1: it is not one entry that is not in order
	Reason string
}

func (a *Altered) Error() string {
	if a.Index < 0 {
		return a.Reason
	}
	return fmt.Sprintf("first altered entry: %d: %s", a.Index, a.Reason)
}

// Lines are the entries, in order.
func (l *Log) Lines() []Line { return l.lines }

// Size is the number of entries.
func (l *Log) Size() int64 { return int64(len(l.lines)) }

// Root is that of the tree over the first size entries.
func (l *Log) Root(size int64) (seal.Hash, error) { return tlog.TreeHash(size, l.hashes) }

// Open reads a register and checks that its entries form one chain, up to a checkpoint over the last or the last but one: a
// writer may have died in between, or be about to sign. The error is an *Altered where they do not.
func Open(ctx context.Context, s Store) (*Log, error) {
	l, err := openAbout(ctx, s)
	if err != nil {
		return nil, err
	}
	l.bundled = true // what they hold is held against chain and checkpoint as the entries are; Verify reads these
	bad, err := l.read(ctx, nil)
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, bad
	}
	if err := l.checkHead(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// ErrNone says that a place is no store.
var ErrNone = errors.New("there is none here (no store.json)")

func openAbout(ctx context.Context, s Store) (*Log, error) {
	data, err := s.Get(ctx, AboutFile, MaxEntryBytes)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("open register: %w: is the drive mounted?", ErrNone)
	}
	if err != nil {
		return nil, fmt.Errorf("open register: %w", err)
	}
	l := &Log{store: s, sum: seal.Digest(data)}
	if err := json.Unmarshal(data, &l.About); err != nil {
		return nil, fmt.Errorf("open register: store.json: %w", err)
	}
	if l.Format != storeFormat && strings.HasPrefix(l.Format, "blackstart.store/") {
		return nil, fmt.Errorf("open register: it has format %.40q, made by a newer version; this one reads %s", l.Format, storeFormat)
	}
	again, err := encode(l.About)
	if err != nil || !bytes.Equal(again, data) || l.Format != storeFormat {
		return nil, errors.New("open register: store.json is not what `blackstart store init` writes")
	}
	if l.verifier, err = note.NewVerifier(l.Key); err != nil {
		return nil, fmt.Errorf("open register: its key: %w", err)
	}
	if l.verifier.Name() != l.Origin {
		return nil, fmt.Errorf("open register: it is called %q, its key speaks for %q", l.Origin, l.verifier.Name())
	}
	return l, nil
}

// head is the digest that the next entry carries.
func (l *Log) head() string {
	if len(l.lines) == 0 {
		return l.sum
	}
	return l.lines[len(l.lines)-1].SHA256
}

// errPrev says that two neighbours do not belong together.
var errPrev = errors.New("it does not carry the digest of what stands before it")

// follow takes the next entry, if it is the next one.
func (l *Log) follow(n Line) error {
	switch {
	case n.Origin != l.Origin:
		return fmt.Errorf("it is of log %.60q", n.Origin)
	case n.Index != l.Size():
		return fmt.Errorf("it calls itself entry %d", n.Index)
	case n.Prev != l.head():
		return errPrev
	}
	if err := l.hashes.Add(l.Size(), n.leaf); err != nil {
		return err
	}
	l.lines = append(l.lines, n)
	return nil
}

// blame finds out which of two neighbours that do not belong together is the altered one: that whose signature is not good;
// where both are, the one before, which the later one knew otherwise.
func (l *Log) blame(at int, err error) *Altered {
	if !errors.Is(err, errPrev) || at == 0 {
		return &Altered{int64(at), err.Error()}
	}
	if bad := l.lines[at-1].signedBy(l.verifier); bad != nil {
		return &Altered{int64(at - 1), bad.Error()}
	}
	return &Altered{int64(at - 1), fmt.Sprintf("its digest is not the one that entry %d carries", at)}
}

// checkHead holds the entries against the newest checkpoint over them.
func (l *Log) checkHead(ctx context.Context) error {
	n := l.Size()
	err := l.checkCheckpoint(ctx, n)
	if n > 0 && errors.Is(err, ErrNotFound) { // of the last entry it may not be there yet
		if err = l.lines[n-1].signedBy(l.verifier); err != nil {
			return &Altered{n - 1, err.Error()}
		}
		n--
		err = l.checkCheckpoint(ctx, n)
	}
	if errors.Is(err, ErrNotFound) {
		return &Altered{-1, err.Error()}
	}
	if err != nil {
		return l.firstMisfit(ctx, n, err)
	}
	l.noted = n
	return l.nothingCut(ctx)
}

// firstMisfit finds the smallest checkpoint that the entries do not fit, where that of size does not: all before it do, so that
// its last entry is the first altered one.
func (l *Log) firstMisfit(ctx context.Context, size int64, err error) error {
	var altered *Altered
	for n := int64(1); n < size && errors.As(err, &altered); n++ {
		if err := l.checkCheckpoint(ctx, n); errors.As(err, &altered) {
			return err
		}
	}
	return err
}

// nothingCut demands that no checkpoint speaks of more entries than there are; others may have appended since they were read.
func (l *Log) nothingCut(ctx context.Context) error {
	names, err := l.store.List(ctx, checkpointDir)
	if err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	for _, name := range names {
		if l.stray(checkpointDir, name, name) {
			continue
		}
		size, err := strconv.ParseInt(name, 10, 64)
		if err != nil || size < 1 || strconv.FormatInt(size, 10) != name {
			return &Altered{-1, fmt.Sprintf("%.60q lies among the checkpoints and is none", name)}
		}
		if size <= l.Size() {
			continue
		}
		if _, err := l.store.Get(ctx, entryName(size-1), MaxEntryBytes); err != nil {
			return &Altered{l.Size(), fmt.Sprintf("a checkpoint speaks of %d entries: %v", size, err)}
		}
	}
	return nil
}

// checkCheckpoint checks the kept checkpoint of a size; ErrNotFound if there is none.
func (l *Log) checkCheckpoint(ctx context.Context, size int64) error {
	if size == 0 {
		return nil
	}
	msg, err := l.store.Get(ctx, checkpointName(size), seal.MaxNoteBytes)
	if isUnfit(err) {
		return &Altered{-1, fmt.Sprintf("checkpoint of %d entries: %v", size, err)}
	}
	if err != nil {
		return fmt.Errorf("checkpoint of %d entries: %w", size, err)
	}
	return l.fits(msg, size)
}

// fits holds a checkpoint against the entries.
func (l *Log) fits(msg []byte, size int64) error {
	c, err := seal.VerifyCheckpoint(msg, l.Key)
	if err == nil && (c.Phase != "" || c.Size != size) {
		err = fmt.Errorf("it is not one of %d entries", size)
	}
	if err != nil {
		return &Altered{-1, fmt.Sprintf("checkpoint of %d entries: %v", size, err)}
	}
	root, err := l.Root(size)
	if err != nil {
		return err
	}
	if root != c.Root {
		return &Altered{size - 1, "it is not the one that the checkpoint over it was signed for"}
	}
	return nil
}
