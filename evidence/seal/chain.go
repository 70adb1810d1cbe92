package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// ClosedKind is the "kind" of the last event of a log.
const ClosedKind = "log.closed"

// ChainHead is the state of an event log after some event.
type ChainHead struct {
	Count int64  // events so far
	Last  string // SHA-256 of the last line; of inputs.json when Count is 0
	Root  Hash   // RFC 6962 root, leaf i = line i with its newline
}

// ChainWriter appends events to a log. Its methods may be called from several
// goroutines; mu guards every field.
type ChainWriter struct {
	mu     sync.Mutex
	f      *os.File
	tree   compactTree
	last   string
	closed bool
	err    error // the first failed write; the log ends there
}

// NewChain creates the log at path, which must not exist. inputsDigest is the
// hex SHA-256 of inputs.json.
func NewChain(path, inputsDigest string) (*ChainWriter, error) {
	if !isDigest(inputsDigest) {
		return nil, fmt.Errorf("create event log: %q is not a digest", inputsDigest)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create event log: %w", err)
	}
	return &ChainWriter{f: f, last: inputsDigest}, nil
}

// Append adds one event and returns its seq. fields must marshal to a JSON
// object without the keys seq and prev, in the strict form of CheckJSON; the
// keys stand in the order of a struct's fields, or sorted for a map. The line
// is written in one call but not synced. After a failed write every later call
// returns the same error.
func (c *ChainWriter) Append(fields any) (seq int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.append(fields)
}

func (c *ChainWriter) append(fields any) (int64, error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.closed {
		return 0, errors.New("append event: the log is closed")
	}
	seq := c.tree.n
	line, err := eventLine(seq, c.last, fields)
	if err != nil {
		return 0, fmt.Errorf("append event %d: %w", seq, err)
	}
	if seq == MaxEvents {
		return 0, fmt.Errorf("append event: log already holds %d events", MaxEvents)
	}
	if _, err := c.f.Write(line); err != nil {
		c.err = fmt.Errorf("append event %d: %w", seq, err)
		return 0, c.err
	}
	c.tree.add(tlog.RecordHash(line))
	c.last = Digest(line)
	return seq, nil
}

// eventLine puts seq and prev before the keys of fields.
func eventLine(seq int64, prev string, fields any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(fields); err != nil {
		return nil, err
	}
	body := bytes.TrimSpace(buf.Bytes())
	if len(body) < 2 || body[0] != '{' {
		return nil, errors.New("fields are not a JSON object")
	}
	line := []byte(eventPrefix(seq, prev))
	if len(body) > 2 {
		line = append(line, ',')
	}
	line = append(append(line, body[1:]...), '\n')
	if len(line) > MaxEventBytes {
		return nil, fmt.Errorf("%d bytes; up to %d are allowed", len(line), MaxEventBytes)
	}
	// Keys seq and prev in fields are found here, as duplicates.
	return line, CheckJSON(line)
}

func eventPrefix(seq int64, prev string) string {
	return fmt.Sprintf(`{"seq":%d,"prev":"%s"`, seq, prev)
}

// Sync forces the log to disk.
func (c *ChainWriter) Sync() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.f.Sync(); err != nil {
		return fmt.Errorf("sync event log: %w", err)
	}
	return nil
}

// Head returns the state after the last event.
func (c *ChainWriter) Head() ChainHead {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ChainHead{Count: c.tree.n, Last: c.last, Root: c.tree.root()}
}

// Close appends the last event, {"kind":"log.closed","count":N,...fields}, with
// N counting itself, syncs and closes the file. fields may be nil; else it is
// an object without these two keys. It returns the final head. Before the event
// is written, vouch (unless nil) is called with that head: what it writes is on
// disk before the log ends, so that no crash leaves an ended log without it.
func (c *ChainWriter) Close(fields any, vouch func(ChainHead) error) (ChainHead, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	head, err := c.end(fields, vouch)
	if err != nil {
		return ChainHead{}, fmt.Errorf("close event log: %w", err)
	}
	return head, nil
}

func (c *ChainWriter) end(fields any, vouch func(ChainHead) error) (ChainHead, error) {
	body, err := closedFields(c.tree.n+1, fields)
	if err != nil {
		return ChainHead{}, err
	}
	line, err := eventLine(c.tree.n, c.last, body)
	if err != nil {
		return ChainHead{}, err
	}
	head := ChainHead{Count: c.tree.n + 1, Last: Digest(line), Root: c.tree.with(line)}
	if vouch != nil {
		if err := vouch(head); err != nil {
			return ChainHead{}, err
		}
	}
	if _, err := c.append(body); err != nil {
		return ChainHead{}, err
	}
	c.closed = true
	return head, errors.Join(c.f.Sync(), c.f.Close())
}

// Abandon closes the file and leaves the log open-ended, as a crash would.
func (c *ChainWriter) Abandon() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	return c.f.Close()
}

func closedFields(count int64, fields any) (json.RawMessage, error) {
	body := fmt.Sprintf(`{"kind":%q,"count":%d`, ClosedKind, count)
	if fields == nil {
		return json.RawMessage(body + "}"), nil
	}
	more, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	rest, ok := strings.CutPrefix(string(more), "{")
	if !ok {
		return nil, errors.New("fields are not a JSON object")
	}
	if rest != "}" {
		rest = "," + rest
	}
	return json.RawMessage(body + rest), nil
}
