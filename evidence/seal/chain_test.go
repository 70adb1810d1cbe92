package seal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

var inputsSum = Digest([]byte("{}\n"))

func newLog(t testing.TB, n int) (path string, head ChainHead) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "events.jsonl")
	w, err := NewChain(path, inputsSum)
	ok(t, err)
	for i := range n - 1 {
		seq, err := w.Append(struct {
			Kind string `json:"kind"`
			N    int    `json:"n"`
		}{"tick", i})
		ok(t, err)
		if seq != int64(i) {
			t.Fatalf("seq %d, want %d", seq, i)
		}
	}
	ok(t, w.Sync())
	head, err = w.Close(map[string]any{"why": "done"}, nil)
	ok(t, err)
	return path, head
}

func TestChainGood(t *testing.T) {
	path, head := newLog(t, 9)
	data, err := os.ReadFile(path)
	ok(t, err)
	c, err := VerifyChain(bytes.NewReader(data), inputsSum, 0, 1, 2, 3, 4, 6, 7, 8, 9, 10)
	ok(t, err)
	if c.Head != head || !c.Closed || head.Count != 9 || c.Size != int64(len(data)) {
		t.Fatalf("%+v, want head %+v", c, head)
	}
	var leaves []Hash
	for line := range strings.Lines(string(data)) {
		leaves = append(leaves, tlog.RecordHash([]byte(line)))
	}
	for n := range len(leaves) + 1 {
		stored, err := storedHashes(leaves[:n])
		ok(t, err)
		want, err := tlog.TreeHash(int64(n), stored)
		ok(t, err)
		if got, kept := c.Roots[int64(n)]; kept != (n != 5) || kept && got != want {
			t.Errorf("root of %d events is kept: %v, or differs from tlog's", n, kept)
		}
	}
	first, _, _ := strings.Cut(string(data), "\n")
	if first != `{"seq":0,"prev":"`+inputsSum+`","kind":"tick","n":0}` {
		t.Errorf("first line %s", first)
	}
	if !strings.HasSuffix(string(data), `"kind":"log.closed","count":9,"why":"done"}`+"\n") {
		t.Errorf("last line of %s", data)
	}
}

// TestChainFindsFirstAltered changes every byte of every line but the last and
// demands that exactly this line is named.
func TestChainFindsFirstAltered(t *testing.T) {
	path, _ := newLog(t, 4)
	data, err := os.ReadFile(path)
	ok(t, err)
	last := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	for at := range last {
		if data[at] == '\n' {
			continue // joins two lines
		}
		bad := bytes.Clone(data)
		bad[at] ^= 1
		if bad[at] == '\n' {
			continue
		}
		want := int64(bytes.Count(data[:at], []byte("\n")))
		_, err := VerifyChain(bytes.NewReader(bad), inputsSum)
		var altered *ChainError
		if !errors.As(err, &altered) || altered.Seq != want {
			t.Fatalf("byte %d (%q) of event %d: %v", at, data[at], want, err)
		}
	}
}

