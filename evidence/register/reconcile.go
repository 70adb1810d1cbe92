package register

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"blackstart/evidence/seal"
)

// Limits of a list that a register is reconciled to.
const (
	MaxListBytes = 64 << 20
	maxListRows  = MaxEntries
)

// Extract is a list of runs from a source outside the tool, and where it is from: all of it is the word of whoever extracted it.
type Extract struct {
	Source       string `json:"source"`        // CI, the log of changes, the target's own log, CloudTrail
	Query        string `json:"query"`         // as it was put to the source
	By           string `json:"extracted_by"`  // natural person
	At           string `json:"extracted_at"`  // RFC 3339
	ControlTotal int    `json:"control_total"` // rows that the source itself counts; −1: it was not asked
	SHA256       string `json:"sha256"`        // of the file
	Rows         int    `json:"rows"`          // without the header

	runs []string // that the rows name, in their order
}

// ReadExtract reads a CSV file with a header, of which one column holds run ids; e says where it is from.
func ReadExtract(data []byte, column string, e Extract) (Extract, error) {
	if len(data) > MaxListBytes || !utf8.Valid(data) {
		return e, fmt.Errorf("it is no UTF-8 text of at most %d bytes", MaxListBytes)
	}
	e.SHA256, e.Rows, e.runs = seal.Digest(data), 0, nil
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	header, err := r.Read()
	if err != nil {
		return e, fmt.Errorf("read its header: %w", err)
	}
	at := slices.Index(header, column)
	if at < 0 || slices.Index(header[at+1:], column) >= 0 {
		return e, fmt.Errorf("line 1: one column must be called %q, there are %.200q", column, header)
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return e, nil
		}
		if err != nil {
			return e, err
		}
		if e.Rows++; e.Rows > maxListRows {
			return e, fmt.Errorf("it has more than %d rows", maxListRows)
		}
		run := strings.TrimSpace(row[at])
		if line, _ := r.FieldPos(at); run != "" && checkRun(run) != nil {
			return e, fmt.Errorf("line %d: %.70q is no run id", line, run)
		}
		e.runs = append(e.runs, run)
	}
}

// Reconciliation holds a population against such a list, in both directions.
type Reconciliation struct {
	Extract
	Matched     int      `json:"matched"`      // runs of the population that the list names
	OffRegister []string `json:"off_register"` // runs that the list names and the register never opened
	NotListed   []string `json:"not_listed"`   // runs of the population that the list does not name
	Elsewhere   []string `json:"elsewhere"`    // runs that the list names and that were opened outside the period
	Repeated    []string `json:"repeated"`     // runs that more than one row names
	Nameless    int      `json:"nameless"`     // rows that name no run
	Exceptions  []string `json:"exceptions"`   // why the two do not agree, in words
}

// Reconcile joins the population, which is of the first head entries, with a list on run ids, and says so in its Completeness.
func (l *Log) Reconcile(p *Population, e Extract) {
	r := Reconciliation{Extract: e, OffRegister: []string{}, NotListed: []string{}, Elsewhere: []string{}, Repeated: []string{}, Exceptions: []string{}}
	inPeriod, everywhere, named := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, run := range p.Runs {
		inPeriod[run.Run] = true
	}
	for _, run := range l.Runs(p.Head) {
		everywhere[run.Run] = true
	}
	for _, run := range e.runs {
		named[run]++
		switch {
		case run == "":
			r.Nameless++
		case named[run] == 2:
			r.Repeated = append(r.Repeated, run)
		case named[run] > 1:
		case inPeriod[run]:
			r.Matched++
		case everywhere[run]:
			r.Elsewhere = append(r.Elsewhere, run)
		default:
			r.OffRegister = append(r.OffRegister, run)
		}
	}
	for _, run := range p.Runs {
		if named[run.Run] == 0 && !slices.Contains(r.NotListed, run.Run) {
			r.NotListed = append(r.NotListed, run.Run)
		}
	}
	r.Exceptions = append(r.Exceptions, r.differences(*p)...)
	p.Reconciled, p.Completeness = &r, r.words()
}

// differences says in words why list and population do not agree, or why the list cannot show it.
func (r *Reconciliation) differences(p Population) (all []string) {
	add := func(n int, format string, args ...any) {
		if n > 0 {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	first := func(runs []string) string { return strings.Join(runs[:min(1, len(runs))], "") }
	add(len(r.OffRegister), "%d runs are in the list and were never opened in the register, the first is %s", len(r.OffRegister), first(r.OffRegister))
	add(len(r.NotListed), "%d runs of the population are not in the list, the first is %s", len(r.NotListed), first(r.NotListed))
	add(r.Nameless, "%d rows of the list name no run: what they are is not known", r.Nameless)
	if r.ControlTotal >= 0 && r.ControlTotal != r.Rows {
		add(1, "the list has %d rows, its source counts %d", r.Rows, r.ControlTotal)
	}
	at, err := time.Parse(time.RFC3339, r.At)
	end, endErr := time.Parse(time.RFC3339, p.To)
	if n := len(p.Runs); p.To == "" && n > 0 {
		end, endErr = time.Parse(time.RFC3339, p.Runs[n-1].Opened)
	}
	if err == nil && endErr == nil && at.Before(end) {
		add(1, "the list was extracted at %s, before the end of the period: what came later cannot be in it", r.At)
	}
	return all
}

// words say what the reconciliation is worth.
func (r *Reconciliation) words() string {
	from := fmt.Sprintf("a list from %s, extracted by %s", r.Source, r.By)
	if len(r.Exceptions) > 0 {
		return "completeness not shown: the population does not agree with " + from
	}
	return "reconciled to " + from + "; that the list itself is complete and accurate is that person's word"
}
