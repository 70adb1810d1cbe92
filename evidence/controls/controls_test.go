package controls

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestEveryCatalogueLoads(t *testing.T) {
	if got := strings.Join(Names(), " "); got != "finra-4370 icfr" {
		t.Errorf("catalogues %q", got)
	}
	used := map[Flag]bool{}
	for _, name := range Names() {
		f, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Clauses {
			for _, flag := range c.Coverage.Any {
				used[flag] = true
			}
			if b := c.Judge(Exercised{Recorded: map[string]bool{c.Evidence[0]: true}}); b.Exercised || b.Level == Supports {
				t.Errorf("%s %s: without any fact it is %+v", name, c.Clause, b)
			}
			facts := map[Flag]bool{c.Coverage.Any[0]: true}
			if b := c.Judge(Exercised{Facts: facts, Recorded: map[string]bool{c.Evidence[0]: true}}); !b.Exercised || b.Level == NotAddressed || len(b.Evidence) != 1 {
				t.Errorf("%s %s: with %s it is %+v", name, c.Clause, c.Coverage.Any[0], b)
			}
			if b := c.Judge(Exercised{Facts: facts}); b.Exercised || b.Level != NotAddressed || len(b.Evidence) > 0 {
				t.Errorf("%s %s: nothing is recorded, and it is %+v", name, c.Clause, b)
			}
		}
	}
	for _, flag := range Flags() {
		if !used[flag] {
			t.Errorf("flag %s decides nothing", flag)
		}
	}
	if _, err := Load("hipaa"); err == nil || !strings.Contains(err.Error(), "finra-4370, icfr") {
		t.Errorf("unknown framework: %v", err)
	}
}

func TestTenElements(t *testing.T) {
	f, err := Load("finra-4370")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range f.Clauses {
		if strings.HasPrefix(c.Title, "Element ") {
			n++
		}
	}
	if n != 10 {
		t.Errorf("%d elements, the rule has ten", n)
	}
}

// neverSaid holds what no catalogue may say, in lower case.
var neverSaid = []string{"finra requires quarterly", "7 years", "17a-4 requires worm", "17a-4 compliant", "2-hour rto", "says annually",
	"24-hour", "makes you compliant", "you are compliant", "proves recovery"}

func TestNeverSaid(t *testing.T) {
	for _, name := range Names() {
		b := catalogues[name]
		for _, phrase := range neverSaid {
			if strings.Contains(strings.ToLower(string(b)), phrase) {
				t.Errorf("%s says %q", name, phrase)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const good = `name: x
title: t
scope: s
clauses:
  - clause: a
    title: t
    requirement: r
    evidence: [e]
    coverage: {any: [worm_locked], level: partial, otherwise: not addressed}
    does_not_show: d
    source: s
    verified: false
    verified_level: unverified
`
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"unknown key":           {"title: t\nscope", "titel: t\nscope"},
		"unknown flag":          {"worm_locked", "worm"},
		"level too strong":      {"otherwise: not addressed", "otherwise: supports"},
		"no such level":         {"level: partial", "level: satisfied"},
		"nothing it lacks":      {"does_not_show: d", "does_not_show: ''"},
		"no evidence":           {"[e]", "[]"},
		"no rule":               {"[worm_locked]", "[]"},
		"verified by nobody":    {"verified: false", "verified: true"},
		"a second document":     {"    verified_level: unverified\n", "    verified_level: unverified\n---\na: b\n"},
		"the same clause twice": {"clauses:\n", "clauses:\n  - {clause: a, title: t, requirement: r, evidence: [e], coverage: {any: [worm_locked], level: partial, otherwise: not addressed}, does_not_show: d, source: s, verified: false, verified_level: unverified}\n"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAddRefuses(t *testing.T) {
	for why, folder := range map[string]fstest.MapFS{
		"nothing": {}, "no catalogue": {"x.yaml": {Data: []byte("name: x\n")}}, "another name": {"x.yaml": {Data: catalogues["icfr"]}},
		"a name that is taken": {"icfr.yaml": {Data: catalogues["icfr"]}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("added %s", why)
				}
			}()
			Add(folder)
		}()
	}
	if len(Names()) != 2 {
		t.Errorf("left %v", Names())
	}
}

// A rehearsal supports nothing, whatever it did and recorded, in every framework alike.
func TestARehearsalSupportsNothing(t *testing.T) {
	d := Exercised{Rehearsal: true, Facts: map[Flag]bool{}, Recorded: map[string]bool{}}
	for _, f := range Flags() {
		d.Facts[f] = true
	}
	for _, name := range Names() {
		f, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Clauses {
			for _, e := range c.Evidence {
				d.Recorded[e] = true
			}
			if b := c.Judge(d); b.Exercised || b.Level != NotAddressed || len(b.Evidence) > 0 {
				t.Errorf("%s %s: a rehearsal is said to bear on it: %+v", name, c.Clause, b)
			}
		}
	}
}
