package evidence

import (
	"testing"

	"blackstart/harness"
)

// What brought redundancy back, or was to, is what the scenario asks for and the events tell, one for one; so are what an undo left, what led beside
// another, and what others undid.
func TestRestoresAndWhatIsLeftAreToldByTheEvents(t *testing.T) {
	asked := harness.Scenario{Restore: []harness.RestoreStep{{Name: "rebuild", Call: "rebuild-east"}}}
	done := harness.RestoreRecord{Name: "rebuild", Call: "rebuild-east", Made: harness.Interval{Lo: 1, Hi: 2}, Shown: harness.Interval{Lo: 3, Hi: 4}}
	failed := harness.RestoreRecord{Name: "rebuild", Call: "rebuild-east", Detail: "planted"}
	call := map[string]string{"call": "rebuild-east"}
	shown := harness.Event{Kind: "restore.shown", At: harness.Interval{Lo: 1, Hi: 4}, Detail: call}
	wrong := harness.Event{Kind: "restore.failed", Text: "rebuild: planted", Detail: call}
	for name, c := range map[string]struct {
		record harness.RestoreRecord
		event  harness.Event
		agree  bool
	}{
		"shown": {done, shown, true}, "failed": {failed, wrong, true}, "said to be shown": {done, wrong, false}, "said to have failed": {failed, shown, false},
		"at another time":            {done, harness.Event{Kind: "restore.shown", At: harness.Interval{Lo: 1, Hi: 5}, Detail: call}, false},
		"for another reason":         {failed, harness.Event{Kind: "restore.failed", Text: "rebuild: other", Detail: call}, false},
		"by another call":            {done, harness.Event{Kind: "restore.shown", At: shown.At, Detail: map[string]string{"call": "other"}}, false},
		"not what the scenario asks": {harness.RestoreRecord{Name: "other", Call: "rebuild-east", Made: done.Made, Shown: done.Shown}, shown, false},
	} {
		told := &recordedEvents{at: map[string][]harness.Interval{}}
		if err := told.add(0, c.event); err != nil {
			t.Fatal(err)
		}
		if err := told.restoresOf(&harness.Record{Status: harness.Completed, Scenario: asked, Restores: []harness.RestoreRecord{c.record}}); (err == nil) != c.agree {
			t.Errorf("%s: %v", name, err)
		}
	}
	for kind, rec := range map[string]harness.Record{
		"component.left": {Undo: harness.UndoRecord{Left: []string{"x"}}}, "primary.two": {Undo: harness.UndoRecord{TwoLed: []string{"x"}}}, "fault.released": {Released: []string{"x"}},
	} {
		for text, agree := range map[string]bool{"x": true, "y": false} {
			told := &recordedEvents{at: map[string][]harness.Interval{}}
			if err := told.add(0, harness.Event{Kind: kind, Text: text}); err != nil {
				t.Fatal(err)
			}
			rec.Status = harness.Completed
			if err := told.undoOf(&rec); (err == nil) != agree {
				t.Errorf("%s %s: %v", kind, text, err)
			}
		}
	}
}

// Who fenced is what the events tell: the harness, the target by itself, or nobody.
func TestWhoFencedIsToldByTheEvents(t *testing.T) {
	for _, kind := range []string{"", "primary.fenced", "primary.refuses"} {
		for by, of := range map[string]string{"": "", "harness": "primary.fenced", "target": "primary.refuses"} {
			told := &recordedEvents{at: map[string][]harness.Interval{}}
			if err := told.add(0, harness.Event{Kind: kind}); err != nil {
				t.Fatal(err)
			}
			if err := told.undoOf(&harness.Record{Status: harness.Completed, Undo: harness.UndoRecord{FencedBy: by}}); (err == nil) != (of == kind) {
				t.Errorf("event %q, fenced by %q: %v", kind, by, err)
			}
		}
	}
}
