package means

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/target"

	"gopkg.in/yaml.v3"
)

// Each kind says in its example what a target file holds, and the example keeps its own rules.
func TestExamples(t *testing.T) {
	for _, k := range Means.All() {
		var m target.Means
		var with struct {
			With map[string]any `yaml:"with"`
		}
		d := yaml.NewDecoder(strings.NewReader(k.Example))
		d.KnownFields(true)
		if err := errors.Join(d.Decode(&m), yaml.Unmarshal([]byte(k.Example), &with)); err != nil || m.Means != k.Name || k.Doc == "" {
			t.Errorf("%s: %v: %+v", k.Name, err, m)
			continue
		}
		kind, wrong := made(t, k.Name, with.With)
		if wrong != "" {
			t.Errorf("%s: %s", k.Name, wrong)
			continue
		}
		if _, err := k.Make(map[string]any{"nonsense": "x"}); err == nil {
			t.Errorf("%s takes nonsense", k.Name)
		}
		for _, act := range append([]harness.ActionKind{harness.SQLRun}, kind.Acts()...) {
			if _, err := kind.Scripts(harness.Action{Kind: act, Links: m.On}, Subject{Run: "run-1", Address: "10.2.0.5:5432", Link: target.Link{Name: m.On[0]}}); (err == nil) != slices.Contains(kind.Acts(), act) {
				t.Errorf("%s: %s: %v", k.Name, act, err)
			}
		}
	}
}
