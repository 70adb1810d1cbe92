package e2e

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

// admitted is an estate that runs, whose DBA has admitted us, and its target file.
func admitted(t *testing.T, b box) (e estate, file string) {
	t.Helper()
	e, file = newEstate(t, "finrag"), filepath.Join(t.TempDir(), "finrag.target.yaml")
	if err := os.WriteFile(file, []byte(e.does("", "describe.sh")), 0o600); err != nil {
		t.Fatal(err)
	}
	ddl := b.run(t, "target", "ddl", file, "--on", "east.db")
	if ddl.exit != 0 {
		t.Fatal(ddl.stderr)
	}
	e.does(ddl.stdout, "admit.sh")
	time.Sleep(time.Second) // the standby replays it
	return e, file
}

// hands are the estate's people, who do what they are asked to in a directory until the test ends.
func (e estate) hands(env ...string) (dir string) {
	e.t.Helper()
	dir = e.t.TempDir()
	cmd := exec.Command(filepath.Join(e.dir, "hands.sh"), dir, "Ann Operator")
	cmd.Env = append(append([]string{}, e.env...), env...)
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		_ = os.WriteFile(filepath.Join(dir, "over"), nil, 0o600)
		_ = cmd.Wait()
	})
	return dir
}

const (
	byHands  = "../../../testdata/estates/finrag/dc-loss.hands.yaml"
	rehearse = "../../../testdata/estates/finrag/dc-loss.yaml"
)

// rounds is how often the drill of the estate is run: once, or as often as BLACKSTART_ROUNDS says.
func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("BLACKSTART_ROUNDS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("BLACKSTART_ROUNDS is %q", text)
	}
	return n
}

// TestDrillsByHands: the same drill on an estate that its own people run, break and mend, and on the rehearsal target: the same exit
// code and reason each time, and ranges of RTO that overlap.
func TestDrillsByHands(t *testing.T) {
	var there, here []harness.Measurement
	for i := range rounds(t) {
		t.Run(strconv.Itoa(i+1), func(t *testing.T) {
			b := newBox(t)
			e, file := admitted(t, b)
			o := b.run(t, "run", byHands, "--target", file, "--people", "dir:"+e.hands(), "--out", b.out)
			if o.exit != harness.ExitPass {
				t.Fatalf("exit %d: %s\n%s", o.exit, o.firstLine(), o.stderr)
			}
			b.byPeople(t)
			there = append(there, b.rtoOf(t, "dc-loss.hands"))
			r := b.drill(t, rehearse)
			if r.exit != o.exit || sentence(r) != sentence(o) {
				t.Fatalf("on processes exit %d: %s\n%s", r.exit, r.firstLine(), r.stderr)
			}
			here = append(here, b.rtoOf(t, "dc-loss"))
			t.Logf("on the estate %s\non processes %s", o.firstLine(), r.firstLine())
		})
	}
	if t.Failed() || len(there) < 5 { // one drill meets any moment between two checks
		return
	}
	lo := func(all []harness.Measurement) int64 {
		return slices.MinFunc(all, func(a, b harness.Measurement) int { return cmp.Compare(a.Lo, b.Lo) }).Lo
	}
	hi := func(all []harness.Measurement) int64 {
		return slices.MaxFunc(all, func(a, b harness.Measurement) int { return cmp.Compare(a.Hi, b.Hi) }).Hi
	}
	if lo(there) > hi(here) || lo(here) > hi(there) {
		t.Errorf("RTO on the estate %d–%d ns, on processes %d–%d ns: they do not overlap", lo(there), hi(there), lo(here), hi(here))
	}
}

// sentence is the verdict of a drill in its words, without its numbers.
func sentence(o outcome) string {
	words, _, _ := strings.Cut(o.firstLine(), ":")
	return words
}

// rtoOf is the RTO of fresh clients in a pack.
func (b box) rtoOf(t *testing.T, name string) harness.Measurement {
	t.Helper()
	for _, o := range readFindings(t, b, name).Objectives {
		if o.Objective.ID == "rto" && o.Measured.Known {
			return o.Measured
		}
	}
	t.Fatalf("%s has no RTO", name)
	return harness.Measurement{}
}

