package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"

	"blackstart/harness"
)

// faultsVariable tells a child which faults to carry out once its target has started.
const faultsVariable = "BLACKSTART_CONFORMANCE_FAULTS"

// What a child keeps, as a drill does.
const (
	undoLog    = "undo.jsonl"
	recordFile = "record.json"
)

// brokenBy are sets of faults in the middle of which a harness is killed: by name, the plans for a target.
var brokenBy = map[string]func(d harness.Description) []harness.Plan{
	"quiet faults": func(d harness.Description) []harness.Plan {
		return []harness.Plan{expire(), stale(d), breakReplication(), pauseReplay()}
	},
	"a fault that needs a fence": func(d harness.Description) []harness.Plan {
		return []harness.Plan{expire(), partition(d)}
	},
}

func plan(kind string, do, undo harness.Action, restored ...harness.Check) harness.Plan {
	return harness.Plan{Fault: harness.FaultSpec{Kind: kind}, Steps: []harness.Step{{Do: do, Undo: undo}}, Restored: restored}
}

func expire() harness.Plan {
	return plan("certificate.expire",
		harness.Action{Kind: harness.CertificateSwap, Components: []string{onAPI}, Certificate: &harness.CertificateSpec{Wrong: harness.CertificateExpired}},
		harness.Action{Kind: harness.CertificateRestore, Components: []string{onAPI}},
		harness.Check{Kind: harness.CertificateIs, On: "outside→" + onAPI, Want: harness.CertificateOK})
}

func stale(d harness.Description) harness.Plan {
	return plan("code.stale",
		harness.Action{Kind: harness.CodeDeploy, Components: []string{onAPI}, Build: harness.BuildPrevious},
		harness.Action{Kind: harness.CodeDeploy, Components: []string{onAPI}, Build: harness.BuildCurrent},
		harness.Check{Kind: harness.BuildIs, On: "outside→" + onAPI, Want: d.Builds[0].Version})
}

func breakReplication() harness.Plan {
	links := []string{"west.db→east.db"}
	return plan("replication.break",
		harness.Action{Kind: harness.LinkCut, Region: "west", Direction: harness.Both, Links: links},
		harness.Action{Kind: harness.LinkHeal, Region: "west", Links: links},
		harness.Check{Kind: harness.LinkAnswers, On: links[0]}, harness.Check{Kind: harness.ReceiverStreams, On: "west.db"})
}

func pauseReplay() harness.Plan {
	on := []string{"west.db"}
	return plan("replication.pause",
		harness.Action{Kind: harness.SQLRun, Components: on, SQL: "SELECT pg_wal_replay_pause()"},
		harness.Action{Kind: harness.SQLRun, Components: on, SQL: "SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery()"},
		harness.Check{Kind: harness.ReplayRuns, On: "west.db"}, harness.Check{Kind: harness.HeartbeatFlows, On: "west.db"})
}

func partition(d harness.Description) harness.Plan {
	var links []string
	for _, l := range d.LinksOf("east") {
		links = append(links, l.Name)
	}
	p := plan("region.partition",
		harness.Action{Kind: harness.LinkCut, Region: "east", Direction: harness.Both, Links: links},
		harness.Action{Kind: harness.LinkHeal, Region: "east", Links: links},
		harness.Check{Kind: harness.LinkAnswers, On: links[0]})
	p.Fences = []string{"east.db"}
	return p
}

// injectNamedFaults carries out the faults that the environment names, with the undo log and the record that a drill keeps.
func injectNamedFaults(driver harness.Driver, dir string) error {
	plans := brokenBy[os.Getenv(faultsVariable)]
	if plans == nil {
		return nil
	}
	clock := harness.NewClock()
	log, err := harness.CreateUndoLog(filepath.Join(dir, undoLog), clock)
	if err != nil {
		return err
	}
	rec := harness.Record{Target: driver.Description()}
	for _, p := range plans(rec.Target) {
		at := clock.Now()
		rec.Faults = append(rec.Faults, harness.FaultRecord{Plan: p, Do: harness.Interval{Lo: at, Hi: at}})
		for _, s := range p.Steps {
			if _, err := log.Put(p.Fault.Kind, s); err != nil {
				return err
			}
			if err := driver.Execute(context.Background(), s.Do); err != nil {
				return err
			}
		}
	}
	b, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, recordFile), b, 0o600)
}

// killedInFaults kills the harness in the middle of faults: what needs no fence is taken back and seen to be over, the rest
// is seen to be gone, and nothing is left.
func (target Target) killedInFaults(t *testing.T) {
	for name := range brokenBy {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			dir, runID := target.Dir(t), uuid.NewString()
			child := target.spawn(t, dir, runID, faultsVariable+"="+name)
			must(t, child.Process.Kill())
			_ = child.Wait()
			var rec harness.Record
			b, err := os.ReadFile(filepath.Join(dir, recordFile))
			must(t, err)
			must(t, json.Unmarshal(b, &rec))
			left := &fixture{Target: target, about: rec.Target, dir: dir, runID: runID}
			if found, _ := left.handshake("outside→" + onAPI); target.OutlivesHarness && found != harness.CertificateExpired {
				t.Errorf("what outlives the harness shows a certificate that is %s", found)
			}
			events, restored, err := target.Recover(ctx, dir, &rec)
			must(t, err)
			nothingLeft(t, left)
			checkUndone(t, rec, events, restored)
			_, _, err = target.Recover(ctx, dir, &rec) // as often as you like
			must(t, err)
			nothingLeft(t, left)
		})
	}
}

func checkUndone(t *testing.T, rec harness.Record, events []harness.Event, restored []int) {
	t.Helper()
	told := map[string]string{}
	var undone []string
	for _, e := range events {
		t.Logf("%s: %s", e.Kind, e.Text)
		if e.At.Lo == 0 || e.At.Hi < e.At.Lo {
			t.Errorf("event %s is at %v", e.Kind, e.At)
		}
		switch e.Kind {
		case "fault.undone":
			undone = append(undone, e.Detail["fault"])
		case "fault.restored":
			told[e.Detail["fault"]] = e.Detail["how"]
		default:
			t.Errorf("%s: %s", e.Kind, e.Text)
		}
	}
	latest := len(undone)
	for i, f := range rec.Faults {
		kind := f.Plan.Fault.Kind
		if !slices.Contains(restored, i) || told[kind] == "" {
			t.Errorf("%s was not seen to be over: %v", kind, told)
		}
		if at := slices.Index(undone, kind); at >= 0 {
			if at > latest {
				t.Errorf("steps were taken back in the order %v", undone)
			}
			latest = at
		} else if len(f.Plan.Fences) == 0 {
			t.Errorf("%s was not taken back: %v", kind, undone)
		}
	}
	if told["certificate.expire"] != "restored" {
		t.Errorf("the certificate was not restored: %v", told)
	}
	if fmt.Sprint(restored) == "[]" {
		t.Error("nothing was seen to be over")
	}
}
