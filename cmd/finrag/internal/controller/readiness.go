package controller

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	sampleInterval = time.Second
	sampleTimeout  = 800 * time.Millisecond // one question of a sample; less than the interval
	historyLength  = 64                     // complete samples kept; longer than the longest check by far
)

// Sample is one look at both regions. Complete means that both databases answered, each in its own role.
type Sample struct {
	At       time.Time   `json:"at"`   // when the first question was asked
	Done     time.Time   `json:"done"` // when the last answer was in
	Complete bool        `json:"complete"`
	Primary  RegionFacts `json:"primary"`
	Standby  RegionFacts `json:"standby"`
	RowRatio float64     `json:"row_ratio"` // standby's rows ÷ primary's rows, of a complete sample
}

// RegionFacts is what one region answered.
type RegionFacts struct {
	Database    NodeFacts        `json:"database"`
	API         APIFacts         `json:"api"`
	Certificate CertificateFacts `json:"certificate"`
	Build       string           `json:"build,omitempty"` // that it told last, in this sample or before
}

// sampleForever looks once a second. It shares nothing with the health checks but the network.
func (c *Controller) sampleForever(ctx context.Context) {
	primary, standby := newNode(c.config.Regions.Primary), newNode(c.config.Regions.Standby)
	defer primary.close()
	defer standby.close()
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	var builds [2]string
	for ctx.Err() == nil {
		s := c.sample(ctx, primary, standby)
		s.Primary.Build, s.Standby.Build = orElse(s.Primary.API.Build, builds[0]), orElse(s.Standby.API.Build, builds[1])
		builds = [2]string{s.Primary.Build, s.Standby.Build}
		c.history.add(s)
		select {
		case c.samples <- s:
		default: // a failover is under way: nobody judges, and the sample would be old when somebody does
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (c *Controller) sample(ctx context.Context, primary, standby *node) Sample {
	ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
	defer cancel()
	s := Sample{At: time.Now().UTC()}
	var wg sync.WaitGroup
	wg.Go(func() { s.Primary.Database = primary.facts(ctx) })
	wg.Go(func() { s.Standby.Database = standby.facts(ctx) })
	wg.Go(func() { s.Primary.API = c.apiFacts(ctx, c.config.Regions.Primary) })
	wg.Go(func() { s.Standby.API = c.apiFacts(ctx, c.config.Regions.Standby) })
	if c.config.Certificates.Check {
		wg.Go(func() { s.Primary.Certificate = c.certificateFacts(ctx, c.config.Regions.Primary) })
		wg.Go(func() { s.Standby.Certificate = c.certificateFacts(ctx, c.config.Regions.Standby) })
	}
	wg.Wait()
	s.Done = time.Now().UTC()
	p, r := s.Primary.Database, s.Standby.Database
	s.Complete = p.OK && r.OK && p.Role == rolePrimary && r.Role == roleStandby
	if s.Complete && p.Rows > 0 {
		s.RowRatio = float64(r.Rows) / float64(p.Rows)
	}
	return s
}

// history keeps the last sample, and the last complete ones, oldest first.
type history struct {
	mu       sync.Mutex
	last     *Sample
	complete []Sample
}

func (h *history) add(s Sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = &s
	if s.Complete {
		h.complete = append(h.complete, s)
		if len(h.complete) > historyLength {
			h.complete = slices.Delete(h.complete, 0, 1)
		}
	}
}

// before returns the newest complete sample that was done before t, or nil.
func (h *history) before(t time.Time) *Sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range slices.Backward(h.complete) {
		if s.Done.Before(t) {
			return &s
		}
	}
	return nil
}

func (h *history) latest() *Sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}
