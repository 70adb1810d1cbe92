package component

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"blackstart/harness/target"
)

// redisLedger is what the keys of a ledger begin with, as redis.ledger writes them.
const redisLedger = "blackstart:ledger"

// redisTried is a key of the ledger that no run has: what is tried is tried there.
const redisTried = redisLedger + ":check"

// ACL is what the user of a Redis needs there, as ACL SETUSER takes it: to be asked, and to write what is allowed. Each server has an
// access list of its own.
func (r *redisKind) ACL(t *target.Target, name string) (user string, rights []string) {
	rights = []string{"+info", "+time"}
	if t.MayWrite(target.WriteLedger, name) {
		rights = append(rights, "~"+redisLedger+":*", "+multi", "+discard", "+rpush", "+lrange")
	}
	if r.with.User == "" {
		return "default", rights
	}
	return r.with.User, rights
}

// Listed is a kind whose components have an access list.
type Listed interface {
	ACL(t *target.Target, name string) (user string, rights []string)
}

// MayWrite implements Holding. A write and a look-up are queued in a transaction, which is given up: a server that would refuse one of
// them says so then, and one that would not has carried out neither.
func (r *redisKind) MayWrite(ctx context.Context, at At, _ string) (text string, err error) {
	_, err = r.ask(ctx, at, func(c *redis.Client) error {
		server, err := RedisInfo(ctx, c, "server")
		if err != nil {
			return err
		}
		if mode := server["redis_mode"]; mode != "standalone" {
			return Refuse("not supported: it runs in mode %q, and redis.ledger knows one master and its replicas", mode)
		}
		memory, err := RedisInfo(ctx, c, "memory")
		if err != nil {
			return err
		}
		if text, err = tryRedis(ctx, c); err == nil && memory["maxmemory"] != "0" && strings.HasPrefix(memory["maxmemory_policy"], "allkeys-") {
			text += "; its maxmemory-policy is " + memory["maxmemory_policy"] + ": what it evicts will be counted as lost"
		}
		return err
	})
	return text, err
}

func tryRedis(ctx context.Context, c *redis.Client) (string, error) {
	one := c.Conn()   // a transaction is of one connection, and ends with it
	defer one.Close() //nolint:errcheck // nothing was written
	for _, command := range [][]any{{"MULTI"}, {"LRANGE", redisTried, 0, 0}, {"RPUSH", redisTried, 0}, {"DISCARD"}} {
		err := one.Do(ctx, command...).Err()
		var said redis.Error
		switch {
		case err == nil:
		case errors.As(err, &said) && strings.HasPrefix(said.Error(), "READONLY"): // asked after the access list
			return "it is a replica; its user may write keys " + redisLedger + ":* once it leads; nothing was written", nil
		case errors.As(err, &said):
			return "", Refuse("it refuses %v %s:*: %w: blackstart target ddl writes out what its user needs", command[0], redisLedger, err)
		default:
			return "", err
		}
	}
	return "a write to keys " + redisLedger + ":* was queued and given up; nothing was written, and what a drill writes there stays", nil
}
