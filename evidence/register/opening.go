package register

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"blackstart/evidence/seal"
)

// span is the number of entries whose hashes a pack keeps at least, where there are so many: a change in one of them is named
// exactly, one before them by the range that a node of the tree covers. A pack keeps fewer than two spans of them.
const span = 256

// Opening is what a pack keeps of the register: the entry it was opened under, the checkpoint that was signed over it, and the
// whole log before it in hashes.
type Opening struct {
	Index      int64
	Entry      []byte           // the entry's file
	Checkpoint []byte           // over Index+1 entries
	Proof      tlog.RecordProof // that the entry is in it
	From       int64            // a multiple of span
	Before     []seal.Hash      // the roots of the perfect subtrees over the first From entries, largest first
	Leaves     []seal.Hash      // the leaf hashes of the entries From to Index
}

// opening is what is kept of the last entry.
func (l *Log) opening(key *Key) (Opening, error) {
	size := l.Size()
	o := Opening{Index: size - 1, From: max(0, (size-1)/span*span-span)}
	root, err := l.Root(size)
	if err != nil {
		return o, err
	}
	if o.Checkpoint, err = (seal.Checkpoint{Origin: l.Origin, Size: size, Root: root}).Sign(key); err != nil {
		return o, err
	}
	if o.Entry, err = encode(l.lines[o.Index].Entry); err != nil {
		return o, err
	}
	if o.Proof, err = tlog.ProveRecord(size, o.Index, l.hashes); err != nil {
		return o, err
	}
	if o.Before, err = l.hashes.ReadHashes(indexesOf(subtrees(o.From))); err != nil {
		return o, err
	}
	for _, line := range l.lines[o.From:] {
		o.Leaves = append(o.Leaves, line.leaf)
	}
	return o, nil
}

// subtree is a perfect one: 1<<level entries from 'from' on.
type subtree struct {
	level int
	from  int64
}

// subtrees are the perfect ones that the first n entries fall into, largest first.
func subtrees(n int64) (all []subtree) {
	from := int64(0)
	for level := 62; level >= 0; level-- {
		if n&(1<<level) != 0 {
			all = append(all, subtree{level, from})
			from += 1 << level
		}
	}
	return all
}

func indexesOf(all []subtree) []int64 {
	indexes := []int64{}
	for _, t := range all {
		indexes = append(indexes, tlog.StoredHashIndex(t.level, t.from>>t.level))
	}
	return indexes
}

// root computes the root over Index+1 entries from what is kept of them.
func (o Opening) root() (seal.Hash, error) {
	trees := subtrees(o.From)
	if len(trees) != len(o.Before) || o.From%span != 0 || int64(len(o.Leaves)) != o.Index+1-o.From || len(o.Leaves) > 2*span {
		return seal.Hash{}, errors.New("the hashes of the entries before are not as many as they must be")
	}
	type node struct {
		level int
		hash  seal.Hash
	}
	var stack []node
	push := func(n node) {
		for len(stack) > 0 && stack[len(stack)-1].level == n.level {
			n = node{n.level + 1, tlog.NodeHash(stack[len(stack)-1].hash, n.hash)}
			stack = stack[:len(stack)-1]
		}
		stack = append(stack, n)
	}
	for i, t := range trees {
		push(node{t.level, o.Before[i]})
	}
	for _, leaf := range o.Leaves {
		push(node{0, leaf})
	}
	root := stack[len(stack)-1].hash
	for i := len(stack) - 2; i >= 0; i-- {
		root = tlog.NodeHash(stack[i].hash, root)
	}
	return root, nil
}

