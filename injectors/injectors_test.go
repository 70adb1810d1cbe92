package injectors

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/internal/registry"
	"blackstart/internal/strictyaml"

	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "rewrite golden files")

// estate is a two-region target as a driver would describe it.
func estate() harness.Description {
	return harness.Description{
		Name:      "estate",
		Regions:   []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Breakable: []string{"east", "west"},
		Components: []harness.Component{
			{Name: "east.db", Kind: "postgres", Region: "east", Role: harness.Primary}, {Name: "east.api", Kind: "api", Region: "east"},
			{Name: "west.db", Kind: "postgres", Region: "west", Role: harness.Standby}, {Name: "west.api", Kind: "api", Region: "west"},
			{Name: "outside.dns", Kind: "dns", Region: harness.Outside},
		},
		Links: []harness.Link{
			{Name: "outside→east.api", From: harness.Outside, To: "east.api"},
			{Name: "outside→east.db", From: harness.Outside, To: "east.db"},
			{Name: "outside→west.api", From: harness.Outside, To: "west.api"},
			{Name: "outside→west.db", From: harness.Outside, To: "west.db"},
			{Name: "west.db→east.db", From: "west", To: "east.db"},
		},
		Calls: []string{"stop-api", "start-api", "rebuild"}, Undoes: map[string]string{"stop-api": "start-api"},
		Builds: []harness.Build{{Name: harness.BuildCurrent, Version: "1.2.0"}, {Name: harness.BuildPrevious, Version: "1.1.0"}},
		Questions: []harness.Question{
			{ID: "q1", Namespace: "public", Text: "what both answer alike", Right: "doc-1"},
			{ID: "q2", Namespace: "research", Text: "what tells them apart", Right: "doc-2", Older: "doc-3"},
		},
	}
}

// exampleOf reads a fault from the example of its kind, strictly: the example is what people copy, and it says which region
// and which fields the kind takes.
func exampleOf(t *testing.T, kind registry.Kind[harness.Injector]) harness.FaultSpec {
	t.Helper()
	var fault harness.FaultSpec
	d := yaml.NewDecoder(strings.NewReader(kind.Example))
	d.KnownFields(true)
	if err := d.Decode(&fault); err != nil {
		t.Fatalf("example of %s: %v", kind.Name, err)
	}
	return fault
}

// TestPlansAreGolden shows each fault's plan in one reviewable place.
func TestPlansAreGolden(t *testing.T) {
	for _, kind := range Faults.All() {
		t.Run(kind.Name, func(t *testing.T) {
			plan, err := planned(t, kind, exampleOf(t, kind))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(plan, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			file := filepath.Join("testdata", kind.Name+".plan.json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("plan differs from %s (run with -update to rewrite):\n%s", file, got)
			}
		})
	}
}

// TestConformance holds for every fault that exists or will be added.
func TestConformance(t *testing.T) {
	if len(Faults.All()) == 0 {
		t.Fatal("the catalogue is empty")
	}
	for _, kind := range Faults.All() {
		t.Run(kind.Name, func(t *testing.T) {
			fault := exampleOf(t, kind)
			if kind.Doc == "" || fault.Kind != kind.Name {
				t.Error("a fault needs a doc and an example that names its kind")
			}
			if _, err := os.Stat(strings.ReplaceAll(kind.Name, ".", "_") + ".go"); err != nil {
				t.Errorf("the file of a fault is its kind with _: %v", err)
			}
			plan, err := planned(t, kind, fault)
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Steps) == 0 || len(plan.InForce) == 0 || len(plan.Restored) == 0 {
				t.Error("a plan needs steps, checks that it is in force, and checks that it is over")
			}
			for _, s := range plan.Steps {
				if s.Do.Kind == "" || s.Undo.Kind == "" || sameJSON(t, s.Do, s.Undo) {
					t.Errorf("step %+v: each Do needs an Undo that differs", s)
				}
			}
			named(t, plan)
			if again, _ := planned(t, kind, fault); !sameJSON(t, plan, again) {
				t.Error("the same fault on the same target must give the same plan")
			}
			refuse(t, kind, fault)
			heedsEveryParameter(t, kind, fault)
		})
	}
}

func sameJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	y, also := json.Marshal(b)
	if err != nil || also != nil {
		t.Fatal(err, also)
	}
	return bytes.Equal(x, y)
}

