package containers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"blackstart/docker"
	"blackstart/harness"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/processes"
)

// described is a run that has been described, on no engine.
func described(t *testing.T) *rehearsal {
	t.Helper()
	about, err := kind.Outline(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := newRehearsal(Options{})
	r.Site = &finrag.Site{Described: about}
	r.gates["east.db"] = &gate{address: map[string]string{east: "10.0.0.1", upTo(east): "10.0.1.1", walNet: "10.0.2.1"}}
	r.gates["east.api"] = &gate{address: map[string]string{east: "10.0.0.2", upTo(east): "10.0.1.2"}}
	return r
}

func TestRules(t *testing.T) {
	r := described(t)
	const wal, db = finrag.WALLink, "outside→east.db"
	for _, c := range []struct {
		region, direction, link string
		want                    []string
	}{
		{east, harness.Both, db, []string{"-A INPUT -d 10.0.1.1 -j DROP", "-A OUTPUT -s 10.0.1.1 -j DROP"}},
		{east, "", wal, []string{"-A INPUT -d 10.0.2.1 -j DROP", "-A OUTPUT -s 10.0.2.1 -j DROP"}},
		{east, harness.In, db, []string{"-A INPUT -d 10.0.1.1 -j DROP"}},
		{east, harness.Out, db, []string{"-A OUTPUT -s 10.0.1.1 -j DROP"}},
		{west, harness.In, wal, []string{"-A OUTPUT -s 10.0.2.1 -j DROP"}},
		{west, harness.Out, wal, []string{"-A INPUT -d 10.0.2.1 -j DROP"}},
	} {
		link, _ := r.Described.LinkByName(c.link)
		s, err := r.sidesOf(harness.Action{Region: c.region, Direction: c.direction}, link)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.rulesOf("east.db", map[string]cutDirections{c.link: s}); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v", c, got)
		}
		if got := r.rulesOf("east.api", map[string]cutDirections{c.link: s}); len(got) != 0 {
			t.Errorf("%+v: the API's gate has %v", c, got)
		}
	}
	link, _ := r.Described.LinkByName(db)
	for _, a := range []harness.Action{{Region: west, Direction: harness.In}, {Region: east, Direction: "sideways"}} {
		if _, err := r.sidesOf(a, link); err == nil {
			t.Errorf("%+v was translated", a)
		}
	}
}

// TestOutline compares the two ways to make finrag before either is started.
func TestOutline(t *testing.T) {
	ours, err := New(Options{}).Outline(map[string]string{"wal.latency": "200ms", "cache": "auto"})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := processes.New(processes.Options{}).Outline(map[string]string{"wal.latency": "200ms", "cache": "auto"})
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(ours.Simulated, "; ")
	if strings.Contains(said, "on loopback, without") || !strings.Contains(said, "bridge networks") || !strings.Contains(said, "the WAL passes a relay") {
		t.Errorf("what is simulated: %s", said)
	}
	ours.Kind, ours.Simulated = theirs.Kind, theirs.Simulated
	if !reflect.DeepEqual(ours, theirs) {
		t.Errorf("the same drill on another target:\n%+v\n%+v", ours, theirs)
	}
}

