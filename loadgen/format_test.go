package loadgen

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var testRun = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

func goodSample(n uint64) Sample {
	due := int64(n) * 1000
	return Sample{Seq: n, Due: due, Sent: due + 10, Done: due + 500, Outcome: OK, Cohort: 2, Status: 200, Worker: 9}
}

func goodAttempt(n uint64) Attempt {
	return Attempt{
		ID: AttemptID(3, n), Sent: int64(n), Done: int64(n) + 5, Amount: -1250, Outcome: AttemptUnknown,
		Place: 1, Worker: 4,
	}
}

func tempFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "f.bin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func contents(t *testing.T, f *os.File) []byte {
	t.Helper()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sampleFile returns the bytes of a closed file of n samples.
func sampleFile(t *testing.T, n uint64) []byte {
	t.Helper()
	f := tempFile(t)
	w, err := NewSampleWriter(f, Header{Run: testRun, Stream: 3, Anchor: 1_700_000_000_000_000_000})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.Write(goodSample(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return contents(t, f)
}

func attemptFile(t *testing.T, n uint64) *os.File {
	t.Helper()
	f := tempFile(t)
	w, err := NewAttemptWriter(f, Header{Run: testRun, Stream: 3, Anchor: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.Write(goodAttempt(n - 1 - i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

// The layout is fixed: these bytes may never change.
func TestBytesOfAFile(t *testing.T) {
	want := "626c61636b73746172742e7061636b2f" + "0200" + "0100" + "4000" + "2800" +
		"0102030405060708090a0b0c0d0e0f10" + "03000000" + "00000000" + "00002a36fe9c9717" + "0100000000000000" +
		"0000000000000000" + "0000000000000000" + "0a00000000000000" + "f401000000000000" + "01" + "02" + "c800" + "09000000"
	if got := hex.EncodeToString(sampleFile(t, 1)); got != want {
		t.Errorf("samples\n got %s\nwant %s", got, want)
	}
	want = "626c61636b73746172742e7061636b2f" + "0200" + "0200" + "4000" + "3000" +
		"0102030405060708090a0b0c0d0e0f10" + "03000000" + "00000000" + "0100000000000000" + "0100000000000000" +
		"0100000000030000" + "0000000000000000" + "0000000000000000" + "0500000000000000" + "1efbffffffffffff" +
		"03" + "01" + "0000" + "04000000"
	if got := hex.EncodeToString(contents(t, attemptFile(t, 1))); got != want {
		t.Errorf("ledger\n got %s\nwant %s", got, want)
	}
	want = "626c61636b73746172742e7061636b2f" + "0200" + "0300" + "4000" + "0100" +
		"0102030405060708090a0b0c0d0e0f10" + "03000000" + "00000000" + "0100000000000000" + "0300000000000000" + "00" + "01" + "fe"
	if got := hex.EncodeToString(copiesFile(t, 0, 1, 300)); got != want {
		t.Errorf("copies\n got %s\nwant %s", got, want)
	}
}

func TestFilesReadBackInOrderWhateverTheOrderOfWriting(t *testing.T) {
	const n = 20_000
	f := tempFile(t)
	w, err := NewSampleWriter(f, Header{Stream: 1})
	if err != nil {
		t.Fatal(err)
	}
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	for _, i := range order {
		if err := w.Write(goodSample(uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	if written, waiting := w.Written(); waiting != 0 {
		t.Fatalf("%d written, %d wait", written, waiting)
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	h, samples, err := ReadSamples(bytes.NewReader(contents(t, f)))
	if err != nil || h.Count != n || len(samples) != n {
		t.Fatalf("%+v, %d samples, %v", h, len(samples), err)
	}
	for i, s := range samples {
		if s != goodSample(uint64(i)) {
			t.Fatalf("sample %d is %+v", i, s)
		}
	}
	if _, _, err := ReadAttempts(attemptFile(t, 3000)); err == nil {
		t.Fatal("read from the end of a file and found a ledger")
	}
	_, attempts, err := ReadAttempts(bytes.NewReader(contents(t, attemptFile(t, 3000))))
	if err != nil || len(attempts) != 3000 || attempts[2999] != goodAttempt(2999) {
		t.Fatalf("%d attempts, %v", len(attempts), err)
	}
}

func TestWriterRefusesWhatWouldBreakTheFile(t *testing.T) {
	w, err := NewSampleWriter(tempFile(t), Header{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(goodSample(MaxWindow)); !errors.Is(err, ErrWindow) {
		t.Errorf("beyond the window: %v", err)
	}
	if err := w.Write(goodSample(MaxWindow - 1)); err != nil {
		t.Errorf("last of the window: %v", err)
	}
	if err := w.Write(goodSample(MaxWindow - 1)); err == nil {
		t.Error("the same record twice")
	}
	if err := errors.Join(w.Write(goodSample(0)), w.Flush()); err != nil {
		t.Error(err)
	}
	if err := w.Write(goodSample(0)); err == nil {
		t.Error("a record already in the file")
	}
	var gap *GapError
	if err := w.Close(); !errors.As(err, &gap) || gap.Missing != 1 || gap.Held != 1 {
		t.Errorf("close with a gap: %v", err)
	}
	if err := w.Write(goodSample(1)); err == nil {
		t.Error("write after close")
	}
	if _, err := NewAttemptWriter(tempFile(t), Header{Stream: MaxLedgerStream + 1}); err == nil {
		t.Error("stream too large for a ledger")
	}
	a, err := NewAttemptWriter(tempFile(t), Header{Stream: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Write(goodAttempt(0)); err == nil {
		t.Error("attempt of another stream")
	}
}

func TestAKilledWriterLeavesAReadablePrefix(t *testing.T) {
	f := tempFile(t)
	w, err := NewSampleWriter(f, Header{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint64{0, 1, 2, 5, 6} {
		if err := w.Write(goodSample(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	_, samples, err := ReadSamples(bytes.NewReader(contents(t, f)))
	if !errors.Is(err, ErrNotClosed) || len(samples) != 3 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
}

func TestMemoryStaysFlat(t *testing.T) {
	w, err := NewSampleWriter(tempFile(t), Header{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(100_000) {
		if err := w.Write(goodSample(n ^ 1)); err != nil { // pairs in the wrong order
			t.Fatal(err)
		}
	}
	if len(w.ring) > 2*autoDrain {
		t.Errorf("the window grew to %d records", len(w.ring))
	}
}

// copiesFile returns the bytes of a closed file of copies.
func copiesFile(t *testing.T, copies ...int) []byte {
	t.Helper()
	f := tempFile(t)
	n, err := WriteCopies(f, Header{Run: testRun, Stream: 3, Anchor: 1}, slices.Values(copies))
	if err != nil || n != uint64(len(copies)) {
		t.Fatalf("%d written: %v", n, err)
	}
	return contents(t, f)
}

func TestCopies(t *testing.T) {
	h, got, err := readCopies(bytes.NewReader(copiesFile(t, 0, 1, 2, 254, 255, 9999)))
	if want := []uint8{0, 1, 2, 254, 254, 254}; err != nil || h.Count != 6 || h.Stream != 3 || !slices.Equal(got, want) {
		t.Errorf("%+v %v, %v", h, got, err)
	}
	// Of a stream that offered nothing there are no copies, and no record says so.
	if _, got, err := readCopies(bytes.NewReader(copiesFile(t))); !errors.Is(err, ErrNotClosed) || len(got) != 0 {
		t.Errorf("no copies: %v, %v", got, err)
	}
	if _, err := WriteCopies(tempFile(t), Header{Stream: 3}, slices.Values([]int{1, -1})); err == nil {
		t.Error("fewer copies than none")
	}
	if _, err := WriteCopies(tempFile(t), Header{Stream: MaxLedgerStream + 1}, slices.Values([]int{1})); err == nil {
		t.Error("stream too large for a ledger")
	}
	good := copiesFile(t, 1, 1, 1)
	for name, c := range map[string]struct {
		file []byte
		want error
		read int
	}{
		"255":            {append(bytes.Clone(good[:len(good)-2]), 255, 1), ErrRecord, 1},
		"trailing":       {append(bytes.Clone(good), 1), ErrTrailing, 3},
		"one too few":    {good[:len(good)-1], new(TornError), 2},
		"not closed":     {append(mustHeader(KindCopies, 0), 1, 1), ErrNotClosed, 2},
		"a ledger":       {contents(t, attemptFile(t, 2)), ErrKind, 0},
		"record length":  {append(bytes.Clone(good[:22]), append([]byte{48}, good[23:]...)...), ErrLayout, 0},
		"beyond ledgers": {append(bytes.Clone(good[:43]), append([]byte{1}, good[44:]...)...), ErrLayout, 0},
	} {
		_, got, err := readCopies(bytes.NewReader(c.file))
		var torn *TornError
		if !errors.Is(err, c.want) && !(errors.As(c.want, &torn) && errors.As(err, &torn)) || len(got) != c.read {
			t.Errorf("%s: %d read, %v", name, len(got), err)
		}
	}
}

func TestAttemptIDs(t *testing.T) {
	for _, c := range []struct {
		stream uint32
		n      uint64
	}{{0, 0}, {3, 0}, {MaxLedgerStream, 1<<40 - 2}} {
		id := AttemptID(c.stream, c.n)
		stream, n, ok := SplitAttemptID(id)
		if !ok || stream != c.stream || n != c.n || int64(id) <= 0 {
			t.Errorf("%v: id %d → %d, %d, %v", c, id, stream, n, ok)
		}
	}
	for _, id := range []uint64{0, 1 << 40, 1 << 63, 1<<63 | 1} {
		if _, _, ok := SplitAttemptID(id); ok {
			t.Errorf("id %d belongs to an attempt", id)
		}
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for n := range NumOutcomes {
		o := Outcome(n) //nolint:gosec // a byte
		if seen[o.String()] || o.String() == "" {
			t.Errorf("outcome %d is called %q", o, o)
		}
		seen[o.String()] = true
	}
	for _, c := range []struct{ got, want string }{
		{Outcome(99).String(), "outcome-99"}, {AttemptOK.String(), "ok"}, {AttemptDefinite.String(), "definite"},
		{AttemptUnknown.String(), "unknown"}, {AttemptOutcome(9).String(), "attempt-9"},
		{KindLedger.String(), "ledger"}, {KindCopies.String(), "copies"}, {FileKind(7).String(), "kind-7"}, {TLSIssuer.String(), "tls-issuer"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func FuzzReadSamples(f *testing.F) {
	good := append([]byte(nil), mustHeader(KindSamples, 2)...)
	good = goodSample(1).appendTo(goodSample(0).appendTo(good))
	f.Add(good)
	f.Add(good[:70])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, samples, err := ReadSamples(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, encErr := h.AppendBinary(nil)
		for _, s := range samples {
			again = s.appendTo(again)
		}
		if encErr != nil || !bytes.Equal(again, b) {
			t.Fatal("accepted bytes that we would not write")
		}
	})
}

func FuzzReadAttempts(f *testing.F) {
	good := append([]byte(nil), mustHeader(KindLedger, 2)...)
	good = goodAttempt(1).appendTo(goodAttempt(0).appendTo(good))
	f.Add(good)
	f.Add(good[:99])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, attempts, err := ReadAttempts(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, encErr := h.AppendBinary(nil)
		for _, a := range attempts {
			again = a.appendTo(again)
		}
		if encErr != nil || !bytes.Equal(again, b) {
			t.Fatal("accepted bytes that we would not write")
		}
	})
}

func FuzzReadCopies(f *testing.F) {
	f.Add(append(mustHeader(KindCopies, 3), 0, 1, 254))
	f.Add(append(mustHeader(KindCopies, 3), 0, 255))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, copies, err := readCopies(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, encErr := h.AppendBinary(nil)
		for _, c := range copies {
			again = copyCount(c).appendTo(again)
		}
		if encErr != nil || !bytes.Equal(again, b) {
			t.Fatal("accepted bytes that we would not write")
		}
	})
}

func mustHeader(k FileKind, count uint64) []byte {
	b, err := Header{Kind: k, Run: testRun, Stream: 3, Anchor: 5, Count: count}.AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// readCopies reads a whole file of copies.
func readCopies(r *bytes.Reader) (Header, []uint8, error) {
	h, records, err := Copies(r)
	if err != nil {
		return h, nil, err
	}
	return collect(h, records)
}
