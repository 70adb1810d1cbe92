package harness

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// timed is a target with a database, which counts connections, and a service; the service is read slowly.
type timed struct {
	*rig
	asked atomic.Int64
}

func (t *timed) Clocks(ctx context.Context, all bool) []ClockAhead {
	t.asked.Add(1)
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
	}
	read := []ClockAhead{{Of: "api", Detail: "connection refused"}}
	if all {
		read = append(read, ClockAhead{Of: "db", Ahead: Offset{Lo: int64(time.Second), Hi: int64(1100 * time.Millisecond)}})
	}
	return read
}

// Clocks of the target are read in every phase beside the drill; those that cost a connection only before and after everything else.
func TestClocksOfATarget(t *testing.T) {
	of := &timed{rig: newRig()}
	rec, err, _ := tell(t, of.rig, func(p *Parts) { p.Driver = of })
	if err != nil {
		t.Fatal(err)
	}
	var phases []string
	for _, c := range rec.TargetClocks {
		width := c.Offset.Hi - c.Offset.Lo
		switch {
		case c.Of == "api" && (c.Offset != Offset{} || c.Detail == ""), c.At.Hi.Sub(c.At.Lo) < 3*time.Second:
			t.Errorf("%+v", c)
		case c.Of == "db":
			phases = append(phases, c.Phase)
			if c.Offset.Lo > int64(time.Second) || c.Offset.Hi < int64(1100*time.Millisecond) || width > int64(200*time.Millisecond) {
				t.Errorf("%+v", c)
			}
		}
	}
	if !slices.Equal(phases, []string{ActPlan, ActStop}) || of.asked.Load() < 4 || rec.checkTargetClocks() != nil {
		t.Errorf("the database in %q; asked %d times: %+v", phases, of.asked.Load(), rec.TargetClocks)
	}
}

func TestWhatAReadingOfAClockCannotSay(t *testing.T) {
	good := TargetClock{Of: "db", At: Interval{1, 2}, Offset: Offset{1, 2}}
	for what, change := range map[string]func(*TargetClock){
		"of nothing": func(c *TargetClock) { c.Of = "" }, "backwards": func(c *TargetClock) { c.At = Interval{2, 1} }, "inside out": func(c *TargetClock) { c.Offset = Offset{2, 1} },
		"too far": func(c *TargetClock) { c.Offset.Hi = maxOffset + 1 }, "read and not read": func(c *TargetClock) { c.Detail = "gone" },
	} {
		c := good
		change(&c)
		if (&Record{TargetClocks: []TargetClock{good, c}}).checkTargetClocks() == nil {
			t.Errorf("%s passes", what)
		}
	}
	if err := (&Record{TargetClocks: []TargetClock{good}}).checkTargetClocks(); err != nil {
		t.Error(err)
	}
}
