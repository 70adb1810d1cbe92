// Package rows keeps what came of many drills in a file of one JSON object a line, between the end-to-end tests that run
// them and the command that writes them into a page.
package rows

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"blackstart/harness"
)

// Row is what came of one drill.
type Row struct {
	On       string           `json:"on"` // target
	Scenario string           `json:"scenario"`
	Exit     int              `json:"exit"`
	Want     int              `json:"want"` // the exit code it was to end with
	Took     time.Duration    `json:"took"` // from the command's start to its end
	Up       time.Duration    `json:"up"`   // from nothing to a target that is ready
	Findings harness.Findings `json:"findings"`
}

// Append adds a row at the end of a file, which is made if there is none.
func Append(path string, r Row) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("append a row: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("append a row: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	return errors.Join(err, f.Close())
}

// Read gives all rows of a file, in their order.
func Read(path string) ([]Row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	defer f.Close()
	var all []Row
	for d := json.NewDecoder(f); ; {
		var r Row
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read row %d of %s: %w", len(all)+1, path, err)
		}
		all = append(all, r)
	}
}
