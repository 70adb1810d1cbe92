package strictyaml

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// planet has parameters of every form that a kind may have.
type planet struct {
	Name  string   `yaml:"name" need:"yes" doc:"what it is called"`
	Kind  string   `yaml:"kind" one:"rock|gas" doc:"what it is made of"`
	Moons int      `yaml:"moons" min:"0" max:"200" doc:"how many go around it"`
	Rings bool     `yaml:"rings" doc:"whether it has some"`
	Seen  []string `yaml:"seen" one:"eye|glass" doc:"by what"`
}

type sky struct {
	Class string         `yaml:"class" need:"yes" doc:"name of a kind"`
	With  map[string]any `yaml:"with" with:"bodies class" doc:"its parameters"`
}

func read(t *testing.T, text string) (sky, error) {
	t.Helper()
	f := &Format{Noun: "sky", Top: reflect.TypeFor[sky](), Kinds: map[string]map[string]any{"bodies": {"planet": planet{}, "void": nil}}}
	out := NewCollector("sky.yaml")
	n := f.Parse("sky.yaml", []byte(text), out)
	var s sky
	if n != nil {
		(&Decoder{Format: f, Out: out, Bad: map[*Node]bool{}}).Decode(n, &s)
	}
	return s, out.Err()
}

// TestParametersAreKeptAsWritten: what goes into a pack is what the file says, whatever a later build makes of it.
func TestParametersAreKeptAsWritten(t *testing.T) {
	s, err := read(t, "class: planet\nwith: {name: Mars, kind: rock, moons: 2, rings: True, seen: [eye, glass]}\n")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(s.With)
	if want := `{"kind":"rock","moons":2,"name":"Mars","rings":true,"seen":["eye","glass"]}`; err != nil || string(b) != want {
		t.Errorf("%s, %v; want %s", b, err, want)
	}
	var again map[string]any
	if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(again, s.With) {
		t.Errorf("%v became %v through JSON, %v", s.With, again, err)
	}
	var p planet
	if err := Fill("planet", again, &p); err != nil || !reflect.DeepEqual(p, planet{"Mars", "rock", 2, true, []string{"eye", "glass"}}) {
		t.Errorf("%+v, %v", p, err)
	}
	if err := Fill("planet", map[string]any{"name": "Mars", "moons": "many"}, &p); err == nil || !strings.Contains(err.Error(), "moons") {
		t.Errorf("foreign parameters: %v", err)
	}
}

func TestParametersAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"class: planet\n": "sky.yaml:1: the sky (planet) has no name",
		"class: planet\nwith: {name: X, mons: 2}\n":               `did you mean "moons"?`,
		"class: planet\nwith: {name: X, moons: 201}\n":            "moons of the sky (planet) is 201: write 0 to 200",
		"class: planet\nwith: {name: X, moons: -1}\n":             `is "-1"`,
		"class: planet\nwith: {name: X, seen: [eye, eye]}\n":      `"eye" is written twice`,
		"class: planet\nwith: {name: X, seen: []}\n":              "is empty",
		"class: planet\nwith: {name: X, seen: [ear]}\n":           `"ear"`,
		"class: planet\nwith: [name]\n":                           "write a mapping",
		"class: planet\nwith: {name: X}\nmoons: 2\n":              "write it under with: with: {moons: …}",
		"class: void\nwith: {name: X}\n":                          "the sky (void) takes no with: leave it out",
		"class: planet\nwith: {name: X, name: Y}\n":               "written twice",
		"class: planet\nwith: {name: }\n":                         "has no name",
		"class: planet\nwith: {name: X, rings: 'true'}\n":         "write it without quotes: true",
		"class: planet\nwith: {name: X, seen: {by: eye}}\n":       "write a list",
		"class: [planet]\nwith: {name: X, anything: {at: all}}\n": "class",
	} {
		_, err := read(t, text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
		var all Problems
		if errors.As(err, &all) && len(all) != 1 {
			t.Errorf("%s: one slip, and %d problems:\n%v", text, len(all), err)
		}
	}
	for _, fine := range []string{"class: void\n", "class: comet\nwith: {tail: long}\n"} {
		if _, err := read(t, fine); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
}

func FuzzFill(f *testing.F) {
	f.Add(`{"name":"Mars","moons":2,"rings":true,"seen":["eye"]}`)
	f.Add(`{"name":{"a":[1,null,1e300]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var written map[string]any
		if json.Unmarshal([]byte(text), &written) != nil {
			return
		}
		var p planet
		if err := Fill("planet", written, &p); err == nil && (p.Moons < 0 || p.Moons > 200 || p.Name == "") {
			t.Errorf("%s was read as %+v", text, p)
		}
	})
}

// TestWhatIsNotExportedIsNoKey: a struct may carry what no file can write.
func TestWhatIsNotExportedIsNoKey(t *testing.T) {
	type carrier struct {
		Name string `yaml:"name"`
		asks func() error
	}
	c := carrier{asks: func() error { return nil }}
	if fields := FieldsOf(reflect.TypeOf(c)); len(fields) != 1 || fields[0].Key != "name" {
		t.Errorf("%+v", fields)
	}
	if err := Fill("carrier", map[string]any{"name": "x", "": "y"}, &c); err == nil || c.asks() != nil {
		t.Errorf("a key without a name is taken: %v", err)
	}
}
