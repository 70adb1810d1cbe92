package harness

import (
	"reflect"
	"strings"
	"testing"
)

func TestReadDecisions(t *testing.T) {
	const log = `{"at":"2026-01-05T10:00:00.5Z","event":"failure.detected","detail":{"region":"east","failures":3,"why":null,"of":["a"]}}
{"at":"2026-01-05T10:00:01Z","event":"failover.done"}
`
	got, err := ReadDecisions(strings.NewReader(log), 100)
	want := []Decision{
		{At: 1767607200_500000000, Event: "failure.detected", Detail: map[string]string{"region": "east", "failures": "3", "why": "", "of": `["a"]`}},
		{At: 1767607201_000000000, Event: "failover.done", Detail: map[string]string{}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v, want %+v", got, err, want)
	}
	for name, bad := range map[string]string{
		"no JSON": log + "x\n", "cut": log + `{"at":"2026-01-05T10:00:02Z","ev`, "an empty line": log + "\n\n", "no time": log + `{"at":"soon"}` + "\n",
		"a long line": log + `{"event":"` + strings.Repeat("x", maxDecisionLine) + `"}`,
	} {
		if got, err := ReadDecisions(strings.NewReader(bad), 100); err == nil || len(got) != 2 {
			t.Errorf("%s: %d decisions, %v", name, len(got), err)
		}
	}
}

// FuzzReadDecisions reads foreign bytes: whatever a target says, each line is one decision or an error.
func FuzzReadDecisions(f *testing.F) {
	f.Add(`{"at":"2026-01-05T10:00:00.5Z","event":"failure.detected","detail":{"failures":3}}` + "\n")
	f.Add("{}\n{}")
	f.Fuzz(func(t *testing.T, log string) {
		got, err := ReadDecisions(strings.NewReader(log), 100)
		if lines := strings.Count(strings.TrimSuffix(log, "\n"), "\n") + 1; err == nil && log != "" && len(got) != lines || len(got) > lines {
			t.Errorf("%d lines gave %d decisions, %v", lines, len(got), err)
		}
	})
}
