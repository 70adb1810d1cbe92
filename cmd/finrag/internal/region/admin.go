package region

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"time"

	"blackstart/cmd/finrag/internal/config"
)

const maxChainBytes = 64 << 10

// adminRoutes adds what an operator or a controller may ask of the region. Without a token there is nothing: 404.
func (s *Server) adminRoutes(mux *http.ServeMux) {
	if s.adminToken == "" {
		return
	}
	mux.HandleFunc("POST /certificate/request", s.forAdmin(s.postCertificateRequest))
	mux.HandleFunc("PUT /certificate", s.forAdmin(s.putCertificate))
	mux.HandleFunc("POST /deploy", s.forAdmin(s.postDeploy))
}

func (s *Server) forAdmin(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+s.adminToken)) != 1 {
			answer(w, http.StatusUnauthorized, errorAnswer{"the bearer token is missing or wrong"})
			return
		}
		next(w, r)
	}
}

// postCertificateRequest answers with a request for a certificate, made with the key and for the names of the present one.
func (s *Server) postCertificateRequest(w http.ResponseWriter, _ *http.Request) {
	request, err := s.cert.request()
	if err != nil {
		answer(w, http.StatusInternalServerError, errorAnswer{err.Error()})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(request) // whoever asked is gone
}

// putCertificate takes a chain that fits the region's key, and serves it from the next handshake on.
func (s *Server) putCertificate(w http.ResponseWriter, r *http.Request) {
	chain, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxChainBytes))
	if err != nil {
		answer(w, http.StatusBadRequest, errorAnswer{"read body: " + err.Error()})
		return
	}
	err = s.cert.replace(bytes.TrimSpace(chain), time.Now())
	switch {
	case errors.As(err, new(unusable)):
		answer(w, http.StatusBadRequest, errorAnswer{err.Error()})
	case err != nil:
		answer(w, http.StatusInternalServerError, errorAnswer{err.Error()})
	default:
		d := s.cert.detail(time.Now())
		s.log.Info("certificate replaced", "serial", d.Serial, "not_after", d.NotAfter)
		w.WriteHeader(http.StatusNoContent)
	}
}

type deployRequest struct {
	Build string `json:"build"`
}

// postDeploy makes the region run another of its builds. The answer is out before anything happens.
func (s *Server) postDeploy(w http.ResponseWriter, r *http.Request) {
	var q deployRequest
	if !s.read(w, r, &q) {
		return
	}
	if !config.ReleaseName(q.Build) || !s.releases.has(q.Build) {
		answer(w, http.StatusNotFound, errorAnswer{"no build of that name lies in releases.dir, as NAME/finrag"})
		return
	}
	if s.releases.runs(q.Build) {
		if err := s.releases.choose(q.Build); err != nil {
			answer(w, http.StatusInternalServerError, errorAnswer{err.Error()})
			return
		}
		answer(w, http.StatusOK, q)
		return
	}
	answer(w, http.StatusAccepted, q)
	http.NewResponseController(w).Flush()
	if err := s.releases.choose(q.Build); err != nil {
		s.log.Error("deployed release cannot be kept; this build goes on", "release", q.Build, "error", err)
		return
	}
	select {
	case s.successor <- q.Build:
	default: // another deployment is under way; the build it starts goes on as the one chosen last
	}
}
