package strictyaml

import (
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	names := []string{"observe", "objectives", "load"}
	for got, want := range map[string]string{
		"obsevre":               `did you mean "observe"?`,
		"OBSERVE":               `did you mean "observe"?`,
		"laod":                  `did you mean "load"?`,
		"x":                     "write one of load, objectives, observe",
		"":                      "write one of load, objectives, observe",
		strings.Repeat("x", 99): "write one of load, objectives, observe",
	} {
		if s := Suggest(got, names); s != want {
			t.Errorf("%s: %s", got, s)
		}
	}
	if s := Suggest("a", nil); s != "there is none to choose from" {
		t.Error(s)
	}
	if s := Suggest("a", names[:1]); s != "write observe" {
		t.Error(s)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		n    int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if d := distance(c.a, c.b); d != c.n {
			t.Errorf("%s and %s are %d apart, want %d", c.a, c.b, d, c.n)
		}
	}
}
