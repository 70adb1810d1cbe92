package injectors

import (
	"context"
	"fmt"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name: "code.stale",
	Doc: "The region runs the build before the current one, really deployed. It is healthy and answers at once, and to a " +
		"question whose answer is known it gives the older one.",
	Example: "{at: 0s, kind: code.stale, on: standby, startsClock: true, confirmWithin: 15s}",
	New:     func() harness.Injector { return codeStale{} },
})

// codeStale is a region that was left out of the last deployment.
type codeStale struct{}

// Plan deploys the previous build on the region's API. Its version dates the fault; the older answer follows.
func (codeStale) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, err := victim(target, fault)
	if err != nil {
		return harness.Plan{}, err
	}
	current, previous, err := twoBuilds(target)
	if err != nil {
		return harness.Plan{}, fmt.Errorf("plan %s: %w", fault.Kind, err)
	}
	question, ok := target.DistinguishingQuestion()
	if !ok {
		return harness.Plan{}, fmt.Errorf("plan %s: target %s has no known question that its builds answer differently: "+
			"an older build could not be told by its answers", fault.Kind, target.Name)
	}
	api, link, err := publicAPI(target, fault, region)
	if err != nil {
		return harness.Plan{}, err
	}
	on := []string{api.Name}
	return harness.Plan{
		Fault: fault, Label: fault.Kind, What: "it runs the build before the current one, " + previous.Version,
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.CodeDeploy, Region: region.Name, Components: on, Build: previous.Name},
			Undo: harness.Action{Kind: harness.CodeDeploy, Region: region.Name, Components: on, Build: current.Name},
		}},
		InForce: []harness.Check{{Kind: harness.BuildIs, On: link, Want: previous.Version}},
		Follows: []harness.Check{{Kind: harness.AnswerIs, On: link, Want: question.Older}},
		Restored: []harness.Check{
			{Kind: harness.BuildIs, On: link, Want: current.Version},
			{Kind: harness.AnswerIs, On: link, Want: question.Right},
		},
	}, nil
}

// twoBuilds finds the build that runs and the one before it, and refuses two that cannot be told apart.
func twoBuilds(target harness.Description) (current, previous harness.Build, err error) {
	for _, b := range target.Builds {
		switch b.Name {
		case harness.BuildCurrent:
			current = b
		case harness.BuildPrevious:
			previous = b
		}
	}
	switch {
	case current.Name == "" || previous.Name == "":
		err = &harness.LackingError{Need: harness.NeedBuilds,
			Err: fmt.Errorf("target %s needs two builds, current and previous, and has %d", target.Name, len(target.Builds))}
	case current.Version == "" || previous.Version == "":
		err = fmt.Errorf("target %s does not say which versions its builds are", target.Name)
	case current.Version == previous.Version:
		err = fmt.Errorf("both builds of target %s say they are %q: nobody could tell which one runs", target.Name, current.Version)
	}
	return current, previous, err
}
