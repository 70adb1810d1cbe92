package scenarios

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"blackstart/harness"
)

// Standard is the profile whose numbers are the file's own, unless the file has an overlay of that name.
const Standard = "standard"

// maxExtends bounds how many files may extend one another in a row.
const maxExtends = 4

// Known holds the names that exist, for everything a scenario only names, and what the target can do. A nil field is not
// checked.
type Known struct {
	Workloads, Cohorts, Faults, Probes, Measures, Channels, Profiles []string

	Settings map[string]func(value string) error // settings of the target, each with the check of its value
	Carried  map[string]map[string][]string      // by channel, the fields of its alerts, each with the words it may hold; nil for any
	Asked    func(probe string) []string         // the roles of the regions that a probe is asked about
	Refuses  func(s harness.Scenario) []harness.Refusal
}

// Reader reads scenarios and checks the names in them against Known. The zero value checks no names.
type Reader struct {
	Known Known
	// Sealed reads what a scenario says and applies no rule to it: one that has run is not judged again, and what a later build
	// refuses must not make an honest pack look altered.
	Sealed bool
}

// File is one file that a scenario was read from.
type File struct {
	Name   string // as in problems: beside the file that was asked for
	SHA256 string // lower-case hex, over the exact bytes
	Bytes  []byte
}

// Loaded says what exactly a scenario was read from. For a scenario in one file Source is that file, byte for byte. One that
// extends others has its own bytes first, then, each after a line that begins with ---, the bytes of the files it extends.
type Loaded struct {
	Path    string
	Profile string // the profile that was applied, never ""
	SHA256  string // lower-case hex, over Source
	Source  []byte
	Files   []File // the file itself first, then those it extends
}

// Load reads a scenario with Reader{}.
func Load(path, profile string) (*harness.Scenario, Loaded, error) {
	return Reader{}.Load(path, profile)
}

// Parse reads a scenario with Reader{}.
func Parse(name string, data []byte, resolve func(name string) ([]byte, error), profile string) (*harness.Scenario, Loaded, error) {
	return Reader{}.Parse(name, data, resolve, profile)
}

// Load reads the scenario at path, with the profile applied; "" means Standard. The files it extends lie beside it. A path of
// the library (finrag/null.yaml, or with scenarios/ in front) that does not exist on disk is read from the tool itself. What
// is wrong with the scenario comes as Problems; other errors mean that a file could not be read.
func (r Reader) Load(name, profile string) (*harness.Scenario, Loaded, error) {
	open := func(n string) ([]byte, error) { return readBounded(os.DirFS(filepath.Dir(name)), filepath.Base(n)) }
	data, err := open(name)
	if inside, ok := libraryPath(name); ok && errors.Is(err, fs.ErrNotExist) {
		open = func(n string) ([]byte, error) { return readBounded(library, path.Join(path.Dir(inside), path.Base(n))) }
		data, err = open(inside)
	}
	if err != nil {
		return nil, Loaded{}, fmt.Errorf("read scenario %s: %w", name, err)
	}
	return r.Parse(name, data, open, profile)
}

// readBounded reads a file, and one byte more than a scenario may have if it is larger.
func readBounded(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}

// Parse reads a scenario from data. name is its path, for problems and for the check of metadata.name; resolve gives the
// bytes of a file that lies beside it, by its bare name, and may be nil where there is none. Errors are always Problems.
func (r Reader) Parse(name string, data []byte, resolve func(name string) ([]byte, error), profile string) (*harness.Scenario, Loaded, error) {
	out := newCollector(name)
	chain := &chain{out: out, resolve: resolve, loaded: Loaded{Path: name}}
	root := chain.read(name, data, nil)
	if root == nil {
		return nil, Loaded{}, out.err()
	}
	d := &decoder{out, map[*node]bool{}}
	own := &harness.Scenario{}
	d.into(root, reflect.ValueOf(own).Elem(), "the scenario", nil)
	said := map[string]bool{}
	ok := r.Sealed || (&rules{own, root, d.bad, r.Known, out, chain, "", said}).all()

	if profile == "" {
		profile = Standard
	}
	chosen := own
	for _, p := range slices.Sorted(maps.Keys(own.Profiles)) {
		if !ok { // a list is too long to be judged at all
			break
		}
		if !r.Sealed {
			shadowed(out, name, p, root.get("objectives"), root.get("profiles").get(p).get("objectives"))
			unsourced(out, p, root.get("profiles").get(p).get("objectives"))
		}
		tree := overlay(root.without("profiles"), numbersOf(root, p), false)
		s := &harness.Scenario{}
		(&decoder{newCollector(name), d.bad}).into(tree, reflect.ValueOf(s).Elem(), "the scenario", nil)
		s.Profiles = own.Profiles
		if !r.Sealed {
			(&rules{s, tree, d.bad, r.Known, out, chain, p, said}).all()
		}
		if p == profile {
			chosen = s
		}
	}
	if _, ok := own.Profiles[profile]; !ok && profile != Standard {
		at, present := root.pos, append(slices.Collect(maps.Keys(own.Profiles)), Standard)
		if n := root.get("profiles"); n != nil {
			at = n.pos
		}
		slices.Sort(present)
		out.add(at, "choose "+strings.Join(slices.Compact(present), " or ")+", or write it under profiles", "the scenario has no profile %q", profile)
	}
	if err := out.err(); err != nil {
		return nil, Loaded{}, err
	}
	chain.loaded.Profile = profile
	return chosen, chain.loaded.sealed(), nil
}

