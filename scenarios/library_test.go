package scenarios

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

// expected are the scenarios of the library and how each must end.
var expected = map[string]int{
	"null":                             harness.ExitPass,
	"region-kill":                      harness.ExitPass,
	"region-partition":                 harness.ExitPass,
	"region-partition.async-lag":       harness.ExitFail,
	"region-partition.controller-dead": harness.ExitFail,
	"region-partition.no-load":         harness.ExitInconclusive,
	"region-partition.pager-muted":     harness.ExitFail,
	"region-partition.runbook":         harness.ExitPass,

	"certificate-expiry":                         harness.ExitPass,
	"certificate-expiry.sabotaged":               harness.ExitFail,
	"replication-break":                          harness.ExitPass,
	"replication-break.sabotaged":                harness.ExitFail,
	"replication-break.sabotaged-silent":         harness.ExitFail,
	"replication-pause":                          harness.ExitPass,
	"replication-break-then-partition":           harness.ExitPass,
	"replication-break-then-partition.sabotaged": harness.ExitFail,
	"stale-code":                                 harness.ExitPass,
	"stale-code.sabotaged":                       harness.ExitFail,
}

func TestLibrary(t *testing.T) {
	all := Library()
	if len(all) != len(expected) {
		t.Errorf("%d scenarios, want %d", len(all), len(expected))
	}
	for _, e := range all {
		exit, ok := expected[e.Scenario.Metadata.Name]
		if !ok || e.Exit != exit {
			t.Errorf("%s says exit code %d, want %d", e.Path, e.Exit, exit)
		}
		if len(e.Why) < 40 || strings.Contains(e.Why, "$schema") {
			t.Errorf("%s says %q", e.Path, e.Why)
		}
		data, err := os.ReadFile(filepath.Join("..", e.Path))
		if err != nil || !strings.HasPrefix(string(data), "# yaml-language-server: $schema=../../docs/scenario.schema.json\n# ") {
			t.Errorf("%s does not begin with its schema and a comment (%v)", e.Path, err)
		}
	}
}

// TestRehearsalsAreShort adds up what a rehearsal spends besides setting up and sealing.
func TestRehearsalsAreShort(t *testing.T) {
	const soak, most = 2 * time.Second, 55 * time.Second
	for _, e := range Library() {
		for _, profile := range []string{"", "standard", "fast"} {
			s, _, err := Reader{Known: known}.Load("../"+e.Path, profile)
			if err != nil {
				t.Fatal(err)
			}
			total := soak + s.SteadyState.For.D() + s.Observe.D() + s.Settle.D()
			if profile == "fast" && total >= most {
				t.Errorf("%s takes %s", e.Path, total)
			}
		}
	}
}

// TestNegativeControlsDifferInOneThing keeps a control comparable with the drill it controls.
func TestNegativeControlsDifferInOneThing(t *testing.T) {
	drill, _ := mustLoad(t, "finrag/region-partition.yaml", "fast")
	for name := range expected {
		if !strings.HasPrefix(name, "region-partition.") {
			continue
		}
		s, _ := mustLoad(t, "finrag/"+name+".yaml", "fast")
		if len(s.Faults) != 1 || !reflect.DeepEqual(s.Faults[0], drill.Faults[0]) || s.Observe != drill.Observe || s.Recovered != drill.Recovered {
			t.Errorf("%s has another fault or other numbers than the drill it controls", name)
		}
		for i, o := range drill.Objectives {
			if !reflect.DeepEqual(s.Objectives[i], o) {
				t.Errorf("%s changes objective %s", name, o.ID)
			}
		}
	}
}