// TestGateScript runs the gate's program with a filter that takes rules, or does not.
func TestGateScript(t *testing.T) {
	script, err := fs.ReadFile(docker.Files, "gate.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	filter := filepath.Join(dir, "iptables-restore")
	content := "#!/bin/sh\nin=$(cat)\nprintf '%s\\n--\\n' \"$in\" >>" + dir + "/taken\ncase $in in *nonsense*) echo 'line 4 failed' >&2; exit 2;; esac\n"
	if err := os.WriteFile(filter, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", string(script))
	cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin"}
	cmd.Stdin = strings.NewReader("-A INPUT -j DROP\\n-A OUTPUT -j DROP\\n\nnonsense\\n\n\n")
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "ok\nfailed: line 4 failed\nok\n" {
		t.Errorf("%v: %q", err, out)
	}
	taken, err := os.ReadFile(filepath.Join(dir, "taken"))
	want := "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -j DROP\n-A OUTPUT -j DROP\nCOMMIT\n--\n"
	if err != nil || !strings.HasPrefix(string(taken), want) {
		t.Errorf("%v: %q", err, taken)
	}
}

// TestGateAnswers reads answers as an engine sends them: in frames that are cut anywhere.
func TestGateAnswers(t *testing.T) {
	frame := func(s string) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{1, 0, 0, 0}, uint32(len(s))), s...)
	}
	for _, c := range []struct {
		frames [][]byte
		fails  string
	}{
		{[][]byte{frame("ok\n")}, ""},
		{[][]byte{frame("o"), frame("k\nok")}, ""},
		{[][]byte{frame("failed: no such rule\n")}, "no such rule"},
		{[][]byte{frame("ok")}, "EOF"},
		{[][]byte{{1, 0, 0, 0, 255, 255, 255, 255}}, "no answer has"},
	} {
		ours, theirs := net.Pipe()
		go func() { _, _ = bufio.NewReader(theirs).ReadString('\n') }()
		g := &gate{name: "east.db", talk: &client.HijackedResponse{Conn: ours, Reader: bufio.NewReader(bytes.NewReader(slices.Concat(c.frames...)))}}
		err := g.sendRules(context.Background(), []string{"-A INPUT -j DROP"})
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%q: %v", c.frames, err)
		}
		ours.Close()
		theirs.Close()
	}
}

func TestImageContext(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "finrag")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{script, filepath.Join(dir, "none")} {
		if _, err := contextOf(imageFinrag, []finrag.Program{{Path: path}}); err == nil {
			t.Errorf("%s was taken for a static program", path)
		}
	}
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := static(shell); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("a program with a loader: %v", err)
	}
	gate, err := contextOf(imageGate, nil)
	if err != nil || len(gate) != 2 {
		t.Fatalf("%v, %v", gate, err)
	}
	before := digestOf(gate)
	gate["gate.sh"] = append(gate["gate.sh"], '\n')
	if digestOf(gate) == before {
		t.Error("another script has the same digest")
	}
}

// TestRecoverRefuses reads what is no run of ours: nothing may be removed by it.
func TestRecoverRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(finrag.TargetDir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "a b", "x\ny", "../x", strings.Repeat("a", 65)} {
		if err := os.WriteFile(filepath.Join(finrag.TargetDir(dir), runFile), []byte(id), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Recover(context.Background(), dir, nil); err == nil || !strings.Contains(err.Error(), "not a run of ours") {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestHints(t *testing.T) {
	for text, want := range map[string]string{
		"reaper: new reaper: run container":                              "RYUK",
		"could not find an available, non-overlapping IPv4 address":      "prune",
		"write x: no space left on device":                               "free some space",
		"listen tcp 172.18.0.1:0: bind: cannot assign requested address": "same Linux host",
		"permission denied while trying to connect":                      "engine",
		"something else": "--keep-state",
	} {
		if got := finrag.HintFor(text, hints); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestOnlyTheNamedEngineIsUsed(t *testing.T) {
	const usual = "unix:///var/run/docker.sock"
	for _, c := range []struct {
		named, found string
		refused      bool
	}{
		{"", usual, false},
		{usual, usual, false},
		{"tcp://127.0.0.1:2375", usual, true},
	} {
		err := isNamed(engineAddress{host: c.named, by: "DOCKER_HOST"}, c.found)
		if (err != nil) != c.refused || (c.refused && !strings.Contains(err.Error(), c.found)) {
			t.Errorf("named %q, found %q: %v", c.named, c.found, err)
		}
	}
}

// An image is the one that was found, whatever prefix testcontainers is told to put before it.
func TestImagesAreTheOnesFound(t *testing.T) {
	for ref, want := range map[string]string{"blackstart/gate:1": "index.docker.io/blackstart/gate:1", "postgres:16": "index.docker.io/postgres:16",
		"localhost/x:1": "localhost/x:1", "registry.example/x": "registry.example/x", "host:5000/x@sha256:00": "host:5000/x@sha256:00"} {
		if got := asFound(ref, "mirror.example/hub"); got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
		if got := asFound(ref, ""); got != ref {
			t.Errorf("%s without a prefix: %s", ref, got)
		}
	}
}
