package evidence

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// maxGivenLine bounds a line of the ids that a system gave, in bytes.
const maxGivenLine = 4 << 10

// givenIDs are the attempts of a ledger that the system gave an id; nil where its writes go by ours.
func (c *checker) givenIDs(s harness.Stream) (map[uint64]bool, error) {
	if s.IDs == "" {
		return nil, nil
	}
	f, err := packFS{c.pack}.Open(s.IDs)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it is read
	all, err := readGiven(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.IDs, err)
	}
	return all, nil
}

// readGiven reads a file of ids: one a write, one a line.
func readGiven(from io.Reader) (map[uint64]bool, error) {
	all := map[uint64]bool{}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxGivenLine)
	for n := 1; lines.Scan(); n++ {
		var g struct {
			Attempt uint64 `json:"attempt"`
			ID      string `json:"id"`
		}
		err := json.Unmarshal(lines.Bytes(), &g)
		switch {
		case err != nil:
		case g.ID == "":
			err = errors.New("it is no id")
		case all[g.Attempt]:
			err = fmt.Errorf("write %d has an id already", g.Attempt)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all[g.Attempt] = true
	}
	return all, lines.Err()
}

// agreesWithID: by the id that the system gave, and by nothing else, a write can have been acknowledged and found.
func agreesWithID(a measure.Attempt, given map[uint64]bool) error {
	switch {
	case given == nil || given[a.ID]:
		return nil
	case a.Outcome == loadgen.AttemptOK:
		return fmt.Errorf("write %d was acknowledged, and has no id by which it could be looked up", a.ID)
	case a.New > 0 || a.Old > 0:
		return fmt.Errorf("write %d was found, and has no id by which it could be looked up", a.ID)
	}
	return nil
}
