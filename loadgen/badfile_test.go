package loadgen

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestReaderRefusesBadFiles(t *testing.T) {
	good := sampleFile(t, 5)
	change := func(at int, b ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[at:], b)
		return c
	}
	record := func(n, at int, b ...byte) []byte { return change(HeaderSize+n*SampleSize+at, b...) }
	for name, c := range map[string]struct {
		file []byte
		want error
		read int
	}{
		"empty":              {nil, ErrMagic, 0},
		"half a header":      {good[:40], ErrMagic, 0},
		"magic":              {change(0, 'B'), ErrMagic, 0},
		"version":            {change(16, 1), ErrVersion, 0},
		"unknown kind":       {change(18, 9), ErrKind, 0},
		"other kind":         {change(18, 2, 0, 64, 0, 48), ErrKind, 0},
		"header length":      {change(20, 65), ErrLayout, 0},
		"record length":      {change(22, 48), ErrLayout, 0},
		"reserved":           {change(46, 1), ErrLayout, 0},
		"reserved, high":     {change(47, 1), ErrLayout, 0},
		"not closed":         {change(56, 0), ErrNotClosed, 5},
		"closed, empty":      {change(56, 0)[:HeaderSize], ErrNotClosed, 0},
		"trailing bytes":     {append(bytes.Clone(good), 1, 2, 3), ErrTrailing, 5},
		"trailing record":    {change(56, 4), ErrTrailing, 4},
		"seq":                {record(2, 0, 3), ErrRecord, 2},
		"outcome none":       {record(2, 32, 0), ErrRecord, 2},
		"outcome unknown":    {record(2, 32, byte(numCommon)), ErrRecord, 2},
		"outcome below all":  {record(2, 32, byte(FirstReserved)-1), ErrRecord, 2},
		"unsent but sent":    {record(2, 32, byte(Unsent)), ErrRecord, 2},
		"done before sent":   {record(2, 24, 0, 0), ErrRecord, 2},
		"sent before due":    {record(2, 16, 0, 0), ErrRecord, 2},
		"due before anchor":  {record(2, 8, 255, 255, 255, 255, 255, 255, 255, 255), ErrRecord, 2},
		"not closed, torn":   {change(56, 0)[:HeaderSize+2*SampleSize+7], ErrNotClosed, 2},
		"huge count, no end": {change(56, 255, 255, 255, 255, 255, 255, 255, 255), new(TornError), 5},
	} {
		t.Run(name, func(t *testing.T) {
			_, samples, err := ReadSamples(bytes.NewReader(c.file))
			var torn *TornError
			if !errors.Is(err, c.want) && !(errors.As(c.want, &torn) && errors.As(err, &torn)) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if len(samples) != c.read {
				t.Fatalf("%d good samples, want %d", len(samples), c.read)
			}
		})
	}
	var torn *TornError
	if _, s, err := ReadSamples(bytes.NewReader(good[:len(good)-1])); !errors.As(err, &torn) || len(s) != 4 ||
		*torn != (TornError{Read: 4, Want: 5, Tail: SampleSize - 1}) || errors.Is(err, ErrNotClosed) {
		t.Fatalf("torn tail: %v, %d samples", err, len(s))
	}
	if _, _, err := ReadAttempts(bytes.NewReader(good)); !errors.Is(err, ErrKind) || !strings.Contains(err.Error(), "samples") {
		t.Fatalf("samples as a ledger: %v", err)
	}
}

func TestReaderRefusesBadAttempts(t *testing.T) {
	good := contents(t, attemptFile(t, 3))
	for name, c := range map[string]struct {
		at int
		b  byte
	}{
		"id": {0, 77}, "retry of a later": {14, 255}, "retry in another stream": {13, 1}, "outcome": {40, 4}, "outcome 0": {40, 0},
		"never sent": {23, 255}, "done before sent": {24, 0},
		"reserved": {42, 1}, "reserved, high": {43, 255},
	} {
		bad := bytes.Clone(good)
		bad[HeaderSize+AttemptSize+c.at] = c.b
		if _, a, err := ReadAttempts(bytes.NewReader(bad)); !errors.Is(err, ErrRecord) || len(a) != 1 {
			t.Errorf("%s: %v, %d attempts", name, err, len(a))
		}
	}
}
