package scenarios

import (
	"encoding/json"
	"fmt"
	"reflect"

	"blackstart/harness"
)

// Schema is the JSON Schema (2020-12) of a scenario file, for editors, made from the tags of package harness. A file that the
// schema refuses is refused by Load, too; Load knows more rules.
func Schema() []byte {
	g := &schemaWriter{defs: map[string]any{}}
	strict := g.ref(reflect.TypeFor[harness.Scenario](), false)
	g.ref(reflect.TypeFor[harness.Scenario](), true)
	loose := g.defs["ScenarioChange"].(object)
	loose["properties"].(object)[extendsKey] = object{
		"type": "string", "pattern": `^[^/]+\.yaml$`, "description": "name of the file, in the same folder, that this one changes",
	}
	loose["required"] = []string{extendsKey}
	data, err := json.MarshalIndent(object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "Blackstart scenario",
		"description": "The written plan of a drill. See scenario-reference.md.",
		"type":        "object",
		"if":          object{"required": []string{extendsKey}},
		"then":        object{"$ref": "#/$defs/ScenarioChange"},
		"else":        strict,
		"$defs":       g.defs,
	}, "", "  ")
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return append(data, '\n')
}

type object = map[string]any

// schemaWriter writes each struct once for files that stand alone, and once, with nothing needed and null allowed, for files
// that change another.
type schemaWriter struct{ defs object }

// ref gives a reference to the definition of a struct and writes the definition if it is new.
func (g *schemaWriter) ref(t reflect.Type, change bool) object {
	name := t.Name()
	if change {
		name += "Change"
	}
	if _, ok := g.defs[name]; !ok {
		g.defs[name] = object{} // ends a circle
		g.defs[name] = g.structure(t, change)
	}
	return object{"$ref": "#/$defs/" + name}
}

func (g *schemaWriter) structure(t reflect.Type, change bool) object {
	properties, required := object{}, []string{}
	for _, f := range fieldsOf(t) {
		p := g.value(t.Field(f.index).Type, change)
		if f.one != nil {
			p = object{"enum": f.one}
		}
		if f.need && p["pattern"] == nil && f.one == nil && t.Field(f.index).Type.Kind() == reflect.String {
			p["minLength"] = 1
		}
		if change {
			p = object{"anyOf": []any{p, object{"type": "null"}}}
		}
		p["description"] = f.doc
		properties[f.key] = p
		if f.need && !change {
			required = append(required, f.key)
		}
	}
	s := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// scalarForms are the values that are one word in YAML but more than a Go kind.
var scalarForms = map[reflect.Type]struct {
	name, example string
	schema        func() object
}{
	reflect.TypeFor[harness.Duration](): {"duration", "`250ms`, `10s`, `1h30m`", func() object {
		return object{"type": "string", "pattern": `^(0|[1-9][0-9]*)(\.[0-9]+)?(ns|us|µs|ms|s|m|h)([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*$`}
	}},
	reflect.TypeFor[harness.Rate](): {"rate", "`200/s`", func() object {
		return object{"type": "string", "pattern": `^(0|[1-9][0-9]{0,6})/(ms|s|m|h)$`}
	}},
	reflect.TypeFor[harness.Ratio](): {"share", "`99.9%`", func() object {
		return object{"type": "string", "pattern": `^(0|[1-9][0-9]{0,2})(\.[0-9]{1,4})?%$`}
	}},
	reflect.TypeFor[harness.Amount](): {"amount", "`\"100.00\"`", func() object {
		return object{"type": []string{"string", "number"}, "pattern": `^(0|[1-9][0-9]{0,12})\.[0-9]{2}$`}
	}},
}

func (g *schemaWriter) value(t reflect.Type, change bool) object {
	if f, ok := scalarForms[t]; ok {
		return f.schema()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.value(t.Elem(), change)
	case reflect.Struct:
		return g.ref(t, change)
	case reflect.Map:
		entry := g.value(t.Elem(), change)
		if t.Elem().Kind() == reflect.String {
			entry = object{"type": []string{"string", "number", "boolean"}}
		}
		if change {
			entry = object{"anyOf": []any{entry, object{"type": "null"}}}
		}
		return object{"type": "object", "additionalProperties": entry}
	case reflect.Slice:
		whole := object{"type": "array", "items": g.value(t.Elem(), false)}
		if !change || !hasID(t.Elem()) {
			return whole
		}
		byID := object{"anyOf": []any{g.value(t.Elem(), true), object{"type": "null"}}}
		return object{"anyOf": []any{whole, object{"type": "object", "additionalProperties": byID}}}
	case reflect.String:
		return object{"type": []string{"string", "number"}}
	case reflect.Int:
		return object{"type": "integer", "minimum": 0, "maximum": maxInt}
	case reflect.Bool:
		return object{"type": "boolean"}
	}
	panic(fmt.Sprintf("scenarios: no schema for %s", t)) // a new type in package harness: the tests meet it first
}

// hasID tells whether entries of this type can be named by id.
func hasID(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for _, f := range fieldsOf(t) {
		if f.key == "id" {
			return true
		}
	}
	return false
}
