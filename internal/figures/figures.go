// Package figures is the shape in which the benchmarks hand over what they measured: the rows of the published table.
package figures

import (
	"encoding/json"
	"fmt"
	"os"
)

// Row is one line of the performance table.
type Row struct {
	Name   string             `json:"name"`
	Value  string             `json:"value"` // for people
	Bar    string             `json:"bar"`   // what must hold; empty where a figure is shown beside others and judged by none
	Met    bool               `json:"met"`   // means nothing without a bar
	Raw    map[string]float64 `json:"raw"`   // every figure behind it, units in the names
	Remark string             `json:"remark,omitempty"`
}

// Missed tells whether the row has a bar and missed it.
func (r Row) Missed() bool { return r.Bar != "" && !r.Met }

// Write puts rows into a file as JSON, or on standard output if path is empty.
func Write(path string, rows []Row) error {
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	data = append(data, '\n')
	if path == "" {
		_, err = os.Stdout.Write(data)
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// Read gives the rows of a file. A file without rows is an error: the benchmark that was to write them did not.
func Read(path string) ([]Row, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	var rows []Row
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, fmt.Errorf("read rows of %s: %w", path, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("read rows of %s: there are none", path)
	}
	return rows, nil
}
