package workloads

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
)

const (
	// DefaultNamespace is where the standing questions look.
	DefaultNamespace = "filings"

	defaultPath = "/query"
	questionK   = 5
	maxQuoted   = 40 // runes of a name that came, in the text of an error
)

// questions are asked in turn: request n asks question n mod len, so that two
// runs ask the same.
var questions = [...]string{
	"quarterly revenue by segment",
	"net interest margin outlook",
	"liquidity coverage ratio",
	"credit losses on commercial real estate",
	"share repurchase programme",
	"goodwill impairment test",
	"operating lease obligations",
	"foreign exchange exposure",
	"tier one capital requirements",
	"material weakness in internal control",
	"derivative fair value hierarchy",
	"deferred tax assets valuation allowance",
	"cyber incident disclosure",
	"pension plan discount rate",
	"revenue recognition policy",
	"subsequent events after the reporting date",
}

// Question is one question whose right answer is known.
type Question struct {
	ID        string // names it in the texts of errors
	Namespace string
	Text      string
	Right     string // id of the document that must come first
}

// request is one request of an entry point as bytes on the wire.
type request struct {
	wire  []byte
	want  int                // status of a good answer; 0: 200
	check func([]byte) error // of a good answer's body; nil accepts any

	// make gives the bytes and the check of request number seq in place of wire and check, where each differs; nil: none does.
	make func(seq uint64) ([]byte, func([]byte) error)
}

// newRequests builds the requests for e, asking for the connection to be kept or
// not. They are sent in turn.
func newRequests(e Entry, keep bool) ([]request, error) {
	method, path := e.Method, e.Path
	if method == "" {
		method = http.MethodPost
	}
	if path == "" {
		path = defaultPath
	}
	if method != http.MethodPost || e.Body != nil {
		if len(e.Questions) > 0 {
			return nil, errors.New("open workload: questions are sent by POST with a body of their own: method and body of the entry point must be empty")
		}
		return []request{{wire: wireRequest(e, method, path, e.Body, keep), want: e.Status}}, nil
	}
	var all []request
	ask := func(namespace, text string, check func([]byte) error) {
		// A struct of strings and an int always marshals.
		body, _ := json.Marshal(question{Namespace: namespace, Text: text, K: questionK})
		all = append(all, request{wire: wireRequest(e, method, path, body, keep), check: check})
	}
	for _, q := range e.Questions {
		if q.ID == "" || q.Namespace == "" || q.Text == "" || q.Right == "" {
			return nil, fmt.Errorf("open workload: question %q lacks its id, namespace, text or right answer", q.ID)
		}
		ask(q.Namespace, q.Text, q.check)
	}
	if len(all) > 0 {
		return all, nil
	}
	for _, text := range questions {
		ask(cmp.Or(e.Namespace, DefaultNamespace), text, checkAnswer)
	}
	return all, nil
}

type question struct {
	Namespace string `json:"namespace"`
	Text      string `json:"text"`
	K         int    `json:"k"`
}

func wireRequest(e Entry, method, path string, body []byte, keep bool) []byte {
	b := requestHead(e, method, path, keep)
	if body != nil {
		b = fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b = append(b, "\r\n"...)
	return append(b, body...)
}

// requestHead is the first line of a request, and the headers that all have.
func requestHead(e Entry, method, path string, keep bool) []byte {
	b := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: blackstart\r\n", method, path, e.host())
	if !keep {
		b = append(b, "Connection: close\r\n"...)
	}
	for name, values := range e.Headers {
		for _, value := range values {
			b = fmt.Appendf(b, "%s: %s\r\n", name, value)
		}
	}
	return b
}

// host is the entry as requests name it.
func (e Entry) host() string {
	if e.Port == 443 && e.Scheme != "http" || e.Port == 80 && e.Scheme == "http" {
		return e.Name
	}
	return net.JoinHostPort(e.Name, strconv.Itoa(e.Port))
}

// checkAnswer accepts the answer to a question: JSON with a region, a build and
// a list of results.
func checkAnswer(body []byte) error {
	var came struct {
		Region  string            `json:"region"`
		Build   string            `json:"build"`
		Results []json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal(body, &came); err != nil {
		return fmt.Errorf("%w: %w", errWrongAnswer, err)
	}
	if came.Region == "" || came.Build == "" || came.Results == nil {
		return errShape
	}
	return nil
}

// check accepts the right answer to q alone. A result of another namespace is
// worse than a wrong one: it is told first, whatever else is wrong.
func (q Question) check(body []byte) error {
	var came struct {
		Region  string `json:"region"`
		Build   string `json:"build"`
		Results []struct {
			ID        string `json:"id"`
			Namespace string `json:"namespace"`
		} `json:"results"`
	}
	if err := json.Unmarshal(body, &came); err != nil {
		return fmt.Errorf("%w: %w", errWrongAnswer, err)
	}
	for _, r := range came.Results {
		if r.Namespace != q.Namespace {
			return fmt.Errorf("%w: question %s in %s got %.*q of %.*q", errForeignAnswer, q.ID, q.Namespace, maxQuoted, r.ID, maxQuoted, r.Namespace)
		}
	}
	switch {
	case came.Region == "" || came.Build == "" || came.Results == nil:
		return errShape
	case len(came.Results) == 0:
		return fmt.Errorf("%w: question %s got no results", errWrongAnswer, q.ID)
	case came.Results[0].ID != q.Right:
		return fmt.Errorf("%w: question %s got %.*q, right is %q", errWrongAnswer, q.ID, maxQuoted, came.Results[0].ID, q.Right)
	}
	return nil
}
