package victim

import (
	"context"
	"net/http"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Checks.Add(registry.Kind[Kind]{
	Name:    string(harness.BuildIs),
	Doc:     "Holds when the API behind the link tells the version that is wanted.",
	Example: "build.is on outside→west.api: 1.4.0",
	New:     func() Kind { return Kind{Scope: ScopeLink, Protocol: apiKind, Wants: true, Plan: buildIs} },
})

func buildIs(v Victim, check harness.Check) (Ask, error) {
	client, err := v.client(check.On)
	return func(ctx context.Context, _ func()) error { return client.buildIs(ctx, check.Want) }, err
}

func (c apiClient) buildIs(ctx context.Context, want string) error {
	var told struct {
		Build string `json:"build"`
	}
	if err := c.ask(ctx, http.MethodGet, "/version", nil, &told); err != nil {
		return err
	}
	if told.Build != want {
		return found("it says that its build is %q, not %q", told.Build, want)
	}
	return nil
}
