package loads

import (
	"fmt"
	"math"
	"slices"
	"time"

	"blackstart/harness"
	"blackstart/loadgen/workloads"
)

// Wanted is what a load may come to where everything goes wrong.
type Wanted struct {
	Rate        int // operations due a second
	Connections int // at a time; of a load that dials components, as few as it gets along with
	Rows        int // in all, while the load runs for so long

	Bytes harness.Size // of these, in all
	Sized bool         // whether it is known how much one of them is, or none is made
}

// WantedOf is what a load wants that runs for so long at most; false where there is no such workload, or none with these parameters.
func WantedOf(spec harness.LoadSpec, lasts time.Duration) (w Wanted, ok bool) {
	traits, ok := Traits(spec)
	rate, whole := spec.Rate.WholePerSecond()
	if !ok || !whole {
		return w, false
	}
	w = Wanted{Rate: rate, Connections: 1, Rows: int(math.Ceil(float64(rate)*lasts.Seconds())) * traits.Writes}
	size, sized := writeSize(spec)
	w.Bytes, w.Sized = harness.Size(w.Rows)*size, sized || w.Rows == 0
	if traits.Speaks == "" { // an operation that gets no answer holds its connection until it times out
		w.Connections = pools(traits) * max(1, int(math.Ceil(float64(rate)*spec.Timeout.D().Seconds())))
	}
	return w, true
}

// writeSize is how much one write of a load is at most; false where that is not known.
func writeSize(spec harness.LoadSpec) (harness.Size, bool) {
	w, err := workloadOf(spec)
	of, ok := w.(workloads.Sized)
	if err != nil || !ok {
		return 0, false
	}
	return harness.Size(of.WriteSize()), true
}

// pools is how many sets of connections a load to the entry holds, each as large as the number of operations at a time: kept ones stay
// while others are opened.
func pools(t harness.Traits) int {
	if len(t.Cohorts) > 1 && slices.Contains(t.Cohorts, workloads.Pooled.String()) {
		return 2
	}
	return 1
}

// limit holds a load to what the target's file lets each load do, whatever the scenario says. What ends by it ends: nothing is written
// beyond it.
func (l *load) limit(to *harness.LoadLimits) error {
	if to == nil {
		return nil
	}
	if most := to.Rate.PerSecond(); to.Rate.Count > 0 && float64(l.config.Rate) > most {
		return fmt.Errorf("a rate of %s is more than the %s that its file lets a load have", l.spec.Rate, to.Rate)
	}
	if err := l.limitWrites(to); err != nil {
		return err
	}
	if to.Connections > 0 {
		l.config.Database.MaxConns = min(workloads.DefaultMaxConns, to.Connections)
		if l.traits.Speaks == "" {
			l.config.Workers = max(1, to.Connections/pools(l.traits))
		}
	}
	return nil
}

// limitWrites ends a load that has made as many operations as its writes may be, by number and by volume.
func (l *load) limitWrites(to *harness.LoadLimits) error {
	writes := l.traits.Writes
	if writes == 0 {
		return nil
	}
	most := uint64(0) // 0 bounds nothing
	if to.Rows > 0 {
		if most = uint64(to.Rows / writes); most == 0 { //nolint:gosec // both are positive
			return fmt.Errorf("one operation may write %d times, and its file lets a load write %d times", writes, to.Rows)
		}
	}
	if to.Bytes > 0 {
		size, sized := writeSize(l.spec)
		if !sized || size == 0 {
			return fmt.Errorf("its file bounds what a load writes to %s, and how much one write of %s is, is not known", to.Bytes, l.spec.Workload)
		}
		operations := uint64(to.Bytes / (size * harness.Size(writes))) //nolint:gosec // all are positive
		if operations == 0 {
			return fmt.Errorf("one operation may write %d times %s, and its file lets a load write %s", writes, size, to.Bytes)
		}
		if most == 0 || operations < most {
			most = operations
		}
	}
	l.config.Slots = most
	return nil
}
