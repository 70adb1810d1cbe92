package lease

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// One lease is that of one run, and of the process that armed it.
func TestSecondHarness(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	r.every = 2 * time.Second
	l := r.armed("run-1", 10*time.Second)
	r.did(l, r.entry("one"))
	renewed := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(renewed)
		for {
			select {
			case <-stop:
				return
			case <-time.After(500 * time.Millisecond):
				if _, err := l.Renew(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	_, err := r.lease("run-2", 10*time.Second).Arm(t.Context())
	if busy := as[*BusyError](t, err); busy.Run != "run-1" || busy.By != l.by || !strings.Contains(err.Error(), "the run run-1 is held by "+l.by) {
		t.Error(err)
	}
	other := r.lease("run-2", 10*time.Second)
	if s, err := other.Status(t.Context()); err != nil || s.State != OtherRun || s.Run != "run-1" {
		t.Errorf("%+v, %v", s, err)
	}
	copied := r.lease("run-1", 10*time.Second) // who has all that is on our disk has no more than our name
	for name, act := range map[string]func() error{
		"arm":     func() error { _, err := copied.Arm(t.Context()); return err },
		"renew":   func() error { _, err := copied.Renew(t.Context()); return err },
		"do":      func() error { _, err := copied.Do(t.Context(), r.entry("two")); return err },
		"undo":    func() error { _, err := copied.Undo(t.Context(), "one"); return err },
		"all":     func() error { _, err := copied.UndoAll(t.Context()); return err },
		"release": func() error { _, err := copied.Release(t.Context()); return err },
	} {
		if err := act(); as[*BusyError](t, err) == nil {
			t.Errorf("a copy: %s: %v", name, err)
		}
	}
	for name, act := range map[string]func() error{
		"renew":   func() error { _, err := other.Renew(t.Context()); return err },
		"do":      func() error { _, err := other.Do(t.Context(), r.entry("two")); return err },
		"undo":    func() error { _, err := other.Undo(t.Context(), "one"); return err },
		"all":     func() error { _, err := other.UndoAll(t.Context()); return err },
		"release": func() error { _, err := other.Release(t.Context()); return err },
	} {
		if err := act(); as[*ExpiredError](t, err).State != OtherRun {
			t.Errorf("another run: %s: %v", name, err)
		}
	}
	r.is("broken")
	close(stop)
	<-renewed

	// The first falls silent: the second takes it back once two renewals are missing, and the first may do no more.
	r.wait(15*time.Second, "taken over", func() bool { _, err := copied.Undo(t.Context(), "one"); return err == nil })
	r.is("absent")
	if _, err := l.Renew(t.Context()); as[*BusyError](t, err) == nil || !strings.Contains(err.Error(), "taken over") && !strings.Contains(err.Error(), "held by") {
		t.Error(err)
	}
	if _, err := copied.Do(t.Context(), r.entry("two")); as[*ExpiredError](t, err).State != Over {
		t.Error(err)
	}
	if s, err := copied.Release(t.Context()); err != nil || s.State != Released {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := r.lease("run-1", 10*time.Second).Arm(t.Context()); as[*ExpiredError](t, err).State != Over {
		t.Errorf("a run that is over was armed again: %v", err)
	}
	next := r.armed("run-3", 10*time.Second)
	if _, err := l.Undo(t.Context(), "one"); as[*ExpiredError](t, err).State != OtherRun {
		t.Error(err)
	}
	r.did(next, r.entry("one"))
}

// A lease that is shorter than its renewals and round trips need is refused, as is a Do that would outlive it.
func TestTooShort(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	if _, err := New(r.x, r.target, "run-1", time.Second, renewal); err == nil {
		t.Error("made with two renewals")
	}
	slow := local{before: []string{"sh", "-c", `sleep 1.2; exec "$@"`, "sh"}, path: standard}
	l, err := New(slow, r.target, "run-1", 2*time.Second, renewal)
	must(t, err)
	if _, err := l.Arm(t.Context()); as[*RefusedError](t, err).Outcome != "short" || l.Longest() < 1200*time.Millisecond {
		t.Errorf("round trips of %v: %v", l.Longest(), err)
	}
	if _, err := os.Stat(r.dir + "/lease"); err == nil {
		t.Error("it was armed")
	}
	l = r.armed("run-1", shortTTL)
	e := r.entry("one")
	e.Most = 4
	if _, err := l.Do(t.Context(), e); as[*RefusedError](t, err).Outcome != "short" {
		t.Error(err)
	}
	e.Most = 1
	r.wait(5*time.Second, "less than two renewals left", func() bool { return r.status(l).Left < 1800*time.Millisecond })
	if _, err := l.call(t.Context(), quick, nil, "do", sent(e)...); as[*RefusedError](t, err).Outcome != "short" {
		t.Error(err)
	}
	r.is("absent")
}

// The clock on the wall may say what it likes, on the executor too.
func TestWallClock(t *testing.T) {
	needs(t, "faketime")
	t.Parallel()
	r := newRig(t, dash())
	l := r.armed("run-1", shortTTL)
	r.did(l, r.entry("one"))
	for _, jump := range []string{"+3d", "-3d"} {
		l.executor = local{before: []string{"faketime", "-f", jump}, path: standard}
		s, err := l.Renew(t.Context())
		if d := time.Until(s.Now.Wall); err != nil || d.Abs() < 71*time.Hour || s.State != Armed || s.Left < 2*time.Second || s.Left > shortTTL || !s.Alive {
			t.Errorf("%s: %+v, %v", jump, s, err)
		}
	}
	r.undoneInTime(l, shortTTL)
	// By construction: the wall clock is read in one place, for the record, and nothing is computed of it.
	code := regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(script, "")
	if n := strings.Count(code, "date +"); n != 1 || !strings.Contains(code, `MOMENT="$NOW $(date +%s)"`) {
		t.Errorf("the wall clock is read %d times", n)
	}
	for _, line := range strings.Split(code, "\n") {
		if strings.Contains(line, "MOMENT") && !regexp.MustCompile(`^\s*(now && MOMENT=|echo "\$MOMENT |echo "moment |\{ echo "\$MOMENT" >|.*put "\$[^ ]+" "\$MOMENT")`).MatchString(line) {
			t.Errorf("something is made of the wall clock: %s", line)
		}
	}
}

// Whoever is the owner of the directory, or looks into it, is asked before it is trusted.
func TestDirectory(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"a link":               func(t *testing.T, dir string) { must(t, os.Symlink(t.TempDir(), dir)) },
		"a link to nothing":    func(t *testing.T, dir string) { must(t, os.Symlink("/nowhere/at/all", dir)) },
		"a file":               func(t *testing.T, dir string) { must(t, os.WriteFile(dir, nil, 0o600)) },
		"others may look":      func(t *testing.T, dir string) { must(t, os.Mkdir(dir, 0o755)) },
		"of another's account": func(t *testing.T, dir string) { must(t, os.Mkdir(dir, 0o700)); must(t, os.Chown(dir, 65534, 65534)) },
	} {
		if name == "of another's account" && os.Geteuid() != 0 {
			continue
		}
		r := newRig(t, dash())
		must(t, os.MkdirAll(filepath.Dir(r.dir), 0o700))
		prepare(t, r.dir)
		l := r.lease("run-1", shortTTL)
		for verb, act := range map[string]func() error{
			"arm":    func() error { _, err := l.Arm(t.Context()); return err },
			"status": func() error { _, err := l.Status(t.Context()); return err },
			"undo":   func() error { _, err := l.Undo(t.Context(), "one"); return err },
		} {
			err := act()
			if e := as[*RefusedError](t, err); e.Outcome != "unfit" || !strings.Contains(e.Why, r.dir) {
				t.Errorf("%s: %s: %v", name, verb, err)
			}
		}
		out, err := exec.Command("sh", "-c", Try(r.target)).CombinedOutput()
		if err == nil || !strings.Contains(string(out), r.dir) {
			t.Errorf("%s: try: %s, %v", name, out, err)
		}
	}
}

// A disk that is full before is found before anything is done; one that is full later takes nothing from an undo.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a small disk needs root")
	}
	each(t, func(t *testing.T, r *rig) {
		must(t, os.MkdirAll(r.dir, 0o700))
		must(t, syscall.Mount("tmpfs", r.dir, "tmpfs", 0, "size=256k,mode=0700"))
		t.Cleanup(func() { _ = syscall.Unmount(r.dir, syscall.MNT_DETACH) })
		fill := func() {
			f, err := os.Create(r.dir + "/fill")
			must(t, err)
			for err == nil {
				_, err = f.Write(make([]byte, 4096))
			}
			must(t, f.Close())
		}
		fill()
		l := r.lease("run-1", shortTTL)
		if _, err := l.Arm(t.Context()); as[*RefusedError](t, err).Outcome != "nospace" || !strings.Contains(err.Error(), "the lease cannot be written: of the disk of "+r.dir+", 0 KiB are free") {
			t.Errorf("armed: %v", err)
		}
		must(t, os.Remove(r.dir+"/fill"))
		l = r.armed("run-1", 2*shortTTL)
		r.did(l, r.entry("one"))
		if _, err := l.Undo(t.Context(), "one"); err != nil {
			t.Error(err)
		}
		r.did(l, r.entry("two"))
		fill()
		if _, err := l.Do(t.Context(), r.entry("three")); as[*RefusedError](t, err).Outcome != "nospace" || !strings.Contains(err.Error(), "so nothing was done: of the disk of") {
			t.Errorf("done: %v", err)
		}
		if s, err := l.Renew(t.Context()); err != nil || !s.Alive {
			t.Errorf("renewed: %+v, %v", s, err)
		}
		r.undoneInTime(l, 2*shortTTL) // by the watchdog, without room for a word
		if _, err := l.Do(t.Context(), r.entry("four")); as[*ExpiredError](t, err).State != Expired {
			t.Error(err)
		}
		if s, err := l.Release(t.Context()); err != nil {
			t.Errorf("released: %+v, %v", s, err)
		}
	})
}

// A disk that has turned read-only takes nothing from an undo, either.
func TestDiskReadOnly(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a small disk needs root")
	}
	each(t, func(t *testing.T, r *rig) {
		must(t, os.MkdirAll(r.dir, 0o700))
		must(t, syscall.Mount("tmpfs", r.dir, "tmpfs", 0, "size=256k,mode=0700"))
		t.Cleanup(func() { _ = syscall.Unmount(r.dir, syscall.MNT_DETACH) })
		l := r.armed("run-1", 8*time.Second)
		r.did(l, r.entry("one"))
		must(t, syscall.Mount("", r.dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
		if _, err := l.Do(t.Context(), r.entry("two")); err == nil {
			t.Error("done on a disk that takes nothing")
		}
		if r.Name() == "TestDiskReadOnly/dash" {
			if got, err := l.Undo(t.Context(), "one"); err != nil || !got.Ran || got.Now != "absent" {
				t.Errorf("undone: %+v, %v", got, err)
			}
		}
		r.wait(15*time.Second, "undone by the executor", func() bool { _, err := os.Stat(r.file); return err != nil })
		must(t, syscall.Mount("", r.dir, "", syscall.MS_REMOUNT, "size=256k"))
		r.wait(20*time.Second, "on record", func() bool { return !r.status(l).Entries[0].InForce() })
		if _, err := l.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What the executor ran in is gone, and its watchdog with it: that is found, and whoever comes back undoes it.
func TestExecutorStartsAnew(t *testing.T) {
	needs(t, "unshare", "nsenter")
	if os.Geteuid() != 0 {
		t.Skip("a process namespace needs root")
	}
	t.Parallel()
	r := newRig(t, dash())
	first := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sleep", "600")
	must(t, first.Start())
	t.Cleanup(func() { _ = first.Process.Kill(); _ = first.Wait() })
	var pid string
	r.wait(5*time.Second, "its first process", func() bool {
		out, _ := os.ReadFile("/proc/" + strconv.Itoa(first.Process.Pid) + "/task/" + strconv.Itoa(first.Process.Pid) + "/children")
		pid = strings.TrimSpace(string(out))
		line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		return strings.HasPrefix(string(line), "sleep")
	})
	r.x = local{before: []string{"nsenter", "-p", "-m", "-t", pid}, path: standard}
	l := r.armed("run-1", 20*time.Second)
	r.did(l, r.entry("one"))
	must(t, first.Process.Kill())
	l.executor = dash()
	r.wait(6*time.Second, "not alive", func() bool { return !r.status(l).Alive })
	if _, err := l.Renew(t.Context()); as[*UnwatchedError](t, err) == nil {
		t.Error(err)
	}
	if _, err := l.UndoAll(t.Context()); err != nil {
		t.Error(err)
	}
	r.is("absent")
}

// A boot is not the one in which the lease was armed: it has expired, and what outlived the boot is undone by whoever comes back.
func TestAnotherBoot(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	l := r.armed("run-1", 20*time.Second)
	r.did(l, r.entry("one"))
	r.kill()
	text, err := os.ReadFile(r.dir + "/lease")
	must(t, err)
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	must(t, err)
	must(t, os.WriteFile(r.dir+"/lease", []byte(strings.Replace(string(text), strings.TrimSpace(string(boot)), "00000000-0000-0000-0000-000000000000", 1)), 0o600))
	if s := r.status(l); s.State != Expired || s.Alive {
		t.Errorf("%+v", s)
	}
	if _, err := l.Do(t.Context(), r.entry("two")); as[*ExpiredError](t, err).State != Expired {
		t.Error(err)
	}
	if s, err := l.UndoAll(t.Context()); err != nil || s.Entries[0].Is != Undone {
		t.Errorf("%+v, %v", s, err)
	}
	r.is("absent")
}

// Try leaves nothing, with and without a directory that was there, and says what is missing.
func TestTry(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		try := func(path string) (string, error) {
			out, err := exec.Command("/usr/bin/env", "-i", "PATH="+path, "sh", "-c", Try(r.target)).CombinedOutput()
			return string(out), err
		}
		path := r.x.(local).path
		if out, err := try(path); err != nil || out != "" {
			t.Errorf("%s, %v", out, err)
		}
		if _, err := os.Stat(r.dir); err == nil {
			t.Error("its directory stays")
		}
		r.armed("run-1", shortTTL)
		before, err := os.ReadDir(r.dir)
		must(t, err)
		if out, err := try(path); err != nil || out != "" {
			t.Errorf("%s, %v", out, err)
		}
		after, err := os.ReadDir(r.dir)
		must(t, err)
		if len(before) != len(after) {
			t.Errorf("%v, %v", before, after)
		}
	})
}

// Programs are those that the script runs: with these and nothing else on its path it works, and without any one Try says which.
func TestPrograms(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	dir := t.TempDir()
	for _, p := range Programs() {
		path, err := exec.LookPath(p)
		must(t, err)
		must(t, os.Symlink(path, filepath.Join(dir, p)))
	}
	if len(Programs()) < 10 || !slices.Contains(Programs(), "flock") {
		t.Error(Programs())
	}
	only := strings.Replace(script, "PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PATH="+dir, 1)
	if only == script {
		t.Fatal("the path is not set as it was")
	}
	run := func() (string, error) {
		out, err := exec.Command("/bin/sh", "-c", "set -- "+r.target+" try\n"+only).CombinedOutput()
		return string(out), err
	}
	if out, err := run(); err != nil || out != "" {
		t.Errorf("%s, %v", out, err)
	}
	for _, p := range Programs() {
		link := filepath.Join(dir, p)
		path, err := os.Readlink(link)
		must(t, err)
		must(t, os.Remove(link))
		if out, err := run(); err == nil || !strings.HasSuffix(out, "there is no program "+p+"\n") && p != "id" {
			t.Errorf("without %s: %s, %v", p, out, err)
		}
		must(t, os.Symlink(path, link))
	}
}
