package probes

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"blackstart/harness"
)

// Limits of a file of observations.
const (
	MaxLine         = 4 << 10   // bytes of one line, its line feed included
	MaxObservations = 5_000_000 // lines of one file
)

// Write appends one observation as one line of JSON; its moments are RFC 3339 in UTC with nine decimals.
func Write(w io.Writer, o harness.Observation) error {
	line, err := encode(o)
	if err != nil {
		return fmt.Errorf("write observation: %w", err)
	}
	if _, err := w.Write(line); err != nil {
		return fmt.Errorf("write observation: %w", err)
	}
	return nil
}

func encode(o harness.Observation) ([]byte, error) {
	line, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if len(line) >= MaxLine {
		return nil, fmt.Errorf("line of %d bytes is too long, at most %d are allowed", len(line)+1, MaxLine)
	}
	return append(line, '\n'), nil
}

// Read reads what Write writes and nothing else: unknown or missing keys, another order, white space, a missing last line
// feed and lines that are too long are errors that name the line.
func Read(r io.Reader) ([]harness.Observation, error) {
	var all []harness.Observation
	lines := bufio.NewReaderSize(r, MaxLine)
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			return all, nil
		}
		if err == nil && number > MaxObservations {
			err = fmt.Errorf("more than %d lines", MaxObservations)
		}
		var o harness.Observation
		if err == nil {
			o, err = decode(line)
		}
		if err == io.EOF {
			err = errors.New("line does not end")
		}
		if err != nil {
			return nil, fmt.Errorf("read observations: line %d: %w", number, err)
		}
		all = append(all, o)
	}
}

// decode reads one line and holds it against the only way in which its observation is written.
func decode(line []byte) (o harness.Observation, err error) {
	if err := json.Unmarshal(line, &o); err != nil {
		return o, err
	}
	canonical, err := encode(o)
	if err != nil {
		return o, err
	}
	if !bytes.Equal(line, canonical) {
		return o, fmt.Errorf("not written as an observation is: want %s", bytes.TrimSpace(canonical))
	}
	return o, nil
}