// TestTwins holds every named fault and every failure that these scenarios are for to both: a drill that passes, and the same
// drill on a system whose protection is switched off, which fails.
func TestTwins(t *testing.T) {
	wanted := map[string]string{ // fault or failure, and where it is written
		"region.partition": "fault", "replication.break": "fault", "certificate.expire": "fault", "code.stale": "fault",
		"F1": "row", "F2": "row", "F4": "row",
	}
	passes, fails := map[string]bool{}, map[string]bool{}
	for name, exit := range expected {
		s, _ := mustLoad(t, "finrag/"+name+".yaml", "fast")
		shows := slices.Clone(s.Metadata.Covers)
		for _, f := range s.Faults {
			shows = append(shows, f.Kind)
		}
		parent, _, twin := strings.Cut(name, ".")
		for _, what := range shows {
			switch {
			case exit == harness.ExitPass && !twin:
				passes[what] = true
			case exit == harness.ExitFail && twin && expected[parent] == harness.ExitPass:
				fails[what] = true
			}
		}
	}
	for what, kind := range wanted {
		if !passes[what] || !fails[what] {
			t.Errorf("%s %s has a drill that passes: %v, and a twin that fails: %v; it must have both", kind, what, passes[what], fails[what])
		}
	}
}

// TestSabotagedTwinsDifferInOneSetting keeps a twin comparable: the same faults, objectives and load, one protection less.
func TestSabotagedTwinsDifferInOneSetting(t *testing.T) {
	seen := 0
	for name := range expected {
		parent, how, _ := strings.Cut(name, ".")
		if !strings.HasPrefix(how, "sabotaged") {
			continue
		}
		seen++
		drill, _ := mustLoad(t, "finrag/"+parent+".yaml", "fast")
		twin, _ := mustLoad(t, "finrag/"+name+".yaml", "fast")
		changed := 0
		for key, value := range twin.Target.Settings {
			if drill.Target.Settings[key] != value {
				changed++
			}
		}
		drill.Metadata, drill.Target.Settings = twin.Metadata, twin.Target.Settings
		if changed != 1 || !reflect.DeepEqual(drill, twin) {
			t.Errorf("%s changes %d settings, or something else", name, changed)
		}
	}
	if seen != 5 {
		t.Errorf("%d sabotaged twins, want 5", seen)
	}
}

func TestControlsDoWhatTheySay(t *testing.T) {
	settings := func(name string) map[string]string {
		s, _ := mustLoad(t, "finrag/"+name+".yaml", "fast")
		return s.Target.Settings
	}
	if s := settings("region-partition.controller-dead"); s["controller.failover"] != "disabled" || s["commit"] != "synchronous" {
		t.Errorf("controller-dead: %v", s)
	}
	if s := settings("region-partition.pager-muted"); s["pager.muted"] != "true" {
		t.Errorf("pager-muted: %v", s)
	}
	if s := settings("region-partition.async-lag"); s["commit"] != "asynchronous" || s["wal.latency"] != "200ms" {
		t.Errorf("async-lag: %v", s)
	}
	silent, _ := mustLoad(t, "finrag/region-partition.no-load.yaml", "fast")
	if len(silent.Load) != 4 || slices.ContainsFunc(silent.Load, func(l harness.LoadSpec) bool { return l.Rate.Count != 0 }) {
		t.Errorf("no-load: %+v", silent.Load)
	}
	none, _ := mustLoad(t, "finrag/null.yaml", "fast")
	if len(none.Faults) != 0 || len(none.Objectives) != 1 || none.Objectives[0].Measure != "rpo.lost" || none.Objectives[0].AtMost != "0" {
		t.Errorf("null: %+v %+v", none.Faults, none.Objectives)
	}
	kill, _ := mustLoad(t, "finrag/region-kill.yaml", "fast")
	if len(kill.Faults) != 1 || kill.Faults[0].Kind != "region.kill" {
		t.Errorf("region-kill: %+v", kill.Faults)
	}
}

// TestLibraryWithoutItsFiles loads from the tool itself, in a folder without scenarios.
func TestLibraryWithoutItsFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"scenarios/finrag/region-kill.yaml", "finrag/region-kill.yaml", "./scenarios/finrag/region-kill.yaml"} {
		s, l := mustLoad(t, path, "fast")
		if s.Metadata.Name != "region-kill" || len(l.Files) != 2 || l.Path != path {
			t.Errorf("%s: %+v", path, l.Path)
		}
	}
	for _, path := range []string{"../finrag/region-kill.yaml", "finrag", "scenarios/finrag/none.yaml", "/scenarios/finrag/null.yaml"} {
		if _, _, err := Load(path, ""); err == nil {
			t.Errorf("%s was found", path)
		}
	}
}
