package strictyaml

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Limits of any value, whatever it is for.
const (
	MaxInt  = 1_000_000_000
	MaxText = 1000 // letters (bytes) of one text: it must fit on a page
)

// Decoder fills structs from a tree, by their tags. It goes on after a problem.
type Decoder struct {
	*Format
	Out *Collector
	Bad map[*Node]bool // values that could not be read: rules do not judge them
}

// Decode reads a whole tree into v, a pointer to a struct.
func (d *Decoder) Decode(n *Node, v any) { d.into(n, reflect.ValueOf(v).Elem(), d.whole(), nil) }

func (d *Decoder) wrong(n *Node, hint, message string, args ...any) {
	d.Bad[n] = true
	d.Out.Add(n.Pos, hint, message, args...)
}

// into reads n into v. what names the value for people: "rate of load queries".
func (d *Decoder) into(n *Node, v reflect.Value, what string, one []string) {
	if n.Broken {
		d.Bad[n] = true
		return
	}
	if n.Null() {
		d.wrong(n, "write a value, or leave the key out", "%s has no value", what)
		return
	}
	switch u := v.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		d.value(n, u, func(text string) error { return u.UnmarshalText([]byte(text)) }, what)
		return
	case yaml.Unmarshaler:
		d.value(n, u, func(text string) error { return u.UnmarshalYAML(&yaml.Node{Kind: yaml.ScalarNode, Value: text}) }, what)
		return
	}
	want := map[reflect.Kind]Kind{reflect.Struct: Mapping, reflect.Map: Mapping, reflect.Slice: List}[v.Kind()]
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.into(n, v.Elem(), what, one)
		return
	}
	if n.Kind != want {
		hint := fmt.Sprintf("write %s", want)
		if h := d.Instead[v.Type()]; h != "" {
			hint = h
		}
		d.wrong(n, hint, "%s is %s", what, n.Kind)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, what)
	case reflect.Map:
		d.table(n, v, what)
	case reflect.Slice:
		d.list(n, v, what, one)
	default:
		d.scalar(n, v, what, one)
	}
}

func (d *Decoder) structure(n *Node, v reflect.Value, what string) {
	fields := FieldsOf(v.Type())
	var keys []string
	known := map[string]bool{}
	for _, f := range fields {
		keys, known[f.Key] = append(keys, f.Key), true
	}
	for i, e := range n.Entries {
		if known[e.Key] {
			continue
		}
		hint, under := d.unknown(v.Type(), e.Key, keys), d.under(n, fields, e.Key)
		if under != "" {
			hint = "write it under " + under + ": " + under + ": {" + e.Key + ": …}"
		}
		if instead := d.Instead[v.Type()]; instead != "" { // what was written in its place is not repeated
			d.Out.Add(e.Pos, instead, "%s has a key that it does not know", what)
		} else {
			d.Out.Add(e.Pos, hint, "%s has no key %q", what, e.Key)
		}
		if meant := Nearest(e.Key, keys); under == "" && meant != "" && n.Get(meant) == nil {
			n.Entries[i].Key = meant // read on as it was meant: that the right key is missing, and all that follows, is the same mistake
		}
	}
	for _, f := range fields {
		child := n.Get(f.Key)
		switch {
		case f.With != "":
			d.parameters(n, child, v.Field(f.index), f, what)
		case child != nil && slices.Contains(d.Prose, f.Key) && placeholder(child):
			d.wrong(child, missing(f), "%s is %q, which says nothing yet", d.of(f.Key, what), child.Text)
		case child != nil && child.Null() && f.Need:
			d.wrong(child, missing(f), "%s has no %s", what, f.Key)
		case child != nil:
			d.into(child, v.Field(f.index), d.of(f.Key, what), f.One)
			d.within(child, v.Field(f.index), f, d.of(f.Key, what))
			if f.Need && child.Kind == Scalar && child.Tag == "!!str" && strings.TrimSpace(child.Text) == "" && !d.Bad[child] {
				d.wrong(child, missing(f), "%s has no %s", what, f.Key)
			}
		case f.Need:
			d.Out.Add(n.Pos, missing(f), "%s has no %s", what, f.Key)
		}
	}
}

// within checks a whole number against the bounds of its tags.
func (d *Decoder) within(n *Node, v reflect.Value, f Field, what string) {
	if v.Kind() == reflect.Int && !d.Bad[n] && f.bounded && (v.Int() < f.Min || v.Int() > f.Max) {
		d.wrong(n, fmt.Sprintf("write %d to %d", f.Min, f.Max), "%s is %d", what, v.Int())
	}
}

