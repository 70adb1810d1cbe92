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

// edgeLines are what is told of a file as a whole, and of its first and last line.
type edgeLines struct {
	sum, first, last string // SHA-256; a line's with its newline, "" where there is none
	size, lines      int64
}

// findEnds reads r in little memory: once for the whole and the places of both lines, and these two lines once more. No line between
// them costs anything of its own, so that a file of nothing but newlines takes no longer than another.
func findEnds(r io.ReadSeeker) (edgeLines, error) {
	var e edgeLines
	whole, buf := sha256.New(), make([]byte, 64<<10)
	firstEnd, lastStart, ended := int64(-1), int64(0), int64(0) // ended: behind the last newline
	for {
		n, err := r.Read(buf)
		part := buf[:n]
		whole.Write(part)
		if at := bytes.IndexByte(part, '\n'); at >= 0 {
			if firstEnd < 0 {
				firstEnd = e.size + int64(at) + 1
			}
			e.lines += int64(bytes.Count(part, []byte("\n")))
			at = bytes.LastIndexByte(part, '\n')
			lastStart = ended
			if before := bytes.LastIndexByte(part[:at], '\n'); before >= 0 {
				lastStart = e.size + int64(before) + 1
			}
			ended = e.size + int64(at) + 1
		}
		e.size += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return e, err
		}
	}
	if ended < e.size { // a last line without its newline
		e.lines, lastStart = e.lines+1, ended
	}
	if firstEnd < 0 {
		firstEnd = e.size
	}
	e.sum = hex.EncodeToString(whole.Sum(nil))
	if e.lines == 0 {
		return e, nil
	}
	var err1, err2 error
	e.first, err1 = digestPart(r, 0, firstEnd)
	e.last, err2 = digestPart(r, lastStart, e.size)
	return e, errors.Join(err1, err2)
}

// digestPart is the SHA-256 of the bytes from one place up to another.
func digestPart(r io.ReadSeeker, from, to int64) (string, error) {
	if _, err := r.Seek(from, io.SeekStart); err != nil {
		return "", err
	}
	return seal.DigestReader(io.LimitReader(r, to-from))
}
