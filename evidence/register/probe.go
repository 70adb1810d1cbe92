package register

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// probe tries whether a store keeps what it has: of two writers of one name one wins, whether they come one after the other, within each
// other, or at once. What it did not find may be so all the same: it can refuse a store, and prove none.
func probe(ctx context.Context, s Store) error {
	if err := probeTwice(ctx, s); err != nil {
		return err
	}
	for pass := range passes {
		if err := probeWithin(ctx, s, pass); err != nil {
			return err
		}
	}
	for range races {
		if err := probeRace(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// Numbers of what is tried.
const (
	passes    = 4 // over what is written: a store may read it for its digest first
	races     = 4
	racers    = 8
	probeHalf = 32 << 10 // bytes, more than is kept back on the way
)

func probeName() string { return probeDir + "/" + strings.ToLower(rand.Text()) }

// probeTwice writes one name twice and demands that the second is refused and the first still there.
func probeTwice(ctx context.Context, s Store) error {
	name := probeName()
	if err := putBytes(ctx, s, name, []byte("first\n")); err != nil {
		return err
	}
	err := putBytes(ctx, s, name, []byte("second\n"))
	got, readErr := s.Get(ctx, name, 64)
	switch {
	case readErr != nil:
		return fmt.Errorf("read back what was written: %w", readErr)
	case err == nil:
		return errors.New("it let a file be written twice (create-only is ignored): no register can be kept here")
	case !errors.Is(err, ErrExists):
		return err
	case string(got) != "first\n":
		return errors.New("it refused a second writing and kept it all the same: no register can be kept here")
	}
	return nil
}

// errTwoWriters says that a store looks first and writes then: it keeps its promise to one writer and breaks it to two.
var errTwoWriters = errors.New("it let two writers at once create one file (create-only is not atomic): no register can be kept here")

// probeWithin writes a name while another writing of it is half done, in its pass-th reading.
func probeWithin(ctx context.Context, s Store, pass int) error {
	name, inner := probeName(), errors.New("not written")
	slow := &slowReader{Reader: bytes.NewReader(make([]byte, 2*probeHalf)), pass: pass, between: func() { inner = putBytes(ctx, s, name, []byte("within\n")) }}
	outer := s.Put(ctx, name, slow)
	if slow.between != nil {
		return outer // it is read fewer times
	}
	for _, err := range []error{inner, outer} {
		if err != nil && !errors.Is(err, ErrExists) {
			return err
		}
	}
	got, err := s.Get(ctx, name, 2*probeHalf)
	switch {
	case err != nil:
		return fmt.Errorf("read back what was written: %w", err)
	case (inner == nil) == (outer == nil), (inner == nil) != (string(got) == "within\n"):
		return errTwoWriters
	}
	return nil
}

// slowReader calls between once, at the middle of its pass-th reading.
type slowReader struct {
	*bytes.Reader
	pass    int
	between func()
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.Len() > probeHalf {
		return r.Reader.Read(p[:min(len(p), r.Len()-probeHalf)])
	}
	if r.Len() == probeHalf {
		if r.pass == 0 && r.between != nil {
			r.between()
			r.between = nil
		}
		r.pass--
	}
	return r.Reader.Read(p)
}

// WriteTo keeps readers from going round Read.
func (r *slowReader) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{r})
}

// probeRace lets several write one name at the same time.
func probeRace(ctx context.Context, s Store) error {
	name := probeName()
	var won [racers]bool
	g, raced := errgroup.WithContext(ctx)
	for i := range racers {
		g.Go(func() error {
			err := putBytes(raced, s, name, racerBytes(i))
			won[i] = err == nil
			if errors.Is(err, ErrExists) {
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	got, err := s.Get(ctx, name, 64)
	if err != nil {
		return fmt.Errorf("read back what was written: %w", err)
	}
	winner := slices.Index(won[:], true)
	if winner < 0 || slices.Contains(won[winner+1:], true) || !bytes.Equal(got, racerBytes(winner)) {
		return errTwoWriters
	}
	return nil
}

func racerBytes(i int) []byte { return fmt.Appendf(nil, "racer %d\n", i) }
