package registry

import (
	"slices"
	"strings"
	"testing"
)

func kind(name string) Kind[int] {
	return Kind[int]{Name: name, Doc: "d", Example: "e", New: func() int { return len(name) }}
}

func TestRegistryReturnsWhatWasAdded(t *testing.T) {
	var r Registry[int]
	if _, ok := r.Get("x"); ok || len(r.All()) != 0 || len(r.Names()) != 0 {
		t.Fatal("the zero value is not empty")
	}
	r.Add(kind("region.partition"))
	if got := r.Add(kind("alert.mute")); got.Name != "alert.mute" {
		t.Fatalf("Add returned %q", got.Name)
	}
	if want := []string{"alert.mute", "region.partition"}; !slices.Equal(r.Names(), want) {
		t.Fatalf("names %v, want %v", r.Names(), want)
	}
	if all := r.All(); len(all) != 2 || all[0].Name != "alert.mute" || all[1].New() != 16 {
		t.Fatalf("all %v", all)
	}
	if k, ok := r.Get("region.partition"); !ok || k.Doc != "d" || k.Example != "e" {
		t.Fatalf("get %v %v", k, ok)
	}
}

func TestAddPanicsOnProgrammerMistakes(t *testing.T) {
	var r Registry[int]
	r.Add(kind("taken"))
	for name, k := range map[string]Kind[int]{
		"without a name": kind(""), "twice": kind("taken"), "without a constructor": {Name: "n"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, name) {
					t.Fatalf("panic %q does not say %q", got, name)
				}
			}()
			r.Add(k)
		})
	}
}
