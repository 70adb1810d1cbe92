package workloads

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/internal/pgdial"
)

var errNoCancel = errors.New("cancel requests are not sent")

// pgSession is one connection to a PostgreSQL that is read-write.
type pgSession struct {
	pg      *pgconn.PgConn
	nc      net.Conn
	addr    string
	warning string // WARNING of the running statement
}

func (s *pgSession) address() string       { return s.addr }
func (s *pgSession) ended() bool           { return s.pg.IsClosed() }
func (s *pgSession) gone() <-chan struct{} { return s.pg.CleanupDone() }

// exec runs one statement and waits for its end, until deadline.
func (s *pgSession) exec(deadline time.Time, sql string, params [][]byte) error {
	s.warning = ""
	if err := s.nc.SetDeadline(deadline); err != nil {
		return err
	}
	_, err := s.pg.ExecParams(context.Background(), sql, params, insertTypes, insertFormats, nil).Close()
	return err
}

// close ends the connection without a word to a server that may not listen, and
// waits for what pgconn started. A rude end is not seen as one by the server: a
// session between statements has nothing to lose.
func (s *pgSession) close() {
	_ = s.nc.SetDeadline(time.Now())
	_ = s.nc.Close()
	_ = s.pg.Close(context.Background()) // only tells pgconn; its socket is closed
	<-s.pg.CleanupDone()
}

// dial connects to addr and returns a session only if it is read-write. One whose server does not answer is gone after 15 s:
// then pgconn gives it up.
func (p *postgresStore) dial(ctx context.Context, addr string, deadline time.Time) (*pgSession, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	sess := &pgSession{addr: addr}
	cfg, err := sess.config(p.db)
	if err != nil {
		return nil, err
	}
	if sess.pg, err = pgconn.ConnectConfig(ctx, cfg); err != nil {
		if sess.nc != nil {
			_ = sess.nc.Close() // whatever pgconn still does with it ends now
		}
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return sess, nil
}

// config is pgconn's configuration of one connection. Nothing of it comes from
// the environment, and it dials once: pgconn would otherwise dial again to
// cancel a statement that timed out, and so change its fate.
func (s *pgSession) config(db Database) (*pgconn.Config, error) {
	cfg, err := pgdial.Wire(db.params(s.addr))
	if err != nil {
		return nil, fmt.Errorf("configure connection: %w", err)
	}
	cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if s.nc != nil {
			return nil, errNoCancel
		}
		d := net.Dialer{KeepAlive: -1}
		nc, err := d.DialContext(ctx, network, address)
		s.nc = nc
		return nc, err
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			s.warning = n.Message
		}
	}
	return cfg, nil
}
