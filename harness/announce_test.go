package harness

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// People are told before anything is loaded or broken, and again when everything is undone; never that it is over while it is not.
func TestPeopleAreTold(t *testing.T) {
	no := errors.New("nobody there")
	for name, c := range map[string]struct {
		rig             func(*rig)
		begin, over     error
		panics          bool
		status          Status
		told, lacks     []string // by the driver and to people, in order; not at all
		events, without string
	}{
		"told": {status: Completed, told: []string{"start", "people: begins", "load on", "link.cut", "link.heal", "people: over", "reconcile", "stop"}, events: "people.told"},
		"nobody could be told": {begin: no, status: Broken, told: []string{"start", "people: begins", "people: over", "stop"}, lacks: []string{"load on", "link.cut"},
			events: "people.not-told"},
		"nobody could be told that it is over": {over: no, status: Completed, told: []string{"link.heal", "people: over", "reconcile"}, events: "people.not-told"},
		"the end panics":                       {panics: true, status: Completed, told: []string{"link.heal", "people: over", "reconcile"}, events: "people.not-told"},
		"not undone": {rig: func(r *rig) { r.fail[LinkHeal] = no }, status: Completed, told: []string{"people: begins", "link.cut", "link.heal"}, lacks: []string{"people: over"},
			events: "people.not-told"},
		"it did not start": {rig: func(r *rig) { r.startErr = no }, status: Broken, told: []string{"start"}, lacks: []string{"people: begins", "people: over"}, without: "people.not-told"},
	} {
		r := newRig()
		if c.rig != nil {
			c.rig(r)
		}
		rec, _, _ := tell(t, r, func(p *Parts) {
			p.Announce = func(ctx context.Context) error {
				if _, limited := ctx.Deadline(); !limited {
					t.Errorf("%s: there is no end to it", name)
				}
				r.say("people: begins")
				return c.begin
			}
			p.StandDown = func(ctx context.Context) error {
				if end, limited := ctx.Deadline(); !limited || time.Until(end) > tellLimit {
					t.Errorf("%s: there is no end to it", name)
				}
				r.say("people: over")
				if c.panics {
					panic("planted")
				}
				return c.over
			}
		})
		if rec.Status != c.status {
			t.Errorf("%s: %s, %s", name, rec.Status, rec.StatusReason)
		}
		left := r.told
		for _, what := range c.told {
			i := slices.Index(left, what)
			if i < 0 {
				t.Errorf("%s: %q does not follow in %v", name, what, r.told)
				break
			}
			left = left[i+1:]
		}
		for _, what := range c.lacks {
			if slices.Contains(r.told, what) {
				t.Errorf("%s: %q in %v", name, what, r.told)
			}
		}
		if c.events != "" && !slices.Contains(r.events, c.events) || c.without != "" && slices.Contains(r.events, c.without) {
			t.Errorf("%s: %v", name, r.events)
		}
	}
}

// What polling showed of how well it watched comes into the record.
func TestPollsAreOnRecord(t *testing.T) {
	r := newRig()
	rec, err, _ := tell(t, r, func(p *Parts) { p.Inbox = looking{r} })
	if err != nil || len(rec.Polls) != 1 || rec.Polls[0].Channel != "pagerduty" {
		t.Errorf("%+v, %v", rec.Polls, err)
	}
}

type looking struct{ *rig }

func (looking) Polls() []PollSeries { return []PollSeries{{Channel: "pagerduty"}} }

func TestPollsThatWatch(t *testing.T) {
	p := PollSeries{EveryNS: 5, Count: 2, Ran: Interval{10, 100}, Gap: Interval{20, 35}}
	if !p.Watches(Interval{10, 100}) || p.Watches(Interval{9, 100}) || p.Watches(Interval{10, 101}) {
		t.Error("the edges are not those of its looks")
	}
	p.Gap.Hi++
	if p.Watches(Interval{10, 100}) {
		t.Error("a gap is not seen")
	}
}
