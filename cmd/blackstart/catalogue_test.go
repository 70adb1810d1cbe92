package main

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/host"
	"blackstart/harness/means"
	"blackstart/harness/pollers"
	"blackstart/harness/probes"
	"blackstart/harness/receivers"
	"blackstart/harness/victim"
	"blackstart/internal/strictyaml"
)

const cataloguePage = "../../docs/catalogue.md"

// catalogue is the generated page: every probe, check, channel, kind of component and call with what it says of itself.
func catalogue() string {
	var b strings.Builder
	b.WriteString("# Probes, checks, channels, pollers, components, calls, transports, means\n\nGenerated from the registries by `make golden`. Faults are in [faults.md](faults.md).\n\n## Probes\n")
	for _, k := range probes.Probes.All() {
		fmt.Fprintf(&b, "\n### %s\n%s\n\n%s Asked every %s, and no oftener than every %s.\n", k.Name, k.Doc, ofProbe(k.New().Traits()), k.New().Every(), probes.Fastest(k.Name))
		if k.New().Traits().Listed {
			fmt.Fprintf(&b, "\n    %s\n%s", k.Example, parameters(probes.Probes.Parameters()[k.Name]))
		}
	}
	b.WriteString("\n## Checks\nWhat shows, from the victim's side, that a fault is in force or over.\n\n| check | asked of | holds when |\n| --- | --- | --- |\n")
	for _, k := range victim.Checks.All() {
		of := k.New()
		on := "a " + string(of.Scope)
		if of.Protocol != "" {
			on += map[victim.Scope]string{victim.ScopeLink: " to ", victim.ScopeComponent: " of kind "}[of.Scope] + "`" + of.Protocol + "`"
		}
		if of.Follows {
			on += "; needs a standby that follows"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, on, strings.TrimPrefix(k.Doc, "Holds when "))
	}
	b.WriteString("\n## Channels\n")
	for _, k := range receivers.Channels.All() {
		carries := slices.Sorted(maps.Keys(k.New().Carries))
		fmt.Fprintf(&b, "\n### %s\n%s An alert on it carries: %s.\n", k.Name, k.Doc, strings.Join(carries, ", "))
		b.WriteString(parameters(receivers.Parameters()[k.Name]))
	}
	b.WriteString("\n## Pollers\nOf target files: channels whose state is asked for. What they show is a state that is seen.\n")
	for _, k := range pollers.Kinds.All() {
		carries := slices.Sorted(maps.Keys(k.New().Carries()))
		fmt.Fprintf(&b, "\n### %s\n%s A state carries: %s.\n\n    %s\n%s", k.Name, k.Doc, strings.Join(carries, ", "), k.Example, parameters(pollers.Kinds.Parameters()[k.Name]))
	}
	b.WriteString("\n## Components\nOf target files: see [external targets](external-targets.md).\n")
	for _, k := range component.Kinds.All() {
		fmt.Fprintf(&b, "\n### %s\n%s\n\n    %s\n%s", k.Name, k.Doc, k.Example, parameters(component.Kinds.Parameters()[k.Name]))
	}
	b.WriteString("\n## Calls\nOf target files.\n")
	for _, k := range call.Calls.All() {
		fmt.Fprintf(&b, "\n### %s\n%s\n\n    %s\n%s", k.Name, k.Doc, k.Example, parameters(call.Calls.Parameters()[k.Name]))
	}
	b.WriteString("\n## Transports\nOf hosts in target files: by which programs are run there.\n")
	for _, k := range host.Transports.All() {
		fmt.Fprintf(&b, "\n### %s\n%s\n\n    %s\n%s", k.Name, k.Doc, k.Example, parameters(host.Transports.Parameters()[k.Name]))
	}
	b.WriteString("\n## Means\nOf target files: how something is broken there, and taken back.\n")
	for _, k := range means.Means.All() {
		fmt.Fprintf(&b, "\n### %s\n%s Acts: %s.\n\n    %s\n%s", k.Name, k.Doc, acts(k.New()), k.Example, parameters(means.Means.Parameters()[k.Name]))
	}
	return b.String()
}

// acts lists what a means does.
func acts(k means.Kind) string {
	var all []string
	for _, a := range k.Acts() {
		all = append(all, "`"+string(a)+"`")
	}
	return strings.Join(all, ", ")
}

// parameters is the table of a struct's keys, "" for nil.
func parameters(zero any) string {
	if zero == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n| key | needed | |\n| --- | --- | --- |\n")
	for _, f := range strictyaml.FieldsOf(reflect.TypeOf(zero)) {
		doc := f.Doc
		if f.One != nil {
			doc += ": " + strings.Join(f.One, ", ")
		}
		if f.Bounded() {
			doc += fmt.Sprintf(" (%d to %d)", f.Min, f.Max)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Key, map[bool]string{true: "yes"}[f.Need], doc)
	}
	return b.String()
}

// ofProbe puts the traits of a probe into words.
func ofProbe(t harness.ProbeTraits) string {
	var parts []string
	switch roles := strings.Join(t.Roles, " and "); {
	case t.Local:
		parts = append(parts, "Runs on the machine of the harness")
	case t.Any:
		parts = append(parts, "Asked of a component of any kind that is named, or of the public entry")
	case t.Listed:
		parts = append(parts, fmt.Sprintf("Asked of a component of kind `%s` that is named, or of the one in a region", t.Speaks)+map[bool]string{true: ", or of the public entry"}[t.Entry])
	case t.Speaks != "":
		parts = append(parts, fmt.Sprintf("Asked of the component of kind `%s` of the regions: %s", t.Speaks, roles))
	case roles != "":
		parts = append(parts, "Asked of the public entry, about the region: "+roles)
	default:
		parts = append(parts, "Asked of the public entry")
	}
	for _, said := range []struct {
		is   bool
		text string
	}{
		{t.Listed, "asked only where it is listed"}, {t.Clients, "tells what clients get that are not the drill's own"},
		{t.Speaks != "" && t.Public, "by the link from outside"}, {t.Speaks != "" && !t.Public, "by the private path"},
		{t.Follows, "answers as long as the standby follows the primary"}, {t.Leads, "a standby fails it until it is promoted"},
		{t.Questions, "needs questions whose answers are known"}, {t.Writes != "", "writes " + t.Writes}, {true, "value in " + t.Unit + map[bool]string{true: ", where its parameters name no other unit"}[t.Listed && t.Unit != "bool"]},
	} {
		if said.is {
			parts = append(parts, said.text)
		}
	}
	return strings.Join(parts, "; ") + "."
}

// TestCataloguePageIsFresh fails when the page is older than the registries.
func TestCataloguePageIsFresh(t *testing.T) {
	want := catalogue()
	if *update {
		if err := os.WriteFile(cataloguePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(cataloguePage)
	if err != nil || string(got) != want {
		t.Errorf("docs/catalogue.md is older than the registries: run make golden (%v)", err)
	}
}