// Check demands that entry, checkpoint, proof and hashes belong together and are signed by the register's key, whose public
// half is given. It returns what the entry tells. Whether the register still has it, Log.Compare says.
func (o Opening) Check(verifier string) (Entry, *Opened, error) {
	v, err := note.NewVerifier(verifier)
	if err != nil {
		return Entry{}, nil, fmt.Errorf("the register's key: %w", err)
	}
	e, b, err := ParseEntry(o.Entry)
	if err == nil {
		err = e.signedBy(v)
	}
	if err != nil {
		return e, nil, fmt.Errorf("the register's entry: %w", err)
	}
	opened, ok := b.(*Opened)
	if !ok {
		return e, nil, fmt.Errorf("the register's entry is of kind %s, and opens no run", e.Kind)
	}
	c, err := seal.VerifyCheckpoint(o.Checkpoint, verifier)
	if err != nil {
		return e, nil, fmt.Errorf("the register's checkpoint: %w", err)
	}
	root, err := o.root()
	switch {
	case err != nil:
		return e, nil, err
	case e.Index != o.Index || e.Origin != v.Name():
		return e, nil, fmt.Errorf("the entry is number %d of log %q, not %d of %q", e.Index, e.Origin, o.Index, v.Name())
	case c.Size != o.Index+1 || c.Phase != "":
		return e, nil, fmt.Errorf("the register's checkpoint is not one of %d entries", o.Index+1)
	case tlog.CheckRecord(o.Proof, c.Size, c.Root, o.Index, leafHash(o.Entry)) != nil:
		return e, nil, errors.New("the proof does not show the entry in the register's checkpoint")
	case root != c.Root:
		return e, nil, errors.New("the hashes of the entries before are not those of the register's checkpoint")
	}
	return e, opened, nil
}

// Compare finds where the register is not the one that an opening, which has been checked, was made from: an *Altered names
// the first entry that was altered since, or is gone.
func (l *Log) Compare(o Opening) error {
	for i, t := range subtrees(o.From) {
		to := t.from + 1<<t.level
		if to > l.Size() {
			return &Altered{l.Size(), fmt.Sprintf("it is gone: the register ends before it, and had %d entries", o.Index+1)}
		}
		got, err := l.hashes.ReadHashes(indexesOf([]subtree{t}))
		if err != nil {
			return err
		}
		if got[0] != o.Before[i] {
			return &Altered{t.from, fmt.Sprintf("it or one of those up to %d is not the one that was there", to-1)}
		}
	}
	for i, leaf := range o.Leaves {
		n := o.From + int64(i)
		if n >= l.Size() {
			return &Altered{n, fmt.Sprintf("it is gone: the register ends before it, and had %d entries", o.Index+1)}
		}
		if l.lines[n].leaf != leaf {
			return &Altered{n, "it is not the one that was there"}
		}
	}
	return nil
}

// Detail is the opening as an event of a pack tells it.
func (o Opening) Detail() map[string]string {
	return map[string]string{"index": strconv.FormatInt(o.Index, 10), "entry": string(o.Entry), "checkpoint": string(o.Checkpoint),
		"proof": hexes(o.Proof), "from": strconv.FormatInt(o.From, 10), "before": hexes(o.Before), "leaves": hexes(o.Leaves)}
}

// ParseOpening reads what Detail writes, and nothing else.
func ParseOpening(detail map[string]string) (Opening, error) {
	o := Opening{Entry: []byte(detail["entry"]), Checkpoint: []byte(detail["checkpoint"])}
	index, err1 := strconv.ParseInt(detail["index"], 10, 64)
	from, err2 := strconv.ParseInt(detail["from"], 10, 64)
	o.Index, o.From = index, from
	proof, err3 := unhex(detail["proof"])
	before, err4 := unhex(detail["before"])
	leaves, err5 := unhex(detail["leaves"])
	o.Proof, o.Before, o.Leaves = proof, before, leaves
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return o, fmt.Errorf("what is told of the register cannot be read: %w", err)
	}
	if index < 0 || index >= MaxEntries || from < 0 || from > index {
		return o, fmt.Errorf("what is told of the register is of no entry: %d, from %d", index, from)
	}
	again := o.Detail()
	if len(detail) != len(again) {
		return o, errors.New("what is told of the register has other parts than it must have")
	}
	for k, v := range again {
		if detail[k] != v {
			return o, fmt.Errorf("%s of the register is not plainly written", k)
		}
	}
	return o, nil
}

func hexes(all []seal.Hash) string {
	words := make([]string, len(all))
	for i, h := range all {
		words[i] = hex.EncodeToString(h[:])
	}
	return strings.Join(words, " ")
}

func unhex(text string) ([]seal.Hash, error) {
	var all []seal.Hash
	for word := range strings.FieldsSeq(text) {
		raw, err := hex.DecodeString(word)
		if err != nil || len(raw) != len(seal.Hash{}) {
			return nil, fmt.Errorf("%.70q is no hash", word)
		}
		all = append(all, seal.Hash(raw))
	}
	return all, nil
}
