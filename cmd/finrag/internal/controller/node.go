package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/database"
)

const (
	rolePrimary     = "primary"
	roleStandby     = "standby"
	closeTimeout    = 100 * time.Millisecond
	connectTimeout  = 2 * time.Second
	promoteTimeout  = 30 * time.Second
	promotePoll     = 5 * time.Millisecond
	replayPoll      = 10 * time.Millisecond
	applicationName = "finrag controller"

	receiverStreaming = "streaming"
	receiverNone      = "none"
)

// NodeFacts is what one database says of itself.
type NodeFacts struct {
	OK          bool   `json:"ok"`
	Error       string `json:"error,omitempty"`
	Role        string `json:"role,omitempty"`
	Rows        int64  `json:"rows"`                   // of financial_documents
	CurrentLSN  string `json:"current_lsn,omitempty"`  // of a primary
	ReceivedLSN string `json:"received_lsn,omitempty"` // of a standby; empty when it received nothing since its start
	ReplayedLSN string `json:"replayed_lsn,omitempty"` // of a standby
	Replayed    bool   `json:"replayed"`               // a standby has replayed all it received
	Starved     bool   `json:"starved"`                // a standby's replay waits for more log to arrive
	Links       int64  `json:"links"`                  // streaming standbys of a primary; 1 for a standby that streams

	HeartbeatAgeMs *float64 `json:"heartbeat_age_ms,omitempty"` // since the primary's last heartbeat that is here
	Receiver       string   `json:"receiver,omitempty"`         // of a standby: streaming or none
	ReplayPaused   bool     `json:"replay_paused,omitempty"`    // of a standby
}

// node is one database with a connection that is kept while it works. Not for concurrent use.
type node struct {
	end  config.RegionEnd
	conn *pgx.Conn
}

func newNode(end config.RegionEnd) *node { return &node{end: end} }

func (n *node) connect(ctx context.Context) (*pgx.Conn, error) {
	if n.conn != nil && !n.conn.IsClosed() {
		return n.conn, nil
	}
	c, err := database.Parse(n.end.Database, applicationName)
	if err != nil {
		return nil, err
	}
	if n.conn, err = pgx.ConnectConfig(ctx, c); err != nil {
		return nil, fmt.Errorf("reach database of %s: %w", n.end.Name, err)
	}
	return n.conn, nil
}

func (n *node) close() {
	if n.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	n.conn.Close(ctx)
	n.conn = nil
}

func (n *node) facts(ctx context.Context) NodeFacts {
	f, err := n.ask(ctx)
	if err != nil {
		n.close()
		return NodeFacts{Error: err.Error()}
	}
	return f
}

func (n *node) ask(ctx context.Context) (NodeFacts, error) {
	conn, err := n.connect(ctx)
	if err != nil {
		return NodeFacts{}, err
	}
	const question = `select case when r then 'standby' else 'primary' end,
		(select count(*) from financial_documents),
		case when r then '' else pg_current_wal_lsn()::text end,
		case when r then coalesce(pg_last_wal_receive_lsn()::text, '') else '' end,
		case when r then coalesce(pg_last_wal_replay_lsn()::text, '') else '' end,
		case when r then coalesce(pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn(), false) else false end,
		exists (select from pg_stat_activity where backend_type = 'startup'
			and wait_event in ('RecoveryWalStream', 'RecoveryRetrieveRetryInterval')),
		case when r then (select count(*) from pg_stat_wal_receiver where status = 'streaming')
			else (select count(*) from pg_stat_replication where state = 'streaming') end,
		(select extract(epoch from clock_timestamp() - at)::float8 * 1000 from heartbeat),
		case when r then pg_get_wal_replay_pause_state() = 'paused' else false end
		from (select pg_is_in_recovery()) x(r)`
	f := NodeFacts{OK: true}
	err = conn.QueryRow(ctx, question).Scan(&f.Role, &f.Rows, &f.CurrentLSN, &f.ReceivedLSN, &f.ReplayedLSN, &f.Replayed, &f.Starved, &f.Links,
		&f.HeartbeatAgeMs, &f.ReplayPaused)
	if err != nil {
		return NodeFacts{}, fmt.Errorf("ask database of %s: %w", n.end.Name, err)
	}
	if f.Role == roleStandby {
		f.Receiver = receiverNone
		if f.Links > 0 {
			f.Receiver = receiverStreaming
		}
	}
	return f, nil
}