func TestChainBadLogs(t *testing.T) {
	path, _ := newLog(t, 4)
	data, err := os.ReadFile(path)
	ok(t, err)
	lines := strings.SplitAfter(string(data), "\n")
	join := func(i ...int) string {
		var b strings.Builder
		for _, i := range i {
			b.WriteString(lines[i])
		}
		return b.String()
	}
	for what, c := range map[string]struct {
		log string
		seq int64
	}{
		"removed":     {join(0, 2, 3), 0},
		"swapped":     {join(1, 0, 2, 3), 0},
		"twice":       {join(0, 1, 1, 2, 3), 2},
		"after close": {join(0, 1, 2, 3, 3), 4},
		"joined":      {strings.Replace(string(data), "\n", "", 1), 0},
	} {
		_, err := VerifyChain(strings.NewReader(c.log), inputsSum)
		var altered *ChainError
		if !errors.As(err, &altered) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var open *OpenError
	if _, err := VerifyChain(strings.NewReader(join(0, 1, 2)), inputsSum); !errors.As(err, &open) || open.Events != 3 {
		t.Errorf("cut tail: %v", err)
	}
	if _, err := VerifyChain(strings.NewReader(""), inputsSum); !errors.As(err, &open) {
		t.Errorf("empty: %v", err)
	}
	var altered *ChainError
	if _, err := VerifyChain(strings.NewReader(string(data)), Digest(nil)); !errors.As(err, &altered) || altered.Seq != 0 {
		t.Errorf("other inputs: %v", err)
	}
	wrong := strings.Replace(join(0, 1, 2), "\n\n", "\n", 1)
	sum := Digest([]byte(lines[2]))
	wrong += eventPrefix(3, sum) + `,"kind":"log.closed","count":3}` + "\n"
	if _, err := VerifyChain(strings.NewReader(wrong), inputsSum); !errors.As(err, &altered) || altered.Seq != 3 {
		t.Errorf("wrong count: %v", err)
	}
	long := join(0) + strings.Repeat("x", MaxEventBytes+1) + "\n"
	if _, err := VerifyChain(strings.NewReader(long), inputsSum); !errors.As(err, &altered) {
		t.Errorf("long line: %v", err)
	}
}

func TestTornTailAndResume(t *testing.T) {
	dir := t.TempDir()
	path, torn := filepath.Join(dir, "events.jsonl"), filepath.Join(dir, "events.torn")
	w, err := NewChain(path, inputsSum)
	ok(t, err)
	for range 3 {
		_, err = w.Append(map[string]any{"kind": "tick"})
		ok(t, err)
	}
	ok(t, w.Abandon())
	good, err := os.ReadFile(path)
	ok(t, err)
	ok(t, os.WriteFile(path, append(good, `{"seq":3,"pr`...), 0o644))
	var te *TornError
	if _, err := ResumeChain(path, inputsSum); !errors.As(err, &te) || te.Seq != 3 || te.Bytes != 12 {
		t.Fatalf("resume a torn log: %v", err)
	}
	was, err := SplitTorn(path, torn, inputsSum)
	ok(t, err)
	tail, err := os.ReadFile(torn)
	ok(t, err)
	if !was || string(tail) != `{"seq":3,"pr` {
		t.Fatalf("split %v, tail %q", was, tail)
	}
	if was, err = SplitTorn(path, torn, inputsSum); was || err != nil {
		t.Fatalf("again: %v %v", was, err)
	}
	w, err = ResumeChain(path, inputsSum)
	ok(t, err)
	_, err = w.Append(map[string]any{"kind": "undone"})
	ok(t, err)
	head, err := w.Close(nil, nil)
	ok(t, err)
	f, err := os.Open(path)
	ok(t, err)
	defer f.Close()
	c, err := VerifyChain(f, inputsSum)
	ok(t, err)
	if c.Head != head || head.Count != 5 {
		t.Fatalf("head %+v, want %+v", c.Head, head)
	}
	if _, err = ResumeChain(path, inputsSum); err == nil {
		t.Error("resumed a closed log")
	}
}

func TestChainRefusesFields(t *testing.T) {
	w, err := NewChain(filepath.Join(t.TempDir(), "e"), inputsSum)
	ok(t, err)
	for _, fields := range []any{
		map[string]any{"seq": 1}, map[string]any{"Prev": "x"}, map[string]any{"x": 1.5}, map[string]any{"x": uint64(1) << 53},
		[]int{1}, "text", nil, map[string]any{"x": strings.Repeat("x", MaxEventBytes)}, map[string]any{"x": func() {}},
	} {
		if _, err := w.Append(fields); err == nil {
			t.Errorf("%.40v: want an error", fields)
		}
	}
	if seq, err := w.Append(map[string]any{}); seq != 0 || err != nil {
		t.Errorf("a refused event took seq 0: %d %v", seq, err)
	}
	if _, err := w.Close(map[string]any{"count": 7}, nil); err == nil {
		t.Error("count given twice: want an error")
	}
	_, err = w.Close(nil, nil)
	ok(t, err)
	if _, err := w.Append(map[string]any{}); err == nil {
		t.Error("appended after close")
	}
}

func TestChainFailedWriteEndsLog(t *testing.T) {
	w, err := NewChain(filepath.Join(t.TempDir(), "e"), inputsSum)
	ok(t, err)
	ok(t, w.f.Close())
	_, first := w.Append(map[string]any{"a": 1})
	_, second := w.Append(map[string]any{"a": 1})
	if first == nil || !errors.Is(second, first) || w.Head().Count != 0 {
		t.Errorf("%v, then %v", first, second)
	}
}

func TestChainConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e")
	w, err := NewChain(path, inputsSum)
	ok(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				if _, err := w.Append(map[string]any{"who": fmt.Sprint(i, j)}); err != nil {
					t.Error(err)
				}
				w.Head()
			}
		})
	}
	wg.Wait()
	_, err = w.Close(nil, nil)
	ok(t, err)
	f, err := os.Open(path)
	ok(t, err)
	defer f.Close()
	c, err := VerifyChain(f, inputsSum)
	ok(t, err)
	if c.Head.Count != 161 {
		t.Errorf("%d events", c.Head.Count)
	}
}

func TestCheckpointEveryFlippedByteIsRefused(t *testing.T) {
	key, err := NewRunKey("blackstart/run-1")
	ok(t, err)
	head := ChainHead{Count: 3, Root: tlog.RecordHash([]byte("x"))}
	msg, err := key.Sign(head, "fault")
	ok(t, err)
	c, err := VerifyCheckpoint(msg, key.Verifier())
	ok(t, err)
	if c != (Checkpoint{"blackstart/run-1", 3, head.Root, "fault"}) {
		t.Fatalf("%+v", c)
	}
	for at := range msg {
		for bit := range 8 {
			bad := bytes.Clone(msg)
			bad[at] ^= 1 << bit
			if _, err := VerifyCheckpoint(bad, key.Verifier()); err == nil {
				t.Fatalf("byte %d bit %d (%q): accepted", at, bit, msg[at])
			}
		}
	}
	other, err := NewRunKey("blackstart/run-1")
	ok(t, err)
	if _, err := VerifyCheckpoint(msg, other.Verifier()); err == nil {
		t.Error("other key of the same name: accepted")
	}
	if _, err := VerifyCheckpoint(append(msg, "— other AAAAAAAA\n"...), key.Verifier()); err == nil {
		t.Error("a second signature: accepted")
	}
	if _, err := key.Sign(head, "two words"); err == nil {
		t.Error("phase of two words: want an error")
	}
}
