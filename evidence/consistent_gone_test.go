package evidence

import (
	"testing"

	"blackstart/harness"
)

// What the record says is gone, the events tell, one for one; an undo by another process tells its own.
func TestWhatIsGoneIsToldByTheEvents(t *testing.T) {
	const db, api = "east.db is gone: no container", "east.api is gone: no container"
	for name, c := range map[string]struct {
		record, events []string
		status         harness.Status
		agree          bool
	}{
		"none":              {nil, nil, harness.Completed, true},
		"both":              {[]string{db, api}, []string{db, api}, harness.Completed, true},
		"taken out":         {[]string{db}, []string{db, api}, harness.Completed, false},
		"all taken out":     {nil, []string{db}, harness.Completed, false},
		"added":             {[]string{db}, nil, harness.Completed, false},
		"another":           {[]string{db}, []string{api}, harness.Completed, false},
		"by a later undo":   {nil, []string{db}, harness.Interrupted, true},
		"stopped by a hand": {nil, []string{db}, harness.Stopped, false},
	} {
		told := &recordedEvents{at: map[string][]harness.Interval{}}
		for n, text := range c.events {
			if err := told.add(int64(n), harness.Event{Kind: "component.gone", Text: text}); err != nil {
				t.Fatal(err)
			}
		}
		if err := told.undoOf(&harness.Record{Status: c.status, Undo: harness.UndoRecord{Gone: c.record}}); (err == nil) != c.agree {
			t.Errorf("%s: %v", name, err)
		}
	}
}
