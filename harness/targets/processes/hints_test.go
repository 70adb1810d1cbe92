package processes

import (
	"strings"
	"testing"

	"blackstart/harness/targets/finrag"
)

func TestHints(t *testing.T) {
	for text, want := range map[string]string{
		"listen tcp 127.0.0.1:80: bind: address already in use": "run again",
		"write x: no space left on device":                      "free some space",
		"open x: permission denied":                             "accessible",
		"accept: too many open files":                           "ulimit",
		"something else":                                        "--keep-state",
	} {
		if got := finrag.HintFor(text, hints("/state")); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