// missing says what to write where a needed key is not there.
func missing(f Field) string {
	switch {
	case f.Key == "source":
		return `name the document the bound comes from, such as source: "BCP 4.2"`
	case len(f.One) == 1:
		return fmt.Sprintf("write %s: %s", f.Key, f.One[0])
	}
	return fmt.Sprintf("write %s: … (%s)", f.Key, f.Doc)
}

func (d *Decoder) table(n *Node, v reflect.Value, what string) {
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.Entries {
		value := reflect.New(v.Type().Elem()).Elem()
		label := d.of(e.Key, what)
		if value.Kind() == reflect.Struct {
			label = d.entryName(what, e.Key)
		}
		if value.Kind() == reflect.String && e.Value.Kind == Scalar && e.Value.Tag == "!!bool" {
			value.SetString(e.Value.Text) // settings hold the text of any single value
		} else {
			d.into(e.Value, value, label, nil)
		}
		v.SetMapIndex(reflect.ValueOf(e.Key), value)
	}
}

// list reads a list. One of given words holds each once, and at least one: otherwise nobody needs to write it.
func (d *Decoder) list(n *Node, v reflect.Value, what string, one []string) {
	if one != nil && len(n.Items) == 0 {
		d.wrong(n, "write one of "+Words(one)+", or leave the key out", "%s is empty", what)
	}
	seen := map[string]bool{}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items)))
	for i, item := range n.Items {
		name := item.ID()
		if name == "" {
			name = strconv.Itoa(i + 1)
		}
		d.into(item, v.Index(i), d.entryName(what, name), one)
		if one != nil && seen[item.Text] {
			d.wrong(item, "keep one of the two", "%q is written twice in %s", item.Text, what)
		}
		seen[item.Text] = true
		if item.Kind == Scalar && item.Tag == "!!str" && strings.TrimSpace(item.Text) == "" {
			d.wrong(item, "write it or leave it out", "%s is empty", d.entryName(what, name))
		}
	}
}

func (d *Decoder) value(n *Node, u any, read func(text string) error, what string) {
	if n.Kind != Scalar {
		d.wrong(n, "write a single value", "%s is %s", what, n.Kind)
		return
	}
	if err := read(n.Text); err != nil {
		message, hint, _ := strings.Cut(err.Error(), ": ")
		d.wrong(n, NumberHint(n.Text, hint), "%s", message+" ("+what+")")
		return
	}
	if form := d.Forms[reflect.TypeOf(u).Elem()]; form.Check != nil {
		if message, hint := form.Check(u); message != "" {
			reflect.ValueOf(u).Elem().SetZero()
			d.wrong(n, hint, "%s is %s, %s", what, n.Text, message)
		}
	}
}

func (d *Decoder) scalar(n *Node, v reflect.Value, what string, one []string) {
	switch v.Kind() {
	case reflect.String:
		if n.Tag == "!!bool" {
			d.wrong(n, fmt.Sprintf("write it in quotes if it is meant: %q", n.Text), "%s is %s, not text", what, n.Text)
			return
		}
		if one != nil && !slices.Contains(one, n.Text) {
			d.wrong(n, Suggest(n.Text, one), "%s is %q", what, n.Text)
			return
		}
		limit := MaxText
		if l := d.Letters[what]; l > 0 {
			limit = l
		}
		if len(n.Text) > limit {
			d.wrong(n, fmt.Sprintf("write at most %d", limit), "%s has %d letters", what, len(n.Text))
			return
		}
		v.SetString(n.Text)
	case reflect.Bool:
		if n.Tag != "!!bool" {
			d.wrong(n, boolHint(n.Text), "%s is the text %q", what, n.Text)
			return
		}
		v.SetBool(strings.EqualFold(n.Text, "true"))
	case reflect.Int:
		i, err := strconv.Atoi(n.Text)
		if err != nil || n.Tag != "!!int" || strconv.Itoa(i) != n.Text || i < 0 || i > MaxInt {
			d.wrong(n, intHint(n.Text), "%s is %q", what, n.Text)
			return
		}
		v.SetInt(int64(i))
	default:
		panic("strictyaml: no rule reads a " + v.Type().String()) // a new type in a format: its tests meet it first
	}
}
