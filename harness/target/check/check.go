// Package check asks everything that a target file names once, from where it runs, and tells for each whether it works, is refused,
// or is not available, and why.
//
// It only reads: read-only transactions, GET and HEAD, handshakes, and the calls that the file says only read. Who a component is
// is asked before anything else, and where one is another than the file says, nothing else is asked. It never retries.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/internal/shortage"
)

// Limits of a check.
const (
	LookTime  = 5 * time.Second // for one question; a call has its own
	sessions  = 2               // with one database, where the file says nothing
	atOnce    = 16              // questions
	maxText   = 300             // letters of one row
	atMostOff = time.Second     // of a clock, where the file says nothing
)

// State of a row.
type State string

// The states. Only Works is good; there is no fourth.
const (
	Works        State = "works"
	Refused      State = "refused"
	NotAvailable State = "not available"
)

// Row is one line of the table: what was asked, and what came of it.
type Row struct {
	Of     string       `json:"of"` // secret, identity, host, component, clock, write, link, entry, call, means, lease, exercise, alert, decisions, announce, window
	Name   string       `json:"name"`
	State  State        `json:"state"`
	Text   string       `json:"text"`
	Effect *call.Effect `json:"effect,omitempty"` // of a call that was made
}

// Mistaken is the error of a target that is not the one that the file describes.
type Mistaken struct{ Rows []Row }

func (m *Mistaken) Error() string {
	var all []string
	for _, r := range m.Rows {
		all = append(all, r.Name+": "+r.Text)
	}
	return "this is another system than the file describes: " + strings.Join(all, "; ")
}

// Request is what to check, and with what.
type Request struct {
	Target  *target.Target
	Secrets *secret.Resolver
	Redact  func(string) string // takes what Secrets has told out of a text; must not be nil
	Now     time.Time

	Exercise bool // only the hosts of means are asked, and each is had to undo something of its own
}

// checker is one check. Everything in it is set before questions are asked at the same time, but for what mu guards.
type checker struct {
	Request
	parts   []part
	between map[string]error // why what stands before a database is nothing to drill through, by component
	entry   *entry           // nil where the file has none

	mu   sync.Mutex
	open map[string]bool // components and addresses of the entry whose identity is certain, or that have none
}

// part is a component with its kind.
type part struct {
	target.Component
	kind component.Kind
	at   component.At
	role string        // of its region
	room chan struct{} // as many as may be asked of it at once; nil where that is not limited
}

// Run checks a target. The error is a *Mistaken, or the end of ctx: then nothing is said of what was not asked.
func Run(ctx context.Context, r Request) ([]Row, error) {
	return ask(ctx, r, func(c *checker) []question {
		if r.Exercise {
			return []question{c.hostsThatRun, c.means, c.exercise}
		}
		return []question{c.hosts, c.components, c.writes, c.links, c.entryRows, c.calls, c.means, c.alerts, c.decisions, c.announcements, c.window, c.outlives}
	})
}

// Attach asks what must work before a drill begins: every secret, who everything is and, once that is certain, each host that programs are run
// on, each component, its clock, what may be written there, the entry, and whether what opens them outlives a drill. Its errors are those of Run.
func Attach(ctx context.Context, r Request) ([]Row, error) {
	return ask(ctx, r, func(c *checker) []question {
		return []question{c.hostsThatRun, c.components, c.writes, c.entryRows, c.outlives}
	})
}

type question func(context.Context) []Row

// ask resolves the secrets, asks who everything is, and then what is to be asked.
func ask(ctx context.Context, r Request, then func(*checker) []question) ([]Row, error) {
	c := &checker{Request: r, open: map[string]bool{}}
	for _, of := range r.Target.Components {
		kind, err := component.Make(of)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", of.Name, err)
		}
		at := component.At{Address: r.Target.AddressOf(of), Secrets: c.secrets, Pin: of.Identity}
		c.parts = append(c.parts, part{of, kind, at, r.Target.RegionOf(of).Role, c.room(kind, at.Address)})
	}
	rows := c.secretRows(ctx)
	if err := c.findEntry(ctx); err != nil {
		return nil, err
	}
	identities, err := c.identities(ctx)
	if err != nil {
		return nil, err
	}
	rows = append(rows, identities...)
	c.findPoolers(ctx)
	for _, q := range then(c) {
		rows = append(rows, q(ctx)...)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("check %s: it was ended before everything was asked: %w", r.Target.Metadata.Name, err)
	}
	c.finish(rows)
	return rows, nil
}

