package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// eachEvent reads an event log line by line, without what the chain adds. log.closed is not among what it gives: it is the
// chain's own.
func eachEvent(r io.Reader, do func(seq int64, e harness.Event) error) error {
	return eachLine(r, func(seq int64, e harness.Event) error {
		if e.Kind == seal.ClosedKind {
			return nil
		}
		return do(seq, e)
	})
}

// eachLine is eachEvent with log.closed.
func eachLine(r io.Reader, do func(seq int64, e harness.Event) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, seal.MaxEventBytes)
	for seq := int64(0); in.Scan(); seq++ {
		var e harness.Event
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			return fmt.Errorf("event %d: %w", seq, err)
		}
		if err := do(seq, e); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read event log: %w", err)
	}
	return nil
}

// ends digests a file as a whole, and its first and last line, in one pass and in little memory.
type ends struct {
	lines       int64
	first, last string // SHA-256 of the line with its newline; empty where there is none
}

func newEnds() *ends { return &ends{} }

// read gives the digest and the size of all that r holds.
func (e *ends) read(r io.Reader) (sum string, size int64, err error) {
	whole, line := sha256.New(), sha256.New()
	in := bufio.NewReaderSize(r, 64<<10)
	open := false // part of a line has been read
	for {
		part, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && err != io.EOF {
			return "", size, err
		}
		whole.Write(part)
		line.Write(part)
		size += int64(len(part))
		open = open || len(part) > 0
		if open && (bytes.HasSuffix(part, []byte("\n")) || err == io.EOF) {
			e.end(hex.EncodeToString(line.Sum(nil)))
			line.Reset()
			open = false
		}
		if err == io.EOF {
			return hex.EncodeToString(whole.Sum(nil)), size, nil
		}
	}
}

func (e *ends) end(sum string) {
	if e.lines == 0 {
		e.first = sum
	}
	e.lines, e.last = e.lines+1, sum
}
