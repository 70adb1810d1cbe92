package region

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/database"
	"blackstart/cmd/finrag/internal/vector"
)

const (
	documentConnections   = 16
	healthConnections     = 2
	backgroundConnections = 4
	schemaLock            = 0x66696e726167 // "finrag"
	closeTimeout          = 500 * time.Millisecond
	rolePrimary           = "primary"
	roleStandby           = "standby"
)

// errUnknownOutcome says that a write may or may not survive: nobody may call it done.
var errUnknownOutcome = errors.New("outcome unknown")

const schema = `
create table if not exists financial_documents (
	id text not null, namespace text not null, title text not null, body text not null,
	updated_at timestamptz not null default now(), primary key (namespace, id));
create index if not exists financial_documents_updated_at on financial_documents (updated_at);
create table if not exists audit_log (
	id bigint generated always as identity primary key, at timestamptz not null default now(),
	region text not null, action text not null, namespace text not null, document text not null);
create table if not exists queries (
	id bigint generated always as identity primary key, at timestamptz not null,
	region text not null, namespace text not null, text_hash bigint not null, k int not null, results int not null);
create table if not exists heartbeat (only_row bool primary key default true check (only_row), at timestamptz not null);
insert into heartbeat (at) values (now()) on conflict do nothing;`

// store is the region's database by three separate pools, so that no kind of work can starve another.
type store struct {
	documents  *pgxpool.Pool // POST /documents
	health     *pgxpool.Pool // GET /health and /health/detailed
	background *pgxpool.Pool // sampling, index sync, query log; its commits wait for no standby
}

func openStore(ctx context.Context, d config.Database, region string) (*store, error) {
	var s store
	for _, p := range []struct {
		pool **pgxpool.Pool
		name string
		size int32
		set  map[string]string
	}{
		{&s.documents, "finrag " + region, documentConnections, nil},
		{&s.health, "finrag " + region + " health", healthConnections, nil},
		{&s.background, "finrag " + region + " background", backgroundConnections, map[string]string{"synchronous_commit": "local"}},
	} {
		pool, err := database.Open(ctx, d, p.name, p.size, p.set)
		if err != nil {
			s.close()
			return nil, err
		}
		*p.pool = pool
	}
	return &s, nil
}

// close closes the pools. Connections to a database that hangs would hold it up; those end with the process.
func (s *store) close() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, p := range []*pgxpool.Pool{s.documents, s.health, s.background} {
			if p != nil {
				p.Close()
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(closeTimeout):
	}
}

// ensureSchema makes the tables where they are missing. Only a primary can.
func (s *store) ensureSchema(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.background, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(schemaLock)); err != nil {
			return fmt.Errorf("lock schema: %w", err)
		}
		if _, err := tx.Exec(ctx, schema); err != nil {
			return fmt.Errorf("make schema: %w", err)
		}
		return nil
	})
}

// dataAge is what the database says of itself. AsOf is the commit time of the newest data it shows; never zero.
type dataAge struct {
	Role string
	AsOf time.Time
}

// age reads the role and the age of the data. On a standby that has replayed nothing since its start PostgreSQL knows no
// time; then the newest row says how old the data is.
func (s *store) age(ctx context.Context) (dataAge, error) {
	var standby bool
	var at *time.Time
	const ask = `select r, case when r then pg_last_xact_replay_timestamp() else now() end from (select pg_is_in_recovery()) x(r)`
	if err := s.background.QueryRow(ctx, ask).Scan(&standby, &at); err != nil {
		return dataAge{}, fmt.Errorf("read age of data: %w", err)
	}
	if !standby {
		return dataAge{rolePrimary, *at}, nil
	}
	if at == nil {
		const newest = `select greatest((select max(updated_at) from financial_documents), (select at from heartbeat), 'epoch')`
		if err := s.background.QueryRow(ctx, newest).Scan(&at); err != nil {
			return dataAge{}, fmt.Errorf("read newest row: %w", err)
		}
	}
	return dataAge{roleStandby, *at}, nil
}

func (s *store) beat(ctx context.Context) error {
	_, err := s.background.Exec(ctx, "update heartbeat set at = clock_timestamp()")
	return err
}

