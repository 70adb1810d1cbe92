package scenarios

import (
	"gopkg.in/yaml.v3"
)

// maxDepth bounds how deep a scenario nests; the format itself needs five levels.
const maxDepth = 20

// pos is a place in a file, counted from 1.
type pos struct {
	file      string
	line, col int
}

type kind int

const (
	scalar kind = iota
	mapping
	list
)

func (k kind) String() string { return [...]string{"a single value", "a mapping", "a list"}[k] }

// node is one value of a file. Merged trees mix nodes of several files; each keeps where it was written.
type node struct {
	pos            // of the key that holds it, if it is a mapping or a list below one; otherwise its own
	kind    kind   //
	tag     string // of a scalar, as YAML resolves it: !!str, !!int, !!null, …
	text    string // of a scalar, as written
	style   yaml.Style
	entries []entry
	items   []*node
	broken  bool // it has been reported and holds nothing to read
}

// entry is one key of a mapping.
type entry struct {
	pos
	key   string
	value *node
}

func (n *node) null() bool { return n.kind == scalar && n.tag == "!!null" }

// get finds the value of a key, nil if there is none.
func (n *node) get(key string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// without is a copy of a mapping that lacks one key.
func (n *node) without(key string) *node {
	c := *n
	c.entries = nil
	for _, e := range n.entries {
		if e.key != key {
			c.entries = append(c.entries, e)
		}
	}
	return &c
}

// id is the text of the key id of a mapping, "" if it has none.
func (n *node) id() string {
	if v := n.get("id"); v != nil && v.kind == scalar {
		return v.text
	}
	return ""
}

// converter turns YAML nodes into ours and refuses what hides meaning: aliases, merge keys, tags, duplicate keys.
type converter struct {
	file string
	out  *collector
}

func (c converter) at(n *yaml.Node) pos { return pos{c.file, n.Line, n.Column} }

func (c converter) node(n *yaml.Node, depth int) *node {
	here := &node{pos: c.at(n)}
	if depth > maxDepth {
		c.out.add(here.pos, "write it flatter", "the file nests deeper than %d levels", maxDepth)
		here.broken = true
		return here
	}
	if n.Anchor != "" {
		c.out.add(here.pos, "write the value out where it is needed", "anchor &%s is not allowed", n.Anchor)
	}
	if n.Kind == yaml.AliasNode {
		c.out.add(here.pos, "write the value out where it is needed", "alias *%s is not allowed", n.Value)
		here.broken = true
		return here
	}
	if n.Style&yaml.TaggedStyle != 0 {
		c.out.add(here.pos, "leave the tag out", "tag %s is not allowed", n.Tag)
	}
	switch n.Kind {
	case yaml.MappingNode:
		here.kind = mapping
		c.entries(n, here, depth)
	case yaml.SequenceNode:
		here.kind = list
		for _, item := range n.Content {
			here.items = append(here.items, c.node(item, depth+1))
		}
	default:
		here.tag, here.text, here.style = n.ShortTag(), n.Value, n.Style
		here.broken = !c.legibleText(here.pos, "this value", n.Value)
	}
	return here
}

func (c converter) entries(n *yaml.Node, here *node, depth int) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		at := c.at(k)
		switch {
		case k.Kind != yaml.ScalarNode:
			c.out.add(at, "write a plain word before the colon", "a key is not a word")
			continue
		case k.ShortTag() == "!!merge":
			c.out.add(at, "use `extends: other.yaml` at the top of the file, or write the values out", "merge key << is not allowed")
			continue
		case k.Anchor != "" || k.Style&yaml.TaggedStyle != 0:
			c.out.add(at, "leave the anchor or tag out", "key %q carries an anchor or a tag", k.Value)
		}
		if !c.legibleText(at, "a key", k.Value) || c.splitAtComma(here, n, i) {
			continue
		}
		value := c.node(n.Content[i+1], depth+1)
		if value.kind != scalar {
			value.pos = at
		}
		if line, twice := first[k.Value]; twice {
			c.out.add(at, "keep one of the two", "key %q is written twice, first on line %d", k.Value, line)
			continue
		}
		first[k.Value] = at.line
		here.entries = append(here.entries, entry{pos: at, key: k.Value, value: value})
	}
}
