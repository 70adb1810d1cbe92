// Package dnsserver is an authoritative DNS server for one name with two possible addresses, and the HTTP interface that
// chooses between them.
//
// It answers for its own name only, never recurses, never checks a region's health: it serves what it was last told.
package dnsserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/durable"
)

// The two records. Primary is served until somebody chooses.
const (
	Primary   = "primary"
	Secondary = "secondary"
)

const (
	queryTimeout = 2 * time.Second
	idleTimeout  = 5 * time.Second
	maxTCP       = 128 // questions on one TCP connection
	soaRefresh   = 3600
	soaRetry     = 600
	soaExpire    = 86400
)

// Server is the DNS server. Make it with New and run it once.
type Server struct {
	config config.DNS
	token  string
	log    *slog.Logger

	mu     sync.Mutex // one choice at a time: file first, then memory
	active atomic.Pointer[choice]
}

// choice is the record served, and when it was chosen.
type choice struct {
	Record string    `json:"record"`
	Since  time.Time `json:"since"`
}

// New reads the token and the state file.
func New(c config.DNS, log *slog.Logger) (*Server, error) {
	token, err := config.ReadSecret(c.Control.TokenFile)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, token: token, log: log}
	now := choice{Record: Primary, Since: time.Now().UTC()}
	b, err := os.ReadFile(c.State)
	if err == nil {
		err = json.Unmarshal(b, &now)
		if err == nil && now.Record != Primary && now.Record != Secondary {
			err = fmt.Errorf("unknown record %q", now.Record)
		}
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read state %s: %w; correct the file or delete it to serve the primary record", c.State, err)
	}
	s.active.Store(&now)
	return s, nil
}

// Run serves until ctx ends, then stops within two seconds.
func (s *Server) Run(ctx context.Context) error {
	var lc net.ListenConfig
	packets, err := lc.ListenPacket(ctx, "udp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s/udp: %w", s.config.Listen, err)
	}
	defer packets.Close()
	streams, err := lc.Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s/tcp: %w", s.config.Listen, err)
	}
	defer streams.Close()
	control, err := lc.Listen(ctx, "tcp", s.config.Control.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.config.Control.Listen, err)
	}
	defer control.Close()
	handler := dns.HandlerFunc(s.serveDNS)
	idle := func() time.Duration { return idleTimeout }
	udp := &dns.Server{PacketConn: packets, Handler: handler, ReadTimeout: queryTimeout}
	tcp := &dns.Server{Listener: streams, Handler: handler, ReadTimeout: queryTimeout, IdleTimeout: idle, MaxTCPQueries: maxTCP}
	s.log.Info("dns serves", "name", s.config.Name, "address", s.config.Listen, "record", s.active.Load().Record)
	return s.serve(ctx, udp, tcp, control)
}

// serve runs the three servers until ctx ends or one of them fails, and waits for all.
func (s *Server) serve(ctx context.Context, udp, tcp *dns.Server, control net.Listener) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, d := range []*dns.Server{udp, tcp} {
		started := make(chan struct{})
		d.NotifyStartedFunc = func() { close(started) }
		failed := make(chan struct{})
		wg.Go(func() {
			defer close(failed)
			if err := d.ActivateAndServe(); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("serve dns: %w", err))
			}
		})
		wg.Go(func() {
			select {
			case <-started:
			case <-failed:
				return
			}
			<-ctx.Done()
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
			defer cancel()
			_ = d.ShutdownContext(limited) // the process ends either way
		})
	}
	wg.Go(func() {
		if err := s.serveControl(ctx, control); err != nil {
			stop(err)
		}
	})
	<-ctx.Done()
	wg.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// choose makes record the one served: on disk first, so that a restart cannot take it back.
func (s *Server) choose(record string) (choice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := *s.active.Load()
	if now.Record == record {
		return now, nil
	}
	now = choice{Record: record, Since: time.Now().UTC()}
	b, err := json.Marshal(now)
	if err != nil {
		return choice{}, fmt.Errorf("encode state: %w", err)
	}
	if err := durable.WriteFile(s.config.State, b); err != nil {
		return choice{}, err
	}
	s.active.Store(&now)
	s.log.Info("record chosen", "record", record)
	return now, nil
}
