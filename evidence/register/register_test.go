package register

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// TestKindsOfOtherBuildsAreRead: they keep their place in the chain, and a kind that nobody here knows is said to be there.
func TestKindsOfOtherBuildsAreRead(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	for i, kind := range []Kind{"approved", "issue.accepted", "danced"} {
		e := Entry{Format: entryFormat, Origin: l.Origin, By: "another build", At: moment(i).Format(timeLayout), Kind: kind, Body: json.RawMessage(`{"a":1}`)}
		if ok, err := l.try(t.Context(), key, e); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := l.note(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	appendTo(t, l, key, -1, aRun(0))
	v := verify(t, d)
	if !strings.Contains(fmt.Sprint(v.Notes), "1 entries are dated before the one before them") {
		t.Errorf("a date that goes back: %q", v.Notes)
	}
	if len(v.Problems) > 0 || !strings.Contains(fmt.Sprint(v.Notes), "1 entries are of kinds that this build does not know") {
		t.Errorf("%q %q", v.Problems, v.Notes)
	}
}

// moody is a store that fails in the two ways there are: nothing happened, or it happened and the reply was lost.
type moody struct {
	Store
	lose, fail int // the n-th Put from now
	overwrite  bool
}

func (m *moody) Put(ctx context.Context, name string, r io.Reader) error {
	m.lose, m.fail = m.lose-1, m.fail-1
	if m.fail == 0 {
		return errors.New("connection refused")
	}
	if m.overwrite {
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		_ = os.Remove(path(m.Store.(Dir), name))
		return os.WriteFile(path(m.Store.(Dir), name), data, 0o644)
	}
	err := m.Store.Put(ctx, name, r)
	if m.lose == 0 && err == nil {
		return errors.New("connection reset")
	}
	return err
}

func TestLostReplies(t *testing.T) {
	for nth := 1; nth <= 2; nth++ { // the entry, its checkpoint
		d, key := newStore(t)
		m := &moody{Store: d, lose: nth}
		l := open(t, m)
		if _, err := l.Append(t.Context(), key, "a tester", moment(0), KindOpened, aRun(0)); err != nil {
			t.Errorf("lost reply %d: %v", nth, err)
		}
		if v := verify(t, d); v.Log.Size() != 1 || len(v.Problems) > 0 {
			t.Errorf("lost reply %d: %d entries, %q", nth, v.Log.Size(), v.Problems)
		}
	}
	d, key := newStore(t)
	l := open(t, &moody{Store: d, fail: 1})
	if _, err := l.Append(t.Context(), key, "a tester", moment(0), KindOpened, aRun(0)); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("failed: %v", err)
	}
	if open(t, d).Size() != 0 {
		t.Error("something was appended")
	}
	appendTo(t, l, key, 0, aRun(0)) // and it goes on
}

// TestAnEntryThatIsNotSignedIsNotFollowed: what stands in the next place must be the register's own.
func TestAnEntryThatIsNotSignedIsNotFollowed(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	appendTo(t, l, key, 0, aRun(0))
	other := open(t, d)
	appendTo(t, other, key, 1, aRun(1))
	write(t, d, entryName(1), []byte(strings.Replace(string(read(t, d, entryName(1))), "a tester", "a forger", 1)))
	_, err := l.Append(t.Context(), key, "a tester", moment(2), KindOpened, aRun(2))
	if err == nil || !strings.Contains(err.Error(), "first altered entry: 1: it is not signed by the register's key") {
		t.Errorf("%v", err)
	}
}

// TestForkIsSeen: another history was signed for the same size.
func TestForkIsSeen(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	appendTo(t, l, key, 0, aRun(0))
	msg, err := seal.Checkpoint{Origin: l.Origin, Size: 2}.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, d, checkpointName(2), msg)
	if _, err := l.Append(t.Context(), key, "a tester", moment(1), KindOpened, aRun(1)); err == nil || !strings.Contains(err.Error(), "the register has forked") {
		t.Errorf("%v", err)
	}
}

func TestInitRefuses(t *testing.T) {
	d, key := newStore(t)
	if err := Init(t.Context(), d, key); err == nil || !strings.Contains(err.Error(), "there is one already") {
		t.Errorf("a second register: %v", err)
	}
	dir, err := MakeDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := Init(t.Context(), &moody{Store: dir, overwrite: true}, key); err == nil || !strings.Contains(err.Error(), "create-only is ignored") {
		t.Errorf("a store that overwrites: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	d, key := newStore(t)
	fill(t, open(t, d), key, 2)
	about := string(read(t, d, aboutFile))
	for old, c := range map[string][2]string{
		`store/1`:               {`store/2`, "made by a newer version"},
		`"format"`:              {`"former"`, "store.json is not what"},
		`example.org/drills","`: {`example.org/other","`, "its key speaks for"},
	} {
		write(t, d, aboutFile, []byte(strings.Replace(about, old, c[0], 1)))
		if _, err := Open(t.Context(), d); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %q", old, err, c[1])
		}
	}
	if _, err := Open(t.Context(), Dir(t.TempDir())); err == nil || !strings.Contains(err.Error(), "is the drive mounted?") {
		t.Errorf("an empty directory: %v", err)
	}
}

// TestDirExplains: what the file system refuses is said in words, and nothing is made where the store is gone.
func TestDirExplains(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	if err := os.RemoveAll(string(d)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), key, "a tester", moment(0), KindOpened, aRun(0)); err == nil || !strings.Contains(err.Error(), "the store is gone") {
		t.Errorf("a store that is gone: %v", err)
	}
	if err := l.KeepPack(t.Context(), "run-0", strings.NewReader("x"), 1); err == nil || !strings.Contains(err.Error(), "the store is gone") {
		t.Errorf("a pack into a store that is gone: %v", err)
	}
	if _, err := os.Stat(string(d)); err == nil {
		t.Error("something was made in its place")
	}
}

func TestKeepPack(t *testing.T) {
	d, _ := newStore(t)
	l := open(t, d)
	for i, c := range []struct{ data, want string }{{"pack", ""}, {"pack", ""}, {"pick", "another one is there"}, {"packs", "another one is there"}, {"pac", "longer than"}} {
		err := l.KeepPack(t.Context(), "run-1", strings.NewReader(c.data), int64(len(c.data)))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d: %v, want %q", i, err, c.want)
		}
	}
	if got := string(read(t, d, packName("run-1"))); got != "pack" {
		t.Errorf("the pack is %q now", got)
	}
}

// TestWhatTheFileSystemRefusesIsSaid in words, and the cause is kept.
func TestWhatTheFileSystemRefusesIsSaid(t *testing.T) {
	for cause, want := range map[error]string{syscall.EROFS: "cannot be written to", syscall.EACCES: "cannot be written to", syscall.ENOSPC: "the store is full",
		syscall.EDQUOT: "the store is full", syscall.ENOENT: "the store is gone", syscall.ENOTSUP: "no hard links"} {
		err := Dir("x").explain(&os.PathError{Op: "open", Path: "x", Err: cause})
		if !strings.Contains(err.Error(), want) || !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
		}
	}
	if err := Dir("x").explain(syscall.EIO); err != syscall.EIO {
		t.Errorf("it makes up a cause: %v", err)
	}
}
