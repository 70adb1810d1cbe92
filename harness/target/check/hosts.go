package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"blackstart/harness/host"
	"blackstart/harness/target"
)

// hostTime is for one question to a host: a connection, and a program there.
const hostTime = 15 * time.Second

func hostLook(int) time.Duration { return hostTime }

// hosts tells by which way each host is reached and, of one that programs can be run on, what it says of itself.
func (c *checker) hosts(ctx context.Context) []Row { return c.look(ctx, c.Target.Hosts) }

// hostsThatRun are those that programs are run on: a drill needs nothing of the others.
func (c *checker) hostsThatRun(ctx context.Context) []Row {
	return c.look(ctx, slices.DeleteFunc(slices.Clone(c.Target.Hosts), func(h target.Host) bool { return h.By == "" }))
}

func (c *checker) look(ctx context.Context, hosts []target.Host) []Row {
	return each(ctx, len(hosts), hostLook, anywhere, func(ctx context.Context, i int) []Row {
		of := hosts[i]
		row := Row{Of: "host", Name: of.Name}
		if of.OS == target.Windows {
			row.notAvailable("not supported: a host that runs Windows")
			return []Row{row}
		}
		route, err := by(ctx, strings.Trim(of.Address, "[]"))
		if of.By == "" {
			if err != nil {
				row.no(err)
			} else {
				row.yes(route + "; a route is all that is asked of a host for which by: is not written")
			}
			return []Row{row}
		}
		h, err := c.host(of.Name)
		var seen host.Seen
		if err == nil {
			seen, err = h.Look(ctx)
		}
		if err != nil {
			row.no(err)
			return []Row{row}
		}
		row.yes(join(seen.System, fmt.Sprintf("programs run as %s by %s", seen.Account, of.By), route))
		return []Row{row, c.clock(host.Label(of.Name), seen.Clock)}
	})
}

// host gives a host that is certain to be the right one.
func (c *checker) host(name string) (*host.Host, error) {
	of, ok := c.Target.HostByName(name)
	if !ok {
		return nil, fmt.Errorf("there is no host %s", name)
	}
	if !c.open[host.Label(name)] {
		return nil, uncertain(host.Label(name))
	}
	return host.Make(of)
}

func pinOf(identity string) []string {
	if identity == "" {
		return nil
	}
	return []string{identity}
}

// hostIdentities asks every host that has a transport who it is.
func (c *checker) hostIdentities(ctx context.Context) []Row {
	return each(ctx, len(c.Target.Hosts), hostLook, anywhere, func(ctx context.Context, i int) []Row {
		of := c.Target.Hosts[i]
		if of.By == "" {
			return nil
		}
		h, err := host.Make(of)
		got := ""
		if err == nil {
			got, err = h.Who(ctx)
		}
		row, sure := c.identity(host.Label(of.Name), pinOf(of.Identity), got, err)
		if sure {
			c.trust(host.Label(of.Name))
		}
		return []Row{row}
	})
}