// fenced is what fencing achieved.
type fenced struct {
	lsn        string // the last position of its log
	terminated int64  // sessions ended
}

// fence makes the database refuse writes of new sessions and ends all other sessions. A session may still ask for
// read-write by itself; nothing that finrag runs does.
func (n *node) fence(ctx context.Context) (fenced, error) {
	conn, err := n.connect(ctx)
	if err != nil {
		return fenced{}, err
	}
	for _, do := range []string{"alter system set default_transaction_read_only = on", "select pg_reload_conf()"} {
		if _, err := conn.Exec(ctx, do); err != nil {
			return fenced{}, fmt.Errorf("fence database of %s: %w", n.end.Name, err)
		}
	}
	for on := ""; on != "on"; {
		if err := conn.QueryRow(ctx, "show default_transaction_read_only").Scan(&on); err != nil {
			return fenced{}, fmt.Errorf("wait for fence of %s: %w", n.end.Name, err)
		}
		if on != "on" && pause(ctx, promotePoll) != nil {
			return fenced{}, fmt.Errorf("wait for fence of %s: it still takes writes", n.end.Name)
		}
	}
	var f fenced
	const end = `select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
		where backend_type = 'client backend' and pid <> pg_backend_pid()) x`
	if err := conn.QueryRow(ctx, end).Scan(&f.terminated); err != nil {
		return fenced{}, fmt.Errorf("end sessions of %s: %w", n.end.Name, err)
	}
	const position = `select case when pg_is_in_recovery() then '' else pg_current_wal_lsn()::text end`
	if err := conn.QueryRow(ctx, position).Scan(&f.lsn); err != nil {
		return fenced{}, fmt.Errorf("read log position of %s: %w", n.end.Name, err)
	}
	return f, nil
}

// waitReplay waits until the database has replayed its log to lsn, or ctx ends.
func (n *node) waitReplay(ctx context.Context, lsn string) error {
	for {
		conn, err := n.connect(ctx)
		if err != nil {
			return err
		}
		var reached bool
		const question = "select coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)"
		if err := conn.QueryRow(ctx, question, lsn).Scan(&reached); err != nil {
			return fmt.Errorf("ask %s for its replay: %w", n.end.Name, err)
		}
		if reached {
			return nil
		}
		if err := pause(ctx, replayPoll); err != nil {
			return fmt.Errorf("wait for %s to replay to %s: %w", n.end.Name, lsn, err)
		}
	}
}

// promote makes a standby the primary and returns when it takes writes. It reports whether it already was one.
func (n *node) promote(ctx context.Context) (already bool, err error) {
	conn, err := n.connect(ctx)
	if err != nil {
		return false, err
	}
	var standby bool
	var names string
	const look = "select pg_is_in_recovery(), current_setting('synchronous_standby_names')"
	if err := conn.QueryRow(ctx, look).Scan(&standby, &names); err != nil {
		return false, fmt.Errorf("ask %s for its role: %w", n.end.Name, err)
	}
	if names != "" { // it would wait for a standby that is no more
		for _, do := range []string{"alter system set synchronous_standby_names = ''", "select pg_reload_conf()"} {
			if _, err := conn.Exec(ctx, do); err != nil {
				return false, fmt.Errorf("free %s of its synchronous standby: %w", n.end.Name, err)
			}
		}
	}
	if !standby {
		return true, nil
	}
	if _, err := conn.Exec(ctx, "select pg_promote(false)"); err != nil {
		return false, fmt.Errorf("promote %s: %w", n.end.Name, err)
	}
	for standby {
		if err := conn.QueryRow(ctx, "select pg_is_in_recovery()").Scan(&standby); err != nil {
			return false, fmt.Errorf("wait for promotion of %s: %w", n.end.Name, err)
		}
		if standby && pause(ctx, promotePoll) != nil {
			return false, errors.New("wait for promotion: it is still in recovery")
		}
	}
	return false, nil
}
