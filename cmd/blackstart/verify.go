package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

type verifyFlags struct {
	recompute, asJSON bool
	root, trust       string
}

func verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify PACK",
		Short: "check a pack, and judge again from its samples",
		Long: `Checks every digest, the signature over them, the event chain and its signed
checkpoints, the signatures inside the reports, and names the first altered
file. With --recompute it derives RTO, RPO, alert delivery and the verdict again
from the raw samples and demands the same findings, byte for byte.

Roots inside a pack are never trusted. --root names the certificate that lies
beside a rehearsal's pack (PACK.root.pem is taken if it is there); --trust names
a trust file for everything else. A pack that is no rehearsal exits 3 without a
trust file.`,
		Example: `  blackstart verify out/null.zip --root out/null.root.pem --recompute
  blackstart verify pack.zip --trust trust.json --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return verify(cmd.Context(), cmd.OutOrStdout(), args[0], f)
		},
	}
	cmd.Flags().BoolVar(&f.recompute, "recompute", false, "judge again from the raw samples and compare")
	cmd.Flags().StringVar(&f.root, "root", "", "PEM `FILE` with the root of a rehearsal's throw-away key")
	cmd.Flags().StringVar(&f.trust, "trust", "", "JSON `FILE` that says whose signatures count")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print every check as JSON")
	return cmd
}

func verify(ctx context.Context, out io.Writer, path string, f verifyFlags) error {
	opts := evidence.VerifyOptions{Recompute: f.recompute, Resolve: resolveScenario, ToolSHA256: toolInfo().SHA256}
	var err error
	if beside := strings.TrimSuffix(path, ".zip") + ".root.pem"; f.root == "" && f.trust == "" {
		if _, statErr := os.Stat(beside); statErr == nil {
			f.root = beside
		}
	}
	if f.root != "" {
		if opts.Roots, err = loadRoots(f.root); err != nil {
			return err
		}
	}
	if f.trust != "" {
		if opts.Trust, err = seal.LoadTrust(f.trust); err != nil {
			return usage(err, "the shape of a trust file is in docs/evidence.md")
		}
	}
	if info, err := os.Stat(path); err != nil {
		return usage(err, "name a pack that exists, e.g. out/region-partition.zip")
	} else if info.IsDir() {
		return usage(fmt.Errorf("%s is a directory", path), "verify takes the zip; the files of an unpacked pack are checked with the commands in its VERIFY.md")
	}
	checked, err := evidence.Verify(ctx, path, opts)
	if err != nil {
		return broken(err, "")
	}
	code := verifyCode(checked, opts)
	if f.asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", " ")
		if err := enc.Encode(verifyJSON(checked, code)); err != nil {
			return broken(err, "")
		}
	} else {
		printVerify(out, checked, opts)
	}
	if code != harness.ExitPass {
		return &exitError{code: code, err: errors.New("the pack was not accepted"), shown: true}
	}
	return nil
}

func loadRoots(path string) ([]*x509.Certificate, error) {
	roots, err := seal.LoadRoots(path)
	if err != nil {
		return nil, usage(err, "--root takes a PEM file with certificates, e.g. out/region-partition.root.pem")
	}
	return roots, nil
}

// verifyCode turns three answers into an exit code: an altered pack is 1, one whose origin could not be judged where it has
// to be is 3.
func verifyCode(c evidence.Checked, o evidence.VerifyOptions) int {
	switch {
	case c.Answer(seal.Integrity) != seal.OK || c.Answer(seal.Origin) == seal.Failed || c.Answer(seal.Time) == seal.Failed:
		return harness.ExitFail
	case c.Class != harness.Rehearsal && o.Trust == nil:
		return harness.ExitInconclusive
	case c.Answer(seal.Origin) == seal.NotChecked && (o.Trust != nil || len(o.Roots) > 0):
		return harness.ExitInconclusive
	}
	return harness.ExitPass
}

func verifyJSON(c evidence.Checked, code int) map[string]any {
	return map[string]any{
		"exit": code, "class": c.Class, "integrity": c.Answer(seal.Integrity), "origin": c.Answer(seal.Origin), "time": c.Answer(seal.Time),
		"checks": c.Checks, "manifest_sha256": c.ManifestSHA256, "signer": c.SignerName, "signed_at": c.SignedAt, "recomputed": c.Recomputed,
	}
}

func printVerify(out io.Writer, c evidence.Checked, o evidence.VerifyOptions) {
	failures := c.Failures()
	if len(failures) > 0 {
		fmt.Fprintf(out, "ALTERED OR INCOMPLETE: %d of %d checks failed\n", len(failures), len(c.Checks))
		for _, k := range failures {
			for _, line := range wrap(fmt.Sprintf("  %s: %s: %s", k.File, k.Name, k.Detail), 80, 4) {
				fmt.Fprintln(out, line)
			}
		}
	} else {
		unproven := ""
		if c.Answer(seal.Origin) == seal.NotChecked {
			unproven = "; who sealed it was NOT checked"
		}
		fmt.Fprintf(out, "OK: %d checks over %d files, nothing altered%s\n", len(c.Checks), c.Files, unproven)
	}
	fmt.Fprintf(out, "  integrity  %s\n", c.Answer(seal.Integrity))
	label := "  origin     "
	for _, line := range wrap(c.Answer(seal.Origin).String()+originNote(c, o), screenWidth-len(label), 0) {
		fmt.Fprintln(out, label+line)
		label = strings.Repeat(" ", len(label))
	}
	fmt.Fprintf(out, "  time       %s%s\n", c.Answer(seal.Time), timeNote(c))
	if c.Class != "" {
		fmt.Fprintf(out, "  class      %s\n", clip(c.Class, 60))
	}
	if r := c.Recomputed; r != nil {
		same := "the findings of the pack"
		for _, k := range failures {
			if k.Name == "findings recomputed" {
				same = "OTHER findings than the pack's"
			}
		}
		fmt.Fprintf(out, "  recomputed from the raw samples: %s\n", same)
		for _, obj := range r.Objectives {
			fmt.Fprintf(out, "    %-12s %s, %s\n", clip(obj.Objective.ID, 12), measure.Value(obj.Measured), obj.Verdict)
		}
	}
}

func timeNote(c evidence.Checked) string {
	if c.Answer(seal.Time) == seal.NotChecked {
		return ": the time of signing is self-asserted"
	}
	return ""
}

func originNote(c evidence.Checked, o evidence.VerifyOptions) string {
	switch {
	case o.Trust == nil && len(o.Roots) == 0:
		return ": name a root with --root or a trust file with --trust"
	case c.Class == harness.Rehearsal && o.Trust == nil:
		return ": a throw-away key; integrity since sealing only, anyone can make another"
	case o.Trust == nil:
		return ": a pack that is no rehearsal needs a trust file (--trust)"
	}
	return ""
}

// resolveScenario reads a scenario again from its files in a pack: the file itself first, then those it extends.
func resolveScenario(files []evidence.ScenarioFile, profile string) (*harness.Scenario, error) {
	if len(files) == 0 {
		return nil, errors.New("the inputs name no file of it")
	}
	s, _, err := reader().Parse(files[0].Name, files[0].Data, func(name string) ([]byte, error) {
		for _, f := range files[1:] {
			if f.Name == name {
				return f.Data, nil
			}
		}
		return nil, fs.ErrNotExist
	}, profile)
	return s, err
}
