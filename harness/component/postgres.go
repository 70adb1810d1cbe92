package component

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"blackstart/harness"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/internal/pgdial"
	"blackstart/internal/registry"
)

var _ = Kinds.Add(registry.Kind[Kind]{
	Name: "postgres",
	Doc: "A PostgreSQL server: version, whether it leads or is in recovery, its clock, and, where it is the beginning of a link, its WAL " +
		"receiver. All of it is read in read-only transactions. Its identity is the system identifier, which a standby shares with its primary.",
	Example: "{name: east.db, kind: postgres, region: east, address: 10.1.0.5, port: 5432, with: {database: orders, user: blackstart, password: {file: /run/secrets/orders}, encryption: tls}}",
	New:     func() Kind { return &Postgres{} },
})

// Postgres is the kind postgres.
type Postgres struct{ with postgresWith }

type postgresWith struct {
	Database   string           `yaml:"database" need:"yes" doc:"database to connect to"`
	User       string           `yaml:"user" need:"yes" doc:"role to connect as: see blackstart target ddl"`
	Password   secret.Reference `yaml:"password" need:"yes" doc:"where its password is"`
	Encryption string           `yaml:"encryption" need:"yes" one:"tls|none" doc:"tls verifies the server's certificate and name; none sends everything in the clear but the password, which then must be asked for by SCRAM"`
	TLS        target.TLS       `yaml:"tls" doc:"what is trusted and shown"`
}

// Wrong implements target.Judge.
func (w postgresWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	return target.WrongWeb(w.TLS, w.Encryption == "tls", nil)
}

// With implements registry.Parametrised.
func (p *Postgres) With() any { return &p.with }

// Role is the database and the role that it is connected to as.
func (p *Postgres) Role() (database, user string) { return p.with.Database, p.with.User }

// Traits implements Kind.
func (p *Postgres) Traits() target.Traits {
	return target.Traits{Identity: regexp.MustCompile(`^[0-9]{15,20}$`), Clock: true, Replicates: true, Holds: map[string]string{
		target.WriteHeartbeat: target.Allow{Write: target.WriteHeartbeat}.Table(), target.WriteLedger: target.Allow{Write: target.WriteLedger}.Table()}}
}

// maxMessage bounds one message of a server, in bytes: more than one row of what is kept has.
const maxMessage = 4 << 20

// Connect opens a connection, which the caller closes. On a pinned component nothing else is asked before the server has said who
// it is: another is a Refusal. Without TLS a server that would see the password is refused it.
func (p *Postgres) Connect(ctx context.Context, at At) (*pgx.Conn, error) {
	a, err := p.Access(ctx, at)
	if err != nil {
		return nil, err
	}
	config, err := pgdial.Config(pgdial.Params{MaxMessage: maxMessage, Address: a.Address, User: a.User, Password: a.Password, Database: a.Database, TLS: a.TLS, Auth: a.Auth})
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // nothing is kept on a server, which a pooler may give to somebody else
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil || at.Pin == "" {
		return c, Answered(err)
	}
	var who string
	if err = c.QueryRow(ctx, pgdial.WhoSQL).Scan(&who); err == nil && who != at.Pin {
		err = Another(who, at.Pin)
	}
	if err != nil {
		Close(ctx, c)
		return nil, Answered(err)
	}
	return c, nil
}

// Access implements Accessed. Without TLS the password is given to no server that would see it.
func (p *Postgres) Access(ctx context.Context, at At) (harness.Access, error) {
	password, err := at.Secrets(ctx, p.with.Password)
	if err != nil {
		return harness.Access{}, errors.New("its password cannot be resolved: see the row of the secret")
	}
	a := harness.Access{Address: at.Address, Identity: at.Pin, User: p.with.User, Password: password.Reveal(), Database: p.with.Database}
	if p.with.Encryption != "tls" {
		a.Auth = "scram-sha-256"
		return a, nil
	}
	a.TLS, err = at.Secrets.TLS(ctx, p.with.TLS, Host(at.Address))
	return a, err
}

