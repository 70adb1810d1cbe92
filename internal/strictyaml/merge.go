package strictyaml

// Overlay lays over on top of under and gives a new tree; neither is changed. The rule, for `extends` and for profiles:
//
//   - a mapping over a mapping: key by key, recursively; keys that are not named stay
//   - a mapping over a list whose entries have an id: each key names an entry, which is overlaid; an id that the list does not
//     have is added at its end
//   - anything else, a list above all, replaces what was there
//   - in a file that extends another, a key without a value (null) takes the key, or the entry, away
func Overlay(under, over *Node, removes bool) *Node {
	switch {
	case over.Kind == Mapping && under.Kind == Mapping:
		return overlayMapping(under, over, removes)
	case over.Kind == Mapping && Keyed(under):
		return overlayList(under, over, removes)
	case over.Kind == Mapping && removes:
		return overlayMapping(&Node{Kind: Mapping}, over, removes) // so that its nulls go as well
	}
	return over
}

// Keyed tells whether every entry of a list has an id, so that a mapping can name it.
func Keyed(n *Node) bool {
	if n.Kind != List || len(n.Items) == 0 {
		return false
	}
	for _, item := range n.Items {
		if item.ID() == "" {
			return false
		}
	}
	return true
}

// index finds the values of a mapping by key.
func index(n *Node) map[string]*Node {
	byKey := make(map[string]*Node, len(n.Entries))
	for _, e := range n.Entries {
		byKey[e.Key] = e.Value
	}
	return byKey
}

func overlayMapping(under, over *Node, removes bool) *Node {
	merged := &Node{Pos: over.Pos, Kind: Mapping}
	was, now := index(under), index(over)
	for _, e := range under.Entries {
		v := now[e.Key]
		switch {
		case v == nil:
			merged.Entries = append(merged.Entries, e)
		case v.Null() && removes:
		default:
			merged.Entries = append(merged.Entries, Entry{Pos: v.Pos, Key: e.Key, Value: Overlay(e.Value, v, removes)})
		}
	}
	for _, e := range over.Entries {
		if was[e.Key] == nil && !(e.Value.Null() && removes) {
			e.Value = Overlay(&Node{}, e.Value, removes)
			merged.Entries = append(merged.Entries, e)
		}
	}
	return merged
}

func overlayList(under, over *Node, removes bool) *Node {
	merged := &Node{Pos: over.Pos, Kind: List}
	named, now := map[string]bool{}, index(over)
	for _, item := range under.Items {
		named[item.ID()] = true
		v := now[item.ID()]
		switch {
		case v == nil:
			merged.Items = append(merged.Items, item)
		case v.Null() && removes:
		default:
			merged.Items = append(merged.Items, Overlay(item, v, removes))
		}
	}
	for _, e := range over.Entries {
		if named[e.Key] || (e.Value.Null() && removes) {
			continue
		}
		if e.Value.Kind != Mapping {
			merged.Items = append(merged.Items, e.Value) // the decoder says what is wrong with it
			continue
		}
		added := &Node{Pos: e.Pos, Kind: Mapping, Entries: []Entry{{Pos: e.Pos, Key: "id", Value: &Node{Pos: e.Pos, Tag: "!!str", Text: e.Key}}}}
		merged.Items = append(merged.Items, Overlay(added, e.Value, removes))
	}
	return merged
}
