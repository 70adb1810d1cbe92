package register

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"blackstart/evidence/seal"
)

// maxTries bounds how often other writers may come first in a row.
const maxTries = 10_000

// Append adds an entry by somebody, and signs the checkpoint over it. It returns what the pack of the run keeps of it. After an
// error the entry may be there: FindRun says so after the next Open.
func (l *Log) Append(ctx context.Context, key *Key, by string, at time.Time, kind Kind, body any) (Opening, error) {
	data, err := encode(body)
	if err != nil {
		return Opening{}, fmt.Errorf("append to register: %w", err)
	}
	e := Entry{Format: entryFormat, Origin: l.Origin, By: by, At: at.UTC().Format(timeLayout), Kind: kind, Body: bytes.TrimSuffix(data, []byte("\n"))}
	switch {
	case !kind.written():
		return Opening{}, fmt.Errorf("append to register: entries of kind %q are not written by this build", kind)
	case key.Verifier() != l.Key:
		return Opening{}, fmt.Errorf("append to register: the key given is not that of this register (%s)", l.Key)
	}
	if _, err := e.body(); err != nil {
		return Opening{}, fmt.Errorf("append to register: %w", err)
	}
	for range maxTries {
		if err := l.note(ctx, key); err != nil {
			return Opening{}, fmt.Errorf("append to register: %w", err)
		}
		done, err := l.try(ctx, key, e)
		if err != nil {
			return Opening{}, fmt.Errorf("append to register: %w", err)
		}
		if !done {
			continue
		}
		step("appended")
		if err := l.note(ctx, key); err != nil {
			return Opening{}, fmt.Errorf("entry %d is in the register; %w", l.Size()-1, err)
		}
		return l.opening(key)
	}
	return Opening{}, fmt.Errorf("append to register: other writers came first %d times", maxTries)
}

// try puts e behind the last entry. Where another has taken the place, that one is read, checked and followed: false.
func (l *Log) try(ctx context.Context, key *Key, e Entry) (bool, error) {
	e.Index, e.Prev, e.Nonce = l.Size(), l.head(), rand.Text()
	if e.Index == MaxEntries {
		return false, fmt.Errorf("it holds %d entries and takes no more", MaxEntries)
	}
	data, err := e.sign(key)
	if err != nil {
		return false, err
	}
	if _, err := readLine(data); err != nil { // it would be there for ever, and the register not be read any more
		return false, fmt.Errorf("the entry would not be one: %w", err)
	}
	putErr := putBytes(ctx, l.store, entryName(e.Index), data)
	there := data
	if putErr != nil { // the reply may be lost and the entry there: then it has our nonce
		there, err = l.store.Get(ctx, entryName(e.Index), MaxEntryBytes)
		if errors.Is(err, ErrNotFound) {
			return false, putErr
		}
		if err != nil {
			return false, errors.Join(putErr, err)
		}
	}
	n, err := readLine(there)
	if err == nil {
		err = n.signedBy(l.verifier)
	}
	if err == nil {
		err = l.follow(n)
	}
	if err != nil {
		return false, &Altered{e.Index, err.Error()}
	}
	return n.Nonce == e.Nonce && bytes.Equal(there, data), nil
}

// note sees to it that there is a checkpoint over all entries that were read, and over no others.
func (l *Log) note(ctx context.Context, key *Key) error {
	size := l.Size()
	if l.noted == size {
		return nil
	}
	root, err := l.Root(size)
	if err != nil {
		return err
	}
	msg, err := seal.Checkpoint{Origin: l.Origin, Size: size, Root: root}.Sign(key)
	if err != nil {
		return err
	}
	if putErr := putBytes(ctx, l.store, checkpointName(size), msg); putErr != nil {
		there, err := l.store.Get(ctx, checkpointName(size), seal.MaxNoteBytes)
		if errors.Is(err, ErrNotFound) {
			return putErr
		}
		if err != nil {
			return errors.Join(putErr, err)
		}
		if !bytes.Equal(there, msg) { // Ed25519 signs the same text in one way
			return fmt.Errorf("the register has forked: its checkpoint of %d entries speaks of others", size)
		}
	}
	l.noted = size
	return nil
}
