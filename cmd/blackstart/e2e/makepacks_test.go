package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

// TestMakePacks makes a pack of every end for testdata/packs, in the folder that BLACKSTART_MAKE_PACKS names. Packs of a released
// format are never made anew: a later build must accept those that are there.
func TestMakePacks(t *testing.T) {
	dir := os.Getenv("BLACKSTART_MAKE_PACKS")
	if dir == "" {
		t.Skip("BLACKSTART_MAKE_PACKS names no folder: packs are made by hand, once a format")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		name, scenario string
		exit           int
		after          string         // what is seen before the signal is sent; "": the drill is left alone
		wait           time.Duration  // between the two
		signal         syscall.Signal // KILL is finished by undo
	}{
		{"pass", "region-partition", harness.ExitPass, "", 0, 0},
		{"fail", "region-partition.async-lag", harness.ExitFail, "", 0, 0},
		{"inconclusive", "region-partition.no-load", harness.ExitInconclusive, "", 0, 0},
		{"stopped", "region-partition", harness.ExitStopped, "in force", 3 * time.Second, syscall.SIGINT},
		{"interrupted", "region-partition", -1, "in force", 14 * time.Second, syscall.SIGKILL},
	} {
		t.Run(p.name, func(t *testing.T) {
			b := newBox(t)
			watch := newWatcher(p.after)
			cmd := b.command(t.Context(), "run", scenarioDir+p.scenario+".yaml", "--out", b.out)
			cmd.Stderr = watch
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if p.after != "" {
				<-watch.seen
				time.Sleep(p.wait)
				_ = cmd.Process.Signal(p.signal)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != p.exit {
				t.Fatalf("exit %d, want %d\n%s", code, p.exit, watch.text())
			}
			if p.signal == syscall.SIGKILL {
				if o := b.run(t, "undo"); o.exit != harness.ExitPass {
					t.Fatalf("undo: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
				}
			}
			b.accepted(t, p.scenario)
			for _, ext := range []string{".zip", ".root.pem"} {
				data, err := os.ReadFile(filepath.Join(b.out, p.scenario+ext))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, p.name+ext), data, 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
