package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackstart/harness"

	"gopkg.in/yaml.v3"
)

// extendsKey is the one key that is not part of a scenario: it names the file that this one changes.
const extendsKey = "extends"

// Limits of any value, whatever it is for.
const (
	maxInt  = 1_000_000_000
	maxText = 1000                // letters (bytes) of one text: it must fit on a page, and a title on a line of the pack's cover
	maxSpan = 30 * 24 * time.Hour // of a duration, also of one that no rule looks at: the record holds no number above 2^53
)

// field is one key of the format, as the tags of package harness define it.
type field struct {
	key   string
	index int
	need  bool     // must be written, and hold something
	one   []string // the words it may hold, nil for any
	doc   string
}

// fieldsOf lists the keys of a struct in the order of the format.
func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		one := []string(nil)
		if words := f.Tag.Get("one"); words != "" {
			one = strings.Split(words, "|")
		}
		all = append(all, field{f.Tag.Get("yaml"), i, f.Tag.Get("need") == "yes", one, f.Tag.Get("doc")})
	}
	return all
}

// decoder fills structs of package harness from a tree, by their tags. It goes on after a problem.
type decoder struct {
	out *collector
	bad map[*node]bool // values that could not be read: rules do not judge them
}

func (d *decoder) wrong(n *node, hint, message string, args ...any) {
	d.bad[n] = true
	d.out.add(n.pos, hint, message, args...)
}

// into reads n into v. what names the value for people: "rate of load queries".
func (d *decoder) into(n *node, v reflect.Value, what string, one []string) {
	if n.broken {
		d.bad[n] = true
		return
	}
	if n.null() {
		d.wrong(n, "write a value, or leave the key out", "%s has no value", what)
		return
	}
	if u, ok := v.Addr().Interface().(yaml.Unmarshaler); ok {
		d.value(n, u, what)
		return
	}
	want := map[reflect.Kind]kind{reflect.Struct: mapping, reflect.Map: mapping, reflect.Slice: list}[v.Kind()]
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.into(n, v.Elem(), what, one)
		return
	}
	if n.kind != want {
		d.wrong(n, fmt.Sprintf("write %s", want), "%s is %s", what, n.kind)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, what)
	case reflect.Map:
		d.table(n, v, what)
	case reflect.Slice:
		d.list(n, v, what)
	default:
		d.scalar(n, v, what, one)
	}
}

func (d *decoder) structure(n *node, v reflect.Value, what string) {
	fields := fieldsOf(v.Type())
	var keys []string
	known := map[string]bool{}
	for _, f := range fields {
		keys, known[f.key] = append(keys, f.key), true
	}
	for _, e := range n.entries {
		if !known[e.key] {
			d.out.add(e.pos, unknownHint(v.Type(), e.key, keys), "%s has no key %q", what, e.key)
		}
	}
	for _, f := range fields {
		child := n.get(f.key)
		switch {
		case child != nil && slices.Contains(prose, f.key) && placeholder(child):
			d.wrong(child, missing(f), "%s is %q, which says nothing yet", of(f.key, what), child.text)
		case child != nil && child.null() && f.need:
			d.wrong(child, missing(f), "%s has no %s", what, f.key)
		case child != nil:
			d.into(child, v.Field(f.index), of(f.key, what), f.one)
			if f.need && child.kind == scalar && child.tag == "!!str" && strings.TrimSpace(child.text) == "" && !d.bad[child] {
				d.wrong(child, missing(f), "%s has no %s", what, f.key)
			}
		case f.need:
			d.out.add(n.pos, missing(f), "%s has no %s", what, f.key)
		}
	}
}

// missing says what to write where a needed key is not there.
func missing(f field) string {
	switch {
	case f.key == "source":
		return `name the document the bound comes from, such as source: "BCP 4.2"`
	case len(f.one) == 1:
		return fmt.Sprintf("write %s: %s", f.key, f.one[0])
	}
	return fmt.Sprintf("write %s: … (%s)", f.key, f.doc)
}

