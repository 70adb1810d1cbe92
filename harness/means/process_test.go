package means

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/lease"
)

var (
	_ = addGround("redis by its pid file", "process.pidfile", redisByPidfile)
	_ = addGround("redis by its title", "process.argv", redisByTitle)
	_ = addGround("postgres by its pid file", "process.pidfile", postgresByPidfile)
)

// redis is a server of the test's own that speaks on a socket alone.
func redis(t *testing.T, more ...string) (dir string, start []any, silent func(context.Context) bool) {
	t.Helper()
	needs(t, "redis-server", "busybox", "dash")
	dir = t.TempDir()
	config := filepath.Join(dir, "it's.conf")
	text := fmt.Sprintf("port 0\nunixsocket %s/s\ndir %s\nsave \"\"\n%s\n", dir, dir, strings.Join(more, "\n"))
	must(t, os.WriteFile(config, []byte(text), 0o644))
	silent = func(ctx context.Context) bool { return !answers(ctx, dir+"/s", "PING\r\n") }
	t.Cleanup(func() {
		for _, p := range inhabitants(t, "redis-server", dir) {
			_ = exec.Command("kill", "-9", strconv.Itoa(p)).Run()
		}
	})
	return dir, []any{"/usr/bin/redis-server", config}, silent
}

// answers tells whether whoever listens on a socket answers a greeting.
func answers(ctx context.Context, socket, hello string) bool {
	c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err = c.Write([]byte(hello)); err != nil {
		return false
	}
	_, err = c.Read(make([]byte, 1))
	return err == nil
}

// inhabitants are the processes of a program that work in a directory.
func inhabitants(t *testing.T, program, dir string) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	must(t, err)
	for _, p := range all {
		cwd, err := os.Readlink(p + "/cwd")
		exe, also := os.Readlink(p + "/exe")
		if err == nil && also == nil && cwd == dir && (strings.Contains(exe, program) || strings.Contains(exe, "redis-check")) {
			pid, _ := strconv.Atoi(filepath.Base(p))
			pids = append(pids, pid)
		}
	}
	return pids
}

func begin(t *testing.T, argv []any) {
	t.Helper()
	var words []string
	for _, w := range argv {
		words = append(words, w.(string))
	}
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func redisByPidfile(t *testing.T) ground {
	dir, start, silent := redis(t, "daemonize yes", "pidfile pid")
	begin(t, start)
	return ground{on: Subject{Run: "run-1"}, broken: silent,
		with: map[string]any{"pidfile": dir + "/pid", "program": "/usr/bin/redis-server", "start": start}}
}

// redisByTitle: it writes another title over its arguments, and stays where it is started.
func redisByTitle(t *testing.T) ground {
	dir, start, silent := redis(t)
	cmd := exec.Command(start[0].(string), start[1].(string))
	must(t, cmd.Start())
	go func() { _ = cmd.Wait() }()
	for end := time.Now().Add(10 * time.Second); silent(t.Context()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("redis does not answer")
		}
	}
	return ground{on: Subject{Run: "run-1"}, broken: silent,
		with: map[string]any{"argv": []any{"/usr/bin/redis-server unixsocket:" + dir + "/s"}, "start": start}}
}

// postgres is a server with a session that would outlive its postmaster. It runs as its own account.
func postgres(t *testing.T) (data, socket, bin string) {
	t.Helper()
	needs(t, "busybox", "dash", "su")
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 || os.Geteuid() != 0 {
		needs(t, "a PostgreSQL server, and root to run it as its own account")
	}
	bin = found[len(found)-1]
	owner, err := user.Lookup("postgres")
	must(t, err)
	dir, err := os.MkdirTemp("/tmp", "means")
	must(t, err)
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	must(t, os.Chown(dir, uid, gid))
	data = dir + "/data"
	t.Cleanup(func() {
		for _, p := range inhabitants(t, "postgres", data) {
			_ = exec.Command("kill", "-9", strconv.Itoa(p)).Run()
		}
		_ = os.RemoveAll(dir)
	})
	asPostgres(t, bin+"/initdb", "-D", data, "-A", "trust", "-N")
	must(t, os.WriteFile(data+"/postgresql.auto.conf", fmt.Appendf(nil, "listen_addresses = ''\nunix_socket_directories = '%s'\nfsync = off\n", dir), 0o644))
	asPostgres(t, bin+"/pg_ctl", "-D", data, "-l", dir+"/log", "-w", "start")
	return data, dir + "/.s.PGSQL.5432", bin
}

