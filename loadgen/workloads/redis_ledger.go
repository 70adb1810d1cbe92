package workloads

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackstart/internal/registry"
	"blackstart/loadgen"
)

var _ = Workloads.Add(registry.Kind[Workload]{
	Name: "redis.ledger",
	Doc: "Writes one key a request, blackstart:ledger:RUN:ID, to whichever Redis says that it is the master, and keeps, for each attempt, " +
		"whether it was acknowledged, certainly not applied, or unknown. A key is a list, so that a write applied twice is seen. Each attempt " +
		"is looked up by its id on each node; keys that nobody wrote are not searched for, and none is removed.",
	Example: "load:\n  - {workload: redis.ledger, rate: 200/s, timeout: 1s, place: outside, with: {amount: \"100.00\"}}",
	New:     func() Workload { return &redisLedger{} },
})

type redisLedger struct{ LedgerWith }

// Traits implements Workload.
func (r *redisLedger) Traits() loadgen.Traits { return r.traits("redis", redisTable) }

// WriteSize implements Sized.
func (r *redisLedger) WriteSize() int {
	return len(redisKey([16]byte{}, math.MaxUint64)) + len(redisValue(math.MaxUint64, r.amount()))
}

// Open implements Workload.
func (r *redisLedger) Open(cfg Config, ledger *loadgen.AttemptWriter) (loadgen.Op, error) {
	return OpenLedger(cfg, r.LedgerWith, ledger, r)
}

// Store implements Keeper.
func (r *redisLedger) Store(at Config) (LedgerStore, error) {
	if err := at.Database.check(); err != nil {
		return nil, err
	}
	return &redisStore{db: at.Database}, nil
}

// redisStore is the ledger of a Redis.
type redisStore struct {
	writing[*redisSession]
	db Database
}

// redisTable is what the names of all keys of a ledger begin with.
const redisTable = "blackstart:ledger"

// redisKey is where one attempt is written.
func redisKey(run [16]byte, id uint64) string {
	return fmt.Sprintf(redisTable+":%x:%d", run, id)
}

// redisValue is what is written there.
func redisValue(key uint64, amount loadgen.Amount) string { return fmt.Sprintf("%d %s", key, amount) }

// Prepare implements LedgerStore: a key is made by the first write to it, on the master alone.
func (s *redisStore) Prepare(ctx context.Context) error {
	serves, _, err := s.Serves(ctx)
	if err == nil && !serves {
		err = fmt.Errorf("%s is a replica and takes no writes", s.db.Addresses[0])
	}
	if err != nil {
		return fmt.Errorf("prepare ledger: %w", err)
	}
	return nil
}

// Write implements LedgerStore.
func (s *redisStore) Write(ctx context.Context, e LedgerEntry) (Fate, error) {
	pool := s.open(s.db, s.dialMaster)
	deadline, _ := ctx.Deadline()
	sess, err := pool.acquire(deadline)
	if err != nil {
		// There was no connection, so nothing of this attempt has left.
		return Fate{loadgen.AttemptDefinite, classifyRedis(err)}, err
	}
	length, err := redisInteger(sess.do(deadline, "RPUSH", redisKey(e.Run, e.ID), redisValue(e.Key, e.Amount)))
	if err == nil && length < 1 {
		err = fmt.Errorf("%w: a list of length %d", errRedisReply, length)
	}
	fate := redisFate(err)
	pool.release(sess, fate.Attempt == loadgen.AttemptUnknown || fate.Sample == loadgen.HTTP5xx, false, err)
	return fate, err
}

// dialMaster connects to addr and returns a session only if that says that it takes writes.
func (s *redisStore) dialMaster(ctx context.Context, addr string, deadline time.Time) (*redisSession, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	sess, err := dialRedis(ctx, s.db, addr)
	if err != nil {
		return nil, err
	}
	if !sess.master {
		sess.close()
		return nil, fmt.Errorf("connect to %s: %w", addr, errReplica)
	}
	return sess, nil
}

