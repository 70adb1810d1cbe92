package region

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"blackstart/cmd/finrag/internal/vector"
)

const (
	cacheLifetime = 2 * time.Second       // an answer may lag the index by this much
	cacheTimeout  = 50 * time.Millisecond // a slow cache is worse than none
	cachePool     = 8
)

// answers is the optional Redis cache of query results. A nil *answers is no cache.
// When Redis does not answer, queries are served without it until the next background ping succeeds.
type answers struct {
	client *redis.Client
	usable atomic.Bool
}

func openCache(address string) *answers {
	if address == "" {
		return nil
	}
	redis.SetLogger(silent{}) // its errors come back to us; lines of its own would break the log
	return &answers{client: redis.NewClient(&redis.Options{
		Addr: address, DialTimeout: cacheTimeout, ReadTimeout: cacheTimeout, WriteTimeout: cacheTimeout,
		PoolSize: cachePool, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true,
	})}
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func (a *answers) close() {
	if a != nil {
		a.client.Close()
	}
}

// ping asks the cache for an answer and remembers whether one came.
func (a *answers) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	err := a.client.Ping(ctx).Err()
	a.usable.Store(err == nil)
	return err
}

// cacheKey is of one size whatever the text, and no namespace and text give the key of another pair.
func cacheKey(namespace, text string, k int) string {
	return fmt.Sprintf("finrag:%x", sha256.Sum256(fmt.Appendf(nil, "%d %d %s%s", k, len(namespace), namespace, text)))
}

func (a *answers) get(ctx context.Context, key string) ([]vector.Result, bool) {
	if a == nil || !a.usable.Load() {
		return nil, false
	}
	b, err := a.client.Get(ctx, key).Bytes()
	if err != nil {
		if err != redis.Nil {
			a.usable.Store(false)
		}
		return nil, false
	}
	var r []vector.Result
	return r, json.Unmarshal(b, &r) == nil
}

func (a *answers) put(ctx context.Context, key string, r []vector.Result) {
	if a == nil || !a.usable.Load() {
		return
	}
	b, err := json.Marshal(r)
	if err == nil {
		err = a.client.Set(ctx, key, b, cacheLifetime).Err()
	}
	if err != nil {
		a.usable.Store(false)
	}
}

// cacheDetail is the cache's part of GET /health/detailed.
type cacheDetail struct {
	Configured bool   `json:"configured"`
	OK         bool   `json:"ok"`
	Error      string `json:"error,omitempty"`
}

func (a *answers) detail(ctx context.Context) cacheDetail {
	if a == nil {
		return cacheDetail{}
	}
	if err := a.ping(ctx); err != nil {
		return cacheDetail{Configured: true, Error: err.Error()}
	}
	return cacheDetail{Configured: true, OK: true}
}
