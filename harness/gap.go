package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Kinds of gap.
const (
	GapSuspended = "suspended" // the harness did not run: its process, or its whole machine, was suspended
	GapNetwork   = "network"   // the harness ran, and its own machine had no network towards the target
)

// Gap is a stretch of a drill over which the harness could not measure, through no doing of the target. What is on record over that
// time dates nothing.
type Gap struct {
	Kind    string   `json:"kind"` // suspended or network
	At      Interval `json:"at"`   // from the last moment at which all was well to the first at which it was again
	LastsNS int64    `json:"lasts_ns"`
	Detail  string   `json:"detail"` // what was seen of it, in words
}

// Words say what the gap was, how long it was, and when, as a sentence goes on: "the harness was suspended for 3.2 s from … to …". The
// drill's clock stands still while the machine sleeps, so the end is the begin and the length.
func (g Gap) Words() string {
	what := "the harness was suspended"
	if g.Kind == GapNetwork {
		what = "the harness had no network of its own"
	}
	text := fmt.Sprintf("%s for %s from %s to %s", what, time.Duration(g.LastsNS).Round(100*time.Millisecond), g.At.Lo, g.At.Lo.Add(time.Duration(g.LastsNS)))
	if g.Detail != "" {
		text += ": " + g.Detail
	}
	return text
}

const (
	// beatEvery is how often the harness notes that it runs, and looks at its own network.
	beatEvery = 100 * time.Millisecond
	// lateBeat is by how much a beat may be late: a busy machine makes it so, and what is measured then says so by itself.
	lateBeat = time.Second
	// sleptLeast is the least by which the clock that goes on while the machine sleeps must run ahead of the other: less may lie between two readings.
	sleptLeast = 50 * time.Millisecond
	// heardWithin is how long a signal that came with the end of a gap has to be heard: who stops a drill that was suspended wakes it.
	heardWithin = 250 * time.Millisecond
)

// errGap ends the story of a drill over which the harness could not measure: nothing it shows after that would be conclusive.
var errGap = errors.New("the drill was ended because the harness could not measure")

// Connected is what a driver offers whose target is reached by a network of this machine.
type Connected interface {
	// NetworkLost says why this machine has no network towards the target, "" while it has, or where that is not known. It asks this
	// machine alone, and does so in no time.
	NetworkLost() string
}

// pulse finds the gaps of a drill. Whoever beats first after one finds it, so that no goroutine goes on before it is known.
type pulse struct {
	clock *Clock
	slept func() time.Duration // by how much the machine's clock that goes on in its sleep is ahead; nil: not known

	mu      sync.Mutex // guards what follows
	lost    func() string
	last    Stamp // the last beat
	ahead   time.Duration
	offline Gap // that goes on; Kind is "" while there is none
	found   []Gap
}

// beat notes that the harness runs now, and what its network is like.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, last := p.clock.Now(), p.last
	slept := time.Duration(0)
	if p.slept != nil {
		ahead := p.slept()
		slept, p.ahead = ahead-p.ahead, ahead
	}
	p.last = now
	if last == 0 {
		return
	}
	late := now.Sub(last) - beatEvery
	if slept >= sleptLeast {
		p.found = append(p.found, Gap{Kind: GapSuspended, At: Interval{last, now}, LastsNS: int64(now.Sub(last) + slept), Detail: "its machine slept"})
	} else if late > lateBeat {
		p.found = append(p.found, Gap{Kind: GapSuspended, At: Interval{last, now}, LastsNS: int64(now.Sub(last)), Detail: "its process did not run"})
	}
	p.look(last, now)
}

// look asks what the network is like.
func (p *pulse) look(last, now Stamp) {
	if p.lost == nil {
		return
	}
	why := p.lost()
	switch {
	case why != "" && p.offline.Kind == "":
		p.offline = Gap{Kind: GapNetwork, At: Interval{Lo: last}, Detail: why}
	case why == "" && p.offline.Kind != "":
		p.found = append(p.found, p.offline.upTo(now))
		p.offline = Gap{}
	}
}

func (g Gap) upTo(now Stamp) Gap {
	g.At.Hi, g.LastsNS = now, int64(now.Sub(g.At.Lo))
	return g
}

// all gives the gaps that are over, and the one that goes on as it is by now.
func (p *pulse) all() (over []Gap, on *Gap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.offline.Kind != "" {
		g := p.offline.upTo(p.last)
		on = &g
	}
	return p.found, on
}

// startPulse lets the harness note that it runs until stop is called.
func (d *drill) startPulse() (stop func()) {
	d.pulse.beat()
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(beatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				d.pulse.beat()
			}
		}
	}()
	return func() { close(end); <-ended }
}

// watchNetwork has the network looked at from now on, where the target is reached by one.
func (d *drill) watchNetwork() {
	c, ok := d.Driver.(Connected)
	if !ok {
		return
	}
	d.pulse.mu.Lock()
	defer d.pulse.mu.Unlock()
	d.pulse.lost = c.NetworkLost
}

// noteGaps puts every gap on record that was found, and tells of each once. One that goes on is told when it is over.
func (d *drill) noteGaps() {
	d.pulse.beat()
	over, _ := d.pulse.all()
	for _, g := range over[len(d.rec.Gaps):] {
		d.rec.Gaps = append(d.rec.Gaps, g)
		d.event(Event{Kind: "harness." + g.Kind, At: g.At, Text: g.Words()})
	}
}

// closeGaps ends the one that goes on: the drill is over.
func (d *drill) closeGaps() {
	d.pulse.mu.Lock()
	if g := d.pulse.offline; g.Kind != "" {
		d.pulse.found, d.pulse.offline = append(d.pulse.found, g.upTo(d.clock.Now())), Gap{}
	}
	d.pulse.mu.Unlock()
	d.noteGaps()
}

// gapSince tells in words of the first gap that reaches beyond a moment, "" if there is none.
func (d *drill) gapSince(from Stamp) string {
	d.noteGaps()
	over, on := d.pulse.all()
	if on != nil {
		over = append(over[:len(over):len(over)], *on)
	}
	for _, g := range over {
		if g.At.Hi > from {
			return g.Words()
		}
	}
	return ""
}

// gapped ends a drill that has a gap since its baseline began, while clients are watched: it can prove nothing any more, and what is
// broken is broken for nothing.
func (d *drill) gapped(ctx context.Context) error {
	switch d.phase {
	case ActInject, ActWatch, ActStep, ActEnd, ActWatchUndo:
	default:
		return nil
	}
	why := d.gapSince(d.rec.Baseline.Lo)
	if why == "" {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(heardWithin):
	}
	return fmt.Errorf("%w: %s", errGap, why)
}

// awaitNetwork waits until this machine has a network again: without one nobody can be asked whether a fault is over. Half of the time
// that ctx has is left for the question, which may find another way.
func (d *drill) awaitNetwork(ctx context.Context) {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for waited := false; ; waited = true {
		d.pulse.beat()
		_, on := d.pulse.all()
		if on == nil {
			return
		}
		if !waited {
			d.note("undo.waits", "whether it is undone can be asked when this machine has a network again: "+on.Detail, nil)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