// finish takes the secrets out of every row, and only then what does not fit: half a secret, or one whose spaces are others, would
// not be found.
func (c *checker) finish(rows []Row) {
	for i := range rows {
		rows[i].Text = cut(c.Redact(rows[i].Text))
		e := rows[i].Effect
		if e == nil {
			continue
		}
		e.Why, e.Text = c.Redact(e.Why), c.Redact(e.Text)
		for name, value := range e.Fields {
			e.Fields[name] = c.Redact(value)
		}
	}
}

// yes fills a row in for what works.
func (r *Row) yes(text string) { r.State, r.Text = Works, text }

// no fills a row in for what does not: an answer is a refusal, everything else means that there was none.
func (r *Row) no(err error) {
	r.State, r.Text = NotAvailable, strings.TrimPrefix(err.Error(), "not available: ") // which its state says
	if component.Refused(err) {
		r.State = Refused
	}
	if errors.Is(err, context.DeadlineExceeded) {
		r.Text = "no answer in time"
	}
	if what := shortage.Of(err); what != "" {
		r.State, r.Text = NotAvailable, shortage.Prefix+what
	}
}

func (r *Row) refused(text string, args ...any) {
	r.State, r.Text = Refused, fmt.Sprintf(text, args...)
}

func (r *Row) notAvailable(text string, args ...any) {
	r.State, r.Text = NotAvailable, fmt.Sprintf(text, args...)
}

// cut keeps a text to one line of so many letters.
func cut(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if letters := []rune(text); len(letters) > maxText {
		return string(letters[:maxText-1]) + "…"
	}
	return text
}

// room gives the room of a component: what may be connected to one database is shared by all that name it.
func (c *checker) room(kind component.Kind, address string) chan struct{} {
	if _, ok := kind.(*component.Postgres); !ok {
		return nil
	}
	for _, p := range c.parts {
		if p.room != nil && p.at.Address == address {
			return p.room
		}
	}
	return make(chan struct{}, cmp.Or(c.Target.Limits.Connections, sessions))
}

// roomOf is the room of a component by its name.
func (c *checker) roomOf(name string) chan struct{} {
	for _, p := range c.parts {
		if p.Name == name {
			return p.room
		}
	}
	return nil
}

func (c *checker) roomOfPart(i int) chan struct{} { return c.parts[i].room }

func anywhere(int) chan struct{} { return nil }

// each asks n questions, some at once, each within limit, and keeps the rows in order. A question's time begins when there is room
// for it where it is asked.
func each(ctx context.Context, n int, limit func(i int) time.Duration, where func(i int) chan struct{}, ask func(ctx context.Context, i int) []Row) []Row {
	rows, room := make([][]Row, n), make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for i := range n {
		room <- struct{}{}
		wait.Go(func() {
			defer func() { <-room }()
			if there := where(i); there != nil {
				there <- struct{}{} // whoever is there has a limit
				defer func() { <-there }()
			}
			one, cancel := context.WithTimeout(ctx, limit(i))
			defer cancel()
			rows[i] = ask(one, i)
		})
	}
	wait.Wait()
	var all []Row
	for _, r := range rows {
		all = append(all, r...)
	}
	return all
}

func lookTime(int) time.Duration { return LookTime }

// trust notes that a component is who it should be.
func (c *checker) trust(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[name] = true
}

// known is an error for whoever is pinned, and was not found to be the one that is: nothing is asked of it.
func (c *checker) known(name string, pins []string) error {
	if c.open[name] || len(pins) == 0 {
		return nil
	}
	return uncertain(name)
}

func uncertain(name string) error {
	return fmt.Errorf("it is not certain who %s is: see its identity", name)
}

// database opens a connection for a call, to a component that is certain to be the right one.
func (c *checker) database(ctx context.Context, name string) (*pgx.Conn, error) {
	for _, p := range c.parts {
		db, ok := p.kind.(*component.Postgres)
		switch {
		case p.Name != name:
		case !ok:
			return nil, fmt.Errorf("%s is no database", name)
		case !c.open[name]:
			return nil, uncertain(name)
		default:
			return db.Connect(ctx, p.at)
		}
	}
	return nil, errors.New("there is no component " + name)
}

// redis gives the way to a component that speaks Redis.
func (c *checker) redis(ctx context.Context, name string) (harness.Access, error) {
	for _, p := range c.parts {
		if p.Name == name && component.SpeaksRedis(p.kind) {
			return component.AccessTo(ctx, p.kind, p.at)
		}
	}
	return harness.Access{}, errors.New("there is no component " + name + " that speaks Redis")
}
