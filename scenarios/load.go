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
	"time"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// Standard is the profile whose numbers are the file's own, unless the file has an overlay of that name.
const Standard = "standard"

// maxExtends bounds how many files may extend one another in a row.
const maxExtends = 4

// Known holds the names that exist, for everything a scenario only names, and what the target can do. A nil field is not
// checked.
type Known struct {
	Channels, Profiles []string

	Probes                        map[string]harness.ProbeTraits
	ListedTraits                  func(harness.ProbeSpec) (harness.ProbeTraits, bool)   // what a listed probe is; false where its parameters cannot be read
	WrongLoad                     func(harness.LoadSpec) (key, wrong, hint string)      // what is wrong with the parameters of a load
	WrongBeside                   func(harness.LoadSpec) (line int, wrong, hint string) // what is wrong with the file that a load names, once it was read
	WrongProbe                    func(harness.ProbeSpec) (key, wrong, hint string)     // what is wrong with a listed probe, "" for nothing
	Pace                          func(harness.ProbeSpec) time.Duration                 // how often a probe is asked where its target does not slow it; 0: not known
	Listed                        []harness.ProbeSpec                                   // that the file of the target lists
	Faults, Workloads, ProbeKinds map[string]any                                        // kinds, each with the zero value of its parameters, nil for none
	Traits                        func(harness.LoadSpec) (harness.Traits, bool)         // what a load is; false where its parameters cannot be read

	Measures []harness.MeasureSpec               // in the order of their names
	Settings map[string]func(value string) error // settings of the target, each with the check of its value
	Carried  map[string]map[string][]string      // by channel, the fields of its alerts, each with the words it may hold; nil for any
	Refuses  func(s harness.Scenario) []harness.Refusal

	Target func(s harness.Scenario) harness.Description                                // where nothing is missing
	Plan   func(target harness.Description, f harness.FaultSpec) (harness.Plan, error) // of one fault there
}

// probes lists the names of the probes, in order; nil where none are known.
func (k Known) probes() []string { return slices.Sorted(maps.Keys(k.Probes)) }

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

	word string // what names it in the file before it: extends, or a parameter of a load
}

// Loaded says what exactly a scenario was read from. For a scenario in one file Source is that file, byte for byte. One that
// extends others, or whose loads name others, has its own bytes first, then, each after a line that begins with ---, the bytes of those.
type Loaded struct {
	Path    string
	Profile string // the profile that was applied, never ""
	SHA256  string // lower-case hex, over Source
	Source  []byte
	Files   []File // the file itself first, then those it extends, then those that its loads name
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
	out := strictyaml.NewCollector(name)
	format := r.Known.format()
	chain := &chain{format: format, out: out, resolve: resolve, loaded: Loaded{Path: name}}
	root := chain.read(name, data, nil)
	if root == nil {
		return nil, Loaded{}, out.Err()
	}
	d := &strictyaml.Decoder{Format: format, Out: out, Bad: map[*strictyaml.Node]bool{}}
	own := &harness.Scenario{}
	d.Decode(root, own)
	chain.beside(own, root, r.Known.WrongBeside)
	said := map[string]bool{}
	ok := r.Sealed || (&rules{own, root, d.Bad, r.Known, out, chain, "", said}).all()

	if profile == "" {
		profile = Standard
	}
	chosen := own
	for _, p := range slices.Sorted(maps.Keys(own.Profiles)) {
		if !ok { // a list is too long to be judged at all
			break
		}
		if !r.Sealed {
			shadowed(out, name, p, root.Get("objectives"), root.Get("profiles").Get(p).Get("objectives"))
			unsourced(out, p, root.Get("profiles").Get(p).Get("objectives"))
		}
		tree := strictyaml.Overlay(root.Without("profiles"), numbersOf(root, p), false)
		s := &harness.Scenario{}
		(&strictyaml.Decoder{Format: format, Out: strictyaml.NewCollector(name), Bad: d.Bad}).Decode(tree, s)
		s.Profiles = own.Profiles
		for i := range min(len(s.Load), len(own.Load)) {
			s.Load[i].Beside = own.Load[i].Beside // a profile leaves loads their parameters
		}
		if !r.Sealed {
			(&rules{s, tree, d.Bad, r.Known, out, chain, p, said}).all()
		}
		if p == profile {
			chosen = s
		}
	}
	if _, ok := own.Profiles[profile]; !ok && profile != Standard {
		at, present := root.Pos, append(slices.Collect(maps.Keys(own.Profiles)), Standard)
		if n := root.Get("profiles"); n != nil {
			at = n.Pos
		}
		slices.Sort(present)
		out.Add(at, "choose "+strings.Join(slices.Compact(present), " or ")+", or write it under profiles", "the scenario has no profile %q", profile)
	}
	if err := out.Err(); err != nil {
		return nil, Loaded{}, err
	}
	chain.loaded.Profile = profile
	return chosen, chain.loaded.sealed(), nil
}

