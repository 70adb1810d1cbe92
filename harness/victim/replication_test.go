package victim

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/relay"
)

// SQL of the fault that pauses replay, as the catalogue has it.
const (
	pauseSQL  = `SELECT pg_wal_replay_pause()`
	resumeSQL = `SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery()`
)

// TestReplication follows one real pair through a break, a pause and a promotion, because each stage needs the one before.
func TestReplication(t *testing.T) {
	r := newRig(t)
	t.Run("healthy", r.healthy)
	t.Run("paused", r.paused)
	t.Run("broken", r.broken)
	t.Run("silent primary", r.silentPrimary)
	t.Run("promoted", r.promoted)
}

// over are the checks that show a standby that follows; underWay are those of the fault that broke it.
var (
	over = []harness.Check{{Kind: harness.ReceiverStreams, On: "west.db"}, {Kind: harness.SlotActive, On: "east.db"},
		{Kind: harness.ReplayRuns, On: "west.db"}, {Kind: harness.HeartbeatFlows, On: "west.db"}, {Kind: harness.LogsAgree, On: "west.db"}}
	underWay = []harness.Check{{Kind: harness.HeartbeatStalls, On: "west.db"}, {Kind: harness.ReceiverGone, On: "west.db"},
		{Kind: harness.SlotInactive, On: "east.db"}}
)

func (r *rig) holds(t *testing.T, checks []harness.Check) {
	t.Helper()
	clock := harness.NewClock()
	began := time.Now()
	if _, err := Await(t.Context(), r.about, r, checks, 15*time.Second, clock); err != nil {
		t.Fatal(err)
	}
	t.Logf("held after %v", time.Since(began).Round(time.Millisecond))
}

func (r *rig) fails(t *testing.T, kind harness.CheckKind, on, want string) {
	t.Helper()
	denies(t, r.about, r, harness.Check{Kind: kind, On: on}, want)
}

func (r *rig) healthy(t *testing.T) {
	r.holds(t, over) // the first beat makes the table, and it arrives
	r.holds(t, []harness.Check{{Kind: harness.PrimaryAlone, On: "west.db"}})
	r.fails(t, harness.ReceiverGone, "west.db", "still streams")
	r.fails(t, harness.SlotInactive, "east.db", "1 of its 1 replication slots are still in use")
	r.fails(t, harness.ReplayPaused, "west.db", "replay is not paused")
	r.fails(t, harness.HeartbeatStalls, "west.db", "heartbeat")
	r.fails(t, harness.ReceiverStreams, "east.db", "not in recovery")
	r.fails(t, harness.ReplayRuns, "east.db", "not in recovery")
	r.fails(t, harness.SlotInactive, "west.db", "it is no primary")
}

// paused is the trap: the link is healthy and the log arrives, and nothing of it is to be seen.
func (r *rig) paused(t *testing.T) {
	r.exec(r.west, pauseSQL)
	r.holds(t, []harness.Check{{Kind: harness.ReplayPaused, On: "west.db"}})
	r.holds(t, []harness.Check{{Kind: harness.HeartbeatStalls, On: "west.db"}, {Kind: harness.LogsAgree, On: "west.db"}})
	r.fails(t, harness.HeartbeatFlows, "west.db", "its last heartbeat is")
	r.fails(t, harness.ReplayRuns, "west.db", "replay is paused")
	r.fails(t, harness.ReceiverGone, "west.db", "still streams")
	r.exec(r.west, resumeSQL)
	r.holds(t, over)
}

func (r *rig) broken(t *testing.T) {
	must(t, r.wal.Cut(relay.Both))
	r.holds(t, []harness.Check{{Kind: harness.LinkSilent, On: "west.db→east.db"}})
	r.holds(t, underWay)
	r.fails(t, harness.HeartbeatFlows, "west.db", "its last heartbeat is")
	r.fails(t, harness.LogsAgree, "west.db", "the primary had written")
	r.fails(t, harness.ReceiverStreams, "west.db", "no WAL receiver streams")
	r.fails(t, harness.SlotActive, "east.db", "none of its 1 replication slots is in use")
	must(t, r.wal.Heal())
	r.holds(t, over)
}

// silentPrimary shows that a heartbeat nobody can write is never taken for one that stalls.
func (r *rig) silentPrimary(t *testing.T) {
	r.exec(r.east, `UPDATE blackstart.heartbeat SET at = at - interval '1 hour'`) // old, as it is when replication is broken
	r.holds(t, []harness.Check{{Kind: harness.LogsAgree, On: "west.db"}})
	r.exec(r.east, `ALTER SYSTEM SET default_transaction_read_only = on`)
	r.exec(r.east, `SELECT pg_reload_conf()`)
	r.fails(t, harness.HeartbeatStalls, "west.db", "no heartbeat could be written: east.db says: cannot execute INSERT in a read-only transaction")
	r.exec(r.east, `ALTER SYSTEM RESET default_transaction_read_only`)
	r.exec(r.east, `SELECT pg_reload_conf()`)
	r.holds(t, over)
}