// put writes one document and its audit row in one statement, and returns the row's time.
// errUnknownOutcome wraps every failure after which the row may be there all the same.
func (s *store) put(ctx context.Context, region string, d vector.Document) (time.Time, error) {
	const statement = `with d as (
		insert into financial_documents (namespace, id, title, body) values ($1, $2, $3, $4)
		on conflict (namespace, id) do update set title = excluded.title, body = excluded.body, updated_at = now()
		returning updated_at),
	a as (insert into audit_log (region, action, namespace, document) values ($5, 'document.put', $1, $2))
	select updated_at from d`
	conn, err := s.documents.Acquire(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("reach database: %w", err)
	}
	defer conn.Release()
	var at time.Time
	err = conn.QueryRow(ctx, statement, d.Namespace, d.ID, d.Title, d.Body, region).Scan(&at)
	if database.Unacknowledged(conn.Conn()) {
		return time.Time{}, fmt.Errorf("write document: no standby confirmed it: %w", errUnknownOutcome)
	}
	if err != nil {
		if database.IsRejected(err) {
			return time.Time{}, fmt.Errorf("write document: %w", err)
		}
		return time.Time{}, fmt.Errorf("write document: %w: %w", errUnknownOutcome, err)
	}
	return at, nil
}

// changed returns the rows modified in the last lookback, or all rows when lookback is 0.
func (s *store) changed(ctx context.Context, lookback time.Duration) ([]vector.Document, error) {
	const statement = `select namespace, id, title, body, updated_at from financial_documents
		where $1 = 0 or updated_at >= now() - $1 * interval '1 microsecond'`
	rows, err := s.background.Query(ctx, statement, lookback.Microseconds())
	if err != nil {
		return nil, fmt.Errorf("read modified rows: %w", err)
	}
	docs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[vector.Document])
	if err != nil {
		return nil, fmt.Errorf("read modified rows: %w", err)
	}
	return docs, nil
}

// ping asks the database for an answer on the pool kept for health.
func (s *store) ping(ctx context.Context) error {
	var one int
	if err := s.health.QueryRow(ctx, "select 1").Scan(&one); err != nil {
		return fmt.Errorf("ask database: %w", err)
	}
	return nil
}

// databaseDetail is the database's part of GET /health/detailed. The log positions are those a node of its role has.
type databaseDetail struct {
	OK             bool     `json:"ok"`
	Error          string   `json:"error,omitempty"`
	Role           string   `json:"role,omitempty"`
	Rows           int64    `json:"rows"`
	CurrentLSN     *string  `json:"current_lsn,omitempty"`
	ReceivedLSN    *string  `json:"received_lsn,omitempty"`
	ReplayedLSN    *string  `json:"replayed_lsn,omitempty"`
	ReplayLagBytes *int64   `json:"replay_lag_bytes,omitempty"`
	HeartbeatAgeMs *float64 `json:"heartbeat_age_ms,omitempty"` // on a standby: how far behind the primary the data is
	Receiver       string   `json:"receiver,omitempty"`         // of a standby: "streaming" or "none"
	ReplayPaused   *bool    `json:"replay_paused,omitempty"`    // of a standby
}

// detail asks the database. An account that may not see a receiver's status (pg_read_all_stats) sees only that there is one.
func (s *store) detail(ctx context.Context) databaseDetail {
	const ask = `select case when r then 'standby' else 'primary' end,
		(select count(*) from financial_documents),
		case when r then null else pg_current_wal_lsn()::text end,
		case when r then pg_last_wal_receive_lsn()::text end,
		case when r then pg_last_wal_replay_lsn()::text end,
		case when r then (pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn())::bigint end,
		(select extract(epoch from clock_timestamp() - at)::float8 * 1000 from heartbeat),
		case when not r then '' when exists (select from pg_stat_wal_receiver where coalesce(status, 'streaming') = 'streaming')
			then 'streaming' else 'none' end,
		case when r then pg_get_wal_replay_pause_state() = 'paused' end
		from (select pg_is_in_recovery()) x(r)`
	var d databaseDetail
	err := s.health.QueryRow(ctx, ask).Scan(&d.Role, &d.Rows, &d.CurrentLSN, &d.ReceivedLSN, &d.ReplayedLSN,
		&d.ReplayLagBytes, &d.HeartbeatAgeMs, &d.Receiver, &d.ReplayPaused)
	if err != nil {
		return databaseDetail{Error: err.Error()}
	}
	d.OK = true
	return d
}

// queryLogEntry is one answered query as the table queries keeps it.
type queryLogEntry struct {
	at        time.Time
	namespace string
	textHash  int64
	k         int32
	results   int32
}

func (s *store) logQueries(ctx context.Context, region string, batch []queryLogEntry) error {
	_, err := s.background.CopyFrom(ctx, pgx.Identifier{"queries"},
		[]string{"at", "region", "namespace", "text_hash", "k", "results"},
		pgx.CopyFromSlice(len(batch), func(i int) ([]any, error) {
			q := batch[i]
			return []any{q.at, region, q.namespace, q.textHash, q.k, q.results}, nil
		}))
	if err != nil {
		return fmt.Errorf("log queries: %w", err)
	}
	return nil
}
