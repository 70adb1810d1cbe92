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

// session is one connection to the database, used by one worker at a time.
type session struct {
	pg      *pgconn.PgConn
	nc      net.Conn
	addr    string
	warning string // WARNING of the running statement
}

// exec runs one statement and waits for its end, until deadline.
func (s *session) exec(deadline time.Time, sql string, params [][]byte) error {
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
func (s *session) close() {
	_ = s.nc.SetDeadline(time.Now())
	_ = s.nc.Close()
	_ = s.pg.Close(context.Background()) // only tells pgconn; its socket is closed
	<-s.pg.CleanupDone()
}

// dial connects to addr and returns a session only if it is read-write.
func (s *sessions) dial(addr string, deadline time.Time) (*session, error) {
	ctx, cancel := context.WithDeadline(s.ctx, deadline)
	defer cancel()
	sess := &session{addr: addr}
	cfg, err := s.config(sess)
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
func (s *sessions) config(sess *session) (*pgconn.Config, error) {
	cfg, err := pgdial.Wire(pgdial.To{
		Address: sess.addr, User: s.db.User, Password: s.db.Password, Database: s.db.Name, TLS: s.db.TLS,
	})
	if err != nil {
		return nil, fmt.Errorf("configure connection: %w", err)
	}
	cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if sess.nc != nil {
			return nil, errNoCancel
		}
		d := net.Dialer{KeepAlive: -1}
		nc, err := d.DialContext(ctx, network, address)
		sess.nc = nc
		return nc, err
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			sess.warning = n.Message
		}
	}
	return cfg, nil
}
