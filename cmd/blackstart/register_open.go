package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"blackstart/evidence/register"
	"blackstart/evidence/register/s3store"
	"blackstart/harness"
)

// storeFlags name an evidence store, a directory or a bucket, and the key of its register.
type storeFlags struct{ place, key string }

// Names of what the flags are taken from where they are not given.
const (
	storeEnv       = "BLACKSTART_STORE"
	registerKeyEnv = "BLACKSTART_REGISTER_KEY"
)

// bucketForm is how a store in a bucket is written.
const bucketForm = "s3://BUCKET/PREFIX[?region=REGION][&endpoint=URL]"

func (f *storeFlags) storeFlag(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&f.place, "store", "", "`STORE`, a directory or s3://BUCKET/PREFIX: evidence store"+what+"; "+storeEnv+" if empty")
}

func (f *storeFlags) keyFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.key, "register-key", "", "PEM `FILE` with the key of its register ("+register.FileKeyWorth+"); "+registerKeyEnv+" if empty")
}

// inBucket tells that the store is no directory.
func (f *storeFlags) inBucket() bool { return strings.HasPrefix(f.place, s3store.Scheme) }

// resolve takes what no flag names from the environment, and makes paths absolute.
func (f *storeFlags) resolve() error {
	if f.place == "" {
		f.place = os.Getenv(storeEnv)
	}
	if f.key == "" {
		f.key = os.Getenv(registerKeyEnv)
	}
	paths := []*string{&f.place, &f.key}
	switch scheme, _, ok := strings.Cut(f.place, "://"); {
	case f.inBucket():
		p, err := s3store.ParsePlace(f.place)
		if err != nil {
			return usage(fmt.Errorf("the store: %w", err), "write "+bucketForm+", without credentials")
		}
		f.place, paths = p.String(), paths[1:]
	case ok:
		return usage(fmt.Errorf("the store: %.20q is no kind of store", scheme+"://"), "name a directory, or "+bucketForm)
	}
	for _, p := range paths {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return harnessError(err, "")
		}
		*p = abs
	}
	return nil
}

// demanded is the store, which must be named. Of a bucket its place then says region and endpoint, too: whoever closes the run later, in
// another environment, finds the same one.
func (f *storeFlags) demanded(ctx context.Context) (register.Store, error) {
	if err := f.resolve(); err != nil {
		return nil, err
	}
	if f.place == "" {
		return nil, usage(errors.New("no evidence store is named"), "name one with --store STORE, or in "+storeEnv)
	}
	if !f.inBucket() {
		return register.Dir(f.place), nil
	}
	return f.bucket(ctx)
}

func (f *storeFlags) bucket(ctx context.Context) (*s3store.Bucket, error) {
	p, err := s3store.ParsePlace(f.place)
	if err != nil {
		return nil, usage(err, "write "+bucketForm)
	}
	b, err := s3store.Open(ctx, p)
	if err != nil {
		return nil, harnessError(fmt.Errorf("%s: %w", f.place, err), "credentials come from the AWS SDK's own chain; region and endpoint may stand in the store's name: "+bucketForm)
	}
	f.place = b.Place().String()
	return b, nil
}

// open reads the register; there must be one.
func (f *storeFlags) open(ctx context.Context) (*register.Log, error) {
	s, err := f.demanded(ctx)
	if err != nil {
		return nil, err
	}
	l, err := register.Open(ctx, s)
	return l, f.unreadable(err)
}

// asArgument is the store as a shell takes it.
func (f *storeFlags) asArgument() string {
	if strings.ContainsAny(f.place, "?& $'") {
		return "'" + strings.ReplaceAll(f.place, "'", `'\''`) + "'"
	}
	return f.place
}

// unreadable turns what keeps a register from being read into an exit code.
func (f *storeFlags) unreadable(err error) error {
	var altered *register.Altered
	switch {
	case err == nil:
		return nil
	case errors.As(err, &altered):
		return &exitError{code: harness.ExitAltered, err: fmt.Errorf("the register in %s is altered: %w", f.place, err),
			hint: "blackstart register verify --store " + f.asArgument()}
	case errors.Is(err, register.ErrNone):
		return harnessError(fmt.Errorf("%s: %w", f.place, err), "a new store is made by: blackstart store init STORE --register-key FILE")
	}
	return harnessError(fmt.Errorf("%s: %w", f.place, err), "nothing was changed there; mend the cause, or name another store with --store STORE")
}
