package scenarios

import (
	_ "embed"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

//go:embed reference.md
var referenceText string

// Reference is the reference page of the format, in Markdown. Its prose is reference.md; every table in it is made from the
// tags, the limits and the library.
func (k Known) Reference() []byte {
	page := referenceText
	for mark, table := range map[string]string{
		"KEYS": keyTables(), "PARAMETERS": k.parameterTables(), "FORMS": formTable(), "MEASURES": k.measureTable(), "LIMITS": limitTable(), "LIBRARY": libraryTable(),
	} {
		page = strings.Replace(page, "<!-- "+mark+" -->\n", table, 1)
	}
	return []byte(page)
}

// keyTables describes every struct of the format, each once, in the order in which they are met.
func keyTables() string {
	var b strings.Builder
	seen := map[reflect.Type]bool{}
	var write func(t reflect.Type, title string)
	write = func(t reflect.Type, title string) {
		if seen[t] {
			return
		}
		seen[t] = true
		fmt.Fprintf(&b, "### %s\n\n| key | holds | needed | means |\n| --- | --- | --- | --- |\n", title)
		type below struct {
			t     reflect.Type
			title string
		}
		var next []below
		for i, f := range strictyaml.FieldsOf(t) {
			ft := t.Field(i).Type
			needed := ""
			if f.Need {
				needed = "yes"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Key, holds(ft, f), needed, f.Doc)
			elem, suffix := inner(ft)
			if elem.Kind() == reflect.Struct && forms[elem].Name == "" {
				path := "`" + f.Key + suffix + "`"
				if title != topTitle {
					path = strings.TrimSuffix(title, "`") + "." + f.Key + suffix + "`"
				}
				next = append(next, below{elem, path})
			}
		}
		b.WriteString("\n")
		for _, n := range next {
			write(n.t, n.title)
		}
	}
	write(reflect.TypeFor[harness.Scenario](), topTitle)
	return b.String()
}

// parameterTables describes what each fault and workload takes under with.
func (k Known) parameterTables() string {
	var b strings.Builder
	for _, of := range []struct {
		title string
		kinds map[string]any
	}{{"faults", k.Faults}, {"workloads", k.Workloads}} {
		fmt.Fprintf(&b, "### Parameters of %s\n\n| kind | key | holds | needed | means |\n| --- | --- | --- | --- | --- |\n", of.title)
		for _, kind := range names(of.kinds) {
			if of.kinds[kind] == nil {
				fmt.Fprintf(&b, "| `%s` | takes none | | | |\n", kind)
				continue
			}
			t := reflect.TypeOf(of.kinds[kind])
			for i, f := range strictyaml.FieldsOf(t) {
				needed := ""
				if f.Need {
					needed = "yes"
				}
				fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", kind, f.Key, holds(t.Field(i).Type, f), needed, f.Doc)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

const topTitle = "The whole file"

// inner gives the type of the entries of a list, table or pointer, and how a path to one is written.
func inner(t reflect.Type) (reflect.Type, string) {
	switch t.Kind() {
	case reflect.Slice:
		return t.Elem(), "[]"
	case reflect.Map:
		return t.Elem(), ".NAME"
	case reflect.Pointer:
		return t.Elem(), ""
	}
	return t, ""
}

func holds(t reflect.Type, f strictyaml.Field) string {
	switch {
	case f.With != "":
		return "mapping: the parameters of its " + f.Of
	case f.One != nil && t.Kind() == reflect.Slice:
		return "list of `" + strings.Join(f.One, "`, `") + "`"
	case f.Bounded():
		return fmt.Sprintf("whole number, %d to %d", f.Min, f.Max)
	case f.One != nil:
		return "`" + strings.Join(f.One, "`, `") + "`"
	}
	if form, ok := forms[t]; ok {
		return form.Name
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list of " + plural(t.Elem())
	case reflect.Map:
		return "mapping from a name to " + plural(t.Elem())
	case reflect.Int:
		return "whole number"
	case reflect.Bool:
		return "`true`, `false`"
	case reflect.String:
		return "text"
	}
	return "mapping"
}

func plural(t reflect.Type) string {
	if t.Kind() == reflect.String {
		return "text"
	}
	return "mappings"
}

func formTable() string {
	var rows []string
	for _, f := range forms {
		rows = append(rows, fmt.Sprintf("| %s | %s |\n", f.Name, f.Example))
	}
	slices.Sort(rows)
	return "| form | written |\n| --- | --- |\n" + strings.Join(rows, "")
}

func (k Known) measureTable() string {
	yes := func(b bool, word string) string {
		if b {
			return word
		}
		return ""
	}
	var b strings.Builder
	b.WriteString("| measure | `atMost` is | `load` | `cohort` | `channel` | also | needs a fault |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	written := map[string]string{harness.UnitNS: "a duration", harness.UnitCount: "a count", harness.UnitMinor: "an amount", harness.UnitWord: "not written"}
	for _, m := range k.Measures {
		load := ""
		switch {
		case m.Questions:
			load = "one that asks questions"
		case m.Ledger:
			load = "one with a ledger" + yes(m.Valued, " and an amount")
		case m.Load:
			load = "any"
		}
		counted := m.Unit == harness.UnitCount
		also := yes(m.Carries && counted, "`carries`") + yes(m.Carries && !counted, "`carries`, where only such an alert counts") +
			yes(m.Questions, "`staleAfter`") + yes(m.Unit == harness.UnitWord, "`is`, in place of `atMost`")
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", m.Name, written[m.Unit], load,
			yes(m.Cohort, "where the load has some"), yes(m.Channel, "yes"), also,
			yes(m.Fault && !m.Lasting, "yes")+yes(m.Lasting, "one that ends (`for`)"))
	}
	return b.String()
}

func limitTable() string {
	var b strings.Builder
	b.WriteString("| limit | at least | at most |\n| --- | --- | --- |\n")
	for _, l := range []struct {
		what string
		most any
	}{
		{"size of a file", fmt.Sprintf("%d KiB", MaxSize>>10)},
		{"letters (bytes) of a text; of `metadata.title`", fmt.Sprintf("%d; %d", strictyaml.MaxText, maxTitle)},
		{"rate of one load, a whole number a second", fmt.Sprintf("%d/s", MaxRate)},
		{"operations in flight of one load: rate × timeout", MaxInFlight},
		{"bound of an objective", brief(MaxObserve)},
		{"loads", MaxLoads},
		{"faults", MaxFaults},
		{"profiles", MaxProfiles},
		{"probes that are listed", MaxProbes},
		{"objectives, guards, requirements, steps: each", MaxNames},
		{"files that extend one another", maxExtends},
	} {
		fmt.Fprintf(&b, "| %s | | %v |\n", l.what, l.most)
	}
	for _, l := range []struct {
		what string
		of   span
	}{
		{"timeout of an operation", ofTimeout}, {"`steadyState.for`", ofBaseline}, {"`recovered.window`", ofWindow},
		{"`p99AtMost`, and below the timeout of its load", ofLatency}, {"`ageAtMost`", ofAge}, {"`staleAfter`", ofStale},
		{"`confirmWithin`", ofConfirm}, {"`for` of a fault", ofFault}, {"`failingFor` and `forLonger` of a guard", ofFailing},
		{"`observe`", ofObserve}, {"`settle`", ofSettle},
	} {
		why := ""
		if l.of.why != "" {
			why = ": " + l.of.why
		}
		fmt.Fprintf(&b, "| %s | %s%s | %s |\n", l.what, brief(l.of.least), why, brief(l.of.most))
	}
	return b.String()
}

func libraryTable() string {
	var b strings.Builder
	b.WriteString("| scenario | shows |\n| --- | --- |\n")
	for _, e := range Library() {
		fmt.Fprintf(&b, "| [%s](../%s) | %s |\n", e.Scenario.Metadata.Name, e.Path, e.Why)
	}
	return b.String()
}