// endTime bounds how long the end of a connection is waited for.
const endTime = time.Second

// Close ends a connection, with whatever is not committed, and waits for a moment until the server has ended its side: it counts the
// connection until then. It waits for nothing that a server might never say.
func Close(ctx context.Context, c *pgx.Conn) {
	if c.IsClosed() {
		return
	}
	conn, until := c.PgConn().Conn(), time.Now().Add(endTime)
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	if conn.SetDeadline(until) == nil {
		c.PgConn().Frontend().Send(&pgproto3.Terminate{})
		if c.PgConn().Frontend().Flush() == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	}
	_ = c.Close(ctx)
}

// Answered makes a Refusal of an error that the server sent, in its own words, and shortens those of the client.
func Answered(err error) error {
	var said *pgconn.PgError
	var dial *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		return &Refusal{said}
	case strings.Contains(err.Error(), "authentication method requirement"): // the library has no error of its own for it
		return Refuse("it does not ask for the password by SCRAM, and without TLS it is given in no other way")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case strings.Contains(err.Error(), "refused TLS connection"):
		return Refuse("it does not speak TLS: %w", err)
	}
	if t := Trusted(err); Refused(t) {
		return t
	}
	if errors.As(err, &dial) {
		return dial
	}
	return err
}

// Read runs f in a read-only transaction on a connection of its own.
func (p *Postgres) Read(ctx context.Context, at At, f func(tx pgx.Tx) error) error {
	c, err := p.Connect(ctx, at)
	if err != nil {
		return err
	}
	defer Close(ctx, c)
	return Answered(pgx.BeginTxFunc(ctx, c, pgx.TxOptions{AccessMode: pgx.ReadOnly}, f))
}

// Identity implements Identified. A standby is a copy: it has the identifier of its primary.
func (p *Postgres) Identity(ctx context.Context, at At) (id string, err error) {
	at.Pin = ""
	err = p.Read(ctx, at, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, pgdial.WhoSQL).Scan(&id)
	})
	return id, err
}

// madeForWindows finds, in what version() says, that a server was made for Windows.
var madeForWindows = regexp.MustCompile(`(?i)visual c\+\+|msvc|mingw|-windows`)

// Look implements Kind.
func (p *Postgres) Look(ctx context.Context, at At) (s Seen, err error) {
	err = p.Read(ctx, at, func(tx pgx.Tx) error {
		s.Ends = EndsOf(tx.Conn().PgConn().Conn())
		var recovers bool
		var whole string
		var now time.Time
		asked := time.Now()
		if err := tx.QueryRow(ctx, "SELECT current_setting('server_version'), pg_is_in_recovery(), clock_timestamp(), version()").Scan(&s.Version, &recovers, &now, &whole); err != nil {
			return err
		}
		s.Clock = between(asked, time.Now(), now)
		s.Windows = madeForWindows.MatchString(whole)
		s.Version, _, _ = strings.Cut("PostgreSQL "+s.Version, " (")
		s.Role = Leads
		if !recovers {
			return nil
		}
		s.Role = Follows
		s.Also, err = lateReceiver(ctx, tx)
		return err
	})
	return s, err
}

// soonGone is within what time most drills want to see that a standby has lost its primary: their confirmWithin.
const soonGone = 30 * time.Second

// lateReceiver says of a standby whether it gives its primary up later than most drills wait for that, "" if it does not.
func lateReceiver(ctx context.Context, tx pgx.Tx) (string, error) {
	var ms int64
	if err := tx.QueryRow(ctx, "SELECT setting::bigint FROM pg_settings WHERE name = 'wal_receiver_timeout'").Scan(&ms); err != nil {
		return "", err
	}
	switch after := time.Duration(ms) * time.Millisecond; {
	case ms == 0:
		return "its wal_receiver_timeout is 0: where its primary falls silent, it does not give it up, and receiver.gone never holds", nil
	case after > soonGone:
		return fmt.Sprintf("its wal_receiver_timeout is %s: where its primary falls silent, receiver.gone holds only then, and confirmWithin must be longer (1m at most)", after), nil
	}
	return "", nil
}