// named shows that a plan speaks of what the target has, and that no check that is in force or follows is also one of
// those that it is over: one of the two would show nothing.
func named(t *testing.T, plan harness.Plan) {
	t.Helper()
	d := estate()
	for _, c := range slices.Concat(plan.InForce, plan.Follows, plan.Restored) {
		_, link := d.LinkByName(c.On)
		_, component := d.ComponentByName(c.On)
		if !link && !component {
			t.Errorf("check %s on %q, which the target does not have", c.Kind, c.On)
		}
	}
	for _, c := range slices.Concat(plan.InForce, plan.Follows) {
		if slices.Contains(plan.Restored, c) {
			t.Errorf("check %+v is said to hold while the fault is in force and when it is over", c)
		}
	}
	for _, s := range plan.Steps {
		for _, a := range []harness.Action{s.Do, s.Undo} {
			if len(a.Links)+len(a.Components) == 0 && a.Person == nil && a.Call == "" {
				t.Errorf("action %+v acts on nothing", a)
			}
		}
	}
}

// planned plans a fault with the parameters that it is given.
func planned(t *testing.T, kind registry.Kind[harness.Injector], fault harness.FaultSpec) (harness.Plan, error) {
	t.Helper()
	in, err := kind.Make(fault.With)
	if err != nil {
		return harness.Plan{}, err
	}
	return in.Plan(t.Context(), estate(), fault)
}

// heedsEveryParameter shows that what a kind takes changes what is done, asked or refused, and that what it does not take is
// refused: what is written and passed over would be believed. It starts from nothing and from the example, and changes one
// parameter; a number or a text may go with one word of another parameter only.
func heedsEveryParameter(t *testing.T, kind registry.Kind[harness.Injector], fault harness.FaultSpec) {
	t.Helper()
	if _, err := kind.Make(map[string]any{"nonsense": "x"}); err == nil {
		t.Error("a parameter that the kind does not take is passed over")
	}
	zero := Faults.Parameters()[kind.Name]
	if zero == nil {
		return
	}
	outcome := func(with harness.With) string {
		changed := fault
		changed.With = with
		plan, err := planned(t, kind, changed)
		if err != nil {
			return err.Error()
		}
		plan.Fault = harness.FaultSpec{} // which holds what was written
		b, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	fields := strictyaml.FieldsOf(reflect.TypeOf(zero))
	bases := []harness.With{{}, fault.With}
	for _, f := range fields {
		for _, word := range f.One {
			bases = append(bases, harness.With{f.Key: word})
		}
	}
	for _, f := range fields {
		values := []any{"east.api", "east.db", "7s", []any{map[string]any{"check": "link.answers", "of": "postgres"}}, []any{"outside→east.db"}, true, float64(max(f.Min, 2)), float64(max(f.Min, 3))}
		for _, word := range f.One {
			values = append(values, word)
		}
		heeded := false
		for _, base := range bases {
			before := outcome(base)
			for _, v := range values {
				with := harness.With{f.Key: v}
				for key, written := range base {
					if key != f.Key {
						with[key] = written
					}
				}
				if _, err := kind.Make(with); err == nil && outcome(with) != before {
					heeded = true
				}
			}
		}
		if !heeded {
			t.Errorf("%s changes nothing, with any of %v: refuse it or heed it", f.Key, values)
		}
	}
}

// refuse shows that a plan is refused where there is nothing to break or it is not allowed.
func refuse(t *testing.T, kind registry.Kind[harness.Injector], fault harness.FaultSpec) {
	t.Helper()
	in, err := kind.Make(fault.With)
	if err != nil {
		t.Fatal(err)
	}
	locked := estate()
	locked.Breakable = nil
	if _, err := in.Plan(t.Context(), locked, fault); err == nil || !strings.Contains(err.Error(), "breakable") {
		t.Errorf("a region that is not breakable was planned: %v", err)
	}
	bare := estate()
	bare.Components, bare.Links = nil, nil
	if _, err := in.Plan(t.Context(), bare, fault); err == nil {
		t.Error("a fault that hits nothing is an error")
	}
	unknown := fault
	unknown.On = "tertiary"
	if _, err := in.Plan(t.Context(), estate(), unknown); err == nil {
		t.Error("an unknown role was planned")
	}
}
