package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"blackstart/evidence"
	"blackstart/evidence/register"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// registerExits are those of the commands that read a register.
const registerExits = `Exit codes: 0 done, and nothing is altered · 20 altered · 10 bad usage ·
11 error of the tool. Of population: 1 the list given does not agree.`

func registerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "register",
		Short: "which runs there were: list, verify, population, sample, tiles",
		Long: `Reads the register of an evidence store. A history that was written anew is
found from packs that were kept elsewhere: each carries the register's state at
its opening.`,
		Example: `  blackstart register list --store /mnt/evidence
  blackstart register verify --store /mnt/evidence --packs old`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, c := range []*cobra.Command{registerListCommand(), registerVerifyCommand(), populationCommand(), sampleCommand(), registerTilesCommand()} {
		c.Annotations = map[string]string{"exits": registerExits}
		cmd.AddCommand(c)
	}
	return cmd
}

// registerFlags are those of every command that reads a register.
type registerFlags struct {
	storeFlags
	asJSON bool
}

func (f *registerFlags) add(cmd *cobra.Command) *cobra.Command {
	f.storeFlag(cmd, "")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print as JSON")
	cmd.Args = cobra.NoArgs
	return cmd
}

// listed is one entry as `register list` tells it.
type listed struct {
	Index  int64         `json:"index"`
	At     string        `json:"at"`
	By     string        `json:"by"`
	Kind   register.Kind `json:"kind"`
	Run    string        `json:"run"`
	Told   string        `json:"told"` // in words
	SHA256 string        `json:"sha256"`
}

func registerListCommand() *cobra.Command {
	var f registerFlags
	return f.add(&cobra.Command{
		Use:     "list",
		Short:   "list the entries",
		Long:    "Lists the entries in order, after checking that they form one chain\nup to a signed checkpoint.",
		Example: "  blackstart register list --store /mnt/evidence",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			all, misfits := []listed{}, l.Misfits(l.Size())
			for _, n := range l.Lines() {
				all = append(all, entryTold(n))
			}
			err = f.print(cmd.OutOrStdout(), all, func(p *page) {
				for _, e := range all {
					p.row(fmt.Sprintf("%6d  ", e.Index), fmt.Sprintf("%s %s %s: %s (%s)", minute(e.At), e.Kind, e.Run, e.Told, e.By))
				}
				if len(all) == 0 {
					p.put(0, "no entries")
				}
			})
			return f.contradicted(err, misfits)
		},
	})
}

// entryTold puts an entry into words.
func entryTold(n register.Line) listed {
	e := listed{Index: n.Index, At: n.At, By: n.By, Kind: n.Kind, SHA256: n.SHA256, Told: "of a kind that this build does not write"}
	switch b := n.Body.(type) {
	case *register.Opened:
		e.Run, e.Told = b.Run, b.Scenario+", "+b.Class
	case *register.Closed:
		e.Run, e.Told = b.Run, fmt.Sprintf("%s, exit %d", b.Result, b.Exit)
		if b.Result == register.Interrupted {
			e.Told += ": " + b.Reason
		}
	case *register.Parked:
		e.Run, e.Told = b.Run, b.Reason
	case *register.Amended:
		e.Run, e.Told = b.Run, b.Reason
	}
	return e
}

// verifiedRegister is what `register verify` tells.
type verifiedRegister struct {
	Headline string   `json:"headline"`
	Exit     int      `json:"exit"`
	Origin   string   `json:"origin"`
	Key      string   `json:"key"`
	Head     int64    `json:"head"`
	Root     string   `json:"root"`
	KeyGiven bool     `json:"key_given"` // the key was held against one from outside
	Packs    []string `json:"packs"`     // that were compared
	Unclosed int      `json:"unclosed"`  // of them, those whose run is not closed
	Problems []string `json:"problems"`
	Notes    []string `json:"notes"`
	Keeping  string   `json:"keeping"`
}

