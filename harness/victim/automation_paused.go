package victim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"blackstart/harness"
	"blackstart/internal/registry"
	"blackstart/internal/shortage"
)

var (
	_ = Checks.Add(registry.Kind[Kind]{
		Name:    string(harness.AutomationPaused),
		Doc:     "Holds when GET /cluster of Patroni's REST API says that the cluster is paused.",
		Example: "automation.paused on east.patroni",
		New:     func() Kind { return Kind{Scope: ScopeComponent, Protocol: apiKind, Plan: automation(true)} },
	})
	_ = Checks.Add(registry.Kind[Kind]{
		Name:    string(harness.AutomationRuns),
		Doc:     "Holds when GET /cluster of Patroni's REST API names the members of the cluster, and does not say that it is paused.",
		Example: "automation.runs on east.patroni",
		New:     func() Kind { return Kind{Scope: ScopeComponent, Protocol: apiKind, Plan: automation(false)} },
	})
)

// automation asks a member. Nothing secret is sent: what it answers everybody may read.
func automation(paused bool) func(Victim, harness.Check) (Ask, error) {
	return func(v Victim, check harness.Check) (Ask, error) {
		return func(ctx context.Context, _ func()) error {
			is, err := v.cluster(ctx, check.On)
			shortage.Note("a check", err)
			switch {
			case err != nil:
				return err
			case is && !paused:
				return found("the cluster is paused")
			case !is && paused:
				return found("the cluster is not paused")
			}
			return nil
		}, nil
	}
}

// cluster tells whether the cluster of a member is paused.
func (v Victim) cluster(ctx context.Context, member string) (paused bool, err error) {
	a, u, err := v.wayTo(member)
	if err != nil {
		return false, err
	}
	u.Path, u.RawQuery = "/cluster", ""
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return false, fmt.Errorf("write the question: %w", err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true, TLSClientConfig: a.TLS}).RoundTrip(req)
	if err != nil {
		return false, unanswered("request", err)
	}
	defer func() { _ = res.Body.Close() }()
	var told struct {
		Members []struct{ Name string }
		Pause   bool
	}
	err = json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&told)
	if res.StatusCode != http.StatusOK || err != nil || len(told.Members) == 0 {
		return false, fmt.Errorf("its answer to /cluster (status %d) is none of Patroni", res.StatusCode)
	}
	return told.Pause, nil
}
