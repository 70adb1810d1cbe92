package external

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/probes"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/victim"
	"blackstart/internal/pgdial"
	"blackstart/internal/registry"
)

// held: whoever listens where a pinned database did, with or without TLS, is asked who it is by each connection, and nothing else where
// it is another: a probe sees no good answer, a check does not hold, a ledger's write is refused for certain.
func (r *rig) held(t *testing.T) {
	var id string
	must(t, r.ask(r.east, pgdial.WhoSQL).Scan(&id))
	d, s := r.running(t, "region: west,", "identity: '"+id+"', region: west,", "region: east,", "identity: '"+id+"', region: east,")
	for _, c := range s.Target.Components {
		a, err := d.Access(harness.Outside, c.Name)
		if err != nil || a.Identity != id {
			t.Fatalf("%s: %+v, %v", c.Name, a.Identity, err)
		}
		conn, err := pgdial.Connect(t.Context(), pgdial.Params{Address: a.Address, User: a.User, Password: a.Password, Database: a.Database, TLS: a.TLS, Auth: a.Auth, Identity: a.Identity})
		must(t, err)
		must(t, conn.Close(t.Context()))
	}
	const other = "123456789012345678"
	another := func(place, name string) (harness.Access, error) { // as if the address led elsewhere by now
		a, err := d.Access(place, name)
		a.Identity = other
		return a, err
	}
	a, err := another(harness.Outside, "west.db") // without TLS
	must(t, err)
	_, err = pgdial.Connect(t.Context(), pgdial.Params{Address: a.Address, User: a.User, Password: a.Password, Database: a.Database, Auth: a.Auth, Identity: a.Identity})
	if who := new(pgdial.AnotherError); !errors.As(err, &who) || who.Is != id || who.Want != other {
		t.Errorf("another server: %v", err)
	}
	s.Access = another
	kind, _ := probes.Probes.Get(harness.ProbeWritable)
	for _, run := range probes.Open([]registry.Kind[probes.Factory]{kind}, []harness.ProbeSpec{{ID: "role", Probe: "postgres.role", On: "west.db"}}, s, false) {
		if run.Run == nil {
			continue
		}
		ctx, end := context.WithTimeout(t.Context(), time.Second)
		n := 0
		run.Run(ctx, func(o harness.Observation) {
			if n++; o.OK || !strings.Contains(o.Detail, "it is "+id) {
				t.Errorf("%s of another: %+v", run.Probe, o)
			}
		})
		end()
		if n == 0 {
			t.Errorf("%s was not asked", run.Probe)
		}
	}
	at := redirected{d, another}
	if _, err := victim.Await(t.Context(), d.Description(), at, []harness.Check{{Kind: harness.ReceiverStreams, On: "west.db"}}, time.Second, s.Clock); err == nil {
		t.Error("a check of another holds")
	}
}

// redirected is a driver whose databases lie elsewhere.
type redirected struct {
	*Driver
	access func(place, name string) (harness.Access, error)
}

func (r redirected) Access(place, name string) (harness.Access, error) { return r.access(place, name) }

// lateReceiver: a standby that notices the loss of its primary later than most drills wait says so; it works all the same, and a primary says nothing of it.
func (r *rig) lateReceiver(t *testing.T) {
	d, _ := r.running(t)
	for setting, want := range map[string]string{"25s": "", "45s": "its wal_receiver_timeout is 45s: where its primary falls silent, receiver.gone holds only then", "0": "its wal_receiver_timeout is 0: "} {
		for name, c := range map[string]*postgres.Cluster{"east.db": r.east, "west.db": r.west} {
			r.sql(c, "ALTER SYSTEM SET wal_receiver_timeout = '"+setting+"'", "SELECT pg_reload_conf()")
			p, err := d.find(name)
			must(t, err)
			want := want
			if name == "east.db" {
				want = ""
			}
			var also string
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // a reload is heard of, not waited for
				seen, err := p.kind.Look(t.Context(), p.at)
				must(t, err)
				if also = seen.Also; (also == "") == (want == "") && strings.HasPrefix(also, want) || time.Now().After(end) {
					break
				}
			}
			if (also == "") != (want == "") || !strings.HasPrefix(also, want) {
				t.Errorf("%s with %s: %q, want %q", name, setting, also, want)
			}
		}
	}
	r.sql(r.west, "ALTER SYSTEM RESET wal_receiver_timeout", "SELECT pg_reload_conf()")
}