// byPeople holds the pack of the drill against what people did, and against everything that reads packs.
func (b box) byPeople(t *testing.T) {
	t.Helper()
	const name = "dc-loss.hands"
	rec := readRecord(t, b, name)
	i := slices.IndexFunc(rec.Acts, func(a harness.Act) bool { return a.Kind == harness.ActInject })
	if i < 0 || rec.Acts[i].By != harness.ByPerson || len(rec.People) != 2 || rec.People[0].DoneBy != "Ann Operator" || !rec.People[1].Task.Undoing {
		t.Errorf("acts %+v, people %+v", rec.Acts, rec.People)
	}
	for _, phase := range []string{harness.ActPlan, harness.ActStop} {
		if !slices.ContainsFunc(rec.TargetClocks, func(c harness.TargetClock) bool { return c.Of == "west.db" && c.Phase == phase && c.Detail == "" }) {
			t.Errorf("no reading of the clock of west.db at %s: %+v", phase, rec.TargetClocks)
		}
	}
	f := rec.Faults[0]
	if wide := f.InForce.Hi.Sub(f.InForce.Lo); !f.Confirmed || !f.Restored || wide > 1500*time.Millisecond || f.InForce.Lo < rec.People[0].Asked {
		t.Errorf("in force %v (%s wide), asked at %v", f.InForce, wide, rec.People[0].Asked)
	}
	if rec.Target.Kind != "external" || !rec.Ledger.OldRead || len(rec.Decisions) == 0 {
		t.Errorf("target %s, old side read %t (%s), %d decisions (%s)", rec.Target.Kind, rec.Ledger.OldRead, rec.Ledger.OldDetail, len(rec.Decisions), rec.DecisionsErr)
	}
	v := b.run(t, "verify", b.pack(name), "--recompute", "--root", filepath.Join(b.out, name+".root.pem"))
	if !strings.Contains(v.stdout, "integrity   ok") || !strings.Contains(v.stdout, "recomputed") || v.exit != exitUnproven {
		t.Errorf("verify: exit %d\n%s%s", v.exit, v.stdout, v.stderr)
	}
	stranger(t, b, name)
}

// exitUnproven is how verify ends for a pack that is no rehearsal's and has a throw-away root.
const exitUnproven = 21

// TestPeopleWhoOnlySaySo: somebody says that it is done and the victim says otherwise: nothing is proven, and what may be in force is
// taken back all the same.
func TestPeopleWhoOnlySaySo(t *testing.T) {
	b := newBox(t)
	e, file := admitted(t, b)
	o := b.run(t, "run", byHands, "--target", file, "--people", "dir:"+e.hands("IDLE=yes"), "--out", b.out)
	if o.exit != harness.ExitInconclusive || !strings.Contains(o.firstLine(), "not confirmed in force") {
		t.Fatalf("exit %d: %s\n%s", o.exit, o.firstLine(), o.stderr)
	}
}

// TestKillNineWhilePeopleHoldAFault: after a kill the next command says what people must do, until the victim shows that it is over.
func TestKillNineWhilePeopleHoldAFault(t *testing.T) {
	b := newBox(t)
	e, file := admitted(t, b)
	dir := e.hands()
	cmd := b.command(t.Context(), "run", byHands, "--target", file, "--people", "dir:"+dir, "--out", b.out)
	watch := newWatcher("fault.manual is in force")
	cmd.Stderr = watch
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-watch.seen:
	case <-time.After(2 * time.Minute):
		t.Fatalf("it was not seen in force:\n%s", watch.text())
	}
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	o := b.run(t, "undo")
	if all := o.stdout + o.stderr; o.exit != harness.ExitUndo || !strings.Contains(all, "let the primary data centre be reached again") {
		t.Fatalf("undo: exit %d\n%s", o.exit, all)
	}
	kept := t.TempDir() + "/state"
	must(t, exec.Command("cp", "-a", b.state, kept).Run())
	if o = b.run(t, "undo", "--given-up", "Ann Operator: the region was rebuilt"); o.exit != harness.ExitUndo || !strings.Contains(o.stderr, "given up by Ann Operator") {
		t.Errorf("given up: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	if rec := readRecord(t, b, "dc-loss.hands"); rec.Undo.Complete || rec.Faults[0].Restored || !strings.Contains(rec.Undo.Detail, "given up by Ann Operator: the region was rebuilt; nothing has shown that it is over") {
		t.Errorf("the pack of a run that was given up: %+v, restored %t", rec.Undo, rec.Faults[0].Restored)
	}
	if v := b.run(t, "verify", b.pack("dc-loss.hands"), "--recompute"); !strings.HasPrefix(v.firstLine(), "UNDO INCOMPLETE: act now: ") || !strings.Contains(v.stdout, "integrity   ok") {
		t.Errorf("verify of a run that was given up: exit %d\n%s%s", v.exit, v.stdout, v.stderr)
	}
	must(t, exec.Command("rm", "-rf", b.state, b.pack("dc-loss.hands")).Run())
	must(t, exec.Command("cp", "-a", kept, b.state).Run())
	if o = b.run(t, "undo", "--people", "dir:"+dir); o.exit != harness.ExitPass || !strings.Contains(o.stdout, "done, says Ann Operator") {
		t.Fatalf("undo with people: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	if rec := readRecord(t, b, "dc-loss.hands"); rec.Status != harness.Interrupted || !rec.Undo.Complete || !rec.Faults[0].Restored ||
		len(rec.People) == 0 || rec.People[len(rec.People)-1].Act != harness.ActUndo || rec.People[len(rec.People)-1].DoneBy != "Ann Operator" || rec.People[len(rec.People)-1].Fault != "loss" {
		t.Errorf("status %s, undo %+v, restored %t, people %+v", rec.Status, rec.Undo, rec.Faults[0].Restored, rec.People)
	}
}
