package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"blackstart/evidence"
	"blackstart/evidence/register"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// writer opens the register to write to it; nil where no store is named.
func (f *storeFlags) writer(ctx context.Context) (*registerWriter, error) {
	given := f.key != "" // what only the environment names serves whoever names a store
	if err := f.resolve(); err != nil {
		return nil, err
	}
	if f.place == "" {
		if given {
			return nil, usage(errors.New("--register-key is given, and no store"), "name the store with --store STORE, or in "+storeEnv)
		}
		return nil, nil
	}
	l, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	if f.key == "" {
		return nil, usage(errors.New("a store is named, and no key of its register"), "name the key with --register-key FILE, or in "+registerKeyEnv)
	}
	key, err := register.LoadKey(f.key, l.Origin)
	if err != nil {
		return nil, usage(err, "--register-key takes the file that `blackstart store init` was given")
	}
	if key.Verifier() != l.Key {
		return nil, usage(fmt.Errorf("the key in %s is not that of the register in %s", f.key, f.place), "--register-key takes the file that `blackstart store init` was given")
	}
	return &registerWriter{flags: *f, log: l, key: key}, nil
}

// registerWriter opens and closes runs in a register.
type registerWriter struct {
	flags storeFlags // where it was found
	log   *register.Log
	key   *register.Key
}

// verifier is the public half of the register's key; "" where there is no register.
func (w *registerWriter) verifier() string {
	if w == nil {
		return ""
	}
	return w.key.Verifier()
}

// registerFlags are those of a run that is opened in a register.
func (f *runFlags) registerFlags(cmd *cobra.Command) {
	f.store.storeFlag(cmd, " in which the run is opened before it starts")
	f.store.keyFlag(cmd)
	cmd.Flags().StringVar(&f.trust, "trust", "", "JSON `FILE` that verify will be given: where it demands a register, nothing is run without one")
}

// register opens the register to write to it; nil where no store is named. A run whose pack a trust file would not accept, since it would be
// opened in none of the registers that the file demands, is refused.
func (f *runFlags) register(ctx context.Context) (*registerWriter, error) {
	w, err := f.store.writer(ctx)
	if err != nil || f.trust == "" {
		return w, err
	}
	t, err := seal.LoadTrust(f.trust)
	if err != nil {
		return nil, usage(err, "the shape of a trust file is in docs/evidence.md")
	}
	if err := t.DemandsRegister(w.verifier()); err != nil {
		return nil, usage(err, "name the store of one of them with --store STORE and its key with --register-key FILE")
	}
	return w, nil
}

// openRun opens the run of a bag, whose inputs are fixed, and tells so as event 1. It says what it entered; "" without a register.
func (w *registerWriter) openRun(ctx context.Context, bag string, at time.Time, s harness.Scenario, redact *evidence.Redactor, j *evidence.Journal) (string, error) {
	if w == nil {
		return "", nil
	}
	in, sha, err := evidence.ReadInputs(bag)
	if err != nil {
		return "", err
	}
	o, err := w.log.Append(ctx, w.key, in.Executor, at, register.KindOpened, evidence.OpenedEntry(in, sha, s, redact))
	if err != nil {
		return "", fmt.Errorf("open the run in the register: %w", err)
	}
	return fmt.Sprintf("%s: opened as entry %d, run %s", w.log.Origin, o.Index, in.RunID), j.Opened(o)
}

// find looks for a run; ok is false if it was never opened, or has its end already. One that is not among the entries that were
// read may be there all the same, where the reply to its opening was lost: the register is read anew before it is given up.
func (w *registerWriter) find(ctx context.Context, run string) (r register.Run, ok bool, err error) {
	for range 2 {
		all := w.log.Runs(w.log.Size())
		if i := slices.IndexFunc(all, func(r register.Run) bool { return r.Run == run }); i >= 0 {
			return all[i], all[i].Outcome == register.NeverClosed, nil
		}
		again, err := w.flags.writer(ctx)
		if err != nil {
			return r, false, fmt.Errorf("see whether the run was opened in the register: %w", err)
		}
		w.log = again.log
	}
	return r, false, nil
}

// closeRun copies the pack of a run that was opened to the store and enters how it ended; "" is a run that has no pack, and
// ended for the reason given. A run that was never opened, or has its end, is left as it is. It says what it entered.
func (w *registerWriter) closeRun(ctx context.Context, run, by, pack, reason string) (string, error) {
	if w == nil {
		return "", nil
	}
	r, ok, err := w.find(ctx, run)
	if !ok {
		return "", err
	}
	end := register.Closed{Run: run, Opened: r.Index, Result: register.Interrupted, Exit: harness.ExitStopped, Reason: evidence.ShortReason(reason)}
	if pack != "" {
		if end, err = evidence.Ending(pack, r.Index); err != nil {
			return "", err
		}
		if err := w.keepPack(ctx, run, pack); err != nil {
			return "", err
		}
	}
	o, err := w.log.Append(ctx, w.key, by, time.Now(), register.KindClosed, &end)
	if err != nil {
		return "", fmt.Errorf("close the run in the register: %w", err)
	}
	return fmt.Sprintf("%s: opened as entry %d, closed as %d, %s, run %s", w.log.Origin, r.Index, o.Index, end.Result, run), nil
}

