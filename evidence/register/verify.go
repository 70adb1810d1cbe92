package register

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Verified is what Verify found.
type Verified struct {
	Log      *Log     // its entries up to the first altered one
	Problems []string // what is altered; the first names the first altered entry
	Notes    []string // what is no alteration
	Unclosed int      // packs whose run is not closed: their end cannot be compared
	broken   bool     // the entries behind Log's last one are there, and were not read into it
}

// Kept is what was found in a pack, whose opening has been checked.
type Kept struct {
	Pack    string // its file
	Run     string
	Key     string // of the register it was opened in: public half
	Opening Opening
	Ending  Closed // how the pack says its run ended: what its register was told
}

// Verify checks every entry's signature and place, every checkpoint, that what the entries tell fits together, and that the
// register still has what the given packs keep of it. What is wrong is a problem; the error is about this machine or says that
// there is no register.
func Verify(ctx context.Context, s Store, packs []Kept) (Verified, error) {
	l, err := openAbout(ctx, s)
	if err != nil {
		return Verified{}, err
	}
	v := Verified{Log: l}
	bad, err := l.read(ctx, l.verifier)
	var altered *Altered
	if errors.As(err, &altered) {
		v.problem(altered)
		return v, nil
	}
	if err != nil {
		return v, err
	}
	if bad != nil {
		v.problem(bad)
		v.broken = true
	} else {
		if err := v.checkpoints(ctx); err != nil {
			return v, err
		}
		v.fitTogether()
		if err := errors.Join(v.copies(ctx), v.checkTiles(ctx)); err != nil {
			return v, err
		}
	}
	v.packs(packs)
	if n := len(l.strays); n > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d files lie in the register's directories and are none of it, the first is %.80q: they were not read", n, l.strays[0]))
	}
	return v, nil
}

func (v *Verified) problem(err error) { v.Problems = append(v.Problems, err.Error()) }

// checkpoints demands one for every size but the last, which a writer that died may owe, each signed for these entries.
func (v *Verified) checkpoints(ctx context.Context) error {
	l, fits := v.Log, true
	errs, err := l.checkAll(ctx)
	if err != nil {
		return err
	}
	for size := int64(1); size <= l.Size(); size++ {
		err := errs[size-1]
		switch {
		case err == nil:
			l.noted = size
		case errors.Is(err, ErrNotFound) && size == l.Size():
			v.Notes = append(v.Notes, fmt.Sprintf("entry %d has no checkpoint over it yet: its writer was stopped, or is at work; the next one signs it", size-1))
		case fits:
			var altered *Altered
			fits = !errors.As(err, &altered) || altered.Index < 0 // those behind an altered entry cannot fit
			if len(v.Problems) < maxProblems {
				v.problem(err)
			}
		}
	}
	var altered *Altered
	err = l.nothingCut(ctx)
	if errors.As(err, &altered) {
		v.problem(err)
		return nil
	}
	return err
}

// checkAll checks the checkpoint of every size, several at once; what is wrong with each stands at its size less one. The error is about
// this machine, or about the way to the store.
func (l *Log) checkAll(ctx context.Context) ([]error, error) {
	errs := make([]error, l.Size())
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i := range errs {
		g.Go(func() error {
			errs[i] = l.checkCheckpoint(ctx, int64(i)+1)
			var altered *Altered
			if errs[i] == nil || errors.Is(errs[i], ErrNotFound) || errors.As(errs[i], &altered) {
				return nil
			}
			return errs[i]
		})
	}
	return errs, g.Wait()
}

// maxProblems is how many are named one by one.
const maxProblems = 20

// fitTogether checks that what the entries tell of runs fits together, and notes what is odd and no contradiction.
func (v *Verified) fitTogether() {
	v.Problems = append(v.Problems, v.Log.Misfits(v.Log.Size())...)
	unknown, back := 0, 0
	for i, n := range v.Log.lines {
		if i > 0 && n.Time().Before(v.Log.lines[i-1].Time()) {
			back++
		}
		if !n.Kind.Known() {
			unknown++
		}
	}
	if back > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d entries are dated before the one before them: a writer's clock went back, or differs from another's", back))
	}
	if unknown > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d entries are of kinds that this build does not know: their place in the chain was checked", unknown))
	}
}

