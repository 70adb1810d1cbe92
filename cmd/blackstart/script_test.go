package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"

	"blackstart/evidence"
	"blackstart/evidence/seal"
)

// TestScript runs the command line as a person would, a file for each topic. No script may start a drill: the programs
// that one needs are named so that they cannot be found.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("BLACKSTART_STATE", filepath.Join(env.WorkDir, "state"))
			env.Setenv("BLACKSTART_POSTGRES", "/nonexistent")
			env.Setenv("BLACKSTART_FINRAG", "/bin/true")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector makes each program linger for a second
			library, err := filepath.Abs("../../scenarios/finrag")
			env.Setenv("LIBRARY", library)
			return err
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "widest": widest, "pack": putPack, "spoil": spoil, "leftover": putLeftover, "hold": hold, "tinydisk": tinyDisk,
			"enrolled": putEnrolled, "rewrite": rewriteRegister, "files": countFiles, "vegeta": vegeta, "statedir": stateDirForPostgres, "nothing-runs": nothingRuns, "listens": listens,
		},
	})
}

func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "postgres": // is it installed?
		found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		_, pathErr := exec.LookPath("postgres")
		return len(found) > 0 || pathErr == nil, err
	case "vegeta": // can it be built here, from the module cache or the network?
		_, err := vegetaProgram()
		if os.Getenv("BLACKSTART_NEEDS_PEERS") == "" {
			return err == nil, nil
		}
		return true, err
	case "mount": // may we mount a small disk here?
		dir, err := os.MkdirTemp("", "blackstart-mount-")
		if err != nil {
			return false, err
		}
		defer os.RemoveAll(dir)
		if syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m") != nil {
			return false, nil
		}
		return true, syscall.Unmount(dir, 0)
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// exits CODE ARG… runs blackstart and demands the exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("blackstart", args[1:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("blackstart %s: exit %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// widest N fails if a line of stdout has more columns.
func widest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: widest N")
	}
	limit, err := strconv.Atoi(args[0])
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > limit {
			ts.Fatalf("%d columns: %s", n, line)
		}
	}
}

// pack DIR [KIND] writes a small sealed pack, its root, and a root that has nothing to do with it there; see fixtureKinds.
func putPack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: pack DIR [KIND]")
	}
	files, err := sealedFixture(strings.Join(args[1:], ""))
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	for name, data := range files {
		ts.Check(os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
}

// spoil cut FILE cuts a file short; spoil flip-file FILE changes one byte in the middle of it; spoil flip FILE MEMBER changes one byte of a member of a pack, in place.
func spoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: spoil cut FILE | spoil flip FILE MEMBER")
	}
	path := ts.MkAbs(args[1])
	data, err := os.ReadFile(path)
	ts.Check(err)
	switch {
	case args[0] == "cut":
		data = data[:len(data)-len(data)/3]
	case args[0] == "flip-file":
		data[len(data)/2] ^= 1
		ts.Check(os.Chmod(path, 0o644))
	case args[0] == "flip" && len(args) == 3:
		data, err = flipped(path, data, args[2])
		ts.Check(err)
	default:
		ts.Fatalf("unknown way %q", args[0])
	}
	ts.Check(os.WriteFile(path, data, 0o644))
}

func flipped(path string, whole []byte, member string) ([]byte, error) {
	p, err := seal.Open(path)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	r, err := p.Open(member)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	at := bytes.Index(whole, content)
	if at < 0 || len(content) == 0 {
		return nil, fmt.Errorf("%s does not stand in the pack as it is", member)
	}
	whole[at+len(content)/2] ^= 1
	return whole, nil
}

// hold takes the lock of the state directory, as a drill that runs does, until the script ends.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.Getenv("BLACKSTART_STATE")
	ts.Check(os.MkdirAll(dir, 0o755))
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	ts.Check(err)
	ts.Check(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
	ts.Defer(func() { _ = f.Close() })
	_, err = f.WriteString(strings.Join(args, " "))
	ts.Check(err)
}

