package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"blackstart/evidence/register"
)

func storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "store",
		Short:   "make an evidence store, with the register of all its runs",
		Long:    "An evidence store keeps packs, and a register in which every run is opened\nbefore it starts and closed after its pack is sealed.",
		Example: "  blackstart store init /mnt/evidence --register-key register.pem",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(storeInitCommand())
	return cmd
}

func storeInitCommand() *cobra.Command {
	var f storeFlags
	var name string
	cmd := &cobra.Command{
		Use:   "init STORE",
		Short: "make an evidence store in a directory or a bucket",
		Long: `Makes STORE an evidence store with an empty register: a directory, which is
made, or s3://BUCKET/PREFIX in a bucket that is there. First it tries whether a
file that is there is never overwritten, by one writer or by two at once: where
that does not hold, no register can be kept.

A bucket's region and endpoint may follow a question mark; else the AWS
configuration says them. Credentials come from the AWS SDK's own chain alone.

The register's key signs every entry and checkpoint. If the key's file does not
exist, it is made (Ed25519, PKCS #8, for its owner's eyes only). It must not lie
in the store: whoever holds both can write the history anew, and is found out
only by packs that were kept elsewhere.`,
		Example: `  blackstart store init /mnt/evidence --register-key register.pem
  blackstart store init 's3://evidence/drills?region=eu-central-1' \
    --register-key register.pem --name example.org/drills`,
		Annotations: map[string]string{"exits": otherExits},
		Args:        cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.place = args[0]
			return initStore(cmd.Context(), cmd.OutOrStdout(), f, name)
		},
	}
	f.keyFlag(cmd)
	cmd.Flags().StringVar(&name, "name", "", "what the register is called; blackstart/ and the last part of STORE if empty")
	return cmd
}

func initStore(ctx context.Context, out io.Writer, f storeFlags, name string) error {
	if err := f.resolve(); err != nil {
		return err
	}
	if f.key == "" {
		return usage(errors.New("no key is named for the register"), "name one with --register-key FILE: it is made if it does not exist")
	}
	if !f.inBucket() && inside(f.place, f.key) {
		return usage(fmt.Errorf("the key %s would lie in the store", f.key), "keep it elsewhere: who holds both can write the history anew")
	}
	if name == "" {
		name = "blackstart/" + f.lastPart()
	}
	if strings.ContainsAny(name, "+ \t\n") || len(name) > 100 {
		return usage(fmt.Errorf("--name %.100q has spaces or a '+', or is longer than 100 bytes", name), "call it after its owner, e.g. --name example.org/drills")
	}
	made := ""
	if _, err := os.Stat(f.key); errors.Is(err, fs.ErrNotExist) {
		if err := register.MakeKey(f.key); err != nil {
			return harnessError(err, "name a file in a directory that can be written to: --register-key register.pem")
		}
		made = " (made now)"
	}
	key, err := register.LoadKey(f.key, name)
	if err != nil {
		return usage(err, "--register-key takes an Ed25519 key: openssl genpkey -algorithm ed25519 -out register.pem")
	}
	keeping, err := f.begin(ctx, key)
	if err != nil {
		return err
	}
	var p page
	p.row("store     ", f.place)
	for _, k := range keeping {
		p.row("keeping   ", k)
	}
	p.row("register  ", "give this line to whoever will check it: it is not to be believed from the store")
	p.put(0, key.Verifier())
	p.row("key       ", f.key+made+": "+register.FileKeyWorth)
	_, err = io.WriteString(out, p.String())
	if err != nil {
		return harnessError(err, "")
	}
	return nil
}

// begin makes the register, and says how the store keeps what it has.
func (f *storeFlags) begin(ctx context.Context, key *register.Key) (keeping []string, err error) {
	if !f.inBucket() {
		dir, err := register.MakeDir(f.place)
		if err == nil {
			err = register.Init(ctx, dir, key)
		}
		if err != nil {
			return nil, harnessError(fmt.Errorf("%s: %w", f.place, err), "name a new directory on a file system that keeps what it has")
		}
		return nil, nil
	}
	b, err := f.bucket(ctx)
	if err != nil {
		return nil, err
	}
	if err := register.Init(ctx, b, key); err != nil {
		return nil, harnessError(fmt.Errorf("%s: %w", f.place, err), "name a new prefix of a bucket that is there, of a service that keeps what it has")
	}
	held, err := b.Held(ctx)
	if err != nil {
		held = "not known: " + err.Error()
	}
	if keeping = []string{held}; b.Place().Plain() {
		keeping = append(keeping, "on its way there nothing is encrypted (http://): whoever is in between can read packs")
	}
	return keeping, nil
}

// lastPart is that of the store's name.
func (f *storeFlags) lastPart() string {
	place, _, _ := strings.Cut(f.place, "?")
	return path.Base(filepath.ToSlash(place))
}

// inside tells whether path lies below dir, as far as names tell.
func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