func (r *rig) promoted(t *testing.T) {
	r.exec(r.west, `SELECT pg_promote()`)
	r.exec(r.west, resumeSQL) // the undo of a pause is harmless on a node that replays no more
	for kind, on := range map[harness.CheckKind]string{harness.ReceiverGone: "west.db", harness.ReceiverStreams: "west.db",
		harness.HeartbeatStalls: "west.db", harness.HeartbeatFlows: "west.db", harness.ReplayPaused: "west.db", harness.LogsAgree: "west.db"} {
		r.fails(t, kind, on, "not in recovery")
	}
	r.holds(t, []harness.Check{{Kind: harness.ReplayRuns, On: "west.db"}})
	r.fails(t, harness.PrimaryAlone, "east.db", "2 databases take writes: east.db, west.db")
	r.exec(r.east, `ALTER ROLE CURRENT_USER SET default_transaction_read_only = on`) // ours alone: no fence
	r.fails(t, harness.PrimaryAlone, "east.db", "2 databases take writes: east.db, west.db")
	r.exec(r.east, `BEGIN READ WRITE; ALTER ROLE CURRENT_USER RESET default_transaction_read_only; COMMIT`)
	r.exec(r.east, `ALTER SYSTEM SET default_transaction_read_only = on`)
	r.exec(r.east, `SELECT pg_reload_conf()`)
	r.holds(t, []harness.Check{{Kind: harness.PrimaryAlone, On: "east.db"}})
	r.writesAllTheSame(t)
	r.holds(t, []harness.Check{{Kind: harness.PrimaryAlone, On: "east.db"}})
	r.exec(r.east, `SELECT pg_drop_replication_slot('west')`)
	r.fails(t, harness.SlotInactive, "east.db", "no replication slot")
	must(t, r.east.Kill())
	for _, kind := range []harness.CheckKind{harness.SlotInactive, harness.SlotActive} {
		r.fails(t, kind, "east.db", "cannot be reached")
	}
	r.fails(t, harness.PrimaryAlone, "west.db", "cannot be reached")
}

// writesAllTheSame: a database whose sessions are read-only by default takes the writes of whoever decides otherwise, and is found to.
func (r *rig) writesAllTheSame(t *testing.T) {
	r.exec(r.east, `BEGIN READ WRITE; CREATE ROLE app LOGIN; ALTER ROLE app SET default_transaction_read_only = off; COMMIT`)
	r.fails(t, harness.PrimaryAlone, "west.db", "2 databases take writes: east.db (its sessions are read-only by default, but not those of role app), west.db")
	r.exec(r.east, `BEGIN READ WRITE; DROP ROLE app; COMMIT`)
	end, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		conn, err := r.east.Connect(context.Background())
		for err == nil {
			select {
			case <-end:
				ended <- conn.Close(context.Background())
				return
			default:
				_, err = conn.Exec(context.Background(), `BEGIN READ WRITE; UPDATE blackstart.heartbeat SET at = at; COMMIT`)
			}
		}
		ended <- err
	}()
	r.fails(t, harness.PrimaryAlone, "west.db", "2 databases take writes: east.db (its sessions are read-only by default, and ")
	close(end)
	must(t, <-ended)
}

func TestWhatNoDatabaseCanTell(t *testing.T) {
	good := twoDatabases("127.0.0.1:1")
	noPrimary := good
	noPrimary.Regions = good.Regions[1:]
	for name, tc := range map[string]struct {
		about  harness.Description
		driver Driver
		check  harness.Check
		want   string
	}{
		"no database":     {good, fakeDriver{}, harness.Check{Kind: harness.SlotActive, On: "west.api"}, `only a component of kind "postgres" is asked this`},
		"unknown":         {good, fakeDriver{}, harness.Check{Kind: harness.SlotActive, On: "north.db"}, "no such component"},
		"no driver":       {good, nil, harness.Check{Kind: harness.SlotActive, On: "east.db"}, "no private path"},
		"no primary":      {noPrimary, fakeDriver{}, harness.Check{Kind: harness.HeartbeatStalls, On: "west.db"}, "no primary region"},
		"no primary, log": {noPrimary, fakeDriver{}, harness.Check{Kind: harness.LogsAgree, On: "west.db"}, "no primary region"},
		"own heartbeat":   {good, fakeDriver{}, harness.Check{Kind: harness.HeartbeatFlows, On: "east.db"}, "read on a standby"},
	} {
		_, err := Await(t.Context(), tc.about, tc.driver, []harness.Check{tc.check}, time.Hour, harness.NewClock())
		var notHeld *ChecksFailedError
		if err == nil || errors.As(err, &notHeld) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want an error about the check itself that says %q", name, err, tc.want)
		}
	}
	denies(t, good, fakeDriver{}, harness.Check{Kind: harness.SlotActive, On: "east.db"}, "private path does not lead there")
}
