// Package conformance is for tests alone: what every store of a register must do, whatever it keeps its files in.
package conformance

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"blackstart/evidence/register"
	"blackstart/evidence/seal"
)

// Key is the same in every process of a test.
func Key(t testing.TB) *register.Key {
	t.Helper()
	key, err := register.NewKey("example.org/drills", ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32))))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Run is what the register is told of a run.
func Run(name string) *register.Opened {
	digest := seal.Digest([]byte(name))
	return &register.Opened{Run: name, Pack: name, InputsSHA256: digest, Scenario: "region-kill", Class: "rehearsal", Profile: "fast", ScenarioSHA256: digest,
		Objectives: []string{"rto: rto at most 30s"}, Faults: []string{"region.kill on primary at 2s"}, TargetSHA256: digest, PlanSHA256: digest, ToolSHA256: digest,
		ToolVersion: "1"}
}

// Append opens runs in a register.
func Append(ctx context.Context, l *register.Log, key *register.Key, runs ...string) error {
	for _, run := range runs {
		if _, err := l.Append(ctx, key, "a tester", time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC), register.KindOpened, Run(run)); err != nil {
			return err
		}
	}
	return nil
}

// Stores runs what every store must do on those that open makes: each an empty one.
func Stores(t *testing.T, open func(t *testing.T) register.Store) {
	for name, test := range map[string]func(*testing.T, register.Store){
		"what is there is never touched": createOnly, "what is not there": notThere, "names of a directory": names, "large files": large,
		"one of many writers wins": oneWins, "a register": aRegister, "two writers": twoWriters, "a context that has ended": ended, "a copy of a pack": packs,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, s register.Store, name, data string) error {
	t.Helper()
	return s.Put(t.Context(), name, strings.NewReader(data))
}

func createOnly(t *testing.T, s register.Store) {
	for i, data := range []string{"first", "second", "firsx", ""} {
		if err := put(t, s, "register/entry/0.json", data); (err == nil) != (i == 0) || i > 0 && !errors.Is(err, register.ErrExists) {
			t.Errorf("%q: %v", data, err)
		}
	}
	if got, err := s.Get(t.Context(), "register/entry/0.json", 5); string(got) != "first" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := s.Get(t.Context(), "register/entry/0.json", 4); !errors.Is(err, register.ErrLong) {
		t.Errorf("one byte too many: %v", err)
	}
	if err := put(t, s, "register/entry/0.json", "first"); err != nil && !errors.Is(err, register.ErrExists) {
		t.Error(err)
	}
	if err := put(t, s, "probe/empty", ""); err != nil {
		t.Error(err)
	}
	if got, err := s.Get(t.Context(), "probe/empty", 0); len(got) != 0 || err != nil {
		t.Errorf("an empty file: %q, %v", got, err)
	}
}

func notThere(t *testing.T, s register.Store) {
	if _, err := s.Get(t.Context(), "register/entry/7.json", 10); !errors.Is(err, register.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if all, err := s.List(t.Context(), "register/nothing"); len(all) != 0 || err != nil {
		t.Errorf("%q, %v", all, err)
	}
}

func names(t *testing.T, s register.Store) {
	var want []string
	for i := range 120 {
		want = append(want, fmt.Sprintf("%d.json", i))
		if err := put(t, s, "register/entry/"+want[i], "x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(put(t, s, "register/checkpoints/1", "x"), put(t, s, "runs/a/pack.zip", "x"), put(t, s, "runs/ab/pack.zip", "x")); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string][]string{"register/entry": want, "register/checkpoints": {"1"}, "runs": {"a", "ab"}, "runs/a": {"pack.zip"}} {
		got, err := s.List(t.Context(), dir)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: %q, %v", dir, got, err)
		}
	}
}

func large(t *testing.T, s register.Store) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // 4 MiB
	if err := s.Put(t.Context(), "runs/large/pack.zip", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), "runs/large/pack.zip", int64(len(data))); !bytes.Equal(got, data) || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func oneWins(t *testing.T, s register.Store) {
	for round := range 10 {
		name := fmt.Sprintf("register/checkpoints/%d", round+1)
		var won atomic.Int32
		g, ctx := errgroup.WithContext(t.Context())
		for i := range 6 {
			g.Go(func() error {
				err := s.Put(ctx, name, strings.NewReader(fmt.Sprint("writer ", i)))
				if errors.Is(err, register.ErrExists) {
					return nil
				}
				won.Add(1)
				return err
			})
		}
		if err := g.Wait(); err != nil || won.Load() != 1 {
			t.Fatalf("%d won, %v", won.Load(), err)
		}
	}
}

func aRegister(t *testing.T, s register.Store) {
	key := Key(t)
	if err := register.Init(t.Context(), s, key); err != nil {
		t.Fatal(err)
	}
	if err := register.Init(t.Context(), s, key); err == nil || !strings.Contains(err.Error(), "there is one already") {
		t.Errorf("a second register: %v", err)
	}
	l, err := register.Open(t.Context(), s)
	if err == nil {
		err = Append(t.Context(), l, key, "a", "b", "c")
	}
	if err != nil {
		t.Fatal(err)
	}
	Intact(t, s, 3)
}

func twoWriters(t *testing.T, s register.Store) {
	key, each := Key(t), 12
	if err := register.Init(t.Context(), s, key); err != nil {
		t.Fatal(err)
	}
	g, ctx := errgroup.WithContext(t.Context())
	for _, name := range []string{"a", "b"} {
		g.Go(func() error {
			l, err := register.Open(ctx, s)
			for i := 0; i < each && err == nil; i++ {
				err = Append(ctx, l, key, fmt.Sprintf("%s-%d", name, i))
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	Intact(t, s, 2*each)
}

func ended(t *testing.T, s register.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, "runs/x/pack.zip", strings.NewReader("x")); err != nil && errors.Is(err, register.ErrExists) {
		t.Errorf("%v", err)
	}
}

func packs(t *testing.T, s register.Store) {
	if err := register.Init(t.Context(), s, Key(t)); err != nil {
		t.Fatal(err)
	}
	l, err := register.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct{ data, want string }{{"pack", ""}, {"pack", ""}, {"pick", "another one is there"}, {"pac", "longer than"}} {
		err := l.KeepPack(t.Context(), "run-1", io.NewSectionReader(strings.NewReader(c.data), 0, int64(len(c.data))), int64(len(c.data)))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d: %v, want %q", i, err, c.want)
		}
	}
}

// Intact demands that a register has so many entries and that nothing of it is altered.
func Intact(t *testing.T, s register.Store, entries int) *register.Log {
	t.Helper()
	v, err := register.Verify(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Problems) > 0 || entries >= 0 && v.Log.Size() != int64(entries) {
		t.Fatalf("%d entries, want %d: %q", v.Log.Size(), entries, v.Problems)
	}
	return v.Log
}
