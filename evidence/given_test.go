package evidence

import (
	"strings"
	"testing"

	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// A write that goes by an id of the system's own is neither acknowledged nor found without one.
func TestWritesGoByTheIDsThatWereGiven(t *testing.T) {
	given, err := readGiven(strings.NewReader("{\"attempt\":7,\"id\":\"42\"}\n{\"attempt\":8,\"id\":\"42\"}\n"))
	if err != nil || len(given) != 2 || !given[7] {
		t.Fatalf("%v, %v", given, err)
	}
	for text, want := range map[string]string{"{\"attempt\":7,\"id\":\"42\"}\n{\"attempt\":7,\"id\":\"43\"}\n": "line 2: write 7 has an id already", "{\"attempt\":7}\n": "line 1: it is no id",
		"nonsense\n": "line 1: ", strings.Repeat("x", maxGivenLine+1): "too long"} {
		if _, err := readGiven(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", text, err)
		}
	}
	attempt := func(id uint64, outcome loadgen.AttemptOutcome, copies int) measure.Attempt {
		return measure.Attempt{Attempt: loadgen.Attempt{ID: id, Outcome: outcome}, New: copies, Old: measure.Unread}
	}
	for _, c := range []struct {
		a    measure.Attempt
		want string
	}{
		{attempt(7, loadgen.AttemptOK, 0), ""}, {attempt(8, loadgen.AttemptUnknown, 1), ""}, {attempt(9, loadgen.AttemptUnknown, 0), ""},
		{attempt(9, loadgen.AttemptDefinite, measure.Unread), ""}, {attempt(9, loadgen.AttemptOK, 0), "acknowledged, and has no id"}, {attempt(9, loadgen.AttemptUnknown, 1), "found, and has no id"},
	} {
		if err := agreesWithID(c.a, given); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.a, err, c.want)
		}
		if err := agreesWithID(c.a, nil); err != nil {
			t.Errorf("by ids of ours: %v", err)
		}
	}
}
