package check

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/target"
)

// components looks at each, and holds its role to that of its region and its clock to ours.
func (c *checker) components(ctx context.Context) []Row {
	return each(ctx, len(c.parts), lookTime, c.roomOfPart, func(ctx context.Context, i int) []Row {
		p := c.parts[i]
		row := Row{Of: "component", Name: p.Name}
		var seen component.Seen
		err := c.known(p.Name, p.at.Pins())
		if err == nil {
			err = c.between[p.Name]
		}
		if err == nil {
			seen, err = p.kind.Look(ctx, p.at)
		}
		switch {
		case err != nil:
			row.no(err)
			return []Row{row}
		case seen.Windows || c.onWindows(p.Component):
			row.notAvailable("not supported: %s runs on Windows", p.Name)
			return []Row{row}
		case seen.Contradicts(p.role) != "":
			row.refused("%s", seen.Contradicts(p.role))
		default:
			row.yes(join(seen.Version, seen.Role, seen.Also, way(p.at.Address, seen.Ends)))
		}
		if seen.Clock == nil {
			return []Row{row}
		}
		return []Row{row, c.clock(p.Name, *seen.Clock)}
	})
}

func (c *checker) clock(name string, o component.Offset) Row {
	row, most := Row{Of: "clock", Name: name}, cmp.Or(c.Target.Clocks.AtMost.D(), atMostOff)
	if o.Within(most) {
		row.yes(fmt.Sprintf("%v against ours", o))
	} else {
		row.refused("%v against ours, at most %v", o, most)
	}
	return row
}

// writes finds out whether what may be written could be. It writes nothing.
func (c *checker) writes(ctx context.Context) []Row {
	tables := slices.DeleteFunc(slices.Clone(c.Target.Allows), func(a target.Allow) bool { return a.Write == "" })
	where := func(i int) chan struct{} { return c.roomOf(tables[i].On) }
	return each(ctx, len(tables), lookTime, where, func(ctx context.Context, i int) []Row {
		a := tables[i]
		row := Row{Of: "write", Name: a.Write + " on " + a.On}
		for _, p := range c.parts {
			holder, ok := p.kind.(component.Holding)
			if !ok || p.Name != a.On {
				continue
			}
			var text string
			err := c.known(p.Name, p.at.Pins())
			if err == nil {
				text, err = holder.MayWrite(ctx, p.at, a.Write)
			}
			if err != nil {
				row.no(err)
			} else {
				row.yes(text)
			}
			return []Row{row}
		}
		row.notAvailable("%s holds nothing of ours", a.On)
		return []Row{row}
	})
}

// links asks each link as it can be seen from here: one that begins outside by connecting, any other by what the component at its
// beginning tells of it.
func (c *checker) links(ctx context.Context) []Row {
	where := func(i int) chan struct{} { return c.roomOf(c.Target.Links[i].From) }
	return each(ctx, len(c.Target.Links), lookTime, where, func(ctx context.Context, i int) []Row {
		l := c.Target.Links[i]
		row := Row{Of: "link", Name: l.Name}
		var from, to part
		for _, p := range c.parts {
			if p.Name == l.From {
				from = p
			}
			if p.Name == l.To {
				to = p
			}
		}
		asked := from
		if l.From == harness.Outside {
			asked = to
		}
		if err := c.known(asked.Name, asked.at.Pins()); err != nil {
			row.no(err)
			return []Row{row}
		}
		if l.From == harness.Outside {
			row.dialled(ctx, to.at.Address)
			return []Row{row}
		}
		if teller, ok := from.kind.(component.Linked); ok && from.Kind == to.Kind {
			if text, err := teller.ConnectedTo(ctx, from.at, to.at.Address); err != nil {
				row.no(err)
			} else {
				row.yes(l.From + " says that " + text)
			}
			return []Row{row}
		}
		row.notAvailable("it is seen from %s alone, which does not tell of it, and no command is run there yet", l.From)
		return []Row{row}
	})
}

func (r *Row) dialled(ctx context.Context, address string) {
	begun := time.Now()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		r.no(err)
		return
	}
	took := time.Since(begun)
	ends := component.EndsOf(conn)
	_ = conn.Close()
	r.yes(fmt.Sprintf("connected in %v, %s", took.Round(10*time.Microsecond), way(address, ends)))
}

// calls makes those that only read, and finds out of the others whether they could be made.
func (c *checker) calls(ctx context.Context) []Row {
	limit := func(i int) time.Duration { return c.Target.Calls[i].Timeout.D() }
	where := func(i int) chan struct{} {
		kind, err := call.Make(c.Target.Calls[i])
		if of, ok := kind.(call.Asking); err == nil && ok {
			return c.roomOf(of.Asks())
		}
		return nil
	}
	return each(ctx, len(c.Target.Calls), limit, where, func(ctx context.Context, i int) []Row {
		of := c.Target.Calls[i]
		row := Row{Of: "call", Name: of.Name}
		around := call.Around{Secrets: c.secrets, Database: c.database, Pins: c.pins, Host: c.host, Redis: c.redis}
		kind, err := call.Make(of)
		switch {
		case err != nil:
			row.no(err)
		case !of.Reads:
			if text, err := kind.Reach(ctx, around); err != nil {
				row.no(err)
			} else {
				row.yes(text + "; it acts, so it was not made")
			}
		default:
			said := kind.Call(ctx, around, true)
			effect := call.Kept(of, said)
			row.Effect = &effect
			row.made(effect, said.Answered)
			if yes, err := said.Says(); err == nil && !yes && c.asksOfWrites(of.Name) { // the answer of one that leads
				row.yes("it says that writes are taken")
			}
		}
		return []Row{row}
	})
}

// asksOfWrites tells whether a call is there to ask whether a component takes writes.
func (c *checker) asksOfWrites(name string) bool {
	return slices.ContainsFunc(c.Target.Components, func(of target.Component) bool { return of.Fencing != nil && of.Fencing.Asked == name })
}

// made fills a row in for a call that was made; answered tells that what was not done was answered.
func (r *Row) made(e call.Effect, answered bool) {
	switch e.Outcome {
	case call.Done:
		text := fmt.Sprintf("done, %d bytes", e.Bytes)
		for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
			text += ", " + name + " " + e.Fields[name]
		}
		r.yes(text)
	case call.Refused:
		r.notAvailable("%s", e.Why)
	default:
		r.notAvailable("unknown: %s", e.Why)
	}
	if answered && e.Outcome != call.Done {
		r.State = Refused
	}
}

// window tells whether something might be done there now. A check itself does nothing: it needs no window, and a shut one is no
// fault.
func (c *checker) window(context.Context) []Row {
	w := c.Target.Limits.ChangeWindow
	if w == nil {
		return nil
	}
	row := Row{Of: "window", Name: w.Zone}
	_, text := w.At(c.Now)
	row.yes(text)
	return []Row{row}
}
