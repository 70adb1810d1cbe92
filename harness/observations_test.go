package harness

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// kept is a file that is kept in memory, and can be full.
type kept struct {
	bytes.Buffer
	full error
}

func (k *kept) Write(b []byte) (int, error) {
	if k.full != nil {
		return 0, k.full
	}
	return k.Buffer.Write(b)
}

func (k *kept) Close() error { return nil }

func asIs(line []byte) []byte { return line }

// Secrets in an answer never reach the disk.
func TestObservationsAreRedactedAsTheyAreWritten(t *testing.T) {
	to := &kept{}
	s := series{out: observationWriter{to: to, redact: (&rig{}).parts("", NewClock()).Redact}}
	s.take(Observation{Probe: "http.health", Detail: "password hunter-2"})
	if got := to.String(); s.out.close() != nil || strings.Contains(got, "hunter") || !strings.Contains(got, "[redacted]") {
		t.Errorf("%s, %v", got, s.out.err)
	}
}

// What the one reader would not take, the one writer does not write.
func TestObservationsHaveOneWriterAndOneReader(t *testing.T) {
	to := &kept{}
	w := observationWriter{to: to, redact: asIs}
	w.write(Observation{Probe: "a", Detail: "<&> is as it was"})
	w.write(Observation{Probe: "b", Detail: strings.Repeat("x", MaxObservationLine-200)})
	if w.err != nil || w.count != 2 {
		t.Fatal(w.count, w.err)
	}
	lines := 0
	for line, err := range ObservationLines(bytes.NewReader(to.Bytes())) {
		if err != nil || line[len(line)-1] != '\n' || lines == 0 && !bytes.Contains(line, []byte("<&>")) {
			t.Errorf("%.200s, %v", line, err)
		}
		lines++
	}
	if lines != 2 {
		t.Errorf("%d lines", lines)
	}
	before := to.Len()
	w.write(Observation{Probe: "c", Detail: strings.Repeat("x", MaxObservationLine)})
	w.write(Observation{Probe: "d"})
	if err := w.close(); err == nil || to.Len() != before || w.count != 2 {
		t.Errorf("%d lines, %v", w.count, err)
	}
	w = observationWriter{to: &kept{}, redact: asIs, count: MaxObservations}
	if w.write(Observation{}); w.err == nil {
		t.Error("written without end")
	}
	full := errors.New("no space left")
	w = observationWriter{to: &kept{full: full}, redact: asIs}
	if w.write(Observation{}); !errors.Is(w.close(), full) {
		t.Errorf("%v", w.err)
	}
}

// A file that is not whole lines within the limits is refused, after what can be read of it.
func TestObservationLinesHaveLimits(t *testing.T) {
	long := strings.Repeat("x", MaxObservationLine)
	broken := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		from  io.Reader
		lines int
		fails bool
	}{
		"nothing":  {strings.NewReader(""), 0, false},
		"whole":    {strings.NewReader("{}\n{}\n"), 2, false},
		"torn":     {strings.NewReader("{}\n{"), 1, true},
		"longest":  {strings.NewReader(long[1:] + "\n"), 1, false},
		"too long": {strings.NewReader("{}\n" + long + "\n{}\n"), 1, true},
		"broken":   {io.MultiReader(strings.NewReader("{}\n"), unreadable{broken}), 1, true},
		"too many": {io.LimitReader(newlines{}, MaxObservations+1), MaxObservations, true},
	} {
		lines, failed := 0, false
		for _, err := range ObservationLines(c.from) {
			if failed = err != nil; !failed {
				lines++
			}
		}
		if lines != c.lines || failed != c.fails {
			t.Errorf("%s: %d lines, an error: %v", name, lines, failed)
		}
	}
}

type unreadable struct{ err error }

func (f unreadable) Read([]byte) (int, error) { return 0, f.err }

type newlines struct{}

func (newlines) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '\n'
	}
	return len(b), nil
}
