package region

import (
	"context"
	"sync"
	"time"
)

const (
	pulseTimeout = 800 * time.Millisecond
	pulseFresh   = 100 * time.Millisecond // within this time health checks share one answer of the database
)

// pulse lets any number of health checks cost the database at most ten questions a second.
type pulse struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// check returns the last answer while it is fresh, and otherwise asks again. The caller's own end does not spoil the answer
// for the others.
func (p *pulse) check(ctx context.Context, ask func(context.Context) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.at.IsZero() && time.Since(p.at) < pulseFresh {
		return p.err
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), pulseTimeout)
	defer cancel()
	p.err = ask(limited)
	p.at = time.Now()
	return p.err
}
