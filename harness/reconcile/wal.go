package reconcile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"blackstart/harness"
)

const (
	// walFile lists the ledger commits of the old primary's log after the fork, one JSON object a line.
	walFile = "data/ledger/wal.jsonl"
	// maxWALLines bounds that list, about 100 bytes a line. What is left out is seen by ledger.wal.commits.
	maxWALLines = 1_000_000
)

// writeWAL lists the commits of the old primary's log by the ids of their rows, so that each can be held against the attempt
// that made it, and names the file in the Record.
func (e *examiner) writeWAL(commits []harness.WALCommit) error {
	path := filepath.Join(e.s.DataDir, filepath.FromSlash(walFile[len("data/"):]))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("list the commits of the log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("list the commits of the log: %w", err)
	}
	commits = commits[:min(len(commits), maxWALLines)]
	to := bufio.NewWriter(f)
	lines := json.NewEncoder(to)
	for _, c := range commits {
		if err = lines.Encode(c); err != nil {
			break
		}
	}
	if err := errors.Join(err, to.Flush(), f.Close()); err != nil {
		return fmt.Errorf("list the commits of the log: %w", err)
	}
	e.rec.Ledger.WAL.File, e.rec.Ledger.WAL.Listed = walFile, len(commits)
	return nil
}
