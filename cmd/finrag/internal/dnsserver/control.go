package dnsserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

const (
	controlTimeout  = 5 * time.Second
	controlMaxBody  = 4 << 10
	controlMaxConns = 64
	stopGrace       = time.Second
)

// serveControl serves the control interface on l until ctx ends.
func (s *Server) serveControl(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /active", s.authorised(s.getActive))
	mux.HandleFunc("PUT /active", s.authorised(s.putActive))
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: controlTimeout, ReadTimeout: controlTimeout, WriteTimeout: controlTimeout,
		IdleTimeout: controlTimeout, MaxHeaderBytes: controlMaxBody,
	}
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
	if err := srv.Serve(netutil.LimitListener(l, controlMaxConns)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control: %w", err)
	}
	return nil
}

// authorised lets requests with the bearer token through. The comparison takes the same time whatever was sent.
func (s *Server) authorised(next http.HandlerFunc) http.HandlerFunc {
	want := sha256.Sum256([]byte(s.token))
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		have := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(want[:], have[:]) != 1 || !ok {
			w.Header().Set("WWW-Authenticate", "Bearer")
			reply(w, http.StatusUnauthorized, map[string]string{"error": "the bearer token is missing or wrong"})
			return
		}
		next(w, r)
	}
}

func (s *Server) getActive(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, s.active.Load())
}

func (s *Server) putActive(w http.ResponseWriter, r *http.Request) {
	var want struct {
		Record string `json:"record"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlMaxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&want); err != nil || (want.Record != Primary && want.Record != Secondary) {
		reply(w, http.StatusBadRequest, map[string]string{"error": `want {"record":"primary"} or {"record":"secondary"}`})
		return
	}
	now, err := s.choose(want.Record)
	if err != nil {
		reply(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	reply(w, http.StatusOK, now)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked is gone
}
