package processes_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	targetfinrag "blackstart/harness/targets/finrag"
	"blackstart/harness/targets/processes"
)

// patience bounds everything a test waits for.
const patience = 40 * time.Second

// silence is how long a test listens for what must not come.
const silence = 200 * time.Millisecond

var finrag string

// TestMain builds finrag, and turns this binary into the harness that one test kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PROCESSES_TEST_RUN"); dir != "" {
		err := newDriver().Start(context.Background(), request(dir, nil))
		fmt.Println("started", err)
		if err == nil {
			select {}
		}
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "finrag-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	finrag = filepath.Join(dir, "finrag")
	if built := os.Getenv(targetfinrag.ProgramVariable); built != "" {
		finrag = built
	} else if out, err := exec.Command("go", "build", "-o", finrag, "blackstart/cmd/finrag").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build finrag: %v\n%s", err, out)
		os.Exit(1)
	}
	os.Setenv(targetfinrag.ProgramVariable, finrag)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func newDriver() *processes.Driver {
	o := processes.OptionsFromEnvironment()
	o.CacheDir = filepath.Join(os.TempDir(), fmt.Sprintf("blackstart-test-cache-%d", os.Getuid()))
	return processes.New(o)
}

func request(dir string, settings map[string]string) harness.StartRequest {
	return harness.StartRequest{
		RunID: "0192", Dir: dir, Profile: "fast", Settings: settings,
		Deliveries: []harness.Delivery{
			{Channel: "pagerduty", URL: "http://127.0.0.1:9/v2/enqueue", Secret: "0123456789abcdef0123456789abcdef"},
			{Channel: "slack", URL: "http://127.0.0.1:9/services/T/B/slacksecretslacksecret", Secret: "slacksecretslacksecret"},
			{Channel: "smtp", URL: "127.0.0.1:9", Secret: "oncall-nonce@drill.test"},
			{Channel: "statuspage", URL: "http://127.0.0.1:9/status", Secret: "statussecretstatussecret"},
		},
	}
}

// runDir is a state directory that PostgreSQL's account can reach.
func runDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "processes-*")
	must(t, err)
	must(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func start(t *testing.T, settings map[string]string) (*processes.Driver, string) {
	t.Helper()
	dir := runDir(t)
	d := newDriver()
	req := request(dir, settings)
	began := time.Now()
	req.Progress = func(line string) { t.Logf("%6.2f s %s", time.Since(began).Seconds(), line) }
	must(t, d.Check(context.Background(), req))
	t.Cleanup(func() {
		must(t, d.Stop(context.Background()))
		nothingLeft(t, dir)
	})
	must(t, d.Start(context.Background(), req))
	return d, dir
}

// nothingLeft fails if a process works in, or was started with, the directory.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	eventually(t, "no process is left", func() bool { return len(left(t, dir)) == 0 })
}

func left(t *testing.T, dir string) []string {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	var found []string
	for _, path := range lines {
		b, _ := os.ReadFile(path)
		cwd, _ := os.Readlink(filepath.Join(filepath.Dir(path), "cwd"))
		if (strings.Contains(string(b), dir+"/") || strings.HasPrefix(cwd, dir+"/")) && len(b) > 0 {
			found = append(found, string(b))
		}
	}
	return found
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func connect(t *testing.T, a harness.Access) *pgx.Conn {
	t.Helper()
	conn, err := dial(a)
	must(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func dial(a harness.Access) (*pgx.Conn, error) {
	i := strings.LastIndexByte(a.Address, ':')
	cfg, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%s user=%s password=%s dbname=%s sslmode=disable connect_timeout=2",
		a.Address[:i], a.Address[i+1:], a.User, a.Password, a.Database))
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(context.Background(), cfg)
}

func access(t *testing.T, d *processes.Driver, place, component string) harness.Access {
	t.Helper()
	a, err := d.Access(place, component)
	must(t, err)
	return a
}

func names(links []harness.Link) (list []string) {
	for _, l := range links {
		list = append(list, l.Name)
	}
	return list
}