// numbersOf is the overlay of a profile without what it may not change: that is reported where the profile is decoded.
func numbersOf(root *strictyaml.Node, profile string) *strictyaml.Node {
	written := root.Get("profiles").Get(profile)
	allowed := &strictyaml.Node{Pos: root.Pos, Kind: strictyaml.Mapping}
	for _, f := range strictyaml.FieldsOf(reflect.TypeFor[harness.Overlay]()) {
		v := written.Get(f.Key)
		if v == nil || v.Null() || root.Get(f.Key) == nil {
			continue
		}
		if f.Key == "objectives" && v.Kind == strictyaml.Mapping {
			ids := map[string]bool{}
			for _, o := range root.Get(f.Key).Items {
				ids[o.ID()] = true
			}
			kept := &strictyaml.Node{Pos: v.Pos, Kind: strictyaml.Mapping}
			for _, e := range v.Entries {
				if ids[e.Key] {
					kept.Entries = append(kept.Entries, e)
				}
			}
			v = kept
		}
		allowed.Entries = append(allowed.Entries, strictyaml.Entry{Pos: v.Pos, Key: f.Key, Value: v})
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
			fmt.Fprintf(&all, "--- # %s %s\n", f.word, filepath.Base(f.Name))
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
	format  *strictyaml.Format
	out     *strictyaml.Collector
	resolve func(string) ([]byte, error)
	loaded  Loaded
	extends *strictyaml.Pos // where the file that was asked for says so, nil if it does not
}

// read parses a file and lays it over what it extends. names are the files that led here.
func (c *chain) read(name string, data []byte, names []string) *strictyaml.Node {
	c.loaded.Files = append(c.loaded.Files, File{name, digest(data), bytes.Clone(data), strictyaml.Extends})
	root := c.format.Parse(name, data, c.out)
	if root == nil {
		return nil
	}
	ext := root.Get(strictyaml.Extends)
	if ext == nil {
		return root
	}
	if len(names) == 0 {
		c.extends = &ext.Pos
	}
	root = root.Without(strictyaml.Extends)
	base := c.open(name, ext, append(names, filepath.Base(name)))
	if base == nil {
		return nil
	}
	return strictyaml.Overlay(base, c.dropSlips(base, root), true)
}

func (c *chain) open(name string, ext *strictyaml.Node, names []string) *strictyaml.Node {
	file := ext.Text
	at := ext.Pos
	switch {
	case ext.Broken:
	case ext.Kind != strictyaml.Scalar || ext.Null() || file == "" || file != filepath.Base(file) || !strings.HasSuffix(file, ".yaml"):
		c.out.Add(at, "write the bare name of a file in the same folder, such as region-partition.yaml", "extends does not name a file beside this one")
	case slices.Contains(names, file):
		c.out.Add(at, "break the circle", "extends goes in a circle, %s", strings.Join(append(names, file), " → "))
	case len(names) > maxExtends:
		c.out.Add(at, "extend a file that is nearer to the first", "more than %d files extend one another", maxExtends)
	default:
		if data, ok := c.fetch(file, at); ok {
			return c.read(filepath.Join(filepath.Dir(name), file), data, names)
		}
	}
	return nil
}

// fetch reads a file that lies beside the scenario.
func (c *chain) fetch(file string, at strictyaml.Pos) ([]byte, bool) {
	if c.resolve == nil {
		c.out.Add(at, "give the scenario as a file in a folder", "%s cannot be looked up here", file)
		return nil, false
	}
	data, err := c.resolve(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.out.Add(at, "write the name of a file in the same folder", "%s does not exist", file)
	case err != nil:
		c.out.Add(at, "make it readable", "%s cannot be read, %v", file, err)
	}
	return data, err == nil
}
