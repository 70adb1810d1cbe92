package pollers

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"blackstart/harness"
	"blackstart/harness/receivers"
	"blackstart/internal/shortage"
)

// pollTime bounds one poll, and everything that it asks.
const pollTime = 10 * time.Second

// Channel is one channel that is watched.
type Channel struct {
	Name   string // as an objective calls it
	Every  time.Duration
	Poller Poller
	Around Around
}

// Options says how channels are watched.
type Options struct {
	Clock   *harness.Clock
	Clean   func(text string) string // takes secrets out of what was said
	OnState func(harness.Arrival)    // called for each state that is seen or gone, one at a time; must not block
}

// Watch is what watches channels. Its methods may be called at any time.
type Watch struct {
	Options
	stop context.CancelFunc
	run  sync.WaitGroup

	mu      sync.Mutex // guards the rest
	states  []harness.Arrival
	series  []harness.PollSeries
	dropped int
}

// Start begins to watch, each channel at its own pace, until Close.
func Start(ctx context.Context, o Options, channels []Channel) *Watch {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &Watch{Options: o, stop: stop, series: make([]harness.PollSeries, len(channels))}
	for i, c := range channels {
		w.series[i] = harness.PollSeries{Channel: c.Name, EveryNS: c.Every.Nanoseconds()}
		w.run.Go(func() { w.watch(ctx, i, c) })
	}
	return w
}

// Close ends it and waits.
func (w *Watch) Close() {
	w.stop()
	w.run.Wait()
}

// Arrivals is a copy of what was seen so far.
func (w *Watch) Arrivals() []harness.Arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]harness.Arrival(nil), w.states...)
}

// Polls says how well each channel was watched so far.
func (w *Watch) Polls() []harness.PollSeries {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]harness.PollSeries(nil), w.series...)
}

// Dropped counts states that were not kept because receivers.MaxArrivals had been reached.
func (w *Watch) Dropped() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

// watch asks one channel again and again. A poll that takes longer than the pace delays the next.
func (w *Watch) watch(ctx context.Context, i int, c Channel) {
	ticker := time.NewTicker(c.Every)
	defer ticker.Stop()
	open := map[string]harness.Arrival{}
	for {
		begun := w.Clock.Now()
		one, cancel := context.WithTimeout(ctx, pollTime)
		now, err := c.Poller.Poll(one, c.Around)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			shortage.Note("polling of "+c.Name, err)
		}
		w.note(i, begun, now, err, open)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// note keeps what one poll showed: what is there and was not, and what is there no more. Nothing is told of one that was not answered.
func (w *Watch) note(i int, begun harness.Stamp, now []harness.Arrival, err error, open map[string]harness.Arrival) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.series[i]
	if err != nil {
		s.Failed++
		s.Error = w.Clean(err.Error())
		return
	}
	at, before := w.Clock.Now(), s.Ran.Hi
	if s.Count++; s.Count == 1 {
		s.Ran.Lo = begun
	} else if begun-before > s.Gap.Hi-s.Gap.Lo {
		s.Gap = harness.Interval{Lo: before, Hi: begun}
	}
	s.Ran.Hi = begun
	there := map[string]bool{}
	for _, a := range now {
		key := a.DedupKey
		if there[key] = true; open[key].DedupKey != "" {
			continue
		}
		open[key] = a
		w.keep(s.Channel, a, before, at)
	}
	for key, a := range open {
		if !there[key] {
			delete(open, key)
			a.Event = states[1]
			w.keep(s.Channel, a, before, at)
		}
	}
}

// keep keeps one change of a state, cleaned, and tells whoever wants to know.
func (w *Watch) keep(channel string, a harness.Arrival, earliest, at harness.Stamp) {
	if len(w.states) >= receivers.MaxArrivals {
		w.dropped++
		return
	}
	a.Channel, a.Polled, a.Accepted, a.Status, a.At, a.Earliest = channel, true, true, http.StatusOK, at, earliest
	for _, field := range []*string{&a.Summary, &a.Severity, &a.Source, &a.DedupKey, &a.Class, &a.Component, &a.Group, &a.Label} {
		*field = receivers.OneLine(w.Clean(*field))
	}
	w.states = append(w.states, a)
	if w.OnState != nil {
		w.OnState(a)
	}
}

// Answered is what one poll shows, in words, for a check.
func Answered(ctx context.Context, p Poller, around Around) (string, error) {
	now, err := p.Poll(ctx, around)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("it answers, with %d that are open", len(now)), nil
}
