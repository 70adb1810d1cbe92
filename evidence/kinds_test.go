package evidence

import (
	"blackstart/harness"
	"blackstart/injectors"
	"blackstart/loadgen/workloads"
)

// plan lets the fault's own injector say what it is, on a target where everything may be broken.
func (s *staged) plan(f harness.FaultSpec) harness.Plan {
	kind, ok := injectors.Faults.Get(f.Kind)
	if !ok {
		s.t.Fatalf("no fault %s", f.Kind)
	}
	in, err := kind.Make(f.With)
	if err != nil {
		s.t.Fatal(err)
	}
	target := s.rec.Target
	target.Breakable = []string{"east", "west"}
	for _, to := range []string{"east.api", "west.api", "east.db", "west.db"} {
		target.Links = append(target.Links, harness.Link{Name: "outside→" + to, From: harness.Outside, To: to})
	}
	target.Links = append(target.Links, harness.Link{Name: "west.db→east.db", From: "west", To: "east.db"})
	plan, err := in.Plan(s.t.Context(), target, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return plan
}

// traitsOf asks the workload itself.
func traitsOf(l harness.LoadSpec) harness.Traits {
	kind, ok := workloads.Workloads.Get(l.Workload)
	if !ok {
		return harness.Traits{}
	}
	w, err := kind.Make(l.With)
	if err != nil {
		panic(err) // the scenario was read strictly
	}
	return w.Traits()
}
