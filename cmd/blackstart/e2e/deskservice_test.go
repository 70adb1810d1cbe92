package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"blackstart/internal/pgdial"
)

// service is what the firm's clients reach: it takes orders into the database that leads, shows how many there are, and stands for its
// metrics and the chat of its operators as well. What it is told to, it does wrong.
type service struct {
	t   *testing.T
	key string // that clients must have
	web *httptest.Server

	mu      sync.Mutex
	leader  string // address of the database
	healthy bool   // whether that takes writes
	stale   bool   // it answers orders with what it answered last, from a cache
	frozen  bool   // it shows how many orders there were at a moment
	last    []byte // what it answered last to an order
	asOf    time.Time
	bearer  string
	hook    string   // path of the operators' chat
	said    []string // to the operators' chat, with how many orders there were by then
	orders  int

	echoes atomic.Bool     // what it refuses it repeats, secrets and all
	echoed [2]atomic.Int32 // how often it has repeated the key of its clients, and that of its metrics
}

func newService(t *testing.T, d *desk) *service {
	t.Helper()
	s := &service{t: t, key: d.secrets.header, bearer: d.secrets.bearer, asOf: time.Now(), hook: d.secrets.hook, leader: d.clients.Addr()}
	s.web = httptest.NewUnstartedServer(s)
	l, err := net.Listen("tcp", deskHost+":0")
	must(t, err)
	_ = s.web.Listener.Close()
	s.web.Listener, s.web.TLS = l, d.secrets.tls
	s.web.Config.ErrorLog = nil
	s.web.StartTLS()
	ctx, stop := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(ctx) })
	t.Cleanup(func() { stop(); watching.Wait(); s.web.Close() })
	must(t, os.WriteFile(filepath.Join(d.dir, "hook"), []byte(s.web.URL+s.hook), 0o600))
	return s
}

func (s *service) address() string { return s.web.Listener.Addr().String() }

// write has the database that leads do something within a short time.
func (s *service) write(ctx context.Context, sql string, args ...any) error {
	s.mu.Lock()
	leader := s.leader
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 400*time.Millisecond)
	defer cancel()
	conn, err := pgdial.Connect(ctx, pgdial.Params{Address: leader, User: "app", Password: "of-the-service", Database: "finrag", Timeout: 400 * time.Millisecond})
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = conn.Close(end)
	}()
	_, err = conn.Exec(ctx, sql, args...)
	return err
}

// watch keeps what /health says.
func (s *service) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.write(ctx, "INSERT INTO orders VALUES ('health', now()) ON CONFLICT (id) DO UPDATE SET at = now()")
		s.mu.Lock()
		s.healthy = err == nil
		s.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// follow has it write to another database.
func (s *service) follow(leader string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leader = leader
}

// lie has it answer orders, or what it shows, from a cache or no more.
func (s *service) lie(orders, shows bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale, s.frozen = orders, shows
}

// takes is how many orders it took.
func (s *service) takes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	s.mu.Lock()
	healthy, stale := s.healthy, s.stale
	s.mu.Unlock()
	refuse := func(status int) {
		text := "no"
		if s.echoes.Load() {
			text = fmt.Sprintf("no: %s %s %s %s", r.URL, r.Header.Get("Authorization"), r.Header.Get("X-Desk-Key"), body)
			for i, secret := range []string{s.key, s.bearer} {
				if strings.Contains(text, secret) {
					s.echoed[i].Add(1)
				}
			}
		}
		http.Error(w, text, status)
	}
	switch {
	case r.URL.Path == "/health" && (healthy || stale):
		_, _ = io.WriteString(w, "ok")
	case r.URL.Path == "/health":
		refuse(http.StatusServiceUnavailable)
	case r.URL.Path == s.hook && r.Method == http.MethodPost:
		s.mu.Lock()
		s.said = append(s.said, fmt.Sprintf("%d %s", s.orders, body))
		s.mu.Unlock()
	case r.URL.Path == "/api/v1/query" && r.Header.Get("Authorization") == s.bearer && healthy:
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%d,"0"]}]}}`, time.Now().Unix())
	case r.Header.Get("X-Desk-Key") != s.key:
		refuse(http.StatusUnauthorized)
	case r.URL.Path == "/stats":
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.frozen {
			s.asOf = time.Now()
		}
		_, _ = fmt.Fprintf(w, `{"orders":%d,"asOf":%q}`, s.orders, s.asOf.UTC().Format(time.RFC3339Nano))
	case r.URL.Path == "/orders":
		s.order(w, r, body, refuse)
	default:
		refuse(http.StatusNotFound)
	}
}

// order takes an order, or says again what it said of the one before.
func (s *service) order(w http.ResponseWriter, r *http.Request, body []byte, refuse func(int)) {
	var order struct{ ID string }
	if json.Unmarshal(body, &order) != nil || order.ID == "" {
		refuse(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	stale, last := s.stale, s.last
	s.mu.Unlock()
	if stale && last != nil {
		_, _ = w.Write(last)
		return
	}
	if err := s.write(r.Context(), "INSERT INTO orders VALUES ($1)", order.ID); err != nil {
		refuse(http.StatusServiceUnavailable)
		return
	}
	answer := fmt.Appendf(nil, `{"id":%q,"state":"accepted"}`, order.ID)
	s.mu.Lock()
	s.last = answer
	s.orders++
	s.mu.Unlock()
	_, _ = w.Write(answer)
}

// page sends an alert to an end of the drill, as the firm's alerting does, and returns the status of the answer.
func (s *service) page(address, key, incident, class, summary string) (int, error) {
	body, err := json.Marshal(map[string]any{"state": "firing", "check": class, "id": incident, "text": summary, "tags": map[string]string{"service": "orders"}})
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequest(http.MethodPost, "https://"+address+"/webhook", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: s.web.TLS.ClientCAs, MinVersion: tls.VersionTLS12}}}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// chat is what was said to the operators so far.
func (s *service) chat() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.said, "\n")
}