func (w *registerWriter) keepPack(ctx context.Context, run, pack string) error {
	f, err := os.Open(pack)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return w.log.KeepPack(ctx, run, f, info.Size())
}

// closeInRegister enters how the run ended, after its pack is sealed, or why there is none.
func (d *drillRun) closeInRegister(ctx context.Context, pack, reason string) (string, error) {
	said, err := d.register.closeRun(ctx, d.runID, d.redact.Text(d.executor), pack, d.redact.Text(reason))
	d.unclosed = err != nil
	if said != "" {
		d.screen.say("register of %s", said)
	}
	return said, err
}

// storeTrouble is what keeps a run from being closed in its register: it can be mended, and the run waits for it.
type storeTrouble struct{ err error }

func (s storeTrouble) Error() string { return s.err.Error() }
func (s storeTrouble) Unwrap() error { return s.err }

// closeInRegister enters how a run that was left ended, if it was opened in a register.
func (l unfinishedRun) closeInRegister(ctx context.Context, say func(string), pack, reason string) error {
	said := ""
	w, err := l.registerWriter(ctx)
	if err == nil {
		said, err = w.closeRun(ctx, l.info.RunID, executorName(""), pack, reason)
	}
	if err != nil {
		return storeTrouble{err}
	}
	if said != "" {
		say("register of " + said)
	}
	return nil
}

// parkInRegister enters that a run can never be sealed, and why, redacted.
func (l unfinishedRun) parkInRegister(ctx context.Context, reason string) error {
	w, err := l.registerWriter(ctx)
	if err != nil || w == nil {
		return err
	}
	r, ok, err := w.find(ctx, l.info.RunID)
	if !ok {
		return err
	}
	_, err = w.log.Append(ctx, w.key, executorName(""), time.Now(), register.KindParked,
		&register.Parked{Run: l.info.RunID, Opened: r.Index, Reason: evidence.ShortReason(reason)})
	return err
}

// registerWriter opens the register that the run was opened in, to write to it; nil where it was opened in none. It is looked for
// where it was, and then where somebody says that it is now: another one than the run names is refused.
func (l unfinishedRun) registerWriter(ctx context.Context) (*registerWriter, error) {
	was := storeFlags{l.info.Store, l.info.RegisterKey}
	in, _, err := evidence.ReadInputs(filepath.Join(l.dir, "bag"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && was.place != "":
		return was.writer(ctx) // no other could be held against anything
	case errors.Is(err, fs.ErrNotExist), err == nil && in.Register == "":
		return nil, nil
	case err != nil:
		return nil, err
	}
	err = errors.New("where its register is, is not on record any more")
	for _, f := range []storeFlags{was, {cmp.Or(l.store.place, was.place), cmp.Or(l.store.key, was.key)}} {
		if f.place == "" || f.key == "" {
			continue
		}
		w, e := f.writer(ctx)
		if e == nil && w.verifier() != in.Register {
			e = fmt.Errorf("the register in %s is not the one that the run was opened in", f.place)
		}
		if e == nil {
			return w, nil
		}
		err = e
	}
	return nil, err
}

// registered tells whether the run was opened in a register, and what that is worth: anybody can make a register of the same name,
// with a key of his own, after the run, so that only a key that is known from elsewhere tells them apart.
func (t *verifyResult) registered(c checkedPack) {
	switch {
	case c.Record == nil:
		t.Register = answer{"unknown", "it was not read"}
	case c.Opened != nil:
		t.Register = answer{"opened", fmt.Sprintf("as entry %d of %s; its keeper says: entered before the run started; self-kept", c.Opened.Index, c.Opened.Origin)}
		t.RegisterKey = c.Record.Register
		t.RunKey = firstKey + ", unless its register's keeper, asked in another way, names the key of the register that is printed here; " +
			"then: blackstart verify --register LINE"
		if c.known {
			t.RunKey = "the register's entry names this run key, and its key is the one given; whether the register still has it: " +
				"blackstart register verify --key LINE --packs DIR"
		}
	case c.Record.Register != "":
		t.Register = answer{"unproven", "what the pack tells of its register does not hold"}
	default:
		t.Register = answer{"no register", "which other runs there were cannot be seen from this pack"}
	}
}
