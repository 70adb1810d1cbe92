// Package lease has somebody near the target take a fault back when we fall silent.
//
// One script runs on the executor, a host that the target file names: the lease is armed there and read back, only then is anything done,
// and what it would take to undo it lies there before. While the lease is renewed nothing happens; when it expires, the executor undoes
// every entry by itself. Its clock is the executor's monotonic one. An undo writes a tombstone first, so that a Do that comes late
// changes nothing.
//
// Nothing here decides what is broken, and nothing is retried here but the undo of an executor that acts by itself.
package lease

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"blackstart/harness/host"
)

// Scripts are one act on one thing and the way back, as POSIX sh that the executor runs: literal, whole, and without a secret. What a script
// leaves running has a stdout and a stderr of its own.
type Scripts struct {
	State string // prints one word, how the thing is now, and changes nothing
	Do    string // does it
	Undo  string // undoes it; done twice it does no harm

	Free []string // the words of State in which nothing of ours is in force: a Do begins from one of them, and an Undo ends in one
	Ours []string // the words in which the Do, whole or in part, has left it: an Undo acts on these, and on no other
	Held bool     // it lasts until its Undo, so that finding it Free in the meantime shows that somebody else has undone it
	Most int      // seconds that a Do, or an Undo, may take
}

// Entry is an act under a name of its own.
type Entry struct {
	ID string // letters, digits, dots and dashes
	Scripts
	// Guard runs before the executor undoes by itself: unless it ends with 0, the entry stays in force, and HOLD says so. "" lets it.
	// It is asked again until it does.
	Guard string
	Hold  string // in words: how to lift what stays in force
}

// Executor runs a program near the target: a *host.Host does.
type Executor interface {
	Run(ctx context.Context, q host.Question) (host.Answer, error)
}

// Lease is that of one run on one executor. Its methods may be called at the same time.
type Lease struct {
	executor         Executor
	target, run      string
	holder, by       string // holder is known to this process alone, so that a copy of what it has on disk holds nothing
	ttl, renewEvery  time.Duration
	mu               sync.Mutex
	longestRoundTrip time.Duration // guarded by mu
}

