package workloads

import (
	"encoding/json"
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

// requestSet is the requests of an entry point as bytes on the wire.
type requestSet struct {
	wire  [][]byte
	check func([]byte) error // of a 200's body; nil accepts any
}

// newRequestSet builds the requests for e, asking for the connection to be kept
// or not.
func newRequestSet(e Entry, keep bool) requestSet {
	method, path := e.Method, e.Path
	if method == "" {
		method = http.MethodPost
	}
	if path == "" {
		path = defaultPath
	}
	if method != http.MethodPost || e.Body != nil {
		return requestSet{wire: [][]byte{wireRequest(e, method, path, e.Body, keep)}}
	}
	namespace := e.Namespace
	if namespace == "" {
		namespace = DefaultNamespace
	}
	set := requestSet{check: checkAnswer}
	for _, text := range questions {
		// A struct of strings and an int always marshals.
		body, _ := json.Marshal(question{Namespace: namespace, Text: text, K: questionK})
		set.wire = append(set.wire, wireRequest(e, method, path, body, keep))
	}
	return set
}

type question struct {
	Namespace string `json:"namespace"`
	Text      string `json:"text"`
	K         int    `json:"k"`
}

func wireRequest(e Entry, method, path string, body []byte, keep bool) []byte {
	host := e.Name
	standard := e.Port == 443 && e.Scheme != "http" || e.Port == 80 && e.Scheme == "http"
	if !standard {
		host = net.JoinHostPort(e.Name, strconv.Itoa(e.Port))
	}
	b := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: blackstart\r\n", method, path, host)
	if !keep {
		b = append(b, "Connection: close\r\n"...)
	}
	if body != nil {
		b = fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b = append(b, "\r\n"...)
	return append(b, body...)
}

// checkAnswer accepts the answer to a question: JSON with a region, a build and
// a list of results.
func checkAnswer(body []byte) error {
	var answer struct {
		Region  string            `json:"region"`
		Build   string            `json:"build"`
		Results []json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%w: %w", errWrongAnswer, err)
	}
	if answer.Region == "" || answer.Build == "" || answer.Results == nil {
		return fmt.Errorf("%w: no region, build or results", errWrongAnswer)
	}
	return nil
}
