package conformance

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/victim"
)

// everyCheckAnswers asks every kind of check that exists of something that it can be asked of: that it holds or does not is an
// answer, and that it cannot be asked is none. Those that compare with what is wanted are asked by the tests of their faults.
func everyCheckAnswers(t *testing.T, b *fixture) {
	for _, kind := range victim.Checks.All() {
		of := kind.New()
		on, ok := b.subjectOf(of)
		if of.Wants || !ok {
			continue
		}
		check := harness.Check{Kind: harness.CheckKind(kind.Name), On: on}
		_, err := victim.Await(context.Background(), b.about, b.driver, []harness.Check{check}, time.Second, harness.NewClock())
		var notHeld *victim.ChecksFailedError
		if err != nil && !errors.As(err, &notHeld) {
			t.Errorf("%s on %s: %v", kind.Name, on, err)
		}
	}
}

// subjectOf finds what a kind of check can be asked of: of databases the standby's, of which alone some can be asked.
func (b *fixture) subjectOf(of victim.Kind) (name string, ok bool) {
	suits := func(c harness.Component) bool {
		return of.Protocol == "" || c.Kind == of.Protocol && (c.Role == "" || c.Role == harness.Standby)
	}
	if of.Scope == victim.ScopeComponent {
		i := slices.IndexFunc(b.about.Components, suits)
		if i < 0 {
			return "", false
		}
		return b.about.Components[i].Name, true
	}
	i := slices.IndexFunc(b.about.Links, func(l harness.Link) bool {
		to, _ := b.about.ComponentByName(l.To)
		return suits(to)
	})
	if i < 0 {
		return "", false
	}
	return b.about.Links[i].Name, true
}
