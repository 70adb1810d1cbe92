package seal

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCheckJSON(t *testing.T) {
	for _, good := range []string{
		"{}\n", "[]\n", `{"a":[1,-5,9007199254740991],"b":{"a":"x"},"c":null,"d":true,"é":"\u00e9\\ud800"}` + "\n", "0\n", "\"x\" \n\n",
	} {
		if err := CheckJSON([]byte(good)); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for what, bad := range map[string]string{
		"no newline": "{}", "empty": "", "newline only": "\n", "two documents": "{}{}\n", "second key": `{"a":1,"a":1}` + "\n",
		"other case": `{"a":1,"A":1}` + "\n", "kelvin sign": `{"k":1,"\u212a":1}` + "\n", "long s": `{"s":1,"ſ":1}` + "\n",
		"nested twice": `[{"x":{"a":1,"a":2}}]` + "\n", "escaped twice": `{"a":1,"\u0061":1}` + "\n",
		"float": "1.0\n", "exponent": "1e3\n", "minus zero": "-0\n", "2^53": "9007199254740992\n", "-2^53": "-9007199254740992\n",
		"huge": "99999999999999999999999\n", "not utf-8": "\"\xff\"\n", "lone surrogate": `"\ud800"` + "\n", "pair": `"\ud83d\ude00"` + "\n",
		"trailing comma": "[1,]\n", "cut": `{"a":` + "\n", "comment": "{} //\n",
		"deep": strings.Repeat("[", MaxJSONDepth+2) + strings.Repeat("]", MaxJSONDepth+2) + "\n",
	} {
		if err := CheckJSON([]byte(bad)); err == nil {
			t.Errorf("%s: %q accepted", what, bad)
		}
	}
}

func TestStrictDecode(t *testing.T) {
	type part struct {
		N int `json:"n"`
	}
	type embedded struct {
		E int `json:"e"`
	}
	var v struct {
		embedded
		Name  string          `json:"name"`
		Parts []part          `json:"parts"`
		By    map[string]part `json:"by"`
		Raw   json.RawMessage `json:"raw"`
		Any   any             `json:"any"`
		Opt   *part           `json:"opt"`
		Plain int
	}
	good := `{"e":1,"name":"x","parts":[{"n":1}],"by":{"Any Key":{"n":2}},"raw":{"X":1},"any":{"Y":[{"z":1}]},"opt":{"n":3},"Plain":4}` + "\n"
	ok(t, StrictDecode([]byte(good), &v))
	if v.Parts[0].N != 1 || v.By["Any Key"].N != 2 || v.E != 1 || v.Opt.N != 3 {
		t.Errorf("%+v", v)
	}
	for _, bad := range []string{
		`{"Name":"x"}`, `{"nick":"x"}`, `{"parts":[{"N":1}]}`, `{"by":{"a":{"N":1}}}`, `{"opt":{"N":1}}`, `{"E":1}`, `{"plain":1}`, `{"name":1}`, `[]`,
	} {
		if err := StrictDecode([]byte(bad+"\n"), &v); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
}

func FuzzCheckJSON(f *testing.F) {
	for _, s := range []string{"{}\n", `{"a":[1,{"b":"c"}]}` + "\n", `{"a":1,"A":2}` + "\n", "1.5\n", `"\ud800"` + "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if CheckJSON(data) != nil {
			return
		}
		// What is accepted says the same after a round through Go's own types.
		var v any
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckJSON(append(again, '\n')); err != nil {
			t.Fatalf("%q accepted, %q refused: %v", data, again, err)
		}
	})
}
