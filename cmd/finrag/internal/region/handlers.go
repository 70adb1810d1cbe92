package region

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"io"
	"net/http"
	"time"

	"blackstart/cmd/finrag/internal/database"
	"blackstart/cmd/finrag/internal/vector"
)

const (
	detailTimeout = 1500 * time.Millisecond
	maxNameBytes  = 200 // of a namespace or an id
	maxResults    = 50
	defaultK      = 5
	embeddingName = "feature-hash"
)

type errorAnswer struct {
	Error string `json:"error"`
}

type healthAnswer struct {
	Status string `json:"status"`
	Region string `json:"region"`
	Error  string `json:"error,omitempty"`
}

type versionAnswer struct {
	Build     string `json:"build"`
	Region    string `json:"region"`
	Embedding string `json:"embedding"`
	Ranking   string `json:"ranking"` // the rule: vector.Rule
}

type documentRequest struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	Title     string `json:"title"`
	Body      string `json:"body"`
}

type documentAnswer struct {
	Region    string    `json:"region"`
	Build     string    `json:"build"`
	Namespace string    `json:"namespace"`
	ID        string    `json:"id"`
	UpdatedAt time.Time `json:"updated_at"`
}

type queryRequest struct {
	Namespace string `json:"namespace"`
	Text      string `json:"text"`
	K         int    `json:"k"`
}

type queryAnswer struct {
	Region   string          `json:"region"`
	Build    string          `json:"build"`
	DataAsOf time.Time       `json:"data_as_of"`
	Results  []vector.Result `json:"results"`
}

type vectorDetail struct {
	Count      int            `json:"count"`
	Namespaces map[string]int `json:"namespaces"`
	Synced     bool           `json:"synced"`
	AgeMs      float64        `json:"age_ms"` // since the last complete sync; meaningless until synced
}

type detailedAnswer struct {
	Region            string            `json:"region"`
	Build             string            `json:"build"`
	Database          databaseDetail    `json:"database"`
	DataAsOf          *time.Time        `json:"data_as_of"`
	Vector            vectorDetail      `json:"vector"`
	Certificate       certificateDetail `json:"certificate"`
	Cache             cacheDetail       `json:"cache"`
	QueriesNotLogged  int64             `json:"queries_not_logged"`
	RequestsInService int               `json:"requests_in_service"`
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.getHealth)
	mux.HandleFunc("GET /health/detailed", s.getDetailed)
	mux.HandleFunc("GET /version", s.getVersion)
	mux.HandleFunc("POST /documents", s.limited(s.postDocument))
	mux.HandleFunc("POST /query", s.limited(s.postQuery))
	s.adminRoutes(mux)
	return mux
}

// limited turns requests away while maxInFlight are at work, and gives each one its time.
func (s *Server) limited(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			answer(w, http.StatusServiceUnavailable, errorAnswer{"overloaded"})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.config.Limits.QueryTimeout.D())
		defer cancel()
		next(w, r.WithContext(ctx))
	}
}

func (s *Server) getHealth(w http.ResponseWriter, r *http.Request) {
	if err := s.pulse.check(r.Context(), s.store.ping); err != nil {
		answer(w, http.StatusServiceUnavailable, healthAnswer{"unhealthy", s.config.Region, err.Error()})
		return
	}
	answer(w, http.StatusOK, healthAnswer{Status: "ok", Region: s.config.Region})
}

func (s *Server) getDetailed(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), detailTimeout)
	defer cancel()
	d := detailedAnswer{
		Region: s.config.Region, Build: s.build, Database: s.store.detail(ctx), Cache: s.cache.detail(ctx),
		Certificate: s.cert.detail(time.Now()), QueriesNotLogged: s.dropped.Load(), RequestsInService: len(s.slots),
		Vector: vectorDetail{Count: s.index.Count(), Namespaces: s.index.Namespaces()},
	}
	if at := s.synced.Load(); at != nil {
		d.Vector.Synced = true
		d.Vector.AgeMs = float64(time.Since(*at).Microseconds()) / 1000
	}
	if age := s.age.Load(); age != nil {
		at := age.AsOf.UTC()
		d.DataAsOf = &at
	}
	status := http.StatusOK
	if !d.Database.OK {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, d)
}