func registerVerifyCommand() *cobra.Command {
	var f registerFlags
	var packs, key string
	cmd := f.add(&cobra.Command{
		Use:   "verify",
		Short: "check the register, and compare it with packs",
		Long: `Checks every entry's signature and place, every checkpoint, and that entries fit
together. With --packs each pack below DIR is compared, too: the register must
still have every entry that was there when the pack was opened, and its run
must have been closed as the pack says it ended, in every field. The first
altered entry is named. With --key the register must be signed with the key that
its owner told you of.

Packs that lie in the store itself show nothing about whoever writes there: use
copies that were kept elsewhere. What else is in a pack, blackstart verify says.`,
		Example: `  blackstart register verify --store /mnt/evidence
  blackstart register verify --store /mnt/evidence --packs old --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return verifyRegister(cmd.Context(), cmd.OutOrStdout(), f, packs, key)
		},
	})
	cmd.Flags().StringVar(&key, "key", "", "`LINE` with the register's public key, as store init printed it: it must be this one")
	cmd.Flags().StringVar(&packs, "packs", "", "`DIR` with packs, or one pack, to compare the register with")
	return cmd
}

func verifyRegister(ctx context.Context, out io.Writer, f registerFlags, packs, key string) error {
	store, err := f.demanded(ctx)
	if err != nil {
		return err
	}
	kept, notes, err := keptIn(packs)
	if err != nil {
		return err
	}
	v, err := register.Verify(ctx, store, kept)
	if err != nil {
		return f.unreadable(err)
	}
	if key != "" && key != v.Log.Key {
		v.Problems = append([]string{"it is signed with another key than the one given"}, v.Problems...)
	}
	root, err := v.Log.Root(v.Log.Size())
	if err != nil {
		return harnessError(err, "")
	}
	r := verifiedRegister{Origin: v.Log.Origin, Key: v.Log.Key, Head: v.Log.Size(), Root: fmt.Sprintf("%x", root[:]), Packs: []string{}, Keeping: register.SelfKept,
		Problems: append([]string{}, v.Problems...), Notes: append(append([]string{}, v.Notes...), notes...)}
	r.KeyGiven, r.Unclosed = key != "", v.Unclosed
	for _, k := range kept {
		r.Packs = append(r.Packs, k.Pack)
	}
	r.Headline = fmt.Sprintf("consistent: %d entries, each signed and in its place", r.Head)
	if len(kept) > 0 {
		r.Headline += fmt.Sprintf("; %d packs agree", len(kept)-v.Unclosed)
	}
	if v.Unclosed > 0 {
		r.Headline += fmt.Sprintf(", %d are of runs that are not closed", v.Unclosed)
	}
	if len(r.Problems) > 0 {
		r.Exit, r.Headline = harness.ExitAltered, "ALTERED: "+r.Problems[0]
	}
	if err := f.print(out, r, r.show); err != nil {
		return err
	}
	if r.Exit != 0 {
		return &exitError{code: r.Exit, err: errors.New(r.Headline), shown: true}
	}
	return nil
}

func (r verifiedRegister) show(p *page) {
	p.put(2, r.Headline)
	for i, problem := range r.Problems {
		if i > 0 {
			p.put(4, "  "+problem)
		}
	}
	p.head(r.Origin, r.Key, r.Head, r.Root)
	if !r.KeyGiven {
		p.put(4, "  no --key was given: a register of the same name, made anew with another key, would not be told from this one")
	}
	if len(r.Packs) == 0 {
		p.put(4, "  no pack was compared: a history written anew by whoever has store and key would not be seen")
	}
	for _, n := range r.Notes {
		p.put(4, "  note: "+n)
	}
	p.put(4, "  "+r.Keeping)
}

// isOtherZip tells of a whole zip that has no file of a pack in it. One that is cut or altered may be a pack.
func isOtherZip(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		return false
	}
	defer z.Close()
	return !slices.ContainsFunc(z.File, func(f *zip.File) bool {
		return slices.ContainsFunc([]string{seal.InputsFile, seal.EventsFile, seal.ManifestFile, seal.SignatureFile}, func(name string) bool {
			return strings.HasSuffix(f.Name, name)
		})
	})
}

// keptIn reads what the packs below a directory keep of their register. A file that is no pack, or that kept nothing, is a note;
// one whose part of a register does not hold is refused.
func keptIn(dir string) (kept []register.Kept, notes []string, err error) {
	if dir == "" {
		return nil, nil, nil
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return usage(err, "--packs takes a directory with packs, or a pack")
		}
		if d.IsDir() || !strings.HasSuffix(path, ".zip") {
			return nil
		}
		k, err := evidence.ReadKept(path)
		switch {
		case err != nil && isOtherZip(path):
			notes = append(notes, path+" is no pack: it was not compared")
		case err != nil:
			return &exitError{code: harness.ExitAltered, err: err, hint: "blackstart verify " + path}
		case k.Key == "":
			notes = append(notes, path+" was opened in no register")
		default:
			kept = append(kept, k)
		}
		return nil
	})
	if err == nil && len(kept)+len(notes) == 0 {
		err = usage(fmt.Errorf("there is no pack below %s", dir), "--packs takes a directory with packs, or a pack")
	}
	return kept, notes, err
}
