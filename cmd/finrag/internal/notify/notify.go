// Package notify sends a controller's messages to people: PagerDuty Events v2, a Slack webhook, mail, a status page.
//
// Each channel has a goroutine and a queue of its own, so that a dead channel delays neither the failover nor another
// channel; retries are bounded. It never decides what is worth saying, and a muted channel sends nothing.
package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"blackstart/cmd/finrag/internal/config"
)

const (
	queueLength    = 64
	maxAttempts    = 6
	attemptTimeout = 2 * time.Second
	firstPause     = 200 * time.Millisecond
	maxPause       = 5 * time.Second
)

// Message is one thing to say. Channels take from it what they carry.
type Message struct {
	Kind     string // the audit event it stems from
	Incident string // the same for all messages of one incident
	Text     string
	Region   string // the region in trouble
	Class    string // kind of trouble, such as primary.unreachable
	Severity string // Critical, Warning, or empty for what is only told
	Page     Page   // what the pager is to do
	Status   string // "investigating", "failover" or "restored" for the status page; empty: not for it

	Component string // what has the trouble, such as east.api
	Group     string // the region it belongs to
}

// Severities of a message, in the pager's own words.
const (
	Critical = "critical"
	Warning  = "warning"
	info     = "info"
)

// Page is what a message means to the pager.
type Page int

const (
	PageNone    Page = iota // not for the pager
	PageTrigger             // open the incident, or add to it
	PageResolve             // close it
)

// Outcome is how one message fared on one channel, for the audit log.
type Outcome struct {
	Channel  string
	Kind     string
	Muted    bool
	Attempts int
	Took     time.Duration
	Err      error
}

// channel sends one message once. skip means that the message is not for it.
type channel interface {
	name() string
	skip(Message) bool
	send(context.Context, Message) error
}

// retryAfter is an error of a channel that knows how long to wait, or that it is no use.
type retryAfter struct {
	error
	pause time.Duration
	final bool
}

type line struct {
	channel channel
	muted   bool
	queue   chan Message
}

// Sender owns the channels. Make it with New, run it once, and Send at any time.
type Sender struct {
	lines  []line
	report func(Outcome)
}

// New reads the channels' secrets. report is called from several goroutines.
func New(c config.Notify, report func(Outcome)) (*Sender, error) {
	s := &Sender{report: report}
	add := func(ch channel, muted bool) {
		s.lines = append(s.lines, line{channel: ch, muted: muted, queue: make(chan Message, queueLength)})
	}
	if c.PagerDuty.URL != "" {
		key, err := config.ReadSecret(c.PagerDuty.RoutingKeyFile)
		if err != nil {
			return nil, fmt.Errorf("prepare pagerduty: %w", err)
		}
		add(pagerDuty{c.PagerDuty.URL, key}, c.PagerDuty.Muted)
	}
	if c.Slack.URL != "" {
		add(slack{c.Slack.URL}, c.Slack.Muted)
	}
	if c.SMTP.Address != "" {
		add(mail{c.SMTP}, c.SMTP.Muted)
	}
	if c.StatusPage.URL != "" {
		token, err := config.ReadSecret(c.StatusPage.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("prepare status page: %w", err)
		}
		add(statusPage{c.StatusPage.URL, token}, c.StatusPage.Muted)
	}
	return s, nil
}

// Send queues m for every channel it is for. It never waits.
func (s *Sender) Send(m Message) {
	for _, l := range s.lines {
		if l.channel.skip(m) {
			continue
		}
		if l.muted {
			s.report(Outcome{Channel: l.channel.name(), Kind: m.Kind, Muted: true})
			continue
		}
		select {
		case l.queue <- m:
		default:
			s.report(Outcome{Channel: l.channel.name(), Kind: m.Kind, Err: errors.New("the queue is full")})
		}
	}
}

// Run sends what is queued, in order, until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range s.lines {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case m := <-l.queue:
					s.report(deliver(ctx, l.channel, m))
				}
			}
		})
	}
	wg.Wait()
}

// deliver tries m on ch until it is taken, refused for good, or out of attempts.
func deliver(ctx context.Context, ch channel, m Message) Outcome {
	o := Outcome{Channel: ch.name(), Kind: m.Kind}
	start := time.Now()
	pause := firstPause
	for o.Attempts < maxAttempts {
		o.Attempts++
		limited, cancel := context.WithTimeout(ctx, attemptTimeout)
		o.Err = ch.send(limited, m)
		cancel()
		wait := pause
		var again retryAfter
		if errors.As(o.Err, &again) {
			wait = max(pause, min(again.pause, maxPause))
		}
		if o.Err == nil || again.final || o.Attempts == maxAttempts {
			break
		}
		select {
		case <-ctx.Done():
			o.Took = time.Since(start)
			return o
		case <-time.After(wait):
		}
		pause = min(2*pause, maxPause)
	}
	o.Took = time.Since(start)
	return o
}
