package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// estate is a system that its own people run: nothing of it is started, broken or mended by the program under test.
type estate struct {
	t   *testing.T
	dir string
	env []string
}

func newEstate(t *testing.T, name string) estate {
	t.Helper()
	e := estate{t: t, dir: filepath.Join("../../../testdata/estates", name)}
	base, err := os.MkdirTemp("/var/tmp", "blackstart-estate-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(base, 0o755); err != nil { // servers of another account go through it
		t.Fatal(err)
	}
	e.env = append(os.Environ(), "ESTATE="+filepath.Join(base, "state"), "FINRAG="+filepath.Join(bins, "finrag"))
	if out, err := exec.Command("ip", "netns", "list").CombinedOutput(); err != nil || os.Getuid() != 0 {
		if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
			t.Fatalf("%s must not be skipped here: %v %s", t.Name(), err, out)
		}
		t.Skipf("%s needs root and network namespaces: %v", t.Name(), err)
	}
	if err := exec.Command("chmod", "755", bins).Run(); err != nil {
		t.Fatal(err)
	}
	e.does("", "down.sh") // of a run that was killed
	t.Cleanup(func() { e.does("", "down.sh"); _ = os.RemoveAll(base) })
	e.does("", "up.sh")
	return e
}

// does has its people run one of their scripts, and returns what it prints.
func (e estate) does(stdin string, script ...string) string {
	e.t.Helper()
	cmd := exec.Command(filepath.Join(e.dir, script[0]), script[1:]...)
	var errs strings.Builder
	cmd.Env, cmd.Stdin, cmd.Stderr = e.env, strings.NewReader(stdin), &errs
	out, err := cmd.Output()
	if err != nil {
		e.t.Fatalf("%s: %v\n%s%s", script, err, out, errs.String())
	}
	return string(out)
}

// checked is what `target check --json` says: the state of each row, by what it is of and its name.
func (b box) checked(t *testing.T, file string) (rows map[string]string, exit int) {
	t.Helper()
	o := b.run(t, "target", "check", file, "--json")
	var got struct {
		Rows []struct{ Of, Name, State string }
	}
	if err := json.Unmarshal([]byte(o.stdout), &got); err != nil {
		t.Fatalf("%v\n%s%s", err, o.stdout, o.stderr)
	}
	rows = map[string]string{}
	for _, r := range got.Rows {
		rows[r.Of+" "+r.Name] = r.State
	}
	return rows, o.exit
}

// TestAnEstateThatWeDidNotStart: a system in network namespaces is described, admitted by its DBA, and checked; what its people
// cut off is told row by row, and works again once they have healed it.
func TestAnEstateThatWeDidNotStart(t *testing.T) {
	e, b := newEstate(t, "finrag"), newBox(t)
	file := filepath.Join(t.TempDir(), "finrag.target.yaml")
	if err := os.WriteFile(file, []byte(e.does("", "describe.sh")), 0o600); err != nil {
		t.Fatal(err)
	}
	rows, exit := b.checked(t, file)
	if exit != 1 || rows["identity east.db"] != "refused" || rows["component east.db"] != "not available" || rows["component east.api"] != "works" {
		t.Errorf("before the role was made: exit %d, %v", exit, rows)
	}
	ddl := b.run(t, "target", "ddl", file, "--on", "east.db")
	if ddl.exit != 0 {
		t.Fatal(ddl.stderr)
	}
	e.does(ddl.stdout, "admit.sh")
	time.Sleep(time.Second) // the standby replays it
	whole, exit := b.checked(t, file)
	for row, verdict := range whole {
		if verdict != "works" {
			t.Errorf("%s: %s", row, verdict)
		}
	}
	if exit != 0 || len(whole) < 18 {
		t.Errorf("exit %d, %d rows", exit, len(whole))
	}
	e.isARehearsal(t, b, file)
	e.does("", "cut.sh", "west")
	cut, exit := b.checked(t, file)
	for row, verdict := range cut {
		far := strings.Contains(row, "west") || row == "link replication"
		if far && !strings.HasPrefix(row, "secret") && verdict == "works" || !far && verdict != "works" {
			t.Errorf("with west cut off, %s: %s", row, verdict)
		}
	}
	if exit != 1 {
		t.Errorf("with west cut off: exit %d", exit)
	}
	e.does("", "heal.sh", "west")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
		if _, exit = b.checked(t, file); exit == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("half a minute after the heal: exit %d", exit)
		}
	}
}

// isARehearsal: every address of the estate is in a namespace of this machine, so that it may be called a rehearsal; with one that is not,
// it may not.
func (e estate) isARehearsal(t *testing.T, b box, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	here := strings.Replace(string(text), "environment: staging", "environment: rehearsal", 1)
	for content, want := range map[string]int{here: 0, strings.Replace(here, "address: 10.77.2.10", "address: 192.0.2.10", 1): 10, strings.Replace(here, "address: 10.77.2.10", "address: 10.77.2.99", 1): 10} {
		path := filepath.Join(t.TempDir(), "here.target.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if o := b.run(t, "target", "check", path); o.exit != want {
			t.Errorf("as a rehearsal: exit %d, want %d\n%s%s", o.exit, want, o.stdout, o.stderr)
		}
	}
}
