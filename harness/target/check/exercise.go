package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"blackstart/harness/component"
	"blackstart/harness/lease"
)

// How long a lease of an exercise lives.
const (
	exerciseRenew = time.Second
	exerciseTTL   = 12 * time.Second
	exerciseTime  = 3 * time.Minute // of everything on one host
	exerciseAct   = 2               // seconds
)

// exercise has each host of a means arm a lease, do and undo something to a file of its own, and then undo it by itself after a lease that
// nobody renews. Nothing of the target is touched.
func (c *checker) exercise(ctx context.Context) []Row {
	var hosts []string
	for _, m := range c.Target.Means {
		if !slices.Contains(hosts, m.Host) {
			hosts = append(hosts, m.Host)
		}
	}
	limit := func(int) time.Duration { return exerciseTime }
	return each(ctx, len(hosts), limit, func(int) chan struct{} { return nil }, func(ctx context.Context, i int) []Row {
		row := Row{Of: "exercise", Name: "host " + hosts[i]}
		if text, err := c.exerciseOn(ctx, hosts[i]); err != nil {
			row.no(err)
		} else {
			row.yes(text)
		}
		return []Row{row}
	})
}

// exerciseOn is the exercise of one host.
func (c *checker) exerciseOn(ctx context.Context, name string) (string, error) {
	h, err := c.host(name)
	if err != nil {
		return "", err
	}
	armed := func() (*lease.Lease, lease.Entry, error) {
		run := "exercise-" + uuid.NewString()
		l, err := lease.New(h, c.Target.Metadata.Name, run, exerciseTTL, exerciseRenew)
		if err != nil {
			return nil, lease.Entry{}, err
		}
		_, err = l.Arm(ctx)
		return l, dummy(run), refusal(err)
	}
	l, e, err := armed()
	if err != nil {
		return "", err
	}
	if _, err := l.Do(ctx, e); err != nil {
		return "", refusal(err)
	}
	if _, err := l.Undo(ctx, e.ID); err != nil {
		return "", refusal(err)
	}
	if _, err := l.Release(ctx); err != nil {
		return "", refusal(err)
	}
	if l, e, err = armed(); err != nil {
		return "", err
	}
	if _, err := l.Do(ctx, e); err != nil {
		return "", refusal(err)
	}
	late, err := undoneByItself(ctx, l, e.ID)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("did and undid; after a lease of %v that nobody renewed it undid by itself, %v late", exerciseTTL, late.Round(10*time.Millisecond)), nil
}

// undoneByItself waits until a host has undone an entry after its lease has run out, and says how late it was, by its own clock.
func undoneByItself(ctx context.Context, l *lease.Lease, id string) (late time.Duration, err error) {
	first, err := l.Status(ctx)
	if err != nil {
		return 0, err
	}
	over := first.Now.Uptime + first.Left
	for {
		s, err := l.Status(ctx)
		if err != nil {
			return 0, err
		}
		i := slices.IndexFunc(s.Entries, func(e lease.EntryStatus) bool { return e.ID == id })
		switch {
		case i >= 0 && s.Entries[i].Is == lease.Undone:
			_, err := l.Release(ctx)
			return s.Entries[i].Undid.Uptime - over, err
		case s.Now.Uptime > over+10*time.Second:
			return 0, component.Refuse("its lease has run out, and ten seconds later it has not undone what was done")
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// dummy is an act on a file of its own.
func dummy(run string) lease.Entry {
	file := lease.Quote("/var/tmp/blackstart-" + run)
	return lease.Entry{ID: "dummy", Scripts: lease.Scripts{State: "test -e " + file + " && echo there || echo absent",
		Do: ": > " + file, Undo: "rm -f " + file, Free: []string{"absent"}, Ours: []string{"there"}, Held: true, Most: exerciseAct}}
}

// refusal is what a host says no by; an answer that was lost is none.
func refusal(err error) error {
	var unknown *lease.UnknownError
	if err == nil || errors.As(err, &unknown) {
		return err
	}
	return &component.Refusal{Err: err}
}
