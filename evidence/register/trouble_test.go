package register

import (
	"context"
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

func (m *moody) Put(ctx context.Context, name string, r io.ReadSeeker) error {
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
	about := string(read(t, d, AboutFile))
	for old, c := range map[string][2]string{
		`store/1`:               {`store/2`, "made by a newer version"},
		`"format"`:              {`"former"`, "store.json is not what"},
		`example.org/drills","`: {`example.org/other","`, "its key speaks for"},
	} {
		write(t, d, AboutFile, []byte(strings.Replace(about, old, c[0], 1)))
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
		syscall.EDQUOT: "the store is full", syscall.ENOENT: "the store is gone", syscall.EPERM: "cannot be written to"} {
		err := Dir("x").explain(&os.PathError{Op: "open", Path: "x", Err: cause})
		if !strings.Contains(err.Error(), want) || !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
		}
	}
	for _, cause := range []error{syscall.EPERM, syscall.ENOTSUP} { // of a link to a file that could be made
		err := Dir("x").explain(linked("x", &os.LinkError{Op: "link", Old: "x", New: "y", Err: cause}))
		if !strings.Contains(err.Error(), "no hard links") || strings.Contains(err.Error(), "written to") || !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
		}
	}
	if err := Dir("x").explain(syscall.EIO); err != syscall.EIO {
		t.Errorf("it makes up a cause: %v", err)
	}
}
