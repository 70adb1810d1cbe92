package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Limits of a file of observations: one JSON object a line.
const (
	MaxObservationLine = 64 << 10 // bytes, with the newline
	MaxObservations    = 1 << 23  // lines: ten a second for more than a week
)

// observationWriter is what every answer of a probe goes through on its way to disk.
type observationWriter struct {
	to     io.WriteCloser
	redact func([]byte) []byte // an answer holds what the target said in its own words
	count  int
	err    error // the first one; nothing is written after it
}

// write adds one line. What ObservationLines would not read back is not written.
func (w *observationWriter) write(o Observation) {
	if w.err != nil {
		return
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if w.err = enc.Encode(o); w.err != nil {
		return
	}
	text := w.redact(line.Bytes())
	switch {
	case len(text) > MaxObservationLine:
		w.err = fmt.Errorf("an answer of %s takes %d bytes, at most %d can be read", o.Probe, len(text), MaxObservationLine)
	case w.count == MaxObservations:
		w.err = fmt.Errorf("%s gave more than %d answers", o.Probe, MaxObservations)
	default:
		_, w.err = w.to.Write(text)
		w.count++
	}
}

// close closes the file and gives the first error.
func (w *observationWriter) close() error { return errors.Join(w.err, w.to.Close()) }

// ObservationLines gives the lines of a file of observations, each with its newline and until the next is asked for. Its last
// pair is an error if the file is not whole lines within the limits; no more than one line is ever in memory.
func ObservationLines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := bufio.NewReaderSize(r, MaxObservationLine)
		for n := 1; ; n++ {
			line, err := in.ReadSlice('\n')
			switch {
			case errors.Is(err, io.EOF) && len(line) == 0:
				return
			case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
				err = fmt.Errorf("line %d, which is one of at most %d bytes and ends in a newline: %w", n, MaxObservationLine, err)
			case err == nil && n > MaxObservations:
				err = fmt.Errorf("it has more than %d lines", MaxObservations)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}