// MayWrite implements Holding: it asks for the table, and for the rights of the role on it.
func (p *Postgres) MayWrite(ctx context.Context, at At, write string) (string, error) {
	a := target.Allow{Write: write}
	table, rights := a.Table(), a.Rights()
	return "the role has " + strings.Join(rights, ", ") + " on " + table + "; nothing was written", p.mayWrite(ctx, at, table, rights)
}

func (p *Postgres) mayWrite(ctx context.Context, at At, table string, rights []string) error {
	return p.Read(ctx, at, func(tx pgx.Tx) error {
		schema, name, _ := strings.Cut(table, ".")
		var there, entered bool
		err := tx.QueryRow(ctx, `SELECT count(c.oid) > 0, coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE')), false)
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`, schema, name).Scan(&there, &entered)
		switch {
		case err != nil:
			return err
		case !there:
			return Refuse("there is no table %s: blackstart target ddl writes it out", table)
		case !entered:
			return Refuse("the role may not use the schema %s", schema)
		}
		for _, right := range rights {
			var may bool
			if err := tx.QueryRow(ctx, "SELECT has_table_privilege($1, $2)", table, right).Scan(&may); err != nil {
				return err
			}
			if !may {
				return Refuse("the role may not %s on %s", right, table)
			}
		}
		return nil
	})
}

// PasswordUntil is when the password of the role stops being good, by the server's own word; zero where it does not.
func (p *Postgres) PasswordUntil(ctx context.Context, at At) (end time.Time, err error) {
	err = p.Read(ctx, at, func(tx pgx.Tx) error {
		var until pgtype.Timestamptz
		if err := tx.QueryRow(ctx, "SELECT rolvaliduntil FROM pg_roles WHERE rolname = session_user").Scan(&until); err != nil {
			return err
		}
		if until.Valid && until.InfinityModifier == pgtype.Finite {
			end = until.Time
		}
		return nil
	})
	return end, err
}

// ConnectedTo implements Linked: a standby tells by its WAL receiver.
func (p *Postgres) ConnectedTo(ctx context.Context, at At, address string) (text string, err error) {
	err = p.Read(ctx, at, func(tx pgx.Tx) error {
		var status, host *string
		var port *int
		err := tx.QueryRow(ctx, "SELECT status, sender_host, sender_port FROM pg_stat_wal_receiver").Scan(&status, &host, &port)
		if errors.Is(err, pgx.ErrNoRows) {
			return Refuse("it has no WAL receiver")
		}
		if err != nil {
			return err
		}
		from, err := streamsFrom(status, host, port)
		if err != nil {
			return err
		}
		text = "it streams from " + from
		if !sameEnd(ctx, from, address) {
			return Refuse("it streams from %s, and the file has %s at the other end", from, address)
		}
		return nil
	})
	return text, err
}

// streamsFrom reads a row of pg_stat_wal_receiver: nulls are for a role that may not see it.
func streamsFrom(status, host *string, port *int) (address string, err error) {
	switch {
	case status == nil || host == nil || port == nil:
		return "", Refuse("its role may not see the WAL receiver: GRANT pg_read_all_stats")
	case *status != "streaming":
		return "", Refuse("its WAL receiver does not stream: %s", *status)
	}
	return net.JoinHostPort(*host, strconv.Itoa(*port)), nil
}

// sameEnd tells whether two "host:port" lead to one address, as names resolve here.
func sameEnd(ctx context.Context, a, b string) bool {
	if a == b {
		return true
	}
	if a[strings.LastIndexByte(a, ':'):] != b[strings.LastIndexByte(b, ':'):] {
		return false
	}
	of, err := net.DefaultResolver.LookupNetIP(ctx, "ip", Host(a))
	other, otherErr := net.DefaultResolver.LookupNetIP(ctx, "ip", Host(b))
	return err == nil && otherErr == nil && slices.ContainsFunc(of, func(ip netip.Addr) bool { return slices.Contains(other, ip) })
}
