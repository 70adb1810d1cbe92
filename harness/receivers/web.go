package receivers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"mime"
	"net/http"
	"strings"

	"blackstart/harness"
)

const (
	pagerDutyPath = "/v2/enqueue"
	slackPrefix   = "/services/"
	statusPath    = "/status"
	jsonType      = "application/json"
	formType      = "application/x-www-form-urlencoded"
)

// reply is an answer to an HTTP message, and what the message said.
type reply struct {
	arrival harness.Arrival // Channel, Nonce and what was said
	status  int
	kind    string // content type of body
	body    string
}

// webServer serves the three HTTP channels on one listener.
func (r *Receivers) webServer() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pagerDutyPath, r.receive(r.pagerDuty))
	mux.HandleFunc("POST "+slackPrefix, r.receive(r.slack))
	mux.HandleFunc("POST "+statusPath, r.receive(r.statusPage))
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: ioTimeout,
		ReadTimeout:       ioTimeout,
		WriteTimeout:      ioTimeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // a broken connection is the sender's matter
	}
}

// receive reads the whole message, stamps it, lets judge answer it, and records it before the answer goes out. A message
// that never ended is no arrival.
func (r *Receivers) receive(judge func(*http.Request, []byte) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
		at := r.clock.Now()
		var tooLarge *http.MaxBytesError
		if err != nil && !errors.As(err, &tooLarge) {
			http.Error(w, "body could not be read", http.StatusBadRequest)
			return
		}
		answer := judge(req, body)
		if tooLarge != nil {
			answer.status, answer.kind, answer.body = http.StatusRequestEntityTooLarge, "text/plain", "payload too large"
		}
		a := answer.arrival
		a.At, a.Status = at, answer.status
		a.Accepted = answer.status >= 200 && answer.status < 300
		r.record(a)
		w.Header().Set("Content-Type", answer.kind)
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body) // a sender that has left has still been heard
	}
}

// decode reads exactly one JSON value. Unknown keys are allowed: the real services allow them.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}

// mediaType is the content type without parameters; "" if none was given, "?" if it cannot be read.
func mediaType(req *http.Request) string {
	given := req.Header.Get("Content-Type")
	if given == "" {
		return ""
	}
	kind, _, err := mime.ParseMediaType(given)
	if err != nil {
		return "?"
	}
	return strings.ToLower(kind)
}

func jsonReply(status int, v any) (int, string, string) {
	text, err := json.Marshal(v)
	if err != nil {
		return http.StatusInternalServerError, "text/plain", "answer could not be written"
	}
	return status, jsonType, string(text)
}