// ask runs f on a connection of its own to the node, until ctx ends.
func (s *redisStore) ask(ctx context.Context, f func(*redisSession, time.Time) error) error {
	ctx, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	soon, cancelDial := context.WithTimeout(ctx, askLimit)
	defer cancelDial()
	sess, err := dialRedis(soon, s.db, s.db.Addresses[0])
	if err != nil {
		return err
	}
	defer sess.close()
	defer context.AfterFunc(ctx, sess.close)()
	deadline, _ := ctx.Deadline()
	return f(sess, deadline)
}

const (
	findLimit = 2 * time.Minute // of one answer about all attempts
	findBatch = 500             // attempts asked about at a time
)

// Find implements LedgerStore.
func (s *redisStore) Find(ctx context.Context, ids IDs) (*Found, error) {
	found := NewFound(ids)
	err := s.ask(ctx, func(sess *redisSession, deadline time.Time) error {
		for stream, count := range ids.Streams {
			for from := uint64(0); from < count; from += findBatch {
				if err := findRedis(sess, deadline, found, ids.Run, stream, from, min(from+findBatch, count)); err != nil {
					return fmt.Errorf("look up ledger: %w", err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// findRedis looks up the attempts of a stream from one number to before another.
func findRedis(sess *redisSession, deadline time.Time, found *Found, run [16]byte, stream uint32, from, to uint64) error {
	for n := from; n < to; n++ {
		sess.queue("LRANGE", redisKey(run, loadgen.AttemptID(stream, n)), "0", strconv.Itoa(loadgen.MaxCopies))
	}
	if err := sess.send(deadline); err != nil {
		return err
	}
	for n := from; n < to; n++ {
		reply, err := sess.receive()
		if err != nil {
			return err
		}
		copies, ok := reply.([]any)
		if !ok {
			return fmt.Errorf("%w: a list is wanted", errRedisReply)
		}
		for _, c := range copies {
			text, _ := c.(string)
			key, _, _ := strings.Cut(text, " ")
			business, _ := strconv.ParseUint(key, 10, 64) // 0, which no attempt has, of what we did not write
			found.Add(loadgen.AttemptID(stream, n), business)
		}
	}
	return nil
}

// Serves implements LedgerStore. A Redis does not tell when it got its last write from another.
func (s *redisStore) Serves(ctx context.Context) (serves bool, followed int64, err error) {
	err = s.ask(ctx, func(sess *redisSession, _ time.Time) error {
		serves = sess.master
		return nil
	})
	return serves, 0, err
}

// What a server refuses a command with before it is carried out, as the first word of its answer: of its own trouble, and of
// ours. It is a closed list: after any other answer nobody knows what became of the command.
var (
	redisTrouble = []string{"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "BUSY", "MISCONF", "OOM"}
	redisRefused = []string{"WRONGTYPE", "NOAUTH", "NOPERM", "WRONGPASS", "DENIED", "MOVED", "ASK"}
)

// redisFate says what is known of an attempt that was handed to the server.
func redisFate(err error) Fate {
	var said redisError
	switch {
	case err == nil:
		return Fate{loadgen.AttemptOK, loadgen.OK}
	case errors.As(err, &said) && (slices.Contains(redisTrouble, said.code()) || slices.Contains(redisRefused, said.code())):
		return Fate{loadgen.AttemptDefinite, classifyRedis(err)}
	}
	return Fate{loadgen.AttemptUnknown, classifyRedis(err)}
}

// classifyRedis says which outcome of a sample an error is.
func classifyRedis(err error) loadgen.Outcome {
	var said redisError
	switch {
	case errors.Is(err, errReplica), errors.As(err, &said) && slices.Contains(redisTrouble, said.code()):
		return loadgen.HTTP5xx // it serves no writes, or is in trouble
	case errors.As(err, &said):
		return loadgen.HTTP4xx
	case errors.Is(err, errRedisReply):
		return loadgen.WrongAnswer
	}
	return classify(err)
}
