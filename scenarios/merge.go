package scenarios

// overlay lays over on top of under and gives a new tree; neither is changed. The rule, for `extends` and for profiles:
//
//   - a mapping over a mapping: key by key, recursively; keys that are not named stay
//   - a mapping over a list whose entries have an id: each key names an entry, which is overlaid; an id that the list does not
//     have is added at its end
//   - anything else, a list above all, replaces what was there
//   - in a file that extends another, a key without a value (null) takes the key, or the entry, away
func overlay(under, over *node, removes bool) *node {
	switch {
	case over.kind == mapping && under.kind == mapping:
		return overlayMapping(under, over, removes)
	case over.kind == mapping && keyed(under):
		return overlayList(under, over, removes)
	case over.kind == mapping && removes:
		return overlayMapping(&node{kind: mapping}, over, removes) // so that its nulls go as well
	}
	return over
}

// keyed tells whether every entry of a list has an id, so that a mapping can name it.
func keyed(n *node) bool {
	if n.kind != list || len(n.items) == 0 {
		return false
	}
	for _, item := range n.items {
		if item.id() == "" {
			return false
		}
	}
	return true
}

// index finds the values of a mapping by key.
func index(n *node) map[string]*node {
	byKey := make(map[string]*node, len(n.entries))
	for _, e := range n.entries {
		byKey[e.key] = e.value
	}
	return byKey
}

func overlayMapping(under, over *node, removes bool) *node {
	merged := &node{pos: over.pos, kind: mapping}
	was, now := index(under), index(over)
	for _, e := range under.entries {
		v := now[e.key]
		switch {
		case v == nil:
			merged.entries = append(merged.entries, e)
		case v.null() && removes:
		default:
			merged.entries = append(merged.entries, entry{pos: v.pos, key: e.key, value: overlay(e.value, v, removes)})
		}
	}
	for _, e := range over.entries {
		if was[e.key] == nil && !(e.value.null() && removes) {
			e.value = overlay(&node{}, e.value, removes)
			merged.entries = append(merged.entries, e)
		}
	}
	return merged
}

func overlayList(under, over *node, removes bool) *node {
	merged := &node{pos: over.pos, kind: list}
	named, now := map[string]bool{}, index(over)
	for _, item := range under.items {
		named[item.id()] = true
		v := now[item.id()]
		switch {
		case v == nil:
			merged.items = append(merged.items, item)
		case v.null() && removes:
		default:
			merged.items = append(merged.items, overlay(item, v, removes))
		}
	}
	for _, e := range over.entries {
		if named[e.key] || (e.value.null() && removes) {
			continue
		}
		if e.value.kind != mapping {
			merged.items = append(merged.items, e.value) // the decoder says what is wrong with it
			continue
		}
		added := &node{pos: e.pos, kind: mapping, entries: []entry{{pos: e.pos, key: "id", value: &node{pos: e.pos, tag: "!!str", text: e.key}}}}
		merged.items = append(merged.items, overlay(added, e.value, removes))
	}
	return merged
}
