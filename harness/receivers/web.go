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
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// webServer serves channels over HTTP on one listener.
func webServer(ends ...*Endpoint) *http.Server {
	mux := http.NewServeMux()
	for _, e := range ends {
		if e.channel.Answer != nil {
			mux.HandleFunc("POST "+e.channel.Path, e.receive)
		}
	}
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: ioTimeout,
		ReadTimeout:       ioTimeout,
		WriteTimeout:      ioTimeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // a broken connection is the sender's matter
	}
}

// receive reads the whole message, stamps it, lets the channel answer it, and records it before the answer goes out. A message
// that never ended is no arrival.
func (e *Endpoint) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	at := e.Now()
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		http.Error(w, "body could not be read", http.StatusBadRequest)
		return
	}
	answer := e.channel.Answer(e, req, body)
	if tooLarge != nil {
		answer.Status, answer.Kind, answer.Body = http.StatusRequestEntityTooLarge, "text/plain", "payload too large"
	}
	for _, a := range append([]harness.Arrival{answer.Arrival}, answer.More...) {
		a.At, a.Status = at, answer.Status
		a.Accepted = answer.Status >= 200 && answer.Status < 300
		e.Record(a)
	}
	w.Header().Set("Content-Type", answer.Kind)
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Body) // a sender that has left has still been heard
}

// bearer tells whether a request carries this drill's secret as a bearer token.
func (e *Endpoint) bearer(req *http.Request) bool {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && e.Ours(strings.TrimSpace(token))
}

// refusal answers as JSON with what is wrong.
func (a *Answer) refusal(status int, wrong string) {
	a.Status, a.Kind, a.Body = jsonReply(status, map[string]string{"error": wrong})
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
