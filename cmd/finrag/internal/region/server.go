// Package region is one region of finrag: an HTTPS API over the region's PostgreSQL and its own vector index.
//
// It keeps running whatever its database does: while the database is down, in recovery or just promoted, it answers what it
// can and says what it cannot. It never promotes, never fences, never talks to the other region.
package region

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/vector"
)

const (
	headerTimeout  = 2 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 15 * time.Second
	idleTimeout    = 60 * time.Second
	maxHeaderBytes = 16 << 10
	maxConnections = 8192
	maxInFlight    = 512 // queries and documents at work at once; more are told to come back, so that health still answers
	stopGrace      = time.Second
)

// Server is one region. Make it with New and run it once.
type Server struct {
	config config.Region
	build  string
	log    *slog.Logger

	store   *store
	index   *vector.Index
	cache   *answers
	cert    *certificate
	pulse   pulse
	slots   chan struct{}
	queries chan queryLogEntry

	adminToken string // empty: nobody may ask for anything
	releases   releases
	successor  chan string  // name of the release that is to take over
	dropped    atomic.Int64 // queries that found the log queue full

	age      atomic.Pointer[dataAge]   // the last sample of the database
	synced   atomic.Pointer[time.Time] // the last complete sync of the index
	ready    bool                      // schema and seed are there; owned by the sampling loop
	troubles sync.Map                  // kinds of background work that fail now
}

// New loads the certificate and prepares the pools. It succeeds while the database is down.
func New(ctx context.Context, c config.Region, build string, log *slog.Logger) (*Server, error) {
	cert, err := loadCertificate(c.TLS)
	if err != nil {
		return nil, err
	}
	index, err := vector.New(vector.Rule)
	if err != nil {
		return nil, err
	}
	token := ""
	if c.Admin.TokenFile != "" {
		if token, err = config.ReadSecret(c.Admin.TokenFile); err != nil {
			return nil, err
		}
	}
	st, err := openStore(ctx, c.Database, c.Region)
	if err != nil {
		return nil, err
	}
	return &Server{
		config: c, build: build, log: log, store: st, index: index, cache: openCache(c.Cache.Address), cert: cert,
		slots: make(chan struct{}, maxInFlight), queries: make(chan queryLogEntry, queryLogQueue),
		adminToken: token, releases: releases{c.Releases}, successor: make(chan string, 1),
	}, nil
}

// Run serves until ctx ends, then stops within two seconds. SIGHUP makes it read its certificate again. When another build is
// deployed it stops in the same way and replaces the process; it returns only when that fails.
func (s *Server) Run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var next string
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-serving.Done():
		case next = <-s.successor:
			stop()
		}
	})
	err := s.serve(serving)
	stop()
	wg.Wait()
	if err != nil || next == "" || ctx.Err() != nil {
		return err
	}
	s.log.Info("build is replaced, the process stays", "release", next, "from", s.build, "pid", os.Getpid())
	return s.releases.become(next)
}

func (s *Server) serve(ctx context.Context) error {
	defer s.store.close()
	defer s.cache.close()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.config.Listen, err)
	}
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	srv := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return base },
		TLSConfig:   &tls.Config{GetCertificate: s.cert.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
	}
	background, stop := context.WithCancel(ctx)
	wait := s.startBackground(background)
	var wg sync.WaitGroup
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	wg.Go(func() { s.reloadOn(background, hangup) })
	wg.Go(func() {
		<-background.Done()
		limited, cancel := context.WithTimeout(base, stopGrace)
		defer cancel()
		if srv.Shutdown(limited) != nil {
			cut()
			srv.Close()
		}
	})
	s.log.Info("region serves", "region", s.config.Region, "address", l.Addr().String(), "build", s.build)
	err = srv.Serve(tls.NewListener(netutil.LimitListener(l, maxConnections), srv.TLSConfig))
	stop()
	wg.Wait()
	wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// reloadOn reads the certificate again whenever hangup says so, until ctx ends.
func (s *Server) reloadOn(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			if err := s.cert.reload(); err != nil {
				s.log.Error("certificate stays as it was", "error", err)
				continue
			}
			s.log.Info("certificate loaded", "not_after", s.cert.detail(time.Now()).NotAfter)
		}
	}
}
