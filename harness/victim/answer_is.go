package victim

import (
	"context"
	"fmt"
	"net/http"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Checks.Add(registry.Kind[Kind]{
	Name: string(harness.AnswerIs),
	Doc: "Holds when the API behind the link answers the first known question that the target's builds answer differently with the " +
		"document that is wanted.",
	Example: "answer.is on outside→west.api: doc-17",
	New:     func() Kind { return Kind{Scope: ScopeLink, Protocol: apiKind, Wants: true, Plan: answerIs} },
})

func answerIs(v Victim, check harness.Check) (Ask, error) {
	question, ok := v.Target.DistinguishingQuestion()
	if !ok {
		return nil, fmt.Errorf("target %s has no question that its builds answer differently", v.Target.Name)
	}
	client, err := v.client(check.On)
	return func(ctx context.Context, _ func()) error { return client.answerIs(ctx, question, check.Want) }, err
}

func (c apiClient) answerIs(ctx context.Context, q harness.Question, want string) error {
	var told struct {
		Results []struct {
			ID string `json:"id"`
		} `json:"results"`
	}
	question := map[string]any{"namespace": q.Namespace, "text": q.Text, "k": 1}
	if err := c.ask(ctx, http.MethodPost, "/query", question, &told); err != nil {
		return err
	}
	if len(told.Results) == 0 {
		return fmt.Errorf("it finds nothing for question %s", q.ID)
	}
	if got := told.Results[0].ID; got != want {
		return found("it answers question %s with %q, not %q", q.ID, got, want)
	}
	return nil
}
