package region

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/durable"
)

const (
	program = "finrag"
	// envReplaced names the release by which a process was replaced. A process that finds its own name there and still is
	// another build does not try again: without this, a release that is not what its name says would start for ever.
	envReplaced = "FINRAG_REPLACED_BY"
)

// releases are the builds a region may run. The zero value has none.
type releases struct {
	config.Releases
}

func (r releases) path(name string) string { return filepath.Join(r.Dir, name, program) }

// has reports whether a program that can be started lies there.
func (r releases) has(name string) bool {
	if r.Dir == "" {
		return false
	}
	info, err := os.Stat(r.path(name))
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// runs reports whether this process is that build.
func (r releases) runs(name string) bool {
	self, err := os.Executable()
	if err != nil {
		return false
	}
	mine, err1 := os.Stat(self)
	other, err2 := os.Stat(r.path(name))
	return err1 == nil && err2 == nil && os.SameFile(mine, other)
}

// chosen returns the release that was deployed last, or "" when none was.
func (r releases) chosen() (string, error) {
	b, err := os.ReadFile(r.State)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read deployed release: %w", err)
	}
	name := strings.TrimSpace(string(b))
	if !config.ReleaseName(name) {
		return "", fmt.Errorf("read deployed release: %s holds %q, which is no name", r.State, name)
	}
	return name, nil
}

// choose makes name the release that a restart starts.
func (r releases) choose(name string) error {
	return durable.WriteFile(r.State, []byte(name+"\n"))
}

// become replaces this process by that build, with the same arguments; the process keeps its number. It returns only when
// that failed.
func (r releases) become(name string) error {
	env := make([]string, 0, len(os.Environ())+1)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, envReplaced+"=") {
			env = append(env, e)
		}
	}
	path := r.path(name)
	err := syscall.Exec(path, append([]string{path}, os.Args[1:]...), append(env, envReplaced+"="+name))
	return fmt.Errorf("start %s in place of this build: %w", path, err)
}

// Continue goes on with the build that was deployed last, if this is another one: then it does not return. A region that
// cannot do so serves with the build it has, and says so in its log.
func Continue(c config.Region, log *slog.Logger) {
	r := releases{c.Releases}
	if r.Dir == "" {
		return
	}
	name, err := r.chosen()
	switch {
	case err != nil:
		log.Error("deployed release not known; this build goes on", "error", err)
	case name == "" || r.runs(name):
	case os.Getenv(envReplaced) == name:
		log.Error("deployed release is not the build that its name starts; this build goes on", "release", name)
	default:
		log.Info("goes on as the release that was deployed", "release", name, "pid", os.Getpid())
		log.Error("deployed release not started; this build goes on", "error", r.become(name))
	}
}
