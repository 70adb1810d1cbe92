package means

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/strictyaml"
)

// ground is something that one kind of means is tried on: broken and mended here, by the scripts that an executor would run.
type ground struct {
	kind      string         // of the means
	with      map[string]any // its parameters
	on        Subject
	act       harness.Action             // Kind is each of those that the kind does, where it is not written
	simulated string                     // what stands in for the real thing, in words; "": nothing does
	path      string                     // a directory of programs of its own, such as a stand-in; ""
	programs  []string                   // whole paths of real programs that it needs beside those of busybox
	broken    func(context.Context) bool // tells, in a way of its own, whether nobody is served
	passing   bool                       // it comes back by itself, as what was killed under a controller does
}

// grounds are by name: a file of tests adds its own. Each is made once, for every act in both shells, and undone by the end of its test.
var grounds = map[string]tryable{}

type tryable struct {
	kind string
	make func(t *testing.T) ground
}

func addGround(name, kind string, make func(t *testing.T) ground) bool {
	grounds[name] = tryable{kind, make}
	return true
}

const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// shell runs scripts as an executor does.
type shell struct {
	argv []string
	path string
}

// shells are dash with the programs of Debian, and busybox with its own and no others.
func shells(t *testing.T, g ground) map[string]shell {
	t.Helper()
	busybox := t.TempDir()
	must(t, os.Chmod(busybox, 0o755))
	out, err := exec.Command("busybox", "--list").Output()
	must(t, err)
	program, err := exec.LookPath("busybox")
	must(t, err)
	for _, applet := range strings.Fields(string(out)) {
		if applet != "systemctl" && applet != "ip" {
			must(t, os.Symlink(program, filepath.Join(busybox, applet)))
		}
	}
	for _, p := range g.programs {
		_ = os.Remove(filepath.Join(busybox, filepath.Base(p)))
		must(t, os.Symlink(p, filepath.Join(busybox, filepath.Base(p))))
	}
	all := map[string]shell{"dash": {[]string{"/bin/dash", "-c"}, standardPath}, "busybox": {[]string{program, "sh", "-c"}, busybox}}
	for name, s := range all {
		if g.path != "" {
			s.path = g.path + ":" + s.path
			all[name] = s
		}
	}
	return all
}

// run runs a script and gives what it prints and complains of; the error is its exit code.
func (s shell) run(t *testing.T, script string) (out, complaint string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	argv := append(slices.Clone(s.argv), script)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = []string{"PATH=" + s.path, "LC_ALL=C", "TZ=UTC", "HOME=" + os.Getenv("HOME")}, "/"
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return strings.TrimSuffix(stdout.String(), "\n"), strings.TrimSpace(stderr.String()), err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// needs skips what cannot be tried here; where everything must be, it fails.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
				t.Fatalf("%s is not installed", p)
			}
			t.Skipf("%s is not installed", p)
		}
	}
}

// made makes a kind of means with parameters, and holds them to its rules.
func made(t *testing.T, kind string, with map[string]any) (k Kind, wrong string) {
	t.Helper()
	registered, ok := Means.Get(kind)
	if !ok {
		t.Fatalf("there is no means %q", kind)
	}
	k, err := registered.Make(with)
	if err != nil {
		return nil, err.Error()
	}
	if p, ok := k.(interface{ With() any }); ok {
		if j, ok := p.With().(target.Judge); ok {
			if key, wrong, _ := j.Wrong(&target.Target{Links: []target.Link{{Name: "api-to-db"}}}, false); wrong != "" {
				return nil, key + " " + wrong
			}
		}
	}
	return k, ""
}

// TestConformance holds for every means on every ground, in both shells.
func TestConformance(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(grounds)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := grounds[name].make(t)
			g.kind = grounds[name].kind
			if g.simulated != "" {
				t.Log("simulated: " + g.simulated)
			}
			k, wrong := made(t, g.kind, g.with)
			if wrong != "" {
				t.Fatal(wrong)
			}
			for shellName, s := range shells(t, g) {
				for _, kind := range k.Acts() {
					if g.act.Kind != "" && g.act.Kind != kind {
						continue
					}
					act := g.act
					act.Kind = kind
					t.Run(fmt.Sprintf("%s/%s", shellName, kind), func(t *testing.T) { thereAndBack(t, g, k, act, s) })
				}
				t.Run(shellName+"/try", func(t *testing.T) { tries(t, g, k, s) })
			}
			t.Run("hostile", func(t *testing.T) { hostile(t, g, shells(t, g)["dash"]) })
		})
	}
	for _, k := range Means.All() {
		if k.New().Of() == Links { // links_test.go tries them, between machines of their own
			continue
		}
		if !slices.ContainsFunc(slices.Collect(maps.Values(grounds)), func(g tryable) bool { return g.kind == k.Name }) {
			t.Errorf("%s is tried on no ground", k.Name)
		}
	}
}

