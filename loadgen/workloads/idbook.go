package workloads

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// GivenID is which id a system gave to one write: a line of the file that a book is kept in.
type GivenID struct {
	Attempt uint64 `json:"attempt"` // loadgen.AttemptID
	ID      string `json:"id"`
}

// IDBook keeps which id a system gave to which write. A system may give one twice: when it failed over, and what its old side had given is lost.
type IDBook struct {
	mu    sync.Mutex // guards all of it
	of    map[uint64]string
	taken map[string]bool
	twice string // the first id that was given to two writes; "": none
	to    *bufio.Writer
}

// NewIDBook begins a book that is written to a file of the caller's, one JSON object a line.
func NewIDBook(to io.Writer) *IDBook {
	return &IDBook{of: map[uint64]string{}, taken: map[string]bool{}, to: bufio.NewWriter(to)}
}

// maxGivenID bounds the length of an id.
const maxGivenID = 200

// maxIDLine bounds a line of the file of a book: each letter of an id may be written as six.
const maxIDLine = 8 * maxGivenID

// ReadIDBook reads what a book was written as.
func ReadIDBook(from io.Reader) (*IDBook, error) {
	b := NewIDBook(io.Discard)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxIDLine)
	for n := 1; lines.Scan(); n++ {
		var g GivenID
		err := json.Unmarshal(lines.Bytes(), &g)
		if err == nil {
			_, err = b.put(g.Attempt, g.ID)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of the ids that were given: %w", n, err)
		}
	}
	return b, lines.Err()
}

// put keeps the id of a write, and tells whether another write has it already.
func (b *IDBook) put(attempt uint64, id string) (again bool, err error) {
	if b == nil {
		return false, errors.New("there is no file for the ids that are given")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.of[attempt]; ok {
		return false, fmt.Errorf("write %d has an id already", attempt)
	}
	if again = b.taken[id]; again && b.twice == "" {
		b.twice = id
	}
	b.of[attempt], b.taken[id] = id, true
	line, err := json.Marshal(GivenID{attempt, id})
	if err == nil {
		_, err = b.to.Write(append(line, '\n'))
	}
	return again, err
}

// Of is the id that a write was given; false where it was given none.
func (b *IDBook) Of(attempt uint64) (string, bool) {
	if b == nil {
		return "", false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	id, ok := b.of[attempt]
	return id, ok
}

// Flush writes down what is kept.
func (b *IDBook) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.to.Flush()
}

// Named is a Keeper whose writes may go by ids that the system gives them.
type Named interface {
	Keeper
	// GivenIDs tells whether they do.
	GivenIDs() bool
	// Keep says where these are kept: before the load is opened, or, once it has ended, before they are looked up.
	Keep(book *IDBook)
}
