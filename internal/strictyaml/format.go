package strictyaml

import (
	"reflect"
	"strconv"
	"strings"
)

// Format is one kind of file: what the tags of its structs do not say.
type Format struct {
	Noun  string // "scenario"
	Empty string // what to write into an empty file
	Begin string // how a file begins

	// Other says what a file is that is one of another format, and what to do with it; "" for one of this, and for what nobody knows.
	Other func(top *Node) (is, hint string)

	Top      reflect.Type                       // of the whole file
	Forms    map[reflect.Type]Form              // values that are one word in YAML but more than a Go kind
	Singular map[string]string                  // an entry of a list, by its key: load for load, fault for faults
	Letters  map[string]int                     // of a text, by its name for people, where it is not MaxText: "title of metadata"
	Prose    []string                           // keys whose text a person has to have thought about
	Gone     map[reflect.Type]map[string]string // keys that earlier versions had, with what to write instead
	Instead  map[reflect.Type]string            // what to write where a value of this type is not one; nothing of it is repeated
	Alone    bool                               // no file changes another
	Kinds    map[string]map[string]any          // by the name in a with tag: the kinds, each with the zero value of its parameters
}

// Form is how a value of its own kind is written.
type Form struct {
	Name    string                             // for people: "duration"
	Example string                             // in Markdown
	Pattern string                             // of the text, for the JSON Schema
	Number  bool                               // YAML may take it for a number
	Check   func(v any) (message, hint string) // of a value that could be read, by pointer; nil or "" for none
}

// Field is one key of a format, as the tags of its struct define it.
type Field struct {
	Key      string
	Need     bool     // must be written, and hold something
	One      []string // the words it may hold, nil for any
	Doc      string
	With     string // the kinds of whose parameters it consists, "" for none
	Of       string // the key beside it that names the kind
	Min, Max int64  // of a whole number

	index   int
	bounded bool
}

// FieldsOf lists the keys of a struct in the order of the format. What it does not export is none.
func FieldsOf(t reflect.Type) []Field {
	var all []Field
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			continue
		}
		tag := t.Field(i).Tag
		if tag.Get("yaml") == "-" {
			continue // no part of the format
		}
		f := Field{Key: tag.Get("yaml"), Need: tag.Get("need") == "yes", Doc: tag.Get("doc"), Max: MaxInt, index: i}
		if words := tag.Get("one"); words != "" {
			f.One = strings.Split(words, "|")
		}
		f.With, f.Of, _ = strings.Cut(tag.Get("with"), " ")
		for name, bound := range map[string]*int64{"min": &f.Min, "max": &f.Max} {
			if n, err := strconv.ParseInt(tag.Get(name), 10, 64); err == nil {
				*bound, f.bounded = n, true
			}
		}
		all = append(all, f)
	}
	return all
}

// Bounded tells whether tags bound a whole number.
func (f Field) Bounded() bool { return f.bounded }

func (f *Format) whole() string { return "the " + f.Noun }

// of names a key for people.
func (f *Format) of(key, what string) string {
	if what == f.whole() {
		return key
	}
	return key + " of " + what
}

// entryName names an entry of a list or table: "load queries", "objective rto of profile fast".
func (f *Format) entryName(what, name string) string {
	head, rest, _ := strings.Cut(what, " ")
	if s, ok := f.Singular[head]; ok {
		head = s
	}
	return strings.TrimSpace(head + " " + name + " " + rest)
}

// unknown says what to write in place of a key that a structure does not have.
func (f *Format) unknown(t reflect.Type, key string, keys []string) string {
	if hint := f.Gone[t][key]; hint != "" {
		return hint
	}
	return Suggest(key, keys)
}
