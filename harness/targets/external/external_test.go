package external

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/probes"
	"blackstart/harness/target/check"
	"blackstart/harness/victim"
	"blackstart/internal/heartbeat"
	"blackstart/internal/registry"
	"blackstart/loadgen/workloads"
)

// TestExternal attaches to real databases: as they are, and with one thing after another taken away.
func TestExternal(t *testing.T) {
	r := newRig(t)
	t.Run("attach", r.attach)
	t.Run("what is not so is refused", r.refused)
	t.Run("probes go the way of the file", r.probes)
	t.Run("what a table is asked", r.tables)
	t.Run("every connection is held to the identity", r.held)
	t.Run("undo after a kill", r.killed)
	t.Run("a receiver that gives up late", r.lateReceiver)
	t.Run("who leads alone", r.alone)
	t.Run("who is left behind", r.leftBehind) // promotes the standby: the last but one
	t.Run("who leads beside another", r.beside)
	t.Run("what does not answer", r.silent)
}

func (r *rig) attach(t *testing.T) {
	d, q := r.driver(), request(t)
	var hidden []string
	q.AddSecrets = func(all ...string) { hidden = append(hidden, all...) }
	must(t, d.Start(t.Context(), q))
	about := d.Description()
	east, _ := about.ComponentByName("east.db")
	if about.Kind != harness.External || about.Environment != harness.Rehearsal || east.Role != harness.Primary || !strings.HasPrefix(east.Version, "PostgreSQL ") ||
		len(east.Identity) < 15 || about.Owned == nil || !about.Owned.Critical || !slices.Contains(about.Provides, "postgres.standby") {
		t.Errorf("%+v", about)
	}
	if l, _ := about.LinkByName("wal"); l.From != "west" || l.To != "east.db" || l.Address == "" {
		t.Errorf("%+v", l)
	}
	for _, place := range []string{harness.Outside, "east"} {
		a, err := d.Access(place, "east.db")
		if err != nil || a.Password != password || a.User != "watcher" || a.TLS == nil || a.TLS.ServerName != hostAddress {
			t.Errorf("from %s: %+v, %v", place, a.Address, err)
		}
	}
	if a, err := d.Access(harness.Outside, "west.db"); err != nil || a.TLS != nil || a.Auth != "scram-sha-256" {
		t.Errorf("without TLS: %v, %v", a.Auth, err)
	}
	if _, err := d.Access(harness.Outside, harness.EntryName); err == nil || !strings.Contains(err.Error(), "not available") {
		t.Errorf("the entry that the file has not: %v", err)
	}
	if !slices.Equal(hidden, []string{password}) {
		t.Errorf("secrets that were told: %d", len(hidden))
	}
	if kept, err := os.ReadFile(filepath.Join(q.Dir, KeptFile)); err != nil || string(kept) != r.text {
		t.Errorf("the copy for an undo: %v", err)
	}
	read := map[string]harness.ClockAhead{}
	for _, c := range append(d.Clocks(t.Context(), true), d.Clocks(t.Context(), false)...) {
		if c.Detail != "" || c.Ahead.Lo > 0 || c.Ahead.Hi < 0 {
			t.Errorf("on one machine, the clock of %s is ahead by %+v (%s)", c.Of, c.Ahead, c.Detail)
		}
		read[c.Of] = c
	}
	if _, ok := read["east.db"]; !ok || len(d.Clocks(t.Context(), true))-len(d.Clocks(t.Context(), false)) != 2 {
		t.Errorf("clocks: %+v", read)
	}
	must(t, d.Logs(t.Context(), q.Dir))
	if log, _ := os.ReadFile(filepath.Join(q.Dir, "external.log")); !strings.HasPrefix(string(log), "not available: ") {
		t.Errorf("logs: %s", log)
	}
	must(t, d.Stop(t.Context()))
	if _, err := d.Access(harness.Outside, "east.db"); !errors.Is(err, errDetached) {
		t.Errorf("after the end: %v", err)
	}
}

