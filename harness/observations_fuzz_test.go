package harness

import (
	"bytes"
	"testing"
)

// FuzzObservationLines: the lines of any bytes are those bytes, up to the first that is no line within the limits.
func FuzzObservationLines(f *testing.F) {
	for _, seed := range []string{"", "\n", "{}\n", "{}\n{}", "a\r\nb\n", "\n\n\n"} {
		f.Add([]byte(seed))
	}
	f.Add(bytes.Repeat([]byte("x"), MaxObservationLine+1))
	f.Add(append(bytes.Repeat([]byte("x"), MaxObservationLine-1), '\n'))
	f.Fuzz(func(t *testing.T, data []byte) {
		var whole []byte
		for line, err := range ObservationLines(bytes.NewReader(data)) {
			if err != nil {
				rest := data[len(whole):]
				if end := bytes.IndexByte(rest, '\n'); end >= 0 && end < MaxObservationLine {
					t.Errorf("%v: the line has %d bytes and an end", err, end+1)
				}
				return
			}
			whole = append(whole, line...)
		}
		if !bytes.Equal(whole, data) {
			t.Errorf("%d of %d bytes were read, without an error", len(whole), len(data))
		}
	})
}