func asPostgres(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command("su", "-s", "/bin/sh", "postgres", "-c", quoted(argv)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
}

func postgresByPidfile(t *testing.T) ground {
	data, socket, bin := postgres(t)
	return ground{on: Subject{Run: "run-1"}, programs: []string{"/usr/bin/su"},
		with: map[string]any{"pidfile": data + "/postmaster.pid", "program": bin + "/postgres", "user": "postgres",
			"start": []any{bin + "/pg_ctl", "-D", data, "-l", filepath.Dir(data) + "/log", "start"}, "stop": []any{bin + "/pg_ctl", "-D", data, "-m", "fast", "stop"}},
		broken: func(ctx context.Context) bool {
			return !answers(ctx, socket, string([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}))
		}}
}

// scriptsOf makes the scripts of one act.
func scriptsOf(t *testing.T, g ground, kind string, act harness.ActionKind) (state, do, undo string) {
	t.Helper()
	k, wrong := made(t, kind, g.with)
	if wrong != "" {
		t.Fatal(wrong)
	}
	s, err := k.Scripts(harness.Action{Kind: act}, g.on)
	must(t, err)
	return s.State, s.Do, s.Undo
}

// alone is how long nobody else's sleep lasts.
var alone = fmt.Sprintf("600.%d", os.Getpid())

var dash = shell{[]string{"/bin/dash", "-c"}, standardPath}

// A server that forks dies with all its children, which are in sessions of their own; one that is frozen is frozen with them.
func TestAllOfAServerIsHit(t *testing.T) {
	g := postgresByPidfile(t)
	data := strings.TrimSuffix(g.with["pidfile"].(string), "/postmaster.pid")
	session := exec.Command("su", "-s", "/bin/sh", "postgres", "-c", "psql -h "+filepath.Dir(data)+" -c 'SELECT pg_sleep(600)'")
	must(t, session.Start())
	go func() { _ = session.Wait() }()
	var before []int
	for end := time.Now().Add(10 * time.Second); len(before) < 7; before = inhabitants(t, "postgres", data) {
		if time.Now().After(end) {
			t.Fatalf("there are only %d processes", len(before))
		}
		time.Sleep(50 * time.Millisecond)
	}
	states := func() (all []string) {
		for _, p := range before {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
			if err != nil {
				continue
			}
			_, rest, _ := strings.Cut(string(stat), ") ")
			if rest[:1] != "Z" {
				all = append(all, rest[:1])
			}
		}
		return all
	}
	state, pause, resume := scriptsOf(t, g, "process.pidfile", harness.ComponentPause)
	if _, complaint, err := dash.run(t, pause); err != nil {
		t.Fatal(complaint)
	}
	if got := states(); len(got) != len(before) || slices.ContainsFunc(got, func(s string) bool { return s != "T" }) {
		t.Errorf("frozen: %v", got)
	}
	must(t, exec.Command("kill", "-s", "CONT", strconv.Itoa(before[len(before)-1])).Run())
	if word, _, _ := dash.run(t, state); word != isHalf {
		t.Errorf("with one of them running it is %q", word)
	}
	if _, complaint, err := dash.run(t, resume); err != nil {
		t.Fatal(complaint)
	}
	if got := states(); len(got) != len(before) || slices.Contains(got, "T") {
		t.Errorf("resumed: %v", got)
	}
	_, kill, again := scriptsOf(t, g, "process.pidfile", harness.ComponentKill)
	if _, complaint, err := dash.run(t, kill); err != nil {
		t.Fatal(complaint)
	}
	if got := states(); len(got) > 0 {
		t.Errorf("killed, and there are left: %v", got)
	}
	if _, complaint, err := dash.run(t, again); err != nil {
		t.Error(complaint)
	}
}

// A PID that another program has by now is nobody's, and is never signalled.
func TestAReusedPIDIsNotSignalled(t *testing.T) {
	stranger := exec.Command("sleep", "600")
	must(t, stranger.Start())
	ended := make(chan error, 1)
	go func() { ended <- stranger.Wait() }()
	t.Cleanup(func() { _ = stranger.Process.Kill(); <-ended })
	pidfile := filepath.Join(t.TempDir(), "pid")
	for text, want := range map[string]string{fmt.Sprintf("%d\n", stranger.Process.Pid): isStopped, "4194999\n": isStopped, "": "unreadable", "1\n": "unreadable",
		"-1\n": "unreadable", "0\n": "unreadable", "x\n": "unreadable", "$(id)\n": "unreadable", "* *\n": "unreadable"} {
		must(t, os.WriteFile(pidfile, []byte(text), 0o644))
		g := ground{with: map[string]any{"pidfile": pidfile, "program": "/usr/bin/redis-server", "start": []any{"/bin/true"}}}
		for _, act := range everyAct {
			state, do, _ := scriptsOf(t, g, "process.pidfile", act)
			if word, complaint, _ := dash.run(t, state); word != want {
				t.Errorf("%q: %q, want %q: %s", text, word, want, complaint)
			}
			if _, _, err := dash.run(t, do); err == nil {
				t.Errorf("%q: %s hit nothing and says that it did", text, act)
			}
		}
	}
	select {
	case err := <-ended:
		ended <- err
		t.Errorf("a stranger was signalled: %v", err)
	default:
	}
}

// What is started holds nothing of ours open, hears every signal, and gets its words as they are written.
func TestWhatIsStartedIsFree(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "start it's")
	must(t, os.WriteFile(script, []byte("#!/bin/sh\n{ printf '[%s]' \"$@\"; echo; ls -l /proc/self/fd | grep -c held; grep SigIgn /proc/self/status; echo \"${LC_ALL-none} $PPID\"; } >\""+dir+"/out\"\nexec sleep "+alone+"\n"), 0o755))
	words := []any{script, "a b", "it's", "$HOME", "`id`", "*", `back\slash`, "é"}
	g := ground{with: map[string]any{"argv": []any{"sleep", alone}, "start": words}}
	held := filepath.Join(dir, "held")
	_, _, undo := scriptsOf(t, g, "process.argv", harness.ComponentKill)
	if _, complaint, err := dash.run(t, "exec 9>"+lease.Quote(held)+"\n"+undo); err != nil {
		t.Fatal(complaint)
	}
	_, kill, _ := scriptsOf(t, g, "process.argv", harness.ComponentKill)
	defer func() { _, _, _ = dash.run(t, kill) }()
	out, err := os.ReadFile(dir + "/out")
	must(t, err)
	lines := strings.Split(string(out), "\n")
	if lines[0] != "[a b][it's][$HOME][`id`][*][back\\slash][é]" || lines[1] != "0" || !strings.HasPrefix(lines[3], "none ") {
		t.Errorf("it was started with %q", lines)
	}
	if mask, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(lines[2], "SigIgn:")), 16, 64); err != nil || mask&(1<<1|1<<2) != 0 {
		t.Errorf("it ignores INT or QUIT: %s", lines[2])
	}
}

// Two that are no children of one another are not told apart; one that descends from it is no second.
func TestSeveralAreNotTouched(t *testing.T) {
	g := ground{with: map[string]any{"argv": []any{"sleep", alone}, "start": []any{"/bin/sleep", alone}}}
	for want, n := range map[string]int{isRunning: 1, "several": 2} {
		var all []*exec.Cmd
		for range n {
			c := exec.Command("sleep", alone)
			must(t, c.Start())
			all = append(all, c)
		}
		state, do, _ := scriptsOf(t, g, "process.argv", harness.ComponentKill)
		if word, complaint, _ := dash.run(t, state); word != want {
			t.Errorf("%d of them: %q (%s)", n, word, complaint)
		}
		if _, _, err := dash.run(t, do); (err != nil) != (n == 2) {
			t.Errorf("%d of them: %v", n, err)
		}
		for _, c := range all {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
}
