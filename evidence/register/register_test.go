package register

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"blackstart/evidence/seal"
)

func TestAppendAndRead(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	o := fill(t, l, key, 7)
	again := open(t, d)
	if again.Size() != 7 {
		t.Fatalf("%d entries, want 7", again.Size())
	}
	e, opened, err := o.Check(key.Verifier())
	if err != nil || e.Index != 6 || opened.Run != "run-6" {
		t.Fatalf("entry %d of run %v: %v", e.Index, opened, err)
	}
	if err := again.Compare(o); err != nil {
		t.Error(err)
	}
	if v := verify(t, d); len(v.Problems) > 0 || fmt.Sprint(v.Notes) != "[3 closed runs have no copy of their pack in the store, the first is run run-0]" {
		t.Errorf("without copies: %q %q", v.Problems, v.Notes)
	}
	for _, run := range []string{"run-0", "run-2", "run-4"} {
		if err := l.KeepPack(t.Context(), run, strings.NewReader("pack"), 4); err != nil {
			t.Fatal(err)
		}
	}
	if v := verify(t, d); len(v.Problems)+len(v.Notes) > 0 {
		t.Errorf("an honest register: %q %q", v.Problems, v.Notes)
	}
	detail := o.Detail()
	back, err := ParseOpening(detail)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := back.Check(key.Verifier()); err != nil {
		t.Errorf("what a pack tells of it: %v", err)
	}
	for k, v := range detail {
		spoilt := map[string]string{}
		for k, v := range detail {
			spoilt[k] = v
		}
		spoilt[k] = strings.TrimSuffix(v, "\n") + " 1"
		o, err := ParseOpening(spoilt)
		if err == nil {
			_, _, err = o.Check(key.Verifier())
		}
		if err == nil {
			t.Errorf("%s can be altered", k)
		}
	}
}

// TestTwoLogsOfOneStore: each reads what the other has written in between.
func TestTwoLogsOfOneStore(t *testing.T) {
	d, key := newStore(t)
	a, b := open(t, d), open(t, d)
	for i := range 6 {
		appendTo(t, []*Log{a, b}[i%2], key, i, aRun(i))
	}
	if v := verify(t, d); len(v.Problems) > 0 || v.Log.Size() != 6 {
		t.Errorf("%d entries, %q", v.Log.Size(), v.Problems)
	}
}

func TestAppendRefuses(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	stranger, err := NewKey(key.Name(), ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32))))
	if err != nil {
		t.Fatal(err)
	}
	nameless := closing(0, Interrupted)
	nameless.Reason = ""
	for _, c := range []struct {
		name string
		key  *Key
		kind Kind
		body any
		want string
	}{
		{"kind of another build", key, "approved", map[string]string{}, `kind "approved" are not written by this build`},
		{"issue", key, "issue.accepted", map[string]string{}, `kind "issue.accepted" are not written by this build`},
		{"nonsense", key, "danced", map[string]string{}, `kind "danced" are not written by this build`},
		{"key", stranger, KindOpened, aRun(0), "not that of this register"},
		{"no reason", key, KindClosed, nameless, "no reason is given"},
		{"parked without reason", key, KindParked, &Parked{Run: "run-0"}, "no reason is given"},
		{"pass with exit 1", key, KindClosed, &Closed{Run: "r", Result: Passed, Exit: 1, Reason: "x", PackSHA256: strings.Repeat("0", 64)}, "does not go with exit 1"},
		{"no run", key, KindAmended, &Amended{Reason: "x"}, "is no run id"},
		{"a word that JSON has no bytes for", key, KindParked, json.RawMessage(`{"run":"run-0","opened":0,"reason":"\ud800"}`), "is not written as one of kind parked"},
		{"too long", key, KindOpened, func() any { o := aRun(0); o.Scenario = strings.Repeat("x", MaxEntryBytes); return o }(), "bytes, up to"},
	} {
		if _, err := l.Append(t.Context(), c.key, "a tester", moment(0), c.kind, c.body); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, by := range []string{"", "\xff"} {
		if _, err := l.Append(t.Context(), key, by, moment(0), KindOpened, aRun(0)); err == nil || !strings.Contains(err.Error(), "the entry would not be one") {
			t.Errorf("by %q: %v", by, err)
		}
	}
	if _, err := l.Append(t.Context(), key, "a tester", moment(0).AddDate(9000, 0, 0), KindOpened, aRun(0)); err == nil {
		t.Error("a year of five digits")
	}
	if open(t, d).Size() != 0 {
		t.Error("something was appended")
	}
}

