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
}

// WantedOf is what a load wants that runs for so long at most; false where there is no such workload, or none with these parameters.
func WantedOf(spec harness.LoadSpec, lasts time.Duration) (w Wanted, ok bool) {
	traits, ok := Traits(spec)
	rate, whole := spec.Rate.WholePerSecond()
	if !ok || !whole {
		return w, false
	}
	w = Wanted{Rate: rate, Connections: 1, Rows: int(math.Ceil(float64(rate)*lasts.Seconds())) * traits.Writes}
	if traits.Speaks == "" { // an operation that gets no answer holds its connection until it times out
		w.Connections = pools(traits) * max(1, int(math.Ceil(float64(rate)*spec.Timeout.D().Seconds())))
	}
	return w, true
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
	if writes := l.traits.Writes; to.Rows > 0 && writes > 0 {
		if l.config.Slots = uint64(to.Rows / writes); l.config.Slots == 0 { //nolint:gosec // both are positive
			return fmt.Errorf("one operation may write %d times, and its file lets a load write %d times", writes, to.Rows)
		}
	}
	if to.Connections > 0 {
		l.config.Database.MaxConns = min(workloads.DefaultMaxConns, to.Connections)
		if l.traits.Speaks == "" {
			l.config.Workers = max(1, to.Connections/pools(l.traits))
		}
	}
	return nil
}
