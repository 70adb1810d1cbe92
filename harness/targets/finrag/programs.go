package finrag

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"blackstart/harness"
	"blackstart/harness/targets/procs"
)

// ProgramVariable is the environment variable that names the finrag program.
const ProgramVariable = "BLACKSTART_FINRAG"

// previousProgram is the build before the current one, beside it.
const previousProgram = "finrag-previous"

// A Program is one build of finrag.
type Program struct {
	harness.Build
	Path string
}

// BuildHint says how to come by the program.
const BuildHint = "build it with `make build`, or name it in " + ProgramVariable

// FindProgram looks for the finrag program: the path given, beside the running program, PATH.
func FindProgram(given string) (string, error) {
	if given != "" {
		path, err := exec.LookPath(given)
		if err != nil {
			return "", &Error{Component: "finrag", Err: err, Hint: BuildHint}
		}
		return filepath.Abs(path)
	}
	if self, err := os.Executable(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(self), "finrag")); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("finrag")
	if err != nil {
		return "", &Error{Component: "finrag", Err: errors.New("the program was found neither beside this one nor on PATH"), Hint: BuildHint}
	}
	return filepath.Abs(path)
}

// FindPrograms finds the builds of finrag: the current one as FindProgram does, and the previous one, which may be missing,
// beside it.
func FindPrograms(ctx context.Context, given string) ([]Program, error) {
	path, err := FindProgram(given)
	if err != nil {
		return nil, err
	}
	var all []Program
	for _, b := range []struct{ name, path string }{
		{harness.BuildCurrent, path}, {harness.BuildPrevious, filepath.Join(filepath.Dir(path), previousProgram)},
	} {
		if _, err := os.Stat(b.path); b.name == harness.BuildPrevious && err != nil {
			continue // Lacks says so
		}
		version, err := askBuild(ctx, b.path)
		if err != nil {
			return nil, err
		}
		all = append(all, Program{Path: b.path, Build: harness.Build{Name: b.name, Version: version, SHA256: Digest(b.path)}})
	}
	return all, nil
}

// MissingBuild says which file is missing to deploy another build, or that no program was found; "" if none is.
func MissingBuild(given string) string {
	path, err := FindProgram(given)
	if err != nil {
		return err.Error()
	}
	previous := filepath.Join(filepath.Dir(path), previousProgram)
	if _, err := os.Stat(previous); err != nil {
		return "no other build can be deployed: " + previous + " is missing; build it with `make build`"
	}
	return ""
}

func askBuild(ctx context.Context, program string) (string, error) {
	cmd := exec.CommandContext(ctx, program, "version")
	cmd.Env = procs.Env()
	out, err := cmd.Output()
	var answer struct{ Build string }
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	if err != nil {
		return "", &Error{Component: "finrag", Err: fmt.Errorf("ask %s for its version: %w", program, err), Hint: "is it the finrag program?"}
	}
	return answer.Build, nil
}

// Digest returns the SHA-256 of a file, or "" if it cannot be read.
func Digest(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}
