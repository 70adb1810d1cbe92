package seal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// Chain is what VerifyChain learnt from a log.
type Chain struct {
	Head   ChainHead // after the last good event
	Closed bool      // the last event is log.closed
	Size   int64     // bytes up to the end of the last good event
	// Roots holds the RFC 6962 root of the first n events, for each n that was
	// asked for and reached.
	Roots map[int64]Hash
}

// ChainError says where a log is first altered.
type ChainError struct {
	Seq    int64 // the first altered event
	Reason string
}

func (e *ChainError) Error() string { return fmt.Sprintf("event %d: %s", e.Seq, e.Reason) }

// TornError says that a log ends inside a line, as after a crash. What stands
// before is a good chain.
type TornError struct {
	Seq    int64 // the event that was being written
	Offset int64 // of its first byte
	Bytes  int64 // how many of its bytes are there
}

func (e *TornError) Error() string {
	return fmt.Sprintf("event log ends after %d bytes of event %d; keep the tail apart with SplitTorn", e.Bytes, e.Seq)
}

// OpenError says that a log's last event is not log.closed: it goes on, or its
// end was cut off.
type OpenError struct{ Events int64 }

func (e *OpenError) Error() string {
	return fmt.Sprintf("event log is not closed: event %d is not %s, so events may be missing after it", e.Events-1, ClosedKind)
}

// VerifyChain checks a whole log against the digest of its inputs. Besides I/O
// failures it returns a *ChainError for the first altered event, else a
// *TornError, else an *OpenError, with what was learnt so far. A change of the
// last event alone leaves no trace in the chain; the manifest and the end
// checkpoint find it. The roots of the first sizes events, those that
// checkpoints speak of, are kept on the way.
func VerifyChain(r io.Reader, inputsDigest string, sizes ...int64) (Chain, error) {
	return walkChain(r, inputsDigest, sizes, true)
}

// walkChain is VerifyChain. Without parse it looks at nothing but how each
// line begins, which the digest of the line before gives: enough to say where
// a log is first altered, and all that may be done with one that is.
func walkChain(r io.Reader, inputsDigest string, sizes []int64, parse bool) (Chain, error) {
	c := Chain{Head: ChainHead{Last: inputsDigest}, Roots: map[int64]Hash{}}
	var tree compactTree
	wanted := map[int64]bool{}
	for _, n := range sizes {
		wanted[n] = true
	}
	keep := func() {
		if wanted[tree.n] {
			c.Roots[tree.n] = tree.root()
		}
	}
	keep()
	in := bufio.NewReader(r)
	line, err := readLine(in)
	for err == nil {
		next, nextErr := readLine(in)
		if bad := c.step(line, next, parse); bad != nil {
			return c, bad
		}
		tree.add(tlog.RecordHash(line))
		c.Head = ChainHead{Count: tree.n, Last: Digest(line), Root: tree.root()}
		keep()
		c.Size += int64(len(line))
		line, err = next, nextErr
	}
	switch {
	case errors.Is(err, errLongLine):
		return c, &ChainError{c.Head.Count, "line is too long"}
	case err != io.EOF:
		return c, fmt.Errorf("read event log: %w", err)
	case len(line) > 0:
		return c, &TornError{Seq: c.Head.Count, Offset: c.Size, Bytes: int64(len(line))}
	case !c.Closed:
		return c, &OpenError{c.Head.Count}
	}
	return c, nil
}

// step checks line as the next event; next, the line after it, may be nil.
func (c *Chain) step(line, next []byte, parse bool) error {
	seq := c.Head.Count
	if seq == MaxEvents {
		return &ChainError{seq, "more events than a log may hold"}
	}
	if c.Closed {
		return &ChainError{seq, "stands after " + ClosedKind}
	}
	if !bytes.HasPrefix(line, []byte(eventPrefix(seq, c.Head.Last))) {
		return c.blame(line, next)
	}
	if !parse {
		return nil
	}
	if err := CheckJSON(line); err != nil {
		return &ChainError{seq, err.Error()}
	}
	var closing struct {
		Kind  string `json:"kind"`
		Count int64  `json:"count"`
	}
	if err := json.Unmarshal(line, &closing); err == nil && closing.Kind == ClosedKind {
		if closing.Count != seq+1 {
			return &ChainError{seq, fmt.Sprintf("counts %d events, there are %d", closing.Count, seq+1)}
		}
		c.Closed = true
	}
	return nil
}