// Misfits says which of the first head entries contradict one before them: a run that is opened or ended twice, or that another entry
// opened than the one that is named. Whoever counts runs says so.
func (l *Log) Misfits(head int64) []string {
	var all []string
	opened, ended := map[string]int64{}, map[string]int64{}
	bad := func(n Line, format string, args ...any) {
		if len(all) < maxProblems {
			all = append(all, fmt.Sprintf("entry %d, %s: %s", n.Index, n.Kind, fmt.Sprintf(format, args...)))
		}
	}
	for _, n := range l.lines[:head] {
		if n.Body == nil {
			continue
		}
		run := n.Body.run()
		at, ok := opened[run]
		switch b := n.Body.(type) {
		case *Opened:
			if ok {
				bad(n, "run %s was opened by entry %d already", run, at)
				continue
			}
			opened[run] = n.Index
			continue
		case *Closed:
			ok = ok && at == b.Opened
		case *Parked:
			ok = ok && at == b.Opened
		}
		if !ok {
			bad(n, "run %s was not opened by the entry it names, or by none before it", run)
		}
		if before, again := ended[run]; again && n.Kind != KindAmended {
			bad(n, "run %s was ended by entry %d already", run, before)
		} else if n.Kind != KindAmended {
			ended[run] = n.Index
		}
	}
	return all
}

// packs holds the register against what packs keep of it. The lowest altered entry that any of them knows is named first.
func (v *Verified) packs(packs []Kept) {
	var first *Altered
	var errs []error
	ends := map[string][]Line{}
	for _, n := range v.Log.lines {
		switch b := n.Body.(type) {
		case *Closed, *Parked:
			ends[b.run()] = append(ends[b.run()], n)
		}
	}
	for _, p := range packs {
		err := v.pack(p, ends[p.Run])
		var altered *Altered
		if errors.As(err, &altered) && (first == nil || altered.Index < first.Index) {
			first = altered
		}
		if err != nil && len(errs) < maxProblems {
			errs = append(errs, fmt.Errorf("%s: %w", p.Pack, err))
		}
	}
	if first != nil {
		v.Problems = append([]string{first.Error()}, v.Problems...)
	}
	for _, err := range errs {
		v.problem(err)
	}
}

// pack holds the register against one pack: it must have been what the pack keeps of it, and its run must have ended as the pack says.
func (v *Verified) pack(p Kept, ends []Line) error {
	if p.Key != v.Log.Key {
		return fmt.Errorf("it was opened in another register, or this one has another key now: %s", p.Key)
	}
	err := v.Log.Compare(p.Opening)
	var altered *Altered
	if errors.As(err, &altered) && v.broken && altered.Index >= v.Log.Size() {
		return nil // it was not read that far
	}
	if err != nil {
		return fmt.Errorf("not the register that it was opened under: %w", err)
	}
	for _, n := range ends {
		c, ok := n.Body.(*Closed)
		switch {
		case !ok:
			return fmt.Errorf("entry %d says that its run was parked and can never be sealed; here is its pack", n.Index)
		case c.PackSHA256 != p.Ending.PackSHA256:
			return fmt.Errorf("entry %d closed its run with another pack: SHA-256 %s, this one's is %s", n.Index, orNone(c.PackSHA256), p.Ending.PackSHA256)
		case *c != p.Ending:
			return fmt.Errorf("entry %d closed its run otherwise than the pack says: %s", n.Index, c.otherwise(p.Ending))
		}
	}
	if len(ends) == 0 && !v.broken {
		v.Unclosed++
		v.Notes = append(v.Notes, fmt.Sprintf("%s: its run was opened by entry %d and is not closed: how it ended could not be compared", p.Pack, p.Opening.Index))
	}
	return nil
}

// otherwise names a field in which two endings differ.
func (c *Closed) otherwise(pack Closed) string {
	x, y := reflect.ValueOf(*c), reflect.ValueOf(pack)
	for i := range x.NumField() {
		if !x.Field(i).Equal(y.Field(i)) {
			return fmt.Sprintf("%s is %.200q there, %.200q in the pack", x.Type().Field(i).Tag.Get("json"), fmt.Sprint(x.Field(i)), fmt.Sprint(y.Field(i)))
		}
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// copies notes the closed runs of whose packs the store has no copy. That the copies are what was closed, Verify says of those it is
// given.
func (v *Verified) copies(ctx context.Context) error {
	var closed []string
	for _, n := range v.Log.lines {
		if c, ok := n.Body.(*Closed); ok && c.PackSHA256 != "" {
			closed = append(closed, c.Run)
		}
	}
	there := make([]bool, len(closed))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i, run := range closed {
		g.Go(func() error {
			names, err := v.Log.store.List(ctx, "runs/"+run)
			there[i] = slices.Contains(names, "pack.zip")
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("look for the copies of packs: %w", err)
	}
	missing, first := 0, ""
	for i, run := range closed {
		if there[i] {
			continue
		}
		if missing++; missing == 1 {
			first = run
		}
	}
	if missing > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d closed runs have no copy of their pack in the store, the first is run %s", missing, first))
	}
	return nil
}
