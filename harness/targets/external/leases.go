package external

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"blackstart/harness"
	"blackstart/harness/host"
	"blackstart/harness/lease"
	"blackstart/harness/target/check"
)

const (
	renewEvery = 3 * time.Second  // a lease lives for three renewals and the longest act or round trip
	lookEvery  = 2                // renewals: what is in force is asked about every 6 s
	roundTrip  = 5 * time.Second  // that is allowed for
	tryTime    = 20 * time.Second // to find out what is permitted on a host
)

// held is what this run has on the hosts that undo it when it falls silent.
type held struct {
	mu       sync.Mutex
	leases   map[string]*lease.Lease // by host
	lapsed   string
	inForce  map[string]deed // by ID of its entry: what was done and not undone here
	released []string
	known    map[string]bool // IDs of entries that were found undone by others
	stop     context.CancelFunc
	stopped  sync.WaitGroup
}

// Arm implements harness.Leasing: on each host that carries out an act of these plans the permissions are tried, the lease is armed
// and read back, and then renewed until the driver stops.
func (d *Driver) Arm(ctx context.Context, plans []harness.Plan) (words []string, err error) {
	hosts, err := d.byHost(plans)
	if err != nil {
		return nil, err
	}
	if why := check.StandsIn(d.Target); why != "" && len(hosts) > 0 {
		return nil, errors.New(why)
	}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		w, err := d.armOne(ctx, name, hosts[name])
		if err != nil {
			return words, fmt.Errorf("on host %s: %w", name, err)
		}
		words = append(words, w)
	}
	d.keepRenewed()
	return words, nil
}

// byHost gives what these plans have each host do. What no host could undo by itself is refused outside a rehearsal, and so is an act
// that takes longer than its lease can wait.
func (d *Driver) byHost(plans []harness.Plan) (map[string][]deed, error) {
	hosts := map[string][]deed{}
	return hosts, d.eachDeed(plans, func(_ harness.Step, one deed) error {
		need := lease.TTLFor(renewEvery, time.Duration(one.entry.Most)*time.Second+roundTrip)
		switch {
		case one.host == "" && d.Target.Metadata.Environment != harness.Rehearsal:
			return fmt.Errorf("call %s: no host could undo it if the harness fell silent: let it, and its undo, be exec on: the same host, without stdin", one.on)
		case one.host == "":
		case need > d.Target.LeaseTime():
			return fmt.Errorf("what is done to %s may take %d s, and the lease is %v: write limits.lease: %v or more", one.on, one.entry.Most, d.Target.LeaseTime(), need)
		default:
			hosts[one.host] = append(hosts[one.host], one)
		}
		return nil
	})
}

// Leasable says why the acts of these plans could not be done under a lease; nil if they can. It asks nobody.
func (d *Driver) Leasable(plans []harness.Plan) error {
	_, err := d.byHost(plans)
	return err
}

// armOne tries what a host needs, and arms its lease.
func (d *Driver) armOne(ctx context.Context, name string, all []deed) (string, error) {
	h, err := d.host(name)
	if err != nil {
		return "", err
	}
	for _, one := range all {
		if err := tried(ctx, h, one); err != nil {
			return "", err
		}
	}
	l, err := d.newLease(name)
	if err != nil {
		return "", err
	}
	if _, err := l.Arm(ctx); err != nil {
		return "", err
	}
	d.held.mu.Lock()
	defer d.held.mu.Unlock()
	d.held.leases[name] = l
	return fmt.Sprintf("host %s undoes what is in force by itself when the harness has been silent for %s", name, d.Target.LeaseTime()), nil
}

// newLease makes the lease of this run on a host, which asks nobody yet.
func (d *Driver) newLease(name string) (*lease.Lease, error) {
	h, err := d.host(name)
	if err != nil {
		return nil, err
	}
	return lease.New(h, d.Target.Metadata.Name, d.run(), d.Target.LeaseTime(), renewEvery)
}

// tried asks a host whether everything is permitted that an act needs.
func tried(ctx context.Context, h *host.Host, one deed) error {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	if err := h.Permits(ctx, one.needs.Programs, one.needs.Try); err != nil {
		return fmt.Errorf("what is done to %s: %w; blackstart target grants says what to ask for", one.on, err)
	}
	return nil
}

// keepRenewed renews every lease until the driver stops.
func (d *Driver) keepRenewed() {
	ctx, cancel := context.WithCancel(context.Background())
	d.held.mu.Lock()
	defer d.held.mu.Unlock()
	d.held.stop = cancel
	for name, l := range d.held.leases {
		d.held.stopped.Add(1)
		go func() {
			defer d.held.stopped.Done()
			d.renew(ctx, name, l)
		}()
	}
}

// renew renews one lease, and looks at what is in force there. It ends when the lease cannot be trusted any more.
func (d *Driver) renew(ctx context.Context, name string, l *lease.Lease) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	last := time.Now()
	for round := 1; ; round++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		_, err := l.Renew(ctx)
		if err == nil && round%lookEvery == 0 {
			var s lease.Status
			if s, err = l.Look(ctx); err == nil {
				d.look(s)
			}
		}
		var unknown *lease.UnknownError
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			last = time.Now()
			continue
		case errors.As(err, &unknown) && time.Since(last) < d.Target.LeaseTime()/2:
			continue // it may answer the next time
		}
		d.lapse(fmt.Sprintf("host %s cannot be trusted any more to undo what is in force: %v", name, err))
		return
	}
}

// look finds what somebody else has undone.
func (d *Driver) look(s lease.Status) {
	d.held.mu.Lock()
	defer d.held.mu.Unlock()
	for _, e := range s.Entries {
		one, ours := d.held.inForce[e.ID]
		if !ours || !e.Held || d.held.known[e.ID] || e.Is != lease.Gone {
			continue
		}
		d.held.known[e.ID] = true
		d.held.released = append(d.held.released, fmt.Sprintf("%s is %s again, and the drill has not undone it", one.on, e.Word))
	}
}

func (d *Driver) lapse(why string) {
	d.held.mu.Lock()
	defer d.held.mu.Unlock()
	if d.held.lapsed == "" {
		d.held.lapsed = why
	}
}

// Lapsed implements harness.Leasing.
func (d *Driver) Lapsed() string {
	d.held.mu.Lock()
	defer d.held.mu.Unlock()
	return d.held.lapsed
}

// Released implements harness.Leasing.
func (d *Driver) Released() []string {
	d.held.mu.Lock()
	defer d.held.mu.Unlock()
	all := d.held.released
	d.held.released = nil
	return all
}

// leaseOn is the lease of a host.
func (d *Driver) leaseOn(name string) (*lease.Lease, error) {
	d.held.mu.Lock()
	defer d.held.mu.Unlock()
	l, ok := d.held.leases[name]
	if !ok {
		return nil, fmt.Errorf("no lease is armed on host %s: nothing is done there", name)
	}
	return l, nil
}

// disarm ends the renewals, and releases every lease where everything is undone. What is not stays with its host, which undoes it.
func (d *Driver) disarm(ctx context.Context) error {
	d.held.mu.Lock()
	stop, leases := d.held.stop, maps.Clone(d.held.leases)
	d.held.mu.Unlock()
	if stop != nil {
		stop()
		d.held.stopped.Wait()
	}
	var errs []error
	for name, l := range leases {
		if _, err := l.Release(ctx); err != nil {
			errs = append(errs, fmt.Errorf("release the lease on host %s: %w; it undoes what it may by itself when the lease has run out, and NAME.abort.md beside the pack says how to do it now", name, err))
		}
	}
	return errors.Join(errs...)
}
