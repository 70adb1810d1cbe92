package check

import (
	"context"
	"slices"
	"time"

	"blackstart/harness/call"
	"blackstart/harness/target/channels"
)

// reach is what channels are reached with: whoever is pinned is asked nothing until it is certain who that is.
func (c *checker) reach() channels.Around {
	return channels.Around{Secrets: c.secrets, Database: c.database, Pins: c.pins, Host: c.host, Redis: c.redis, Redact: c.Redact}
}

// alerts finds out of each channel whether an alert on it could be seen: an address of ours is listened on for a moment, a state is asked
// for once.
func (c *checker) alerts(ctx context.Context) []Row {
	return each(ctx, len(c.Target.Alerts), lookTime, anywhere, func(ctx context.Context, i int) []Row {
		a := c.Target.Alerts[i]
		row := Row{Of: "alert", Name: a.Name}
		row.said(channels.Try(ctx, a, c.reach()))
		return []Row{row}
	})
}

// decisions reads the target's own log once.
func (c *checker) decisions(ctx context.Context) []Row {
	d := c.Target.Decisions
	if d == nil {
		return nil
	}
	limit := func(int) time.Duration {
		of, _ := c.Target.CallByName(d.Call)
		return max(LookTime, of.Timeout.D())
	}
	where := func(int) chan struct{} { return c.roomOfCall(d.Call) }
	return each(ctx, 1, limit, where, func(ctx context.Context, _ int) []Row {
		row := Row{Of: "decisions", Name: d.Call + d.File}
		row.said(channels.TryLog(ctx, c.Target, c.reach()))
		return []Row{row}
	})
}

// announcements finds out whether people could be told. It tells nobody.
func (c *checker) announcements(ctx context.Context) []Row {
	all := slices.Concat(c.Target.Announce, c.Target.StandDown)
	return each(ctx, len(all), lookTime, anywhere, func(ctx context.Context, i int) []Row {
		row := Row{Of: "announce", Name: all[i].Name}
		row.said(channels.TryAnnounce(ctx, c.Target, all[i], c.reach()))
		return []Row{row}
	})
}

// roomOfCall is the room of what a call asks.
func (c *checker) roomOfCall(name string) chan struct{} {
	of, _ := c.Target.CallByName(name)
	if kind, err := call.Make(of); err == nil {
		if asks, ok := kind.(call.Asking); ok {
			return c.roomOf(asks.Asks())
		}
	}
	return nil
}

// said fills a row in with what was found.
func (r *Row) said(text string, err error) {
	if err != nil {
		r.no(err)
		return
	}
	r.yes(text)
}