// numbersOf is the overlay of a profile without what it may not change: that is reported where the profile is decoded.
func numbersOf(root *node, profile string) *node {
	written := root.get("profiles").get(profile)
	allowed := &node{pos: root.pos, kind: mapping}
	for _, f := range fieldsOf(reflect.TypeFor[harness.Overlay]()) {
		v := written.get(f.key)
		if v == nil || v.null() || root.get(f.key) == nil {
			continue
		}
		if f.key == "objectives" && v.kind == mapping {
			ids := map[string]bool{}
			for _, o := range root.get(f.key).items {
				ids[o.id()] = true
			}
			kept := &node{pos: v.pos, kind: mapping}
			for _, e := range v.entries {
				if ids[e.key] {
					kept.entries = append(kept.entries, e)
				}
			}
			v = kept
		}
		allowed.entries = append(allowed.entries, entry{v.pos, f.key, v})
	}
	return allowed
}

// sealed fills in the digest over everything that was read.
func (l Loaded) sealed() Loaded {
	var all bytes.Buffer
	for i, f := range l.Files {
		if i > 0 {
			if !bytes.HasSuffix(all.Bytes(), []byte("\n")) {
				all.WriteByte('\n')
			}
			fmt.Fprintf(&all, "--- # extends %s\n", filepath.Base(f.Name))
		}
		all.Write(f.Bytes)
	}
	l.Source = all.Bytes()
	l.SHA256 = digest(l.Source)
	return l
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// chain is a file and the files it extends.
type chain struct {
	out     *collector
	resolve func(string) ([]byte, error)
	loaded  Loaded
	extends *pos // where the file that was asked for says so, nil if it does not
}

// read parses a file and lays it over what it extends. names are the files that led here.
func (c *chain) read(name string, data []byte, names []string) *node {
	c.loaded.Files = append(c.loaded.Files, File{name, digest(data), bytes.Clone(data)})
	root := syntax(name, data, c.out)
	if root == nil {
		return nil
	}
	ext := root.get(extendsKey)
	if ext == nil {
		return root
	}
	if len(names) == 0 {
		c.extends = &ext.pos
	}
	root = root.without(extendsKey)
	base := c.open(name, ext, append(names, filepath.Base(name)))
	if base == nil {
		return nil
	}
	return overlay(base, root, true)
}

func (c *chain) open(name string, ext *node, names []string) *node {
	file := ext.text
	at := ext.pos
	switch {
	case ext.broken:
	case ext.kind != scalar || ext.null() || file == "" || file != filepath.Base(file) || !strings.HasSuffix(file, ".yaml"):
		c.out.add(at, "write the bare name of a file in the same folder, such as region-partition.yaml", "extends does not name a file beside this one")
	case slices.Contains(names, file):
		c.out.add(at, "break the circle", "extends goes in a circle, %s", strings.Join(append(names, file), " → "))
	case len(names) > maxExtends:
		c.out.add(at, "extend a file that is nearer to the first", "more than %d files extend one another", maxExtends)
	case c.resolve == nil:
		c.out.add(at, "give the scenario as a file in a folder", "%s cannot be looked up here", file)
	default:
		data, err := c.resolve(file)
		if errors.Is(err, fs.ErrNotExist) {
			c.out.add(at, "write the name of a file in the same folder", "%s does not exist", file)
			return nil
		}
		if err != nil {
			c.out.add(at, "make it readable", "%s cannot be read, %v", file, err)
			return nil
		}
		return c.read(filepath.Join(filepath.Dir(name), file), data, names)
	}
	return nil
}
