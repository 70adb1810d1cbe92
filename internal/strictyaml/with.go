package strictyaml

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// parameters reads what belongs to a kind: strictly into the kind's own struct, so that everything wrong is reported, and kept
// as it was written. A kind that is not known here is not judged here.
func (d *Decoder) parameters(n, child *Node, v reflect.Value, f Field, what string) {
	if child != nil && !d.plain(child) {
		return
	}
	if child != nil && !child.Null() {
		v.Set(reflect.ValueOf(Raw(child)).Convert(v.Type()))
	}
	kind := n.Get(f.Of)
	if kind == nil || d.Bad[kind] || child != nil && child.Null() && d.Kinds == nil {
		return
	}
	zero, known := d.Kinds[f.With][kind.Text]
	if !known {
		return
	}
	what += " (" + kind.Text + ")"
	switch {
	case child == nil:
		child = &Node{Pos: n.Pos, Kind: Mapping}
	case zero == nil:
		d.wrong(child, "leave it out", "%s takes no %s", what, f.Key)
		return
	}
	if zero == nil {
		return
	}
	for _, e := range child.Entries {
		if takers := d.kindsTaking(f.With, e.Key); len(takers) > 0 && !slices.Contains(takers, kind.Text) {
			d.wrong(child, "leave it out: it is for "+Words(takers), "%s takes no %s", what, e.Key)
			return
		}
	}
	d.into(child, reflect.New(reflect.TypeOf(zero)).Elem(), what, nil)
}

// kindsTaking are the kinds that take a parameter.
func (d *Decoder) kindsTaking(registry, key string) []string {
	var all []string
	for kind, zero := range d.Kinds[registry] {
		if zero != nil && slices.ContainsFunc(FieldsOf(reflect.TypeOf(zero)), func(p Field) bool { return p.Key == key }) {
			all = append(all, kind)
		}
	}
	return all
}

// plain tells whether a node can hold parameters, and reports one that cannot.
func (d *Decoder) plain(n *Node) bool {
	switch {
	case n.Broken:
		d.Bad[n] = true
		return false
	case n.Kind != Mapping && !n.Null():
		d.wrong(n, "write a mapping", "these parameters are %s", n.Kind)
		return false
	}
	return true
}

// under finds the key beside an unknown one under which it belongs: that of the parameters of the kind that is named.
func (d *Decoder) under(n *Node, fields []Field, key string) string {
	for _, f := range fields {
		kind := n.Get(f.Of)
		if f.With == "" || kind == nil {
			continue
		}
		if zero := d.Kinds[f.With][kind.Text]; zero != nil &&
			slices.ContainsFunc(FieldsOf(reflect.TypeOf(zero)), func(p Field) bool { return p.Key == key }) {
			return f.Key
		}
	}
	return ""
}

// Raw is a mapping as JSON has it: text as it was written, whole numbers and truths as what they are. It depends on the file
// alone, so that a later build, whose kinds have other parameters, reads the same.
func Raw(n *Node) map[string]any {
	all := map[string]any{}
	for _, e := range n.Entries {
		all[e.Key] = raw(e.Value)
	}
	return all
}

func raw(n *Node) any {
	switch {
	case n.Kind == Mapping:
		return Raw(n)
	case n.Kind == List:
		all := []any{}
		for _, item := range n.Items {
			all = append(all, raw(item))
		}
		return all
	case n.Null():
		return nil
	case n.Tag == "!!bool":
		return strings.EqualFold(n.Text, "true")
	case n.Tag == "!!int":
		if i, err := strconv.Atoi(n.Text); err == nil && strconv.Itoa(i) == n.Text && i >= 0 && i <= MaxInt {
			return float64(i) // as JSON reads it back
		}
	}
	return n.Text
}

// Fill reads parameters that were kept by Raw into the struct of their kind, a pointer. What was read strictly once cannot fail;
// what came from elsewhere can. kind names it in the error.
func Fill(kind string, written map[string]any, into any) error {
	out := NewCollector("")
	d := &Decoder{Format: &Format{Noun: "kind"}, Out: out, Bad: map[*Node]bool{}}
	d.into(cooked(written), reflect.ValueOf(into).Elem(), kind, nil)
	if len(out.list) == 0 {
		return nil
	}
	var all []error
	for _, p := range out.list {
		all = append(all, fmt.Errorf("%s: %s", p.Message, p.Hint))
	}
	return errors.Join(all...)
}

// cooked is the tree that Raw came from, without its places.
func cooked(v any) *Node {
	n := &Node{}
	switch v := v.(type) {
	case map[string]any:
		n.Kind = Mapping
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.Entries = append(n.Entries, Entry{Key: key, Value: cooked(v[key])})
		}
	case []any:
		n.Kind = List
		for _, item := range v {
			n.Items = append(n.Items, cooked(item))
		}
	case nil:
		n.Tag = "!!null"
	case bool:
		n.Tag, n.Text = "!!bool", strconv.FormatBool(v)
	case float64:
		n.Tag, n.Text = "!!int", strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		n.Tag, n.Text = "!!int", strconv.Itoa(v)
	default:
		if m := reflect.ValueOf(v); m.Kind() == reflect.Map { // of a named type, as other decoders make them
			all := map[string]any{}
			for _, key := range m.MapKeys() {
				all[key.String()] = m.MapIndex(key).Interface()
			}
			return cooked(all)
		}
		n.Tag, n.Text = "!!str", fmt.Sprint(v)
	}
	return n
}