// blame finds out whether the event before, or this one, was altered when
// line does not begin as it has to. If this line with the right beginning is
// what the next one names, only its beginning was altered; if this line is
// named as it stands, the one before was.
func (c *Chain) blame(line, next []byte) error {
	seq := c.Head.Count
	here := &ChainError{seq, "seq or prev is not what the events before it give"}
	const hexLen = 64
	at := len(eventPrefix(seq, "")) - 1 // of the digest
	formed := len(line) > at+hexLen && isDigest(string(line[at:at+hexLen])) &&
		bytes.HasPrefix(line, []byte(eventPrefix(seq, string(line[at:at+hexLen]))))
	if seq == 0 {
		if formed {
			here.Reason = "prev is not the digest of " + InputsFile
		}
		return here
	}
	if !formed {
		return here
	}
	repaired := append([]byte(eventPrefix(seq, c.Head.Last)), line[at+hexLen+1:]...)
	if bytes.Contains(next, []byte(`"prev":"`+Digest(repaired)+`"`)) {
		return here
	}
	return &ChainError{seq - 1, fmt.Sprintf("its digest is not the one that event %d carries", seq)}
}

var errLongLine = errors.New("line is too long")

// readLine returns one line with its newline. At the end of the input it
// returns what is left and io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > MaxEventBytes {
			return nil, errLongLine
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// SplitTorn moves the torn tail of the log at path, if it has one, to tornPath
// (by custom events.torn), and syncs both. It reports whether there was one. A
// log altered elsewhere is left alone and its error returned.
func SplitTorn(path, tornPath, inputsDigest string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, fmt.Errorf("split torn event log: %w", err)
	}
	defer f.Close()
	_, err = VerifyChain(f, inputsDigest)
	var open *OpenError
	var torn *TornError
	switch {
	case err == nil || errors.As(err, &open):
		return false, nil
	case !errors.As(err, &torn):
		return false, fmt.Errorf("split torn event log: %w", err)
	}
	tail := make([]byte, torn.Bytes)
	if _, err := f.ReadAt(tail, torn.Offset); err != nil {
		return false, fmt.Errorf("split torn event log: %w", err)
	}
	if err := writeSynced(tornPath, tail); err != nil {
		return false, fmt.Errorf("split torn event log: %w", err)
	}
	if err := errors.Join(f.Truncate(torn.Offset), f.Sync()); err != nil {
		return false, fmt.Errorf("split torn event log: %w", err)
	}
	return true, nil
}

// ResumeChain opens a log that is not closed, to append to it. A torn tail has
// to be split off before.
func ResumeChain(path, inputsDigest string) (*ChainWriter, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("resume event log: %w", err)
	}
	w := &ChainWriter{f: f, last: inputsDigest}
	c, err := VerifyChain(f, inputsDigest)
	var open *OpenError
	if err == nil || !errors.As(err, &open) {
		if err == nil {
			err = errors.New("it is closed")
		}
		f.Close()
		return nil, fmt.Errorf("resume event log: %w", err)
	}
	if w.tree, err = reTree(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("resume event log: %w", err)
	}
	w.last = c.Head.Last
	return w, nil
}

func reTree(f *os.File) (compactTree, error) {
	var tree compactTree
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return tree, err
	}
	in := bufio.NewReader(f)
	for {
		line, err := readLine(in)
		if err == io.EOF {
			return tree, nil
		}
		if err != nil {
			return tree, err
		}
		tree.add(tlog.RecordHash(line))
	}
}