func (d *decoder) table(n *node, v reflect.Value, what string) {
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.entries {
		value := reflect.New(v.Type().Elem()).Elem()
		label := of(e.key, what)
		if value.Kind() == reflect.Struct {
			label = entryName(what, e.key)
		}
		if value.Kind() == reflect.String && e.value.kind == scalar && e.value.tag == "!!bool" {
			value.SetString(e.value.text) // settings hold the text of any single value
		} else {
			d.into(e.value, value, label, nil)
		}
		v.SetMapIndex(reflect.ValueOf(e.key), value)
	}
}

func (d *decoder) list(n *node, v reflect.Value, what string) {
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		name := item.id()
		if name == "" {
			name = strconv.Itoa(i + 1)
		}
		d.into(item, v.Index(i), entryName(what, name), nil)
		if item.kind == scalar && item.tag == "!!str" && strings.TrimSpace(item.text) == "" {
			d.wrong(item, "write it or leave it out", "%s is empty", entryName(what, name))
		}
	}
}

func (d *decoder) value(n *node, u yaml.Unmarshaler, what string) {
	if n.kind != scalar {
		d.wrong(n, "write a single value", "%s is %s", what, n.kind)
		return
	}
	if err := u.UnmarshalYAML(&yaml.Node{Kind: yaml.ScalarNode, Value: n.text}); err != nil {
		message, hint, _ := strings.Cut(err.Error(), ": ")
		d.wrong(n, numberHint(n.text, hint), "%s", message+" ("+what+")")
		return
	}
	if span, ok := u.(*harness.Duration); ok && span.D() > maxSpan {
		*span = 0
		d.wrong(n, "write less", "%s is %s, longer than any drill", what, n.text)
	}
}

func (d *decoder) scalar(n *node, v reflect.Value, what string, one []string) {
	switch v.Kind() {
	case reflect.String:
		if n.tag == "!!bool" {
			d.wrong(n, fmt.Sprintf("write it in quotes if it is meant: %q", n.text), "%s is %s, not text", what, n.text)
			return
		}
		if one != nil && !slices.Contains(one, n.text) {
			d.wrong(n, suggest(n.text, one), "%s is %q", what, n.text)
			return
		}
		limit := maxText
		if what == "title of metadata" {
			limit = maxTitle
		}
		if len(n.text) > limit {
			d.wrong(n, fmt.Sprintf("write at most %d", limit), "%s has %d letters", what, len(n.text))
			return
		}
		v.SetString(n.text)
	case reflect.Bool:
		if n.tag != "!!bool" {
			d.wrong(n, boolHint(n.text), "%s is the text %q", what, n.text)
			return
		}
		v.SetBool(strings.EqualFold(n.text, "true"))
	case reflect.Int:
		i, err := strconv.Atoi(n.text)
		if err != nil || n.tag != "!!int" || strconv.Itoa(i) != n.text || i < 0 || i > maxInt {
			d.wrong(n, intHint(n.text), "%s is %q", what, n.text)
			return
		}
		v.SetInt(int64(i))
	default:
		panic("scenarios: no rule reads a " + v.Type().String()) // a new type in package harness: the tests meet it first
	}
}

// of names a key for people.
func of(key, what string) string {
	if what == "the scenario" {
		return key
	}
	return key + " of " + what
}

var singular = map[string]string{
	"load": "load", "faults": "fault", "objectives": "objective", "guards": "guard", "profiles": "profile",
	"require": "requirement", "steps": "step", "needs": "need", "cohorts": "cohort", "covers": "row",
}

// entryName names an entry of a list or table: "load queries", "objective rto of profile fast".
func entryName(what, name string) string {
	head, rest, _ := strings.Cut(what, " ")
	if s, ok := singular[head]; ok {
		head = s
	}
	return strings.TrimSpace(head + " " + name + " " + rest)
}