const (
	quick      = 45 * time.Second // a call that acts on nothing, with what it waits for the lock
	stateMost  = 12 * time.Second // what a State may take
	settleMost = 3 * time.Second  // for which it is asked again after an act
	beatMost   = 6 * time.Second  // within which a watchdog that lives is certain to have beaten
	mostAnswer = 1 << 20          // bytes of an answer
	longestAct = 600              // seconds that an act may take
	longestTTL = 24 * time.Hour
)

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	idForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$`)
	wordForm = regexp.MustCompile(`^[A-Za-z0-9][!-~]{0,99}$`)
)

// TTLFor is the shortest time for which a lease may live: three renewals, and the longest round trip or act, which may keep a renewal waiting.
func TTLFor(renewEvery, longest time.Duration) time.Duration { return 3*renewEvery + longest }

// New makes the lease of a run; nothing is asked of the executor. There is one for each process: who has only the name of a run may take it
// back when its holder has fallen silent, and no sooner.
func New(x Executor, target, run string, ttl, renewEvery time.Duration) (*Lease, error) {
	switch {
	case !nameForm.MatchString(target):
		return nil, fmt.Errorf("make a lease: %q is no name of a target", target)
	case !nameForm.MatchString(run):
		return nil, fmt.Errorf("make a lease: %q is no name of a run", run)
	case renewEvery < 100*time.Millisecond || ttl > longestTTL || ttl < TTLFor(renewEvery, 0):
		return nil, fmt.Errorf("make a lease: of %v, renewed every %v: it must live for three renewals and the longest round trip, and for 24h at most", ttl, renewEvery)
	}
	name, _ := os.Hostname()
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(".-", r) || r < 128 && wordForm.MatchString(string(r)) {
			return r
		}
		return -1
	}, name)
	by := fmt.Sprintf("%s-%d", name, os.Getpid())
	return &Lease{executor: x, target: target, run: run, holder: rand.Text(), by: by, ttl: ttl, renewEvery: renewEvery}, nil
}

// Longest is the longest round trip until now, of calls that act on nothing.
func (l *Lease) Longest() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.longestRoundTrip
}

// long refuses a lease that does not live for three renewals and what may keep one waiting.
func (l *Lease) long(most time.Duration) error {
	if need := TTLFor(l.renewEvery, max(l.Longest(), most)); l.ttl < need {
		return &RefusedError{Outcome: "short", Why: fmt.Sprintf("a lease of %v is too short: renewed every %v, with a round trip or an act of %v, it must live for %v", l.ttl, l.renewEvery, (need - 3*l.renewEvery).Round(time.Millisecond), need.Round(time.Millisecond))}
	}
	return nil
}

// Arm arms the lease and reads it back: it returns when the watchdog there lives on after the call that began it.
func (l *Lease) Arm(ctx context.Context) (Status, error) {
	if _, err := l.Status(ctx); err != nil {
		return Status{}, err
	}
	if err := l.long(0); err != nil {
		return Status{}, err
	}
	if a, err := l.call(ctx, quick, []byte(script), "arm", centis(l.ttl), centis(l.renewEvery)); err != nil {
		return a.Status, err
	}
	first, err := l.Status(ctx)
	for s := first; err == nil && s.State == Armed; s, err = l.Status(ctx) {
		if s.Alive && s.beat > first.Now.Uptime {
			return s, nil
		}
		if s.Now.Uptime > first.Now.Uptime+beatMost {
			return s, &UnwatchedError{Run: l.run}
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return s, &UnknownError{Act: "arm", Err: ctx.Err()}
		}
	}
	if err == nil {
		err = &RefusedError{Outcome: "lost", Why: "the lease was not there any more when it was read back"}
	}
	return Status{}, err
}

// Renew renews the lease: it lives for its whole time again.
func (l *Lease) Renew(ctx context.Context) (Status, error) {
	a, err := l.call(ctx, quick+l.ttl, nil, "renew") // it may wait for a Do
	if err == nil && !a.Status.Alive {
		err = &UnwatchedError{Run: l.run}
	}
	return a.Status, err
}

// Status reads how the lease and its entries are, by what is on record there.
func (l *Lease) Status(ctx context.Context) (Status, error) {
	a, err := l.call(ctx, quick, nil, "status")
	return a.Status, err
}

// Look is Status after each entry that is in force was asked how it is.
func (l *Lease) Look(ctx context.Context) (Status, error) {
	a, err := l.call(ctx, 10*quick, nil, "look")
	return a.Status, err
}

// Do renews the lease and does what an entry is there to do. Without an error it is in force: State says so. Whatever the error is, the entry is to be undone.
func (l *Lease) Do(ctx context.Context, e Entry) (Result, error) {
	if err := e.wrong(); err != nil {
		return Result{}, err
	}
	most := time.Duration(e.Most) * time.Second
	if _, err := l.Renew(ctx); err != nil {
		return Result{}, err
	}
	if err := l.long(most); err != nil {
		return Result{}, err
	}
	held := "no"
	if e.Held {
		held = "yes"
	}
	a, err := l.call(ctx, quick+most+2*stateMost+settleMost, nil, "do", e.ID, strconv.Itoa(e.Most), held, e.State, e.Scripts.Do, e.Scripts.Undo, e.Guard, e.Hold,
		strings.Join(e.Free, " "), strings.Join(e.Ours, " "))
	return a.Result, err
}

// Undo undoes an entry. One that never arrived is kept from being done by its tombstone. It asks no guard.
func (l *Lease) Undo(ctx context.Context, id string) (Result, error) {
	if !idForm.MatchString(id) {
		return Result{}, fmt.Errorf("undo: %q is no name of an entry: write letters, digits, dots and dashes", id)
	}
	// What comes before it under the lock may take as long as it itself.
	a, err := l.call(ctx, quick+2*longestAct*time.Second+3*stateMost, nil, "undo", id)
	return a.Result, err
}

// Leave has the executor undo an entry no more: what it has done stays as it is, on purpose.
func (l *Lease) Leave(ctx context.Context, id string) (Result, error) {
	if !idForm.MatchString(id) {
		return Result{}, fmt.Errorf("leave: %q is no name of an entry: write letters, digits, dots and dashes", id)
	}
	a, err := l.call(ctx, quick+2*longestAct*time.Second, nil, "leave", id)
	return a.Result, err
}

// UndoAll sees to it that nothing more is done in the run, and undoes every entry, from the last to the first. One that cannot be undone does not
// keep the others from it; the first error is given.
func (l *Lease) UndoAll(ctx context.Context) (Status, error) {
	a, err := l.call(ctx, quick, nil, "over")
	if err != nil {
		return a.Status, err
	}
	var first error
	for _, e := range slices.Backward(a.Status.Entries) {
		if !e.InForce() {
			continue
		}
		if _, err := l.Undo(ctx, e.ID); err != nil && first == nil {
			first = err
		}
	}
	s, err := l.Status(ctx)
	if first == nil {
		first = err
	}
	return s, first
}

// Release ends the lease. It is refused while anything is in force.
func (l *Lease) Release(ctx context.Context) (Status, error) {
	a, err := l.call(ctx, quick+2*longestAct*time.Second, nil, "release")
	return a.Status, err
}

// call runs the script there. It is given as long as it may take, or as ctx has left.
func (l *Lease) call(ctx context.Context, most time.Duration, stdin []byte, verb string, words ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	argv := append([]string{"sh", "-c", script, "lease", l.target, verb, l.run, l.holder, l.by}, words...)
	began := time.Now()
	a, err := l.executor.Run(ctx, host.Question{Argv: argv, Stdin: stdin, Most: mostAnswer})
	if verb != "do" && verb != "undo" && verb != "look" && verb != "release" {
		l.mu.Lock()
		l.longestRoundTrip = max(l.longestRoundTrip, time.Since(began))
		l.mu.Unlock()
	}
	switch {
	case err != nil && !a.Sent:
		return answer{}, err
	case err != nil:
		return answer{}, &UnknownError{Act: verb, Err: err}
	case a.Code != 0:
		return answer{}, &UnknownError{Act: verb, Err: fmt.Errorf("the script there ended with exit code %d", a.Code)}
	}
	got, err := parse(a.Stdout)
	if err != nil {
		return answer{}, &UnknownError{Act: verb, Err: err}
	}
	if got.Status.Run != l.run && got.Status.State != None {
		got.Status.State = OtherRun
	}
	return got, got.wrong(verb, l.run, words)
}

// centis writes a time in hundredths of a second.
func centis(d time.Duration) string {
	return strconv.FormatInt(int64(d/(10*time.Millisecond)), 10)
}

// wrong says what an entry lacks.
func (e Entry) wrong() error {
	switch {
	case !idForm.MatchString(e.ID):
		return fmt.Errorf("do: %q is no name of an entry: write letters, digits, dots and dashes", e.ID)
	case e.State == "" || e.Scripts.Do == "" || e.Scripts.Undo == "":
		return fmt.Errorf("do %s: it has no State, no Do or no Undo", e.ID)
	case len(e.Free) == 0 || len(e.Ours) == 0:
		return fmt.Errorf("do %s: Free and Ours must hold a word each", e.ID)
	case e.Most < 1 || e.Most > longestAct:
		return fmt.Errorf("do %s: Most is %d: write 1 to %d seconds", e.ID, e.Most, longestAct)
	case strings.ContainsRune(e.State+e.Scripts.Do+e.Scripts.Undo+e.Guard+e.Hold, 0):
		return fmt.Errorf("do %s: a script holds a NUL", e.ID)
	}
	for i, word := range slices.Concat(e.Free, e.Ours) {
		switch {
		case !wordForm.MatchString(word):
			return fmt.Errorf("do %s: %q is no word of a State", e.ID, word)
		case i < len(e.Free) && slices.Contains(e.Ours, word):
			return fmt.Errorf("do %s: the word %q is Free, and Ours as well", e.ID, word)
		}
	}
	return nil
}
