package harness

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"
)

// watched is what one guard keeps of one probe.
type watched struct {
	guard  Guard
	number int         // of the guard in the scenario, from 1
	since  Stamp       // when the first of the answers was asked for that are broken; 0 if the last one is good
	due    Stamp       // when the next answer is due
	last   Observation // the zero value before the first
}

// take judges an answer of a probe that is asked every so often.
func (w *watched) take(o Observation, every time.Duration) {
	switch {
	case !w.guard.Bounds().Beyond(o):
		w.since = 0
	case w.since == 0:
		w.since = o.At.Lo
	}
	w.last, w.due = o, max(o.At.Hi, o.At.Lo.Add(every))
}

// guardLate is how much later than it could have been a guard may be seen to fire: it is looked at on every tick.
const guardLate = time.Second

// Fires tells from the record of a probe whether a guard stops the drill up to a moment.
func (g Guard) Fires(p ProbeSeries, answers iter.Seq[Observation], until Stamp) bool {
	every := time.Duration(p.EveryNS)
	w := watched{guard: g, due: p.Ran.Lo.Add(every)}
	for o := range answers {
		if o.At.Hi > until {
			continue
		}
		if _, fires := w.fired(o.At.Hi.Add(guardLate)); fires {
			return true
		}
		w.take(o, every)
	}
	_, fires := w.fired(until.Add(guardLate))
	return fires
}

// limit is how long the guard bears what is broken.
func (g Guard) limit() time.Duration { return max(g.FailingFor, g.ForLonger).D() }

// fired tells whether the guard stops the drill at a moment, and in what words. On a bound no answer counts as broken, too, from
// when it was due.
func (w *watched) fired(now Stamp) (why string, fires bool) {
	since := w.since
	silent := since == 0 && w.guard.Bounds().Some() && w.due < now
	if silent {
		since = w.due
	}
	if since == 0 || now.Sub(since) < w.guard.limit() {
		return "", false
	}
	g, o := w.guard, w.last
	switch {
	case !g.Bounds().Some():
		return fmt.Sprintf("has been failing for %s", g.FailingFor), true
	case silent:
		why = "there is no answer"
	case !o.OK:
		why = "its answer is none: " + cmp.Or(o.Detail, "nobody answers")
	default:
		why = "its value is " + ValueWords(o.Unit, o.Value)
	}
	return fmt.Sprintf("has not been %s for %s: %s", g.Bounds(), g.ForLonger, why), true
}

// watches tells whether a guard is on a probe.
func (g Guard) watches(r ProbeRun) bool {
	return r.Named(g.Probe) && (g.Region == "" || g.Region == r.Role)
}

// subject names what a guard watches.
func (g Guard) subject(r ProbeRun) string {
	name := g.Probe
	if r.ID == g.Probe {
		name = fmt.Sprintf("%s (%s on %s)", r.ID, r.Probe, r.On)
	}
	if g.Region != "" {
		name += fmt.Sprintf(" of the %s region", g.Region)
	}
	return name
}

// guard stops the drill when what a guard watches has been broken for too long. Once the undo has begun nothing is left that
// it could protect: what is ill after that is what clients are watched for.
func (d *drill) guard() error {
	if err := d.overdue(); err != nil {
		return err
	}
	if d.rec.Undo.At.Lo != 0 {
		return nil
	}
	if err := d.leased(); err != nil {
		return err
	}
	for _, s := range d.series {
		if w, why := s.fired(d.clock.Now()); w != nil {
			text := w.guard.subject(s.run) + " " + why
			d.note("guard.fired", text, map[string]string{"guard": strconv.Itoa(w.number), "file": s.path})
			return fmt.Errorf("%w: %s", errGuard, text)
		}
	}
	return nil
}

// fired gives the first guard on a series that stops the drill, and why; nil if none does.
func (s *series) fired(now Stamp) (*watched, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watched {
		if why, fires := w.fired(now); fires {
			return w, why
		}
	}
	return nil, ""
}

// whileGuarded does what may take long, and ends it when a guard fires or the drill is interrupted.
func (d *drill) whileGuarded(ctx context.Context, what string, do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- safely(what, func() error { return do(ctx) }) }()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err == nil && d.phase != ActEnd {
				err = d.gapped(ctx)
			}
			return err
		case <-ticker.C:
		}
		var err error
		if d.phase != ActEnd { // whoever takes a fault back is not called off
			err = d.gapped(ctx)
		}
		if err == nil {
			d.show(nil)
			err = d.guard()
		}
		if err != nil {
			cancel()
			<-done //nolint:errcheck // it was called off; nothing goes on beside the undo
			return err
		}
	}
}