// What the file says and is not so ends the drill before anything is asked that is not needed to find that out.
func (r *rig) refused(t *testing.T) {
	var mistaken *check.Mistaken
	if err := r.driver("region: east", "identity: '123456789012345678', region: east").Check(t.Context(), request(t)); !errors.As(err, &mistaken) {
		t.Errorf("another system: %v", err)
	}
	for name, c := range map[string]struct {
		changes  []string
		want     string
		answered bool
	}{
		"a role that is not so": {[]string{"{name: east, role: primary}, {name: west, role: standby}", "{name: east, role: standby}, {name: west, role: primary}"}, "it is in recovery, and its region is primary", true},
		"no right":              {[]string{"{write: heartbeat, on: east.db}", "{write: heartbeat, on: east.db}, {write: heartbeat, on: west.db}", "user: watcher", "user: nobody"}, "password authentication failed", true},
		"no secret":             {[]string{"/password", "/gone"}, "no such file", false},
		"nobody there":          {[]string{"address: " + hostAddress, "address: 127.78.5.2"}, "connection refused", false},
	} {
		err := r.driver(c.changes...).Check(t.Context(), request(t))
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) || refused.Answered() != c.answered {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.sql(r.east, "REVOKE INSERT ON blackstart.ledger FROM watcher")
	err := r.driver().Check(t.Context(), request(t))
	r.sql(r.east, "GRANT INSERT ON blackstart.ledger TO watcher")
	if err == nil || !strings.Contains(err.Error(), "the role may not INSERT on blackstart.ledger") {
		t.Errorf("a right that is missing: %v", err)
	}
}

func (r *rig) running(t *testing.T, changes ...string) (*Driver, harness.RunningTarget) {
	t.Helper()
	d := r.driver(changes...)
	must(t, d.Start(t.Context(), request(t)))
	return d, harness.RunningTarget{Target: d.Description(), Clock: harness.NewClock(), Access: d.Access, Allowed: d}
}

// A probe that writes is asked where that is allowed, over TLS as the file says, and says what is not allowed elsewhere.
func (r *rig) probes(t *testing.T) {
	_, s := r.running(t)
	kinds := slices.DeleteFunc(probes.Probes.All(), func(k registry.Kind[probes.Factory]) bool {
		return k.Name != harness.ProbeHeartbeat && k.Name != harness.ProbeWritable
	})
	runs := probes.Open(kinds, nil, s, false)
	seen := map[string]string{}
	for _, run := range runs {
		if seen[run.Probe] = run.Missing; run.Run == nil {
			continue
		}
		answered := make(chan harness.Observation, 100)
		ctx, end := timeout(t)
		go run.Run(ctx, func(o harness.Observation) {
			if o.OK {
				answered <- o
				end()
			}
		})
		select {
		case <-answered:
		case <-ctx.Done():
			t.Errorf("%s gives no good answer", run.Probe)
		}
		end()
	}
	if want := "allows does not list heartbeat on west.db"; seen[harness.ProbeHeartbeat] != "" || seen[harness.ProbeWritable] != want {
		t.Errorf("%v", seen)
	}
	d, _ := r.running(t, ", {write: heartbeat, on: east.db}", "")
	_, err := victim.Await(t.Context(), d.Description(), d, []harness.Check{{Kind: harness.HeartbeatFlows, On: "west.db"}}, time.Second, harness.NewClock())
	if err == nil || !strings.Contains(err.Error(), "not available: allows does not list heartbeat on east.db") {
		t.Errorf("a check that would write: %v", err)
	}
}

// Nothing is made: a table that is not there is refused, by name of the command that writes it out.
func (r *rig) tables(t *testing.T) {
	d, _ := r.running(t)
	must(t, d.Writable(t.Context(), "east.db", workloads.LedgerTable))
	if err := d.Writable(t.Context(), "west.db", workloads.LedgerTable); err == nil || !strings.Contains(err.Error(), "allows does not list ledger on west.db") {
		t.Error(err)
	}
	r.sql(r.east, "ALTER TABLE blackstart.heartbeat RENAME TO away")
	defer r.sql(r.east, "ALTER TABLE blackstart.away RENAME TO heartbeat")
	if err := d.Writable(t.Context(), "east.db", heartbeat.Table); err == nil || !strings.Contains(err.Error(), "blackstart target ddl") {
		t.Error(err)
	}
	_, err := victim.Await(t.Context(), d.Description(), d, []harness.Check{{Kind: harness.HeartbeatFlows, On: "west.db"}}, time.Second, harness.NewClock())
	var there *string
	must(t, r.ask(r.east, "SELECT to_regclass('blackstart.heartbeat')::text").Scan(&there))
	if err == nil || there != nil {
		t.Errorf("the table was made: %v, %v", there, err)
	}
}

// Whether somebody runs is told by an answer; no answer is an error, and never a no. It stops the old primary: the last test.
func (r *rig) silent(t *testing.T) {
	d := r.driver("role: primary", "role: active", "role: standby", "role: active")
	must(t, d.Start(t.Context(), request(t)))
	if runs, err := d.Running(t.Context(), "east.db"); !runs || err != nil {
		t.Errorf("%v, %v", runs, err)
	}
	must(t, r.east.Kill())
	for name, ask := range map[string]func() (bool, error){
		"running":        func() (bool, error) { return d.Running(t.Context(), "east.db") },
		"refuses writes": func() (bool, error) { return d.RefusesWrites(t.Context(), "east.db") },
	} {
		if yes, err := ask(); yes || err == nil || !strings.HasPrefix(err.Error(), "not available: ") {
			t.Errorf("%s: %v, %v", name, yes, err)
		}
	}
	if _, err := d.LeftBehind(t.Context(), "east.db", "west.db"); err == nil || !strings.Contains(err.Error(), "not available: ") {
		t.Errorf("left behind: %v", err)
	}
}

// The old side is read where it stands once it refuses writes, and not while it takes them.
func (r *rig) leftBehind(t *testing.T) {
	d, _ := r.running(t)
	if refuses, err := d.RefusesWrites(t.Context(), "west.db"); !refuses || err != nil {
		t.Errorf("a standby: %v, %v", refuses, err)
	}
	if _, err := d.LeftBehind(t.Context(), "west.db", "east.db"); err == nil || !strings.Contains(err.Error(), "is a copy of east.db by now") {
		t.Errorf("a copy: %v", err)
	}
	r.sql(r.west, "SELECT pg_promote()")
	r.onlyOld()
	if _, err := d.LeftBehind(t.Context(), "east.db", "west.db"); err == nil || !strings.Contains(err.Error(), "east.db takes writes") {
		t.Errorf("two that lead: %v", err)
	}
	r.sql(r.east, "ALTER ROLE watcher SET default_transaction_read_only = on")
	if refuses, err := d.RefusesWrites(t.Context(), "east.db"); refuses || err != nil {
		t.Errorf("what one role may not says nothing of the others: %v, %v", refuses, err)
	}
	r.sql(r.east, "ALTER ROLE watcher RESET default_transaction_read_only", "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	r.logInPlace(t, d)
	r.wordOfAStandby(t, d)
}

// wordOfAStandby: that a database says that it takes no writes is its word alone. Who writes there all the same is seen, and the report says on what it rests.
func (r *rig) wordOfAStandby(t *testing.T, d *Driver) {
	behind := func() (s harness.Standing, err error) {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if s, err = d.LeftBehind(t.Context(), "east.db", "west.db"); err == nil || time.Now().After(end) {
				return s, err
			}
		}
	}
	s, err := behind()
	must(t, err)
	if s.Access.Password != password || s.Access.TLS == nil || !strings.Contains(s.Basis, "east.db says itself that its sessions are read-only by default; a write of ours to blackstart.heartbeat was refused") {
		t.Errorf("it rests on %q, or is reached in another way than the file says", s.Basis)
	}
	must(t, s.Still(t.Context()))
	const freely = "SET default_transaction_read_only = off"
	write := "UPDATE blackstart.heartbeat SET at = now() WHERE id = 1"
	r.sql(r.east, freely, write, write)
	if err := s.Still(t.Context()); err == nil || !strings.Contains(err.Error(), "2 transactions wrote there all the same: what it holds has changed while it was read") {
		t.Errorf("after writes: %v", err)
	}
	allows := d.Target.Allows
	d.Target.Allows = allows[:1]
	if s, err := behind(); err != nil || !strings.Contains(s.Basis, "a write of ours to blackstart.ledger was refused") {
		t.Errorf("with the ledger allowed: %q, %v", s.Basis, err)
	}
	d.Target.Allows = nil
	if s, err := behind(); err != nil || !strings.Contains(s.Basis, "no write was tried, since allows lists none there") {
		t.Errorf("with nothing allowed: %q, %v", s.Basis, err)
	}
	d.Target.Allows = allows
	conn := r.owner(r.east)
	for _, sql := range []string{freely, "BEGIN", write} {
		_, err := conn.Exec(t.Context(), sql)
		must(t, err)
	}
	refused(t, d, "one has written all the same")
	must(t, conn.Close(t.Context()))
	r.sql(r.east, freely, "CREATE ROLE app LOGIN", "ALTER ROLE app SET default_transaction_read_only = no")
	refused(t, d, "but not those of role app")
	r.sql(r.east, freely, "ALTER ROLE app NOLOGIN")
	if s, err := behind(); err != nil || s.Still(t.Context()) != nil {
		t.Errorf("a role that nobody can be: %v", err)
	}
}

// refused: a database that takes writes is neither read nor said to take none.
func refused(t *testing.T, d *Driver, why string) {
	t.Helper()
	if _, err := d.LeftBehind(t.Context(), "east.db", "west.db"); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("%v, want %s", err, why)
	}
	if refuses, err := d.RefusesWrites(t.Context(), "east.db"); refuses || err != nil {
		t.Errorf("it refuses writes: %t, %v; want %s", refuses, err, why)
	}
}
