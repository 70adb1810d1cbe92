package processes

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/undostate"
)

// undoFiles takes back, latest first, the steps of a run whose processes are gone: on disk where they have changed files, and
// otherwise by saying that nothing is left of what they had changed.
func undoFiles(dir string, l *undostate.State) {
	for _, e := range l.Open {
		undo := e.Step.Undo
		switch undo.Kind {
		case harness.CertificateRestore:
			text, err := forEach(undo.Components, func(region string) (string, error) { return undoCertificate(dir, region) })
			l.Undone(e, text, undostate.HowRestored, err)
		case harness.CodeDeploy:
			text, err := forEach(undo.Components, func(region string) (string, error) { return undoRelease(dir, region, undo.Build) })
			l.Undone(e, text, undostate.HowRestored, err)
		case harness.SQLRun:
			l.Undone(e, strings.Join(undo.Components, ", ")+" does not run any more, and what SQL had changed in its running is lost with it", undostate.HowGone, nil)
		case harness.LinkHeal:
			l.Undone(e, strings.Join(undo.Links, ", ")+": the process that carried the link is gone, and nobody heals it", undostate.HowGone, nil)
		default:
			l.Undone(e, strings.Join(undo.Components, ", ")+": no process of it is left", undostate.HowGone, nil)
		}
	}
}

func forEach(components []string, f func(region string) (string, error)) (string, error) {
	var said []string
	var errs []error
	for _, name := range components {
		region, _, _ := strings.Cut(name, ".")
		text, err := f(region)
		said, errs = append(said, text), append(errs, err)
	}
	return strings.Join(said, "; "), errors.Join(errs...)
}

// undoCertificate restores the certificate that was kept and reads it back.
func undoCertificate(dir, region string) (string, error) {
	name := filepath.Join("config", region+".crt")
	kept, err := os.ReadFile(finrag.KeptCertificate(dir, region))
	if errors.Is(err, os.ErrNotExist) {
		return name + " was never replaced", nil
	}
	if err != nil {
		return name, err
	}
	if err := procs.WriteFile(filepath.Join(dir, name), kept, 0o644); err != nil {
		return name, err
	}
	got, err := os.ReadFile(filepath.Join(dir, name))
	if err == nil && !bytes.Equal(got, kept) {
		err = errors.New("it is not what was kept")
	}
	return fmt.Sprintf("%s is the certificate that was kept, SHA-256 %x", name, sha256.Sum256(got)), err
}

// undoRelease has a region start with a build, and reads that back.
func undoRelease(dir, region, build string) (string, error) {
	state := filepath.Join(stateDir, finrag.ReleaseFile(region))
	if err := procs.WriteFile(filepath.Join(dir, state), []byte(build+"\n"), 0o644); err != nil {
		return state, err
	}
	got, err := os.ReadFile(filepath.Join(dir, state))
	if err == nil && strings.TrimSpace(string(got)) != build {
		err = fmt.Errorf("it names %q", got)
	}
	program := filepath.Join("releases", region, build, "finrag")
	sum := finrag.Digest(filepath.Join(dir, program))
	if sum == "" {
		err = errors.Join(err, fmt.Errorf("%s cannot be read", program))
	}
	return fmt.Sprintf("%s names %s, whose program %s has SHA-256 %s", state, build, program, sum), err
}
