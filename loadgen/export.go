package loadgen

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strconv"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Names are what numbers in samples stand for, as the record of a drill has it.
type Names struct {
	Cohorts  []string      // of the stream, by number
	Outcomes []OutcomeCode // of the drill
}

// outcome names an outcome as the record does, if that name can stand anywhere; else as this program does.
func (n Names) outcome(o Outcome) string {
	for _, c := range n.Outcomes {
		if c.Code == o && plainName.MatchString(c.Name) {
			return c.Name
		}
	}
	return o.String()
}

// Each turns a slice of samples into what the exporters take.
func Each(samples []Sample) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		for _, s := range samples {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// VegetaWriter writes samples as vegeta's Results, which `vegeta report` and
// `vegeta plot` read. All its streams are one gob stream: vegeta reads no
// second one behind the first.
type VegetaWriter struct {
	out    *bufio.Writer
	encode vegeta.Encoder
}

// NewVegetaWriter begins the gob stream.
func NewVegetaWriter(w io.Writer) *VegetaWriter {
	out := bufio.NewWriter(w)
	return &VegetaWriter{out: out, encode: vegeta.NewEncoder(out)}
}

// Write adds the samples of one stream, as the attack stream-N. Timestamp is
// the due time and Latency counts from it. A sample that was never sent has
// latency 0 and its outcome as error; the error of any other failure is its
// outcome's name, so that equal failures count together. The first error of
// samples ends the export.
func (v *VegetaWriter) Write(h Header, names Names, samples iter.Seq2[Sample, error]) error {
	name := fmt.Sprintf("stream-%d", h.Stream)
	for s, err := range samples {
		if err != nil {
			return fmt.Errorf("export samples: %w", err)
		}
		if err := v.encode(vegetaResult(name, h, names, s)); err != nil {
			return fmt.Errorf("export samples: %w", err)
		}
	}
	return flush(v.out)
}

func vegetaResult(attack string, h Header, names Names, s Sample) *vegeta.Result {
	r := &vegeta.Result{
		Attack: attack, Seq: s.Seq, Code: s.Status,
		Timestamp: h.AnchorTime().Add(time.Duration(s.Due)),
		Latency:   time.Duration(max(s.Latency(), 0)),
	}
	switch {
	case s.Outcome != OK:
		r.Error = names.outcome(s.Outcome)
	case r.Code == 0:
		r.Code = 200 // vegeta counts success by status alone; a protocol without one was OK
	}
	if s.Outcome != OK && r.Code >= 200 && r.Code < 400 {
		r.Code = 0 // a wrong answer with a good status is no success
	}
	return r
}

// plainName matches what may stand in a cell of a spreadsheet and on a terminal as it is.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// cohort names the kind of client n as the stream's list does; its number where the list has no plain name for it, and nothing
// where there is one kind of client only.
func cohort(names []string, n uint8) string {
	switch {
	case int(n) < len(names) && plainName.MatchString(names[n]):
		return names[n]
	case len(names) == 0 && n == 0:
		return ""
	}
	return strconv.Itoa(int(n))
}

// WriteCSV writes samples as CSV with a heading. Times are ns since the anchor,
// empty for never; utc is the due time.
func WriteCSV(w io.Writer, h Header, names Names, samples iter.Seq2[Sample, error]) error {
	out := csv.NewWriter(w)
	row := []string{"seq", "utc", "due_ns", "sent_ns", "done_ns", "latency_ns", "outcome", "cohort", "status", "worker"}
	if err := out.Write(row); err != nil {
		return fmt.Errorf("export samples: %w", err)
	}
	for s, err := range samples {
		if err != nil {
			return fmt.Errorf("export samples: %w", err)
		}
		row = append(row[:0],
			strconv.FormatUint(s.Seq, 10), utc(h, s.Due), strconv.FormatInt(s.Due, 10),
			offset(s.Sent), offset(s.Done), offset(s.Latency()), names.outcome(s.Outcome),
			cohort(names.Cohorts, s.Cohort), strconv.Itoa(int(s.Status)), strconv.FormatUint(uint64(s.Worker), 10))
		if err := out.Write(row); err != nil {
			return fmt.Errorf("export samples: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("export samples: %w", err)
	}
	return nil
}

// WriteNDJSON writes samples as one JSON object a line, with the columns of
// WriteCSV as keys; a time that never came is null.
func WriteNDJSON(w io.Writer, h Header, names Names, samples iter.Seq2[Sample, error]) error {
	out := bufio.NewWriter(w)
	encode := json.NewEncoder(out)
	for s, err := range samples {
		if err != nil {
			return fmt.Errorf("export samples: %w", err)
		}
		line := jsonSample{
			Seq: s.Seq, UTC: utc(h, s.Due), Due: s.Due, Sent: instant(s.Sent), Done: instant(s.Done),
			Latency: instant(s.Latency()), Outcome: names.outcome(s.Outcome), Cohort: cohort(names.Cohorts, s.Cohort), Status: s.Status, Worker: s.Worker,
		}
		if err := encode.Encode(line); err != nil {
			return fmt.Errorf("export samples: %w", err)
		}
	}
	return flush(out)
}

type jsonSample struct {
	Seq     uint64 `json:"seq"`
	UTC     string `json:"utc"`
	Due     int64  `json:"due_ns"`
	Sent    *int64 `json:"sent_ns"`
	Done    *int64 `json:"done_ns"`
	Latency *int64 `json:"latency_ns"`
	Outcome string `json:"outcome"`
	Cohort  string `json:"cohort"`
	Status  uint16 `json:"status"`
	Worker  uint32 `json:"worker"`
}

const utcLayout = "2006-01-02T15:04:05.000000000Z"

func utc(h Header, offset int64) string { return time.Unix(0, h.Anchor+offset).UTC().Format(utcLayout) }

func offset(ns int64) string {
	if ns == Never {
		return ""
	}
	return strconv.FormatInt(ns, 10)
}

func instant(ns int64) *int64 {
	if ns == Never {
		return nil
	}
	return &ns
}

func flush(w *bufio.Writer) error {
	if err := w.Flush(); err != nil {
		return fmt.Errorf("export samples: %w", err)
	}
	return nil
}
