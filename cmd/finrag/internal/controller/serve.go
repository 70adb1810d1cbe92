package controller

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

const (
	serveTimeout   = 5 * time.Second
	serveMaxHeader = 8 << 10
	serveMaxConns  = 64
	stopGrace      = time.Second
)

func (c *Controller) listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", c.config.Listen, err)
	}
	return netutil.LimitListener(l, serveMaxConns), nil
}

// serve answers GET /health, /state and /audit until ctx ends.
func (c *Controller) serve(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		c.reply(w, map[string]string{"status": "ok", "build": c.build})
	})
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		c.reply(w, struct {
			State
			Profile   string     `json:"profile"`
			Enabled   bool       `json:"failover_enabled"`
			LastGood  *time.Time `json:"last_good_check"` // start of the last health check that passed
			Readiness *Sample    `json:"readiness"`
		}{*c.shown.Load(), c.config.Profile, c.config.Failover.Enabled, c.lastGood.Load(), c.history.latest()})
	})
	mux.HandleFunc("GET /audit", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		if err := c.audit.copyTo(w); err != nil {
			c.log.Warn("audit log not sent", "error", err)
		}
	})
	mux.HandleFunc("POST /failover", c.takeRequest)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: serveTimeout, ReadTimeout: serveTimeout, WriteTimeout: serveTimeout,
		IdleTimeout: serveTimeout, MaxHeaderBytes: serveMaxHeader}
	var wg sync.WaitGroup
	defer wg.Wait()
	ended, end := context.WithCancel(ctx)
	defer end()
	wg.Go(func() {
		<-ended.Done()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		if srv.Shutdown(limited) != nil {
			srv.Close()
		}
	})
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// takeRequest notes that an operator asks for a failover. It is carried out once the primary has failed its checks: a person
// may decide in the controller's place, but nobody moves a service away from a primary that answers.
func (c *Controller) takeRequest(w http.ResponseWriter, r *http.Request) {
	given := []byte(r.Header.Get("Authorization"))
	if c.operator == "" || !c.config.Failover.Manual || subtle.ConstantTimeCompare(given, []byte("Bearer "+c.operator)) != 1 {
		http.Error(w, `{"error":"not an operator"}`, http.StatusForbidden)
		return
	}
	c.requested.Store(true)
	c.note(eventRequested, detail{"by": "operator"})
	w.WriteHeader(http.StatusAccepted)
}

func (c *Controller) reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		c.log.Debug("answer not sent", "error", err)
	}
}
