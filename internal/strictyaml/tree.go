// Package strictyaml reads YAML into structs and says, for everything that is wrong, where it stands, what is wrong and what to
// write instead. The tags of the structs are the format: yaml names a key, need says that it must be written, one lists the words
// it may hold, min and max bound a whole number, doc says what it means, and with names the kinds of whose parameters a value
// consists. Reader, JSON Schema and reference page are made from the same tags.
//
// What hides meaning is refused: aliases, merge keys, tags, keys written twice, characters that do not show. It never resolves
// anything outside the bytes it is given, and it goes on after a problem, so that one reading shows all.
package strictyaml

import (
	"gopkg.in/yaml.v3"
)

// maxDepth bounds how deep a file nests; no format needs half of it.
const maxDepth = 20

// Pos is a place in a file, counted from 1.
type Pos struct {
	File      string
	Line, Col int
}

// Kind is what a value is made of.
type Kind int

// The kinds of value.
const (
	Scalar Kind = iota
	Mapping
	List
)

func (k Kind) String() string { return [...]string{"a single value", "a mapping", "a list"}[k] }

// Node is one value of a file. Merged trees mix nodes of several files; each keeps where it was written.
type Node struct {
	Pos            // of the key that holds it, if it is a mapping or a list below one; otherwise its own
	Kind    Kind   //
	Tag     string // of a scalar, as YAML resolves it: !!str, !!int, !!null, …
	Text    string // of a scalar, as written
	Entries []Entry
	Items   []*Node
	Broken  bool // it has been reported and holds nothing to read

	style yaml.Style
}

// Entry is one key of a mapping.
type Entry struct {
	Pos
	Key   string
	Value *Node
}

// Null tells whether a key has no value.
func (n *Node) Null() bool { return n.Kind == Scalar && n.Tag == "!!null" }

// Get finds the value of a key, nil if there is none. It may be called on nil.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Mapping {
		return nil
	}
	for _, e := range n.Entries {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Without is a copy of a mapping that lacks one key.
func (n *Node) Without(key string) *Node {
	c := *n
	c.Entries = nil
	for _, e := range n.Entries {
		if e.Key != key {
			c.Entries = append(c.Entries, e)
		}
	}
	return &c
}

// ID is the text of the key id of a mapping, "" if it has none.
func (n *Node) ID() string {
	if v := n.Get("id"); v != nil && v.Kind == Scalar {
		return v.Text
	}
	return ""
}

// converter turns YAML nodes into ours and refuses what hides meaning: aliases, merge keys, tags, duplicate keys.
type converter struct {
	file string
	out  *Collector
}

func (c converter) at(n *yaml.Node) Pos { return Pos{c.file, n.Line, n.Column} }

func (c converter) node(n *yaml.Node, depth int) *Node {
	here := &Node{Pos: c.at(n)}
	if depth > maxDepth {
		c.out.Add(here.Pos, "write it flatter", "the file nests deeper than %d levels", maxDepth)
		here.Broken = true
		return here
	}
	if n.Anchor != "" {
		c.out.Add(here.Pos, "write the value out where it is needed", "anchor &%s is not allowed", n.Anchor)
	}
	if n.Kind == yaml.AliasNode {
		c.out.Add(here.Pos, "write the value out where it is needed", "alias *%s is not allowed", n.Value)
		here.Broken = true
		return here
	}
	if n.Style&yaml.TaggedStyle != 0 {
		c.out.Add(here.Pos, "leave the tag out", "tag %s is not allowed", n.Tag)
	}
	switch n.Kind {
	case yaml.MappingNode:
		here.Kind = Mapping
		c.entries(n, here, depth)
	case yaml.SequenceNode:
		here.Kind = List
		for _, item := range n.Content {
			here.Items = append(here.Items, c.node(item, depth+1))
		}
	default:
		here.Tag, here.Text, here.style = n.ShortTag(), n.Value, n.Style
		here.Broken = !c.legibleText(here.Pos, "this value", n.Value)
	}
	return here
}

func (c converter) entries(n *yaml.Node, here *Node, depth int) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		at := c.at(k)
		switch {
		case k.Kind != yaml.ScalarNode:
			c.out.Add(at, "write a plain word before the colon", "a key is not a word")
			continue
		case k.ShortTag() == "!!merge":
			c.out.Add(at, "use `extends: other.yaml` at the top of the file, or write the values out", "merge key << is not allowed")
			continue
		case k.Anchor != "" || k.Style&yaml.TaggedStyle != 0:
			c.out.Add(at, "leave the anchor or tag out", "key %q carries an anchor or a tag", k.Value)
		}
		if !c.legibleText(at, "a key", k.Value) || c.splitAtComma(here, n, i) {
			continue
		}
		value := c.node(n.Content[i+1], depth+1)
		if value.Kind != Scalar {
			value.Pos = at
		}
		if line, twice := first[k.Value]; twice {
			c.out.Add(at, "keep one of the two", "key %q is written twice, first on line %d", k.Value, line)
			continue
		}
		first[k.Value] = at.Line
		here.Entries = append(here.Entries, Entry{Pos: at, Key: k.Value, Value: value})
	}
}
