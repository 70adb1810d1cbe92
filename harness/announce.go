package harness

import (
	"context"
	"fmt"
	"time"
)

// tellLimit bounds how long people are tried to be told something.
const tellLimit = time.Minute

// announce tells people that a drill begins. Where nobody could be told, the drill ends here: nothing is loaded and nothing is broken.
func (d *drill) announce(ctx context.Context) error {
	if d.Announce == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	d.announced = true // of several, some may have been told
	if err := d.Announce(ctx); err != nil {
		d.note("people.not-told", "people could not be told that the drill begins: "+err.Error(), nil)
		return fmt.Errorf("tell people that the drill begins: %w", err)
	}
	d.note("people.told", "people were told that the drill begins", nil)
	return nil
}

// standDown tells people that it is over, once everything is undone. They are not told so while it is not.
func (d *drill) standDown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	switch {
	case d.StandDown == nil || !d.announced && d.Announce != nil || !d.started:
	case !d.rec.Undo.Complete:
		d.note("people.not-told", "people are not told that the drill is over: not everything is undone", nil)
	default:
		if err := safely("stand down", func() error { return d.StandDown(ctx) }); err != nil {
			d.note("people.not-told", "people could not be told that the drill is over: "+err.Error(), nil)
			return
		}
		d.note("people.told", "people were told that the drill is over", nil)
	}
}
