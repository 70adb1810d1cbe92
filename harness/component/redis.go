package component

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"blackstart/harness"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Kinds.Add(registry.Kind[Kind]{
	Name: "redis",
	Doc: "A Redis server: version, whether it leads or copies another, its clock, and, where it is the beginning of a link, its link to the " +
		"server that it copies. It is asked INFO and TIME; where allows lists the ledger, a write is queued and given up, too. It has no identity: its run id is a new one at every start.",
	Example: "{name: east.cache, kind: redis, region: east, address: 10.1.0.7, port: 6379, with: {user: blackstart, password: {file: /run/secrets/cache}, encryption: tls}}",
	New:     func() Kind { return &redisKind{} },
})

type redisKind struct{ with redisWith }

type redisWith struct {
	User       string            `yaml:"user" doc:"user of its access list; the default one if not written"`
	Password   *secret.Reference `yaml:"password" doc:"where its password is; none if not written"`
	Encryption string            `yaml:"encryption" need:"yes" one:"tls|none" doc:"tls verifies the server's certificate and name; none sends everything in the clear"`
	TLS        target.TLS        `yaml:"tls" doc:"what is trusted and shown"`
}

// Wrong implements target.Judge.
func (w redisWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	if w.User != "" && w.Password == nil {
		return "user", "has no password", "write password:, or leave user out"
	}
	return target.WrongWeb(w.TLS, w.Encryption == "tls", nil)
}

// With implements registry.Parametrised.
func (r *redisKind) With() any { return &r.with }

// Traits implements Kind.
func (*redisKind) Traits() target.Traits {
	return target.Traits{Clock: true, Replicates: true, Holds: map[string]string{target.WriteLedger: redisLedger}}
}

// Access implements Accessed.
func (r *redisKind) Access(ctx context.Context, at At) (a harness.Access, err error) {
	a.Address, a.User = at.Address, r.with.User
	if r.with.Password != nil {
		s, err := at.Secrets(ctx, *r.with.Password)
		if err != nil {
			return harness.Access{}, errors.New("its password cannot be resolved: see the row of the secret")
		}
		a.Password = s.Reveal()
	}
	if r.with.Encryption == "tls" {
		a.TLS, err = at.Secrets.TLS(ctx, r.with.TLS, Host(at.Address))
	}
	return a, err
}

// ask opens one connection and asks on it. It gives the ends of it.
func (r *redisKind) ask(ctx context.Context, at At, f func(c *redis.Client) error) (ends Ends, err error) {
	a, err := r.Access(ctx, at)
	if err != nil {
		return ends, err
	}
	return AskRedis(ctx, a, f)
}

// AskRedis opens one connection to a server, asks on it, and gives the ends of it. It sends nothing twice, and reads a bounded answer.
// An answer that says no, or a certificate that is refused, is a Refusal.
func AskRedis(ctx context.Context, a harness.Access, f func(c *redis.Client) error) (ends Ends, err error) {
	o := &redis.Options{Addr: a.Address, Username: a.User, Password: a.Password, TLSConfig: a.TLS, Protocol: 2, PoolSize: 1, MaxRetries: -1, DialerRetries: 1,
		DisableIdentity: true, ContextTimeoutEnabled: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}}
	var dialled atomic.Pointer[Ends] // the library may dial on after it has given up
	dial := redis.NewDialer(o)
	o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		e := EndsOf(c)
		dialled.Store(&e)
		return &bounded{c, maxAnswer}, nil
	}
	c := redis.NewClient(o)
	defer c.Close() //nolint:errcheck // nothing was written
	err = f(c)
	if e := dialled.Load(); e != nil {
		ends = *e
	}
	var said redis.Error
	if errors.As(err, &said) {
		return ends, &Refusal{err}
	}
	return ends, Trusted(err)
}

// maxAnswer bounds all that a server says on one connection, in bytes: the library believes what it announces.
const maxAnswer = 1 << 20

// bounded is a connection that ends after so many bytes.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, fmt.Errorf("it says more than %d bytes", maxAnswer)
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// The library would print what it cannot connect to; its errors come back to us.
func init() { redis.SetLogger(silent{}) }

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// RedisInfo reads one section of INFO as what stands beside each name.
func RedisInfo(ctx context.Context, c *redis.Client, section string) (map[string]string, error) {
	text, err := c.Info(ctx, section).Result()
	return ParseRedisInfo(text), err
}

// ParseRedisInfo reads what INFO says as what stands beside each name.
func ParseRedisInfo(text string) map[string]string {
	all := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			all[name] = value
		}
	}
	return all
}

// SpeaksRedis tells whether a kind of component takes commands of Redis.
func SpeaksRedis(k Kind) bool { _, ok := k.(*redisKind); return ok }

// Look implements Kind.
func (r *redisKind) Look(ctx context.Context, at At) (s Seen, err error) {
	s.Ends, err = r.ask(ctx, at, func(c *redis.Client) error {
		server, err := RedisInfo(ctx, c, "server")
		if err != nil {
			return err
		}
		copies, err := RedisInfo(ctx, c, "replication")
		if err != nil {
			return err
		}
		asked := time.Now()
		now, err := c.Time(ctx).Result()
		if err != nil {
			return err
		}
		s.Clock = between(asked, time.Now(), now)
		s.Version = "Redis " + server["redis_version"]
		s.Role = map[string]string{"master": Leads, "slave": Follows}[copies["role"]]
		return nil
	})
	return s, err
}

// ConnectedTo implements Linked: a copy tells by its link to the server that it copies.
func (r *redisKind) ConnectedTo(ctx context.Context, at At, address string) (text string, err error) {
	_, err = r.ask(ctx, at, func(c *redis.Client) error {
		copies, err := RedisInfo(ctx, c, "replication")
		if err != nil {
			return err
		}
		from := net.JoinHostPort(copies["master_host"], copies["master_port"])
		switch {
		case copies["role"] != "slave":
			return Refuse("it copies no other server")
		case copies["master_link_status"] != "up":
			return Refuse("its link to %s is %s", from, copies["master_link_status"])
		case !sameEnd(ctx, from, address):
			return Refuse("it copies %s, and the file has %s at the other end", from, address)
		}
		text = "it copies " + from
		return nil
	})
	return text, err
}