// thereAndBack: free, done, done again, undone, undone again. Each state is asked for in the words of the means, and in another way.
func thereAndBack(t *testing.T, g ground, k Kind, act harness.Action, s shell) {
	scripts, err := k.Scripts(act, g.on)
	must(t, err)
	if scripts.Most <= 0 || scripts.Most > 600 || len(scripts.Free) == 0 || len(scripts.Ours) == 0 || len(scripts.Free) > 0 && slices.Contains(scripts.Ours, scripts.Free[0]) {
		t.Errorf("%+v", scripts)
	}
	becomes(t, g, s, scripts, scripts.Free, false, "before")
	ends := func(what, script string) {
		t.Helper()
		began := time.Now()
		if _, complaint, err := s.run(t, script); err != nil {
			t.Fatalf("%s: %v: %s", what, err, complaint)
		}
		if time.Since(began) > time.Duration(scripts.Most)*time.Second {
			t.Errorf("%s took %v, and may take %d s", what, time.Since(began), scripts.Most)
		}
	}
	if _, complaint, err := s.run(t, scripts.Undo); err != nil {
		t.Fatalf("undone before it was done: %v: %s", err, complaint)
	}
	becomes(t, g, s, scripts, scripts.Free, false, "undone before it was done")
	ends("do", scripts.Do)
	if !g.passing {
		becomes(t, g, s, scripts, scripts.Ours, true, "done")
		_, _, _ = s.run(t, scripts.Do) // it may refuse
		becomes(t, g, s, scripts, scripts.Ours, true, "done again")
	}
	ends("undo", scripts.Undo)
	becomes(t, g, s, scripts, scripts.Free, false, "undone")
	ends("undo again", scripts.Undo)
	becomes(t, g, s, scripts, scripts.Free, false, "undone again")
}

// becomes waits until it is so, in both ways of asking.
func becomes(t *testing.T, g ground, s shell, scripts lease.Scripts, words []string, broken bool, when string) {
	t.Helper()
	word, complaint, is := "", "", false
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		word, complaint, _ = s.run(t, scripts.State)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		is = g.broken(ctx)
		cancel()
		if slices.Contains(words, word) && is == broken {
			return
		}
	}
	t.Fatalf("%s: it is %q (%s), broken %t; want one of %q, broken %t", when, word, complaint, is, words, broken)
}

// tries: with everything there a Try says yes; without one of its programs, which.
func tries(t *testing.T, g ground, k Kind, s shell) {
	n := k.Needs(g.on)
	if n.Reboot == "" || n.Ticket == "" || len(n.Programs) == 0 {
		t.Errorf("it does not say what it needs: %+v", n)
	}
	if _, complaint, err := s.run(t, n.Try); err != nil {
		t.Errorf("%v: %s", err, complaint)
	}
	poor := s
	poor.path = t.TempDir()
	if _, complaint, err := poor.run(t, n.Try); err == nil || !strings.Contains(complaint, "no program") {
		t.Errorf("without programs: %v: %s", err, complaint)
	}
}

// hostile: whatever a parameter holds, it is refused, or it is a word like any other: nothing in it is run, and nothing is found.
func hostile(t *testing.T, g ground, s shell) {
	mark := filepath.Join(t.TempDir(), "mark")
	registered, _ := Means.Get(g.kind)
	p, ok := registered.New().(interface{ With() any })
	if !ok {
		return
	}
	for _, f := range strictyaml.FieldsOf(reflect.TypeOf(p.With()).Elem()) {
		for _, text := range []string{"$(touch " + mark + ")", "`touch " + mark + "`", "'; touch " + mark + " #", "\"; touch " + mark + "; \"", "a\ntouch " + mark + "\n", "-rf", "*"} {
			for _, prefix := range []string{"", "/tmp/"} {
				with := maps.Clone(g.with)
				switch with[f.Key].(type) {
				case []any:
					with[f.Key] = []any{prefix + text, text}
				case string, nil:
					with[f.Key] = prefix + text
				default:
					continue
				}
				k, wrong := made(t, g.kind, with)
				if wrong != "" {
					continue
				}
				act := g.act
				act.Kind = k.Acts()[0]
				scripts, err := k.Scripts(act, g.on)
				if err != nil {
					continue
				}
				word, complaint, _ := s.run(t, scripts.State)
				if strings.Contains(complaint, "yntax") {
					t.Errorf("%s: %q is no word: %s", f.Key, prefix+text, complaint)
				}
				if !slices.Contains(scripts.Free, word) {
					_, _, _ = s.run(t, scripts.Do)
				}
				_, _, _ = s.run(t, k.Needs(g.on).Try)
				if _, err := os.Stat(mark); err == nil {
					t.Fatalf("%s: what stands in %q was run", f.Key, prefix+text)
				}
			}
		}
	}
}
