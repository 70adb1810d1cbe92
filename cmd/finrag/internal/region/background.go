package region

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"blackstart/cmd/finrag/internal/database"
)

const (
	sampleInterval    = time.Second
	heartbeatInterval = 250 * time.Millisecond
	logInterval       = time.Second
	backgroundTimeout = 2 * time.Second  // one background statement
	firstSyncTimeout  = 60 * time.Second // the whole table
	queryLogQueue     = 4096             // entries that wait; more are dropped and counted
	queryLogBatch     = 1024
)

// every runs do at once and then each interval until ctx ends, with its own timeout.
func every(ctx context.Context, interval, timeout time.Duration, do func(context.Context)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, timeout)
		do(limited)
		cancel()
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// startBackground starts the loops that keep the region current; the returned function waits for their end.
func (s *Server) startBackground(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	wg.Go(func() { every(ctx, sampleInterval, backgroundTimeout, s.sample) })
	wg.Go(func() { every(ctx, heartbeatInterval, backgroundTimeout, s.beat) })
	wg.Go(func() { every(ctx, s.config.Vector.SyncInterval.D(), firstSyncTimeout, s.syncIndex) })
	wg.Go(func() { every(ctx, logInterval, backgroundTimeout, s.flushQueries) })
	if s.cache != nil {
		wg.Go(func() {
			every(ctx, sampleInterval, backgroundTimeout, func(ctx context.Context) { _ = s.cache.ping(ctx) })
		})
	}
	return wg.Wait
}

// sample reads the role and the age of the data; a primary without schema or documents gets them here.
func (s *Server) sample(ctx context.Context) {
	age, err := s.store.age(ctx)
	if err != nil {
		s.report("sample", err)
		return
	}
	if age.Role == rolePrimary && !s.ready {
		err := s.store.ensureSchema(ctx)
		if err == nil && s.config.Seed.Documents > 0 {
			err = s.store.seed(ctx, s.config.Seed.Documents)
		}
		s.ready = err == nil
		s.report("schema", err)
	}
	s.report("sample", nil)
	if was := s.age.Swap(&age); was == nil || was.Role != age.Role {
		s.log.Info("database role", "role", age.Role)
	}
}

func (s *Server) beat(ctx context.Context) {
	if age := s.age.Load(); age != nil && age.Role == rolePrimary {
		if err := s.store.beat(ctx); !database.IsReadOnly(err) {
			s.report("heartbeat", err)
		}
	}
}

// syncIndex reads all rows once, and after that the rows modified within the lookback.
func (s *Server) syncIndex(ctx context.Context) {
	lookback := s.config.Vector.Lookback.D()
	if s.synced.Load() == nil {
		lookback = 0
	}
	docs, err := s.store.changed(ctx, lookback)
	if database.IsMissingTable(err) {
		return // the schema has not arrived yet
	}
	s.report("vector sync", err)
	if err != nil {
		return
	}
	for _, d := range docs {
		if _, err := s.index.Upsert(ctx, d); err != nil {
			s.report("vector sync", err)
			return
		}
	}
	now := time.Now()
	s.synced.Store(&now)
}

// flushQueries writes what has gathered since the last time. Only a primary can; elsewhere the entries are let go.
func (s *Server) flushQueries(ctx context.Context) {
	var batch []queryLogEntry
	for len(batch) < queryLogQueue {
		select {
		case e := <-s.queries:
			batch = append(batch, e)
			continue
		default:
		}
		break
	}
	if age := s.age.Load(); age == nil || age.Role != rolePrimary {
		return
	}
	for len(batch) > 0 {
		n := min(len(batch), queryLogBatch)
		if err := s.store.logQueries(ctx, s.config.Region, batch[:n]); err != nil {
			if !database.IsReadOnly(err) {
				s.report("query log", err)
			}
			return
		}
		batch = batch[n:]
	}
	s.report("query log", nil)
}

// report logs the first error of a kind, and its end; not every repetition.
func (s *Server) report(what string, err error) {
	if err != nil {
		if _, known := s.troubles.LoadOrStore(what, true); !known {
			s.log.Warn("background work fails", "what", what, "error", err)
		}
		return
	}
	if _, known := s.troubles.LoadAndDelete(what); known {
		s.log.Log(context.Background(), slog.LevelInfo, "background work succeeds again", "what", what)
	}
}