// tinydisk DIR [ro] mounts a file system there that is too small for a drill, or one that cannot be written to.
func tinyDisk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: tinydisk DIR [ro]")
	}
	var flags uintptr
	if len(args) == 2 && args[1] == "ro" {
		flags = syscall.MS_RDONLY
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(syscall.Mount("tmpfs", dir, "tmpfs", flags, "size=16m"))
	ts.Defer(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// statedir puts the state where the account of PostgreSQL can reach it, which may be another than ours.
func stateDirForPostgres(ts *testscript.TestScript, _ bool, _ []string) {
	dir, err := os.MkdirTemp("/var/tmp", "blackstart-script-")
	ts.Check(err)
	ts.Defer(func() { _ = os.RemoveAll(dir) })
	ts.Check(os.Chmod(dir, 0o755))
	ts.Setenv("BLACKSTART_STATE", dir)
}

// nothing-runs fails if a process names the state directory in its command line or works below it.
func nothingRuns(ts *testscript.TestScript, _ bool, _ []string) {
	state := ts.Getenv("BLACKSTART_STATE")
	entries, err := os.ReadDir("/proc")
	ts.Check(err)
	for _, e := range entries {
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil || len(line) == 0 {
			continue
		}
		cwd, _ := os.Readlink(filepath.Join("/proc", e.Name(), "cwd")) // of another account: unreadable
		if strings.Contains(string(line), state) || strings.HasPrefix(cwd, state) {
			ts.Fatalf("process %s is left: %q in %s", e.Name(), line, cwd)
		}
	}
}

// listens takes connections on loopback until the script ends, and puts the port into PORT.
func listens(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv("PORT", port)
}

// files N DIR PATTERN demands how many files of a name there are in a directory.
func countFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: files N DIR PATTERN")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[1]), args[2]))
	ts.Check(err)
	if len(found) != want {
		ts.Fatalf("%s holds %d files %s, want %d: %v", args[1], len(found), args[2], want, found)
	}
}

// leftover KIND [STORE KEY] puts into the state directory what a run leaves that is killed; its packs go to out.
//
//	empty             a directory and nothing in it
//	started           the state of a run that was killed before anything was recorded
//	broken-region     a fault was in force
//	torn              the same, the last line of every log and the newest record half written
//	unreadable        the same, run.json is gone and a line in the middle of the undo log is not JSON
//	alien             a run whose processes and sockets cannot be ended: what it notes is not ours
//	sealed            the pack was written, the state not yet removed
//	kept              the run ended, its state was kept on request
func putLeftover(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 && len(args) != 3 {
		ts.Fatalf("usage: leftover KIND [STORE KEY]")
	}
	fixtures.Lock()
	defer fixtures.Unlock()
	runID := uuid.Must(uuid.NewV7()).String()
	dir := filepath.Join(ts.Getenv("BLACKSTART_STATE"), "runs", runID)
	ts.Check(os.MkdirAll(dir, 0o755))
	var w *registerWriter
	if len(args) == 3 {
		w = writerOf(ts, args[1], args[2])
	}
	ts.Check(makeLeftover(args[0], dir, runID, ts.MkAbs("out"), w))
}

func makeLeftover(kind, dir, runID, out string, w *registerWriter) error {
	switch kind {
	case "empty":
		return nil
	case "started":
		return saveInfo(dir, runInfo{RunID: runID, PID: 1, Started: time.Now().UTC(), Name: "region-partition", Target: "finrag", Out: out})
	case "alien":
		if err := os.MkdirAll(filepath.Join(dir, "target"), 0o755); err != nil {
			return err
		}
		return appendTo(filepath.Join(dir, "target", "sockets"), "/etc")
	case "kept":
		return saveInfo(dir, runInfo{RunID: runID, PID: 1, Name: "region-partition", Out: out, Kept: true})
	}
	k := fixtureKinds[""]
	k.register = w
	b, err := newBagOf(k, dir, runID, "queries", "edge")
	if err != nil {
		return err
	}
	if err := errors.Join(b.breakRegion(), b.die(out)); err != nil {
		return err
	}
	undo := filepath.Join(dir, "undo.jsonl")
	switch kind {
	case "broken-region":
		return nil
	case "torn":
		return errors.Join(appendTo(undo, `{"n":9,"state":"pu`), appendTo(filepath.Join(b.bag(), seal.EventsFile), `{"seq":3,"prev":"0a`),
			appendTo(filepath.Join(dir, "record.json.new"), `{"format":"blacks`), appendTo(filepath.Join(b.bag(), "data/samples/edge.bin"), "torn"))
	case "unreadable":
		return errors.Join(os.Remove(filepath.Join(dir, "run.json")), appendTo(undo, "not JSON\n"), appendTo(undo, "{}\n"))
	case "sealed":
		name, here := b.rec.Scenario.Metadata.Name, sealedOf(dir)
		if err := errors.Join(b.bind(), os.MkdirAll(out, 0o755)); err != nil {
			return err
		}
		if _, _, _, err := here.seal(context.Background(), b.rec, evidence.Sealing{Dir: b.bag(), Base: name, Redact: b.redact}); err != nil {
			return err
		}
		_, _, err := here.place(out, name)
		return err
	}
	return fmt.Errorf("unknown kind %q", kind)
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// vegetaVersion is the one whose library writes the exports, in go.mod.
const vegetaVersion = "v12.13.0"

// vegetaProgram builds vegeta's own command, in a module of its own: what it needs besides its library is not ours.
var vegetaProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "blackstart-vegeta-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "install", "github.com/tsenart/vegeta/v12@"+vegetaVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build vegeta: %w: %s", err, out)
	}
	return filepath.Join(dir, "vegeta"), nil
})

// vegeta COMMAND PACK pipes the exported samples of a pack into vegeta's own command, and demands that it can read them.
func vegeta(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: vegeta COMMAND PACK")
	}
	program, err := vegetaProgram()
	ts.Check(err)
	ts.Setenv("VEGETA", program)
	ts.Check(ts.Exec("sh", "-c", `blackstart samples "$1" --format vegeta | "$VEGETA" "$0"`, args[0], args[1]))
}