// forged signs an entry as somebody does who has the key.
func forged(t *testing.T, key *Key, data []byte, change func(*Entry)) []byte {
	t.Helper()
	var e Entry
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	change(&e)
	out, err := e.sign(key)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// pipe puts one that nobody writes to in the place of a file.
func pipe(t *testing.T, d Dir, name string) {
	t.Helper()
	if err := errors.Join(os.Remove(path(d, name)), syscall.Mkfifo(path(d, name), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// TestStraysAreNoted: what can be no part of a register is left alone, and said.
func TestStraysAreNoted(t *testing.T) {
	d, key := newStore(t)
	fill(t, open(t, d), key, 2)
	for _, name := range []string{entryDir + "/notes.txt", entryDir + "/1.json.bak", checkpointDir + "/.DS_Store"} {
		write(t, d, name, nil)
	}
	v := verify(t, d)
	if len(v.Problems) > 0 || open(t, d).Size() != 2 || !strings.Contains(fmt.Sprint(v.Notes), "3 files lie in the register's directories and are none of it") {
		t.Errorf("%q %q", v.Problems, v.Notes)
	}
}

// TestPacksAreComparedUpToAnUnreadableEntry: what was altered before it is named first.
func TestPacksAreComparedUpToAnUnreadableEntry(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	o := fill(t, l, key, 7)
	fill(t, l, key, 12)
	rewrite(t, d, key, 2)
	write(t, d, entryName(10), make([]byte, MaxEntryBytes+1))
	v := verify(t, d, Kept{Pack: "old.zip", Run: "run-6", Key: key.Verifier(), Opening: o, Ending: *closing(6, Passed)})
	if said := fmt.Sprint(v.Problems); !strings.HasPrefix(said, "[first altered entry: 2: ") || !strings.Contains(said, "first altered entry: 10: ") {
		t.Errorf("%s", said)
	}
}

// TestVerifyFindsWhatIsAltered: one change at a time, by somebody without the key and by somebody with it.
func TestVerifyFindsWhatIsAltered(t *testing.T) {
	edit := func(n int64, old, new string) func(*testing.T, Dir, *Key) {
		return func(t *testing.T, d Dir, _ *Key) {
			data := strings.Replace(string(read(t, d, entryName(n))), old, new, 1)
			write(t, d, entryName(n), []byte(data))
		}
	}
	sign := func(n int64, change func(*Entry)) func(*testing.T, Dir, *Key) {
		return func(t *testing.T, d Dir, k *Key) {
			write(t, d, entryName(n), forged(t, k, read(t, d, entryName(n)), change))
		}
	}
	remove := func(name string) func(*testing.T, Dir, *Key) {
		return func(t *testing.T, d Dir, _ *Key) {
			if err := os.Remove(path(d, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name string
		do   func(*testing.T, Dir, *Key)
		want string
	}{
		{"a body", edit(3, `"passed"`, `"failed"`), "first altered entry: 3: "},
		{"a reason", edit(3, `as it was`, `as it is!`), "first altered entry: 3: it is not signed"},
		{"who", edit(2, `a tester`, `a forger`), "first altered entry: 2: it is not signed"},
		{"when", edit(2, `2026-01-03`, `2026-01-04`), "first altered entry: 2: it is not signed"},
		{"the last", edit(7, `as it was`, `as it is!`), "first altered entry: 7: it is not signed"},
		{"a space", edit(4, `,"kind"`, `, "kind"`), "first altered entry: 4: it is not written as an entry is"},
		{"a key twice", edit(4, `"kind"`, `"kind":"opened","kind"`), "first altered entry: 4: it is not written"},
		{"a newer format", edit(4, `register/1`, `register/2`), "first altered entry: 4: it has format \"blackstart.register/2\", written by a newer version"},
		{"signed anew", sign(3, func(e *Entry) { e.By = "a forger" }), "first altered entry: 3: its digest is not the one that entry 4 carries"},
		{"the last signed anew", sign(7, func(e *Entry) { e.By = "a forger" }), "first altered entry: 7: it is not the one that the checkpoint over it was signed for"},
		{"two signed anew, in a chain", func(t *testing.T, d Dir, k *Key) {
			six := forged(t, k, read(t, d, entryName(6)), func(e *Entry) { e.By = "a forger" })
			write(t, d, entryName(6), six)
			write(t, d, entryName(7), forged(t, k, read(t, d, entryName(7)), func(e *Entry) { e.Prev = seal.Digest(six) }))
		}, "first altered entry: 6: it is not the one that the checkpoint over it was signed for"},
		{"another place", sign(3, func(e *Entry) { e.Index = 4 }), "first altered entry: 3: it calls itself entry 4"},
		{"another log", sign(3, func(e *Entry) { e.Origin = "x" }), "first altered entry: 3: it is of log"},
		{"one is gone", remove(entryName(3)), "first altered entry: 3: "},
		{"the last is gone", remove(entryName(7)), "first altered entry: 7: a checkpoint speaks of 8 entries"},
		{"a checkpoint is gone", remove(checkpointName(4)), "checkpoint of 4 entries: read register/checkpoints/4: it does not exist"},
		{"a checkpoint of another size", func(t *testing.T, d Dir, _ *Key) {
			write(t, d, checkpointName(4), read(t, d, checkpointName(5)))
		}, "checkpoint of 4 entries: it is not one of 4 entries"},
		{"a checkpoint altered", func(t *testing.T, d Dir, _ *Key) {
			write(t, d, checkpointName(4), append(read(t, d, checkpointName(4)), '\n'))
		}, "checkpoint of 4 entries: "},
		{"the head's checkpoint altered", func(t *testing.T, d Dir, _ *Key) {
			write(t, d, checkpointName(8), append(read(t, d, checkpointName(8)), '\n'))
		}, "checkpoint of 8 entries: "},
		{"the last two checkpoints are gone", func(t *testing.T, d Dir, _ *Key) {
			if err := errors.Join(os.Remove(path(d, checkpointName(8))), os.Remove(path(d, checkpointName(7)))); err != nil {
				t.Fatal(err)
			}
		}, "checkpoint of 7 entries: "},
		{"a stranger among the checkpoints", func(t *testing.T, d Dir, _ *Key) { write(t, d, checkpointDir+"/007", nil) }, `"007" lies among the checkpoints`},
		{"a stranger among the entries", func(t *testing.T, d Dir, _ *Key) { write(t, d, entryDir+"/007.json", nil) }, `"007.json" lies among the entries`},
		{"a pipe", func(t *testing.T, d Dir, _ *Key) { pipe(t, d, entryName(3)) }, "first altered entry: 3: read register/entry/3.json: it is no regular file"},
		{"a directory", func(t *testing.T, d Dir, _ *Key) {
			if err := errors.Join(os.Remove(path(d, entryName(3))), os.Mkdir(path(d, entryName(3)), 0o755)); err != nil {
				t.Fatal(err)
			}
		}, "first altered entry: 3: read register/entry/3.json: it is no regular file"},
		{"a checkpoint that is a pipe", func(t *testing.T, d Dir, _ *Key) { pipe(t, d, checkpointName(4)) }, "checkpoint of 4 entries: read register/checkpoints/4: it is no"},
		{"two unreadable, far apart", func(t *testing.T, d Dir, k *Key) {
			fill(t, open(t, d), k, 600)
			write(t, d, entryName(599), make([]byte, MaxEntryBytes+1))
			write(t, d, entryName(300), make([]byte, MaxEntryBytes+1))
		}, "first altered entry: 300: read register/entry/300.json: it is longer"},
		{"one altered before one that is unreadable", func(t *testing.T, d Dir, k *Key) {
			write(t, d, entryName(5), make([]byte, MaxEntryBytes+1))
			edit(3, `"passed"`, `"failed"`)(t, d, k)
		}, "[first altered entry: 3: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, key := newStore(t)
			fill(t, open(t, d), key, 8)
			c.do(t, d, key)
			v, err := Verify(t.Context(), d, nil)
			said := fmt.Sprint(v.Problems, err)
			if !strings.Contains(said, c.want) || err != nil {
				t.Errorf("said %q, want %q and no trouble of this machine", said, c.want)
			}
			var altered *Altered // a command that only reads checks the chain, and the checkpoint over its head
			if _, err := Open(t.Context(), d); !errors.As(err, &altered) && !strings.HasPrefix(c.name, "a checkpoint ") {
				t.Errorf("whoever opens it is told %v", err)
			}
		})
	}
}

// TestVerifyFindsWhatDoesNotFit: entries in good order that tell what cannot be.
func TestVerifyFindsWhatDoesNotFit(t *testing.T) {
	other := closing(0, Failed)
	other.Opened = 5
	for _, c := range []struct {
		name string
		last []Body
		want string
	}{
		{"opened twice", []Body{aRun(0)}, "run run-0 was opened by entry 0 already"},
		{"closed twice", []Body{closing(0, Failed), closing(0, Passed)}, "run run-0 was ended by entry 1 already"},
		{"closed and parked", []Body{closing(0, Failed), &Parked{Run: "run-0", Reason: "x"}}, "run run-0 was ended by entry 1 already"},
		{"never opened", []Body{closing(7, Passed)}, "run run-7 was not opened"},
		{"opened elsewhere", []Body{other}, "run run-0 was not opened by the entry it names"},
		{"amended, never opened", []Body{&Amended{Run: "run-9", Reason: "x", PackSHA256: seal.Digest(nil), AmendmentSHA256: seal.Digest(nil)}}, "run run-9 was not opened"},
	} {
		d, key := newStore(t)
		l := open(t, d)
		appendTo(t, l, key, 0, aRun(0))
		for i, b := range c.last {
			appendTo(t, l, key, i+1, b)
		}
		if v := verify(t, d); !strings.Contains(fmt.Sprint(v.Problems), c.want) {
			t.Errorf("%s: %q, want %q", c.name, v.Problems, c.want)
		}
	}
}
