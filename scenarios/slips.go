package scenarios

import "blackstart/internal/strictyaml"

// dropSlips gives what a file lays over the one it extends, without what is a slip of the pen: that is reported, with the name
// that the extended file has. Whatever else it would lead to is the same mistake.
func (c *chain) dropSlips(under, over *strictyaml.Node) *strictyaml.Node {
	if over.Kind != strictyaml.Mapping || under.Kind != strictyaml.Mapping && !strictyaml.Keyed(under) {
		return over
	}
	names, found := namesIn(under)
	kept := *over
	kept.Entries = nil
	for _, e := range over.Entries {
		switch was := found[e.Key]; {
		case was != nil:
			e.Value = c.dropSlips(was, e.Value)
		case e.Value.Null():
			c.out.Add(e.Pos, strictyaml.Suggest(e.Key, names), "%q takes nothing away: the extended file has no such entry", e.Key)
			continue
		case under.Kind == strictyaml.List && e.Value.Kind == strictyaml.Mapping && strictyaml.Nearest(e.Key, names) != "" && !complete(under, e.Value):
			c.out.Add(e.Pos, strictyaml.Suggest(e.Key, names), "the extended file has no entry %q to change, and this is too little for a new one", e.Key)
			continue
		}
		kept.Entries = append(kept.Entries, e)
	}
	return &kept
}

// namesIn lists the keys of a mapping, or the ids of a list, and what they stand for.
func namesIn(n *strictyaml.Node) (names []string, found map[string]*strictyaml.Node) {
	found = map[string]*strictyaml.Node{}
	for _, e := range n.Entries {
		names, found[e.Key] = append(names, e.Key), e.Value
	}
	for _, item := range n.Items {
		names, found[item.ID()] = append(names, item.ID()), item
	}
	return names, found
}

// complete tells whether an entry has every key that all entries of a list have, as a new one must.
func complete(list, added *strictyaml.Node) bool {
	for _, e := range list.Items[0].Entries {
		everywhere := true
		for _, item := range list.Items[1:] {
			everywhere = everywhere && item.Get(e.Key) != nil
		}
		if everywhere && e.Key != "id" && added.Get(e.Key) == nil {
			return false
		}
	}
	return true
}
