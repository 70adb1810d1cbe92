package probes

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"blackstart/harness"
)

func TestObservationsComeInTheOrderInWhichTheyBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := harness.NewClock()
		var got []string
		order := reorderer{clock: clock, sink: func(o harness.Observation) { got = append(got, o.Detail) }}
		so := func() []string {
			order.mu.Lock()
			defer order.mu.Unlock()
			return slices.Clone(got)
		}
		make := func(name string, after, takes time.Duration) {
			time.Sleep(after)
			order.observe(func() harness.Observation {
				o := harness.Observation{Detail: name, At: harness.Interval{Lo: clock.Now()}}
				time.Sleep(takes)
				o.At.Hi = clock.Now()
				return o
			})
		}
		go make("slow", 10, 100)
		go make("second", 20, 60)
		go make("first", 0, 5)
		go make("third", 30, 10)
		go make("last", 120, 5)
		time.Sleep(6 * time.Nanosecond)
		synctest.Wait()
		if got := so(); !slices.Equal(got, []string{"first"}) {
			t.Errorf("before anything is under way: %v", got)
		}
		time.Sleep(100 * time.Nanosecond)
		synctest.Wait()
		if got := so(); !slices.Equal(got, []string{"first"}) {
			t.Errorf("while the slow one is under way: %v", got)
		}
		time.Sleep(100 * time.Nanosecond)
		synctest.Wait()
		if want := []string{"first", "slow", "second", "third", "last"}; !slices.Equal(so(), want) || len(order.held) != 0 || len(order.open) != 0 {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
