package loadgen

import (
	"sync"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// LiveWindow is how far back Live looks.
	LiveWindow = 5 * time.Second
	// MaxCohorts bounds how many cohorts Live tells apart; higher numbers count
	// into the last.
	MaxCohorts = 8

	liveSeconds = int(LiveWindow/time.Second) + 1 // the running second too

	// Latencies are kept in µs with 3 digits, up to 10 minutes.
	hdrMax    = int64(10 * time.Minute / time.Microsecond)
	hdrDigits = 3
)

// Live is what the last LiveWindow of a run looked like, for a screen. Verdicts
// are made from the samples, never from it.
type Live struct {
	Window  time.Duration // what the figures cover; shorter at the start
	Due     uint64        // requests due since the start
	Total   uint64        // samples since the start
	Rate    float64       // samples per second within the window
	Success float64       // share of OK among them, 0 to 1; 0 where there are none
	P50     time.Duration // from the due time, over answered requests of the window
	P99     time.Duration
	Cohorts []LiveCohort // those seen within the window, by number
}

// LiveCohort is the same for one cohort of clients.
type LiveCohort struct {
	Cohort  uint8
	Count   uint64
	Success float64
	P50     time.Duration
	P99     time.Duration
}

// live keeps counts and histograms by second and cohort. Its memory is bounded:
// liveSeconds × MaxCohorts histograms, made when first needed.
type live struct {
	clock    Clock
	schedule Schedule

	mu     sync.Mutex // guards what follows
	counts [NumOutcomes]uint64
	ring   [liveSeconds]liveSecond
}

type liveSecond struct {
	second  int64 // since the anchor
	cohorts [MaxCohorts]liveCell
}

type liveCell struct {
	count, ok uint64
	latency   *hdr.Histogram // µs; nil until used
}

func newLive(c Clock, s Schedule) *live { return &live{clock: c, schedule: s} }

// add counts a sample that became known at now.
func (l *live) add(s Sample, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[s.Outcome]++
	second := now / int64(time.Second)
	at := &l.ring[second%int64(liveSeconds)]
	if second < at.second {
		return // came late, the place holds a newer second
	}
	if second > at.second {
		at.reset(second)
	}
	cell := &at.cohorts[min(s.Cohort, MaxCohorts-1)]
	cell.count++
	if s.Outcome == OK {
		cell.ok++
	}
	if s.Done == Never {
		return
	}
	if cell.latency == nil {
		cell.latency = hdr.New(1, hdrMax, hdrDigits)
	}
	// Within the bounds it cannot fail.
	_ = cell.latency.RecordValue(min(max(s.Latency()/1000, 1), hdrMax))
}

func (s *liveSecond) reset(second int64) {
	s.second = second
	for i := range s.cohorts {
		c := &s.cohorts[i]
		if c.count == 0 {
			continue
		}
		c.count, c.ok = 0, 0
		if c.latency != nil {
			c.latency.Reset()
		}
	}
}

func (l *live) outcomes() [NumOutcomes]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

func (l *live) snapshot() Live {
	now := l.clock.Now()
	oldest := (now - int64(LiveWindow)) / int64(time.Second)
	all := liveCell{latency: hdr.New(1, hdrMax, hdrDigits)}
	var cohorts [MaxCohorts]liveCell

	l.mu.Lock()
	out := Live{Due: l.schedule.Count(now)}
	for _, n := range l.counts {
		out.Total += n
	}
	for i := range l.ring {
		if s := &l.ring[i]; s.second > oldest {
			for c := range s.cohorts {
				cohorts[c].merge(&s.cohorts[c])
			}
		}
	}
	l.mu.Unlock()

	for c := range cohorts {
		cell := &cohorts[c]
		if cell.count == 0 {
			continue
		}
		all.merge(cell)
		out.Cohorts = append(out.Cohorts, LiveCohort{
			Cohort: uint8(c), Count: cell.count, Success: cell.success(),
			P50: cell.quantile(50), P99: cell.quantile(99),
		})
	}
	from := max((oldest+1)*int64(time.Second), l.schedule.Start)
	if out.Window = time.Duration(max(now-from, 0)); out.Window > 0 {
		out.Rate = float64(all.count) / out.Window.Seconds()
	}
	out.Success, out.P50, out.P99 = all.success(), all.quantile(50), all.quantile(99)
	return out
}

func (c *liveCell) merge(from *liveCell) {
	c.count += from.count
	c.ok += from.ok
	if from.latency == nil || from.count == 0 {
		return
	}
	if c.latency == nil {
		c.latency = hdr.New(1, hdrMax, hdrDigits)
	}
	c.latency.Merge(from.latency)
}

func (c *liveCell) success() float64 {
	if c.count == 0 {
		return 0
	}
	return float64(c.ok) / float64(c.count)
}

func (c *liveCell) quantile(q float64) time.Duration {
	if c.latency == nil || c.latency.TotalCount() == 0 {
		return 0
	}
	return time.Duration(c.latency.ValueAtQuantile(q)) * time.Microsecond
}