func (s *Server) getVersion(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, versionAnswer{s.build, s.config.Region, embeddingName, vector.Rule})
}

func (s *Server) postDocument(w http.ResponseWriter, r *http.Request) {
	var q documentRequest
	if !s.read(w, r, &q) {
		return
	}
	if bad(q.Namespace) || bad(q.ID) || q.Title == "" {
		answer(w, http.StatusBadRequest, errorAnswer{"namespace, id and title are needed; a name has at most 200 bytes"})
		return
	}
	doc := vector.Document{Namespace: q.Namespace, ID: q.ID, Title: q.Title, Body: q.Body}
	at, err := s.store.put(r.Context(), s.config.Region, doc)
	switch {
	case database.IsReadOnly(err):
		answer(w, http.StatusServiceUnavailable, errorAnswer{"read-only"})
		return
	case errors.Is(err, errUnknownOutcome):
		answer(w, http.StatusGatewayTimeout, errorAnswer{err.Error()})
		return
	case err != nil:
		answer(w, http.StatusServiceUnavailable, errorAnswer{err.Error()})
		return
	}
	doc.UpdatedAt = at
	if _, err := s.index.Upsert(r.Context(), doc); err != nil {
		s.log.Warn("document waits for the next sync of the index", "error", err)
	}
	answer(w, http.StatusOK, documentAnswer{s.config.Region, s.build, doc.Namespace, doc.ID, at.UTC()})
}

func (s *Server) postQuery(w http.ResponseWriter, r *http.Request) {
	q := queryRequest{K: defaultK}
	if !s.read(w, r, &q) {
		return
	}
	if bad(q.Namespace) || q.Text == "" || q.K < 1 || q.K > maxResults {
		answer(w, http.StatusBadRequest, errorAnswer{"namespace and text are needed; k is 1 to 50"})
		return
	}
	age := s.age.Load()
	if age == nil {
		answer(w, http.StatusServiceUnavailable, errorAnswer{"starting: the age of the data is not known yet"})
		return
	}
	key := cacheKey(q.Namespace, q.Text, q.K)
	results, hit := s.cache.get(r.Context(), key)
	if !hit {
		var err error
		if results, err = s.index.Query(r.Context(), q.Namespace, q.Text, q.K); err != nil {
			answer(w, http.StatusInternalServerError, errorAnswer{err.Error()})
			return
		}
		s.cache.put(r.Context(), key, results)
	}
	s.noteQuery(q, len(results))
	answer(w, http.StatusOK, queryAnswer{s.config.Region, s.build, age.AsOf.UTC(), results})
}

// noteQuery hands the query to the log without ever waiting for it.
func (s *Server) noteQuery(q queryRequest, results int) {
	h := fnv.New64a()
	_, _ = io.WriteString(h, q.Text) // a hash never fails
	select {
	case s.queries <- queryLogEntry{time.Now(), q.Namespace, int64(h.Sum64()), int32(q.K), int32(results)}:
	default:
		s.dropped.Add(1)
	}
}

func bad(name string) bool { return name == "" || len(name) > maxNameBytes }

// read decodes the request's body into v, or answers why not.
func (s *Server) read(w http.ResponseWriter, r *http.Request, v any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, int64(s.config.Limits.MaxBody)))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		return true
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		answer(w, http.StatusRequestEntityTooLarge, errorAnswer{"the body is larger than limits.maxBody"})
	} else {
		answer(w, http.StatusBadRequest, errorAnswer{"read body: " + err.Error()})
	}
	return false
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked is gone
}
