package scratch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/injectors"
	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
	"blackstart/scenarios"
)

// written is a scenario that uses both, and nothing that another package would have to know.
const written = `apiVersion: blackstart/v1
kind: Scenario
metadata: {name: queue, title: The queue is gone, why: Nobody reads it then.}
load:
  - {id: readers, workload: queue.read, place: standby, rate: 50/s, timeout: 1s, with: {most: 10}}
steadyState: {for: 2s, require: [{load: readers, successAtLeast: 99%}]}
faults:
  - {at: 0s, kind: queue.kill, on: standby, with: {also: postgres}, startsClock: true, confirmWithin: 2s}
recovery: {by: target}
recovered: {window: 2s, minRequests: 50, successAtLeast: 99%, p99AtMost: 500ms}
objectives: [{id: lost, measure: any, atMost: 0, source: BCP 4.2}]
observe: 10s
settle: 1s
`

func readScenario(text string) (*harness.Scenario, error) {
	s, _, err := scenarios.Reader{Known: scenarios.Known{Faults: injectors.Faults.Parameters(), Workloads: workloads.Workloads.Parameters()}}.
		Parse("queue.yaml", []byte(text), nil, "")
	return s, err
}

// A fault is validated and planned with its parameters.
func TestAFaultIsOneFile(t *testing.T) {
	s, err := readScenario(written)
	if err != nil {
		t.Fatal(err)
	}
	target := described()
	target.Components = append(target.Components, harness.Component{Name: "west.db", Kind: "postgres", Region: "west"})
	injector := func(f harness.FaultSpec) (harness.Injector, error) {
		kind, _ := injectors.Faults.Get(f.Kind)
		return kind.Make(f.With)
	}
	plans, err := harness.PlanFaults(t.Context(), *s, target, []harness.ActionKind{harness.ComponentKill, harness.ComponentStart}, injector)
	if err != nil || len(plans) != 1 || !slices.Equal(plans[0].Steps[0].Do.Components, []string{"west.queue", "west.db"}) {
		t.Errorf("%+v, %v", plans, err)
	}
	for change, want := range map[string]string{
		"{also: postgres}": `also of fault 1 (queue.kill) is "x": write one of api, postgres`, "{also: ": "fault 1 (queue.kill) has no key",
	} {
		with := map[string]string{"{also: postgres}": "{also: x}", "{also: ": "{alas: "}[change]
		if _, err := readScenario(strings.Replace(written, change, with, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", with, err, want)
		}
	}
}

// A workload is validated, made with its parameters, and run.
func TestAWorkloadIsOneFile(t *testing.T) {
	if _, err := readScenario(strings.Replace(written, ", with: {most: 10}", "", 1)); err == nil || !strings.Contains(err.Error(), "load readers (queue.read) has no most") {
		t.Errorf("without what it needs: %v", err)
	}
	s, err := readScenario(written)
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := workloads.Workloads.Get(s.Load[0].Workload)
	w, err := kind.Make(s.Load[0].With)
	if err != nil || w.Traits().Speaks != "queue" || !w.Traits().Inside() {
		t.Fatalf("%+v, %v", w, err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "samples.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	clock := loadgen.NewClock()
	r, err := workloads.Start(t.Context(), w, workloads.Config{Clock: clock, Rate: 100, Start: clock.Now(), Slots: 5, Timeout: 10 * time.Second,
		Database: workloads.Database{Addresses: []string{newQueue(t).address}}}, workloads.Files{Samples: f})
	if err != nil {
		t.Fatal(err)
	}
	if stats, err := r.Wait(); err != nil || stats.OK != 5 {
		t.Errorf("%+v, %v", stats, err)
	}
}
