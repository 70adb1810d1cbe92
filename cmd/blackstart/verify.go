package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/scenarios"
)

type verifyFlags struct {
	trustFlags
	recompute, asJSON, requirePass bool
}

func verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify PACK",
		Short: "check a pack, and judge again from its samples",
		Long: `Line 1 says how the drill ended; then come run, signer, and the answers about
integrity, origin, time and reports. A pack that was altered, or whose files
contradict each other, begins with ALTERED, names the first altered files, and
is not read further. With --recompute RTO, RPO, alert delivery and the verdict
are derived again from the raw samples, and must be the same byte for byte.

Roots inside a pack are never trusted. --root names the certificate that lies
beside a rehearsal's pack (PACK.root.pem is taken if it is there): it can refuse
a signer, and proves none, because anyone can make a throw-away key. --trust
names a trust file, which alone proves an origin; a pack that is no rehearsal
needs one. Where it names registers, the run must have been opened in one.`,
		Example: `  blackstart verify out/null.zip --root out/null.root.pem --recompute
  blackstart verify pack.zip --trust trust.json --require-pass --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return verify(cmd.Context(), cmd.OutOrStdout(), args[0], f)
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.registerKey, "register", "", "`LINE` with a register's public key, from its keeper: the run was opened in it")
	cmd.Flags().BoolVar(&f.recompute, "recompute", false, "judge again from the raw samples and compare")
	cmd.Flags().BoolVar(&f.requirePass, "require-pass", false, "exit 1 if the drill of an accepted pack did not pass")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the same, and every check, as JSON")
	return cmd
}

// enough is what verify needs at most of any pack that it accepts, in bytes. From there on it collects its garbage more often
// rather than take more; GOMEMLIMIT says otherwise.
const enough = 120 << 20

func verify(ctx context.Context, out io.Writer, path string, f verifyFlags) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(enough))
	}
	j, err := f.judge(ctx, path, f.recompute)
	if err != nil {
		return err
	}
	if f.requirePass && j.code == harness.ExitPass && !passed(j.Findings) {
		j.code = harness.ExitFail
	}
	show := verifyResult.print
	if f.asJSON {
		show = verifyResult.printJSON
	}
	if err := show(newVerifyResult(j), out); err != nil {
		return harnessError(err, "")
	}
	if j.code != harness.ExitPass {
		return &exitError{code: j.code, err: errors.New(refusals[j.code]), shown: true}
	}
	return nil
}

// passed says whether a drill passed, and nothing less.
func passed(f *harness.Findings) bool {
	return f != nil && f.Verdict == harness.Pass && f.Exit == harness.ExitPass
}

// trustFlags say whose signature over a pack counts, and, of verify alone, which register's key.
type trustFlags struct{ root, trust, registerKey string }

func (f *trustFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.root, "root", "", "PEM or DER `FILE` with the root of a rehearsal's throw-away key")
	cmd.Flags().StringVar(&f.trust, "trust", "", "JSON `FILE` that says whose signatures count")
	cmd.MarkFlagsMutuallyExclusive("root", "trust")
}

// checkedPack is a pack that has been checked, and what is made of it.
type checkedPack struct {
	evidence.Checked
	beside string // the root that was found beside the pack: nobody named it
	code   int
	known  bool // it was opened in the register whose key was named from outside
}

// judge checks the pack at path. The error is a mistake of the person or a problem of this machine.
func (f trustFlags) judge(ctx context.Context, path string, recompute bool) (checkedPack, error) {
	var j checkedPack
	o := evidence.VerifyOptions{Recompute: recompute, Resolve: resolveScenario, ToolSHA256: toolInfo().SHA256}
	if info, err := os.Stat(path); err != nil {
		return j, usage(err, "name a pack that exists, e.g. out/region-partition.zip")
	} else if info.IsDir() {
		return j, usage(fmt.Errorf("%s is a directory", path), "name the zip; the files of an unpacked pack are checked with the commands in its VERIFY.md")
	} else if !info.Mode().IsRegular() {
		return j, usage(fmt.Errorf("%s is not a file", path), "name a pack, e.g. out/region-partition.zip")
	}
	if beside := strings.TrimSuffix(path, ".zip") + ".root.pem"; f.root == "" && f.trust == "" {
		if _, err := os.Stat(beside); err == nil {
			f.root, j.beside = beside, beside
		}
	}
	var err error
	if f.root != "" {
		if o.Roots, err = loadRoots(f.root); err != nil {
			return j, err
		}
	}
	if f.trust != "" {
		if o.Trust, err = seal.LoadTrust(f.trust); err != nil {
			return j, usage(err, "the shape of a trust file is in docs/evidence.md")
		}
	}
	if j.Checked, err = evidence.Verify(ctx, path, o); err != nil {
		return j, harnessError(err, "")
	}
	if f.registerKey != "" && j.Record != nil {
		if j.known = j.Opened != nil && j.Record.Register == f.registerKey; !j.known {
			j.Checks = append(j.Checks, seal.Check{Question: seal.Origin, Name: "register has the key that was given", Status: seal.Failed,
				Detail: "the run was not opened in the register whose key was given"})
		}
	}
	if o.Trust != nil && j.Opened != nil && slices.Contains(o.Trust.Registers, j.Record.Register) {
		j.known = true
	}
	j.code = acceptance(j.Checked)
	return j, nil
}

func loadRoots(path string) ([]*x509.Certificate, error) {
	roots, err := seal.LoadRoots(path)
	if err != nil {
		return nil, usage(err, "--root takes a PEM file with certificates, or DER, e.g. out/region-partition.root.pem")
	}
	return roots, nil
}

// refusals say in a few words what each exit code stands for, except that of an accepted pack.
var refusals = map[int]string{
	harness.ExitFail: "the drill did not pass", harness.ExitAltered: "altered or contradictory", harness.ExitUnproven: "origin unproven",
	harness.ExitRefused: "origin refused", harness.ExitIncomplete: "a layer that the policy demands is missing",
}

// acceptance turns the answers about a pack into an exit code. Bytes that are not as they were signed go before all else. A
// signer must be vouched for by a trust file; under a root alone a rehearsal is as good as its throw-away key can make it, and
// nothing else is.
func acceptance(c evidence.Checked) int {
	rehearsed := c.Rooted != nil && c.Class == harness.Rehearsal
	switch {
	case c.Answer(seal.Integrity) != seal.OK || c.Answer(seal.Time) == seal.Failed:
		return harness.ExitAltered
	case c.Answer(seal.Origin) == seal.Failed:
		return harness.ExitRefused
	case c.Answer(seal.Origin) != seal.OK && !rehearsed:
		return harness.ExitUnproven
	case len(c.Demanded) > 0:
		return harness.ExitIncomplete
	}
	return harness.ExitPass
}

// resolveScenario reads a scenario again from its files in a pack: the file itself first, then those it extends. What this build
// knows and refuses plays no part in it.
func resolveScenario(files []evidence.ScenarioFile, profile string) (*harness.Scenario, error) {
	if len(files) == 0 {
		return nil, errors.New("the inputs name no file of it")
	}
	s, _, err := scenarios.Reader{Sealed: true}.Parse(files[0].Name, files[0].Data, func(name string) ([]byte, error) {
		for _, f := range files[1:] {
			if f.Name == name {
				return f.Data, nil
			}
		}
		return nil, fs.ErrNotExist
	}, profile)
	return s, err
}
