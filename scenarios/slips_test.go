package scenarios

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestOneTypoIsOneProblem: what follows from a wrong word is not reported beside it.
func TestOneTypoIsOneProblem(t *testing.T) {
	valid := read(t, examples+"/valid.yaml")
	for _, c := range []struct{ from, to, want string }{
		{"objectives:\n", "objectvies:\n", `did you mean "objectives"?`},
		{"\nload:\n", "\nlaod:\n", `did you mean "load"?`},
		{"\nfaults:\n", "\nfault:\n", `did you mean "faults"?`},
		{"\nmetadata:\n", "\nmetdata:\n", `did you mean "metadata"?`},
		{"workload: http.query", "workload: http.qery", `did you mean "http.query"?`},
		{"workload:", "worklaod:", `did you mean "workload"?`},
		{"measure: rto", "measure: rtoo", `did you mean "rto"?`},
		{"timeout:", "timout:", `did you mean "timeout"?`},
		{"kind: Scenario", "kind: Scenaro", "Scenario"},
	} {
		bad := strings.Replace(valid, c.from, c.to, 1)
		if bad == valid {
			t.Errorf("%q is not in the example", c.from)
			continue
		}
		_, _, err := Reader{Known: known}.Load(filepath.Join(folder(t, map[string]string{"valid.yaml": bad}), "valid.yaml"), "fast")
		var all Problems
		if !errors.As(err, &all) || len(all) != 1 || !strings.Contains(all[0].String(), c.want) {
			t.Errorf("%q for %q: %v, want one problem with %q", c.to, c.from, err, c.want)
		}
	}
}

// TestATypoInAnExtendingFile is answered with the name that the extended file has; a whole new entry is no typo.
func TestATypoInAnExtendingFile(t *testing.T) {
	for over, want := range map[string]string{
		"objectives: {rtoo: {atMost: 30s}}": `no entry "rtoo" to change, and this is too little for a new one: did you mean "rto"?`,
		"load: {querys: {rate: 120/s}}":     `did you mean "queries"?`,
		"load: {isolatd: null}":             `"isolatd" takes nothing away: the extended file has no such entry: did you mean "isolated"?`,
		"setle: null":                       `did you mean "settle"?`,
		"setle: 5s":                         `did you mean "settle"?`,
		"profiles: {fast: {obsrve: null}}":  `did you mean "observe"?`,
		"load: {querie: {workload: metronome, place: outside, rate: 10/s, timeout: 1s}}": "",
	} {
		dir := folder(t, map[string]string{"valid.yaml": read(t, examples+"/valid.yaml"), "child.yaml": "extends: valid.yaml\nmetadata: {name: child}\n" + over + "\n"})
		_, _, err := Reader{Known: known}.Load(filepath.Join(dir, "child.yaml"), "fast")
		var all Problems
		if want == "" && err == nil {
			continue
		}
		if !errors.As(err, &all) || len(all) != 1 || !strings.Contains(all[0].String(), want) || want == "" {
			t.Errorf("%s: %v, want one problem with %q", over, err, want)
		}
	}
}
