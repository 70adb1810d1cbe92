package external

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/undostate"
)

func timeout(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 15*time.Second)
}

// byHand is a fault that a person makes, seen to be over when a component gives answers.
func byHand(on string) harness.FaultRecord {
	stop := harness.Action{Kind: harness.PersonAct, Person: &harness.PersonTask{What: "Stop the server", By: "DBA"}}
	start := harness.Action{Kind: harness.PersonAct, Person: &harness.PersonTask{What: "Start the server again", By: "DBA", Undoing: true}}
	return harness.FaultRecord{Do: harness.Interval{Lo: 1, Hi: 2}, Plan: harness.Plan{Fault: harness.FaultSpec{Kind: "by.hand"},
		Steps: []harness.Step{{Do: stop, Undo: start}}, Restored: []harness.Check{{Kind: harness.ComponentRuns, On: on}}}}
}

// A run that was killed while a person's act was in force is over when the checks of its end hold, and not before: then it is said
// what people must do.
func (r *rig) killed(t *testing.T) {
	q := request(t)
	d := r.driver()
	must(t, d.Start(t.Context(), q))
	log, err := harness.CreateUndoLog(filepath.Join(q.Dir, "undo.jsonl"), harness.NewClock())
	must(t, err)
	f := byHand("east.db")
	_, err = log.Put(f.Plan.Fault.Kind, f.Plan.Steps[0])
	must(t, err)
	must(t, log.Close())
	kept, there, err := Kept(q.Dir, reader.Parse)
	if err != nil || !there || kept.Target.Metadata.Name != "orders" {
		t.Fatalf("%v, %v", there, err)
	}
	again := New(kept, d.redact)
	must(t, again.Reattach(t.Context(), q))
	rec := &harness.Record{Target: d.Description(), Faults: []harness.FaultRecord{f}}
	done, err := again.Recover(t.Context(), undostate.Read(q.Dir, rec), time.Second)
	if err != nil || len(done.Restored) != 1 || done.Detail == "" {
		t.Errorf("%+v, %v", done, err)
	}
	rec.Faults[0].Do = harness.Interval{} // killed between the undo log and the record
	done, err = again.Recover(t.Context(), undostate.Read(q.Dir, rec), time.Second)
	if err != nil || len(done.Restored) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	rec.Faults[0].Plan.Restored[0].Kind = harness.ComponentGone // which it is not
	done, err = again.Recover(t.Context(), undostate.Read(q.Dir, rec), time.Second)
	if err == nil || !strings.Contains(err.Error(), "component.gone on east.db: its process still runs). What people must do: by.hand: Start the server again (DBA)") || len(done.Restored) != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	must(t, os.WriteFile(filepath.Join(q.Dir, "undo.jsonl"), []byte("torn\n"), 0o600)) // it names no step, and the victim still shows the fault
	rec.Faults[0].Do = harness.Interval{Lo: 1, Hi: 2}
	if done, err = again.Recover(t.Context(), undostate.Read(q.Dir, rec), time.Second); err == nil {
		t.Errorf("an undo log that cannot be read is complete: %+v", done)
	}
}

func TestARunOnAnotherTargetHasKeptNoFile(t *testing.T) {
	if _, there, err := Kept(t.TempDir(), reader.Parse); there || err != nil {
		t.Errorf("%v, %v", there, err)
	}
}

// Nothing is changed by the harness, whatever it is asked for.
func TestNothingIsCarriedOut(t *testing.T) {
	d := driverOf(t, "apiVersion: blackstart.target/v1\nkind: Target\nmetadata: {name: orders, owner: Us, environment: rehearsal, service: Orders, plan: BCP 4.2}\n"+
		"regions: [{name: east, role: primary}]\ncomponents: [{name: east.port, kind: tcp, region: east, address: 127.0.0.1, port: 9}, "+
		"{name: east.api, kind: http, region: east, address: 127.0.0.1, port: 8080, with: {scheme: http, path: /health}}]\n"+
		"entry: {url: 'http://127.0.0.1:8080/orders', resolver: system, status: 204}\n")
	if len(d.Can()) != 0 {
		t.Errorf("%v", d.Can())
	}
	for _, kind := range []harness.ActionKind{harness.LinkCut, harness.ComponentKill, harness.ComponentFence, harness.RunbookCall, harness.PersonAct} {
		if err := d.Execute(t.Context(), harness.Action{Kind: kind}); err == nil || !strings.Contains(err.Error(), "not available") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	about, err := d.Outline(nil)
	if err != nil || about.Components[1].Kind != "api" || about.Components[0].Kind != "tcp" ||
		about.Entry.URL != "http://127.0.0.1:8080/orders" || about.Entry.Status != 204 || about.Entry.Name != "127.0.0.1" || about.Entry.Port != 8080 {
		t.Errorf("%+v, %v", about, err)
	}
}
