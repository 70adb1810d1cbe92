package strictyaml

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Extends is the one key that is not part of any format: it names the file, in the same folder, that this one changes.
const Extends = "extends"

// Schema is the JSON Schema (2020-12) of a file, for editors. A file that it refuses is refused by the reader, too; the reader
// knows more rules.
func (f *Format) Schema(title, description string) []byte {
	g := &schemaWriter{Format: f, defs: map[string]any{}}
	strict := g.ref(f.Top, false)
	head := object{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, "description": description, "type": "object", "$defs": g.defs}
	if f.Alone {
		head["$ref"] = strict["$ref"]
		return written(head)
	}
	g.ref(f.Top, true)
	change := f.Top.Name() + "Change"
	loose := g.defs[change].(object)
	loose["properties"].(object)[Extends] = object{
		"type": "string", "pattern": `^[^/]+\.yaml$`, "description": "name of the file, in the same folder, that this one changes",
	}
	loose["required"] = []string{Extends}
	head["if"], head["then"], head["else"] = object{"required": []string{Extends}}, object{"$ref": "#/$defs/" + change}, strict
	return written(head)
}

func written(schema object) []byte {
	data, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return append(data, '\n')
}

type object = map[string]any

// schemaWriter writes each struct once for files that stand alone, and once, with nothing needed and null allowed, for files
// that change another.
type schemaWriter struct {
	*Format
	defs object
}

// ref gives a reference to the definition of a struct and writes the definition if it is new.
func (g *schemaWriter) ref(t reflect.Type, change bool) object {
	return g.named(t.Name(), t, change)
}

// named is ref under a name of one's own: of parameters, whose structs are named as each kind likes.
func (g *schemaWriter) named(name string, t reflect.Type, change bool) object {
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
	var all []any
	for _, f := range FieldsOf(t) {
		p := object{"type": "object"}
		if f.With != "" {
			all = append(all, g.kinds(f, change)...)
		} else {
			p = g.value(t.Field(f.index).Type, change)
		}
		if f.bounded {
			p["minimum"], p["maximum"] = f.Min, f.Max
		}
		switch {
		case f.One != nil && t.Field(f.index).Type.Kind() == reflect.Slice:
			p = object{"type": "array", "items": object{"enum": f.One}, "uniqueItems": true, "minItems": 1}
		case f.One != nil:
			p = object{"enum": f.One}
		}
		if f.Need && p["pattern"] == nil && f.One == nil && t.Field(f.index).Type.Kind() == reflect.String {
			p["minLength"] = 1
		}
		if change {
			p = object{"anyOf": []any{p, object{"type": "null"}}}
		}
		p["description"] = f.Doc
		properties[f.Key] = p
		if f.Need && !change {
			required = append(required, f.Key)
		}
	}
	s := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	if len(all) > 0 {
		s["allOf"] = all
	}
	return s
}

// kinds says, for each kind, what its parameters are.
func (g *schemaWriter) kinds(f Field, change bool) []any {
	var all []any
	for _, kind := range slices.Sorted(maps.Keys(g.Kinds[f.With])) {
		p := any(false)
		if change {
			p = object{"type": "null"}
		}
		if zero := g.Kinds[f.With][kind]; zero != nil {
			p = g.named(f.With+"."+kind, reflect.TypeOf(zero), change)
		}
		all = append(all, object{"if": object{"properties": object{f.Of: object{"const": kind}}, "required": []string{f.Of}},
			"then": object{"properties": object{f.Key: p}}})
	}
	return all
}

func (g *schemaWriter) value(t reflect.Type, change bool) object {
	if f, ok := g.Forms[t]; ok {
		words := any("string")
		if f.Number {
			words = []string{"string", "number"}
		}
		return object{"type": words, "pattern": f.Pattern}
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
		return object{"type": "integer", "minimum": 0, "maximum": MaxInt}
	case reflect.Bool:
		return object{"type": "boolean"}
	}
	panic(fmt.Sprintf("strictyaml: no schema for %s", t)) // a new type in a format: its tests meet it first
}

// hasID tells whether entries of this type can be named by id.
func hasID(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for _, f := range FieldsOf(t) {
		if f.Key == "id" {
			return true
		}
	}
	return false
}
