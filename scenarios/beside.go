package scenarios

import (
	"bytes"
	"path/filepath"
	"slices"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// maxBeside bounds how many files the loads of a scenario may name.
const maxBeside = 8

// beside reads the files that the loads of a scenario name. wrong says what is wrong with one; nil judges none.
func (c *chain) beside(s *harness.Scenario, root *strictyaml.Node, wrong func(harness.LoadSpec) (line int, wrong, hint string)) {
	for i := range s.Load {
		l := &s.Load[i]
		name := l.BesideName()
		if name == "" {
			continue
		}
		at := root.Pos
		if list := root.Get("load"); list != nil && i < len(list.Items) {
			if n := list.Items[i].Get("with").Get(harness.BesideKey); n != nil {
				at = n.Pos
			}
		}
		if name != filepath.Base(name) || name[0] == '.' {
			c.out.Add(at, "write the bare name of a file in the same folder, such as orders.targets", "%s does not name a file beside the scenario", harness.BesideKey)
			continue
		}
		path := filepath.Join(filepath.Dir(c.loaded.Path), name)
		of := slices.IndexFunc(c.loaded.Files, func(f File) bool { return f.Name == path })
		if of < 0 {
			if data, ok := c.fetch(name, at); !ok {
				continue
			} else if len(c.loaded.Files) >= maxExtends+1+maxBeside {
				c.out.Add(at, "let loads share one", "more than %d files are named by loads", maxBeside)
				continue
			} else {
				of, c.loaded.Files = len(c.loaded.Files), append(c.loaded.Files, File{path, digest(data), append([]byte{}, data...), harness.BesideKey})
			}
		}
		l.Beside = bytes.Clone(c.loaded.Files[of].Bytes)
		if l.Beside == nil {
			l.Beside = []byte{} // it was read, and is empty
		}
		if wrong == nil {
			continue
		}
		if line, what, hint := wrong(*l); what != "" {
			c.out.Add(strictyaml.Pos{File: path, Line: line, Col: 1}, hint, "line %d %s", line, what)
		}
	}
}
