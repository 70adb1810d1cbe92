package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"blackstart/harness/targets/procs"
)

// SourceBundle as Options.Source asks for the bundle even where PostgreSQL is installed.
const SourceBundle = "bundle"

// SourceVariable is the environment variable that names the source: empty,
// "bundle", or a directory that holds initdb and postgres.
const SourceVariable = "BLACKSTART_POSTGRES"

// installHint is what a person can do where nothing was found.
const installHint = "install PostgreSQL 14 or later, for instance: apt-get install postgresql; " +
	"or name the directory of its programs in " + SourceVariable

// An Install is a PostgreSQL that can be run here.
type Install struct {
	Bin     string // directory that holds initdb and postgres
	Version string // as the server names it, for instance 15.18
	Major   int
	Bundle  bool     // fetched by us, not installed on the machine
	Account *Account // to run as; nil: ours
}

// Options say where to look.
type Options struct {
	// Source is "" (look, then fetch), "bundle", or a directory of programs.
	Source string
	// CacheDir keeps the bundle; the account that runs PostgreSQL must reach it.
	CacheDir string
	// Notice receives one sentence for the person who waits: that nothing was
	// found and what is fetched instead. Nil: nobody wants to know.
	Notice func(string)

	candidates func() []string // directories to look in; a test replaces it
}

// Find returns the PostgreSQL to use: the source asked for, else the first of
// pg_config --bindir, PATH, and /usr/lib/postgresql/*/bin with the newest first
// that is at least MinMajor, else the bundle. Where there is neither, the error
// is an *Error that says what to install.
func Find(ctx context.Context, o Options) (*Install, error) {
	account, err := accountToRunAs()
	if err != nil {
		return nil, err
	}
	switch o.Source {
	case "":
	case SourceBundle:
		return fetch(ctx, o, account)
	default:
		in, err := inspect(ctx, o.Source, account)
		if err != nil {
			return nil, &Error{"find", "PostgreSQL", err, installHint}
		}
		return in, nil
	}
	candidates := o.candidates
	if candidates == nil {
		candidates = func() []string { return usualPlaces(ctx) }
	}
	var tried []error
	for _, dir := range candidates() {
		in, err := inspect(ctx, dir, account)
		if err == nil {
			return in, nil
		}
		tried = append(tried, err)
	}
	in, err := fetch(ctx, o, account)
	if err != nil {
		return nil, errors.Join(append([]error{err}, tried...)...)
	}
	return in, nil
}

// usualPlaces lists the directories where PostgreSQL's programs usually are.
func usualPlaces(ctx context.Context) []string {
	var dirs []string
	config := exec.CommandContext(ctx, "pg_config", "--bindir")
	config.Env = procs.Env()
	if out, err := config.Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	slices.SortFunc(debian, func(a, b string) int { return majorOf(b) - majorOf(a) })
	return slices.Compact(append(dirs, debian...))
}

func majorOf(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // anything else sorts last
	return n
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)(?:\.\d+|[a-z]+\d+)?)`)

// inspect asks the programs in dir what they are, as the account that will run them.
func inspect(ctx context.Context, dir string, account *Account) (*Install, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return nil, fmt.Errorf("inspect %s: %w", dir, err)
	}
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	out, err := account.command(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("inspect %s: run postgres --version%s: %w", dir, account.suffix(), err)
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return nil, fmt.Errorf("inspect %s: postgres --version says %q", dir, out)
	}
	major, _ := strconv.Atoi(string(m[2])) // digits, by the pattern
	if major < MinMajor {
		return nil, fmt.Errorf("inspect %s: version %s is older than %d", dir, m[1], MinMajor)
	}
	return &Install{Bin: dir, Version: string(m[1]), Major: major, Account: account}, nil
}

// has reports whether the install holds a program.
func (in *Install) has(name string) bool {
	_, err := os.Stat(in.program(name))
	return err == nil
}

func (in *Install) program(name string) string { return filepath.Join(in.Bin, name) }
