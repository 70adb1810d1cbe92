package workloads

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"blackstart/internal/jsonpointer"
	"blackstart/internal/registry"
	"blackstart/loadgen"
)

var _ = Workloads.Add(registry.Kind[Workload]{
	Name: "http.request",
	Doc: "Sends one request of the system's own to its public entry, again and again, and holds each answer against what is expected: a status, " +
		"and, where they are written, a value at a JSON pointer or a text. It follows no redirect. Of its clients, those of http.query, it plays one or several.",
	Example: "load:\n  - {workload: http.request, rate: 50/s, timeout: 2s, place: outside, with: {path: '/orders?limit=1', cohorts: [fresh, pooled]}}",
	New:     func() Workload { return &httpRequest{} },
})

type httpRequest struct {
	with    requestWith
	targets []*httpRequest // of the file that with names, once it is read
	host    string         // of a target: where it leads
}

// requestWith are the parameters of http.request.
type requestWith struct {
	Method  string          `yaml:"method" one:"GET|POST|PUT|PATCH|DELETE" doc:"GET if not written"`
	Path    string          `yaml:"path" doc:"with its query, beginning with /; {seq} is the number of the request, {uuid} one that is new. If not written, that of the entry in the target file, else /; written with any method but GET"`
	Targets string          `yaml:"targets" doc:"in place of method, path, headers and body: the bare name of a file of vegeta targets (http or json) beside the scenario; they are asked in turn, and lead to the entry"`
	Headers []requestHeader `yaml:"headers" doc:"headers of the request, besides those of the entry in the target file"`
	Body    string          `yaml:"body" doc:"what is sent, with {seq} and {uuid} as in path"`
	Status  int             `yaml:"status" min:"100" max:"599" doc:"status of a good answer; if not written, that of the entry in the target file, else 200"`
	Pointer string          `yaml:"pointer" doc:"JSON pointer to a value that a good answer has"`
	Is      string          `yaml:"is" doc:"text that must stand at the pointer; with {seq} and {uuid} as they were sent, the answer to another request is wrong"`
	Matches string          `yaml:"matches" doc:"regular expression (RE2) that the body of a good answer matches; {seq} and {uuid} in it are what was sent"`
	Cohorts []string        `yaml:"cohorts" one:"fresh|pooled|stale-resolver" doc:"the kinds of client that ask, in turn; fresh if not written"`
}

// requestHeader is one header, which is no secret.
type requestHeader struct {
	Name  string `yaml:"name" need:"yes" doc:"its name"`
	Value string `yaml:"value" need:"yes" doc:"its value, with {seq} and {uuid} as in path; it is no secret: those stand in the target file"`
}

// With implements registry.Parametrised.
func (q *httpRequest) With() any { return &q.with }

// Traits implements Workload.
func (q *httpRequest) Traits() loadgen.Traits {
	t := loadgen.Traits{Requests: q.changes()}
	for _, one := range q.targets {
		t.Requests = append(t.Requests, one.changes()...)
	}
	slices.Sort(t.Requests)
	if t.Requests = slices.Compact(t.Requests); len(t.Requests) > 0 {
		t.Writes = 1
	}
	for _, c := range q.cohorts() {
		t.Cohorts = append(t.Cohorts, c.String())
	}
	return t
}

// changes is what may change something of what is asked: method and path, without a query. GET changes nothing (RFC 9110).
func (q *httpRequest) changes() []string {
	if q.with.Method == "" || q.with.Method == http.MethodGet {
		return nil
	}
	path, _, _ := strings.Cut(q.with.Path, "?")
	return []string{q.with.Method + " " + path}
}

// WriteSize implements Sized.
func (q *httpRequest) WriteSize() (most int) {
	for _, one := range append([]*httpRequest{q}, q.targets...) {
		if one.changes() != nil {
			most = max(most, one.with.size())
		}
	}
	return most
}

// longest fills in what is longest.
var longest = filler(math.MaxUint64, uuid.Nil.String())

// size is how much is said of one request at most: its method and path, its own headers, and its body.
func (w requestWith) size() int {
	n := len(w.Method) + len(longest.Replace(w.Path)) + len(longest.Replace(w.Body))
	for _, h := range w.Headers {
		n += len(h.Name) + len(longest.Replace(h.Value))
	}
	return n
}

// Reads implements Reader: a GET asks.
func (q *httpRequest) Reads(Entry) bool { return len(q.Traits().Requests) == 0 }

// cohorts are those that the load plays.
func (q *httpRequest) cohorts() (all []Cohort) {
	for _, c := range AllCohorts() {
		if slices.Contains(q.with.Cohorts, c.String()) || q.with.Cohorts == nil && c == Fresh {
			all = append(all, c)
		}
	}
	return all
}

// ours are the headers that a request has anyway.
var ours = []string{"host", "user-agent", "connection", "content-length", "transfer-encoding"}

var (
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
	wirePath   = regexp.MustCompile(`^/[!-~]*$`)
)

// Wrong implements Judge.
func (q *httpRequest) Wrong() (key, wrong, hint string) {
	w := q.with
	if w.Targets != "" && (w.Method != "" || w.Path != "" || w.Headers != nil || w.Body != "") {
		return "targets", "say what is asked, and method, path, headers or body do, too", "leave those out"
	}
	if _, err := url.ParseRequestURI(numbers("1", "1").Replace(w.Path)); w.Path != "" && (err != nil || !wirePath.MatchString(w.Path)) {
		return "path", "is no path", "write one such as /orders?limit=1, with % for what is no letter"
	}
	if w.Path == "" && q.changes() != nil {
		return "path", "is not written, and " + w.Method + " may change something", "write which path, so that the owner of the target can allow it"
	}
	for _, h := range w.Headers {
		switch {
		case !headerName.MatchString(h.Name) || strings.ContainsFunc(h.Value, func(r rune) bool { return r < ' ' || r > '~' }):
			return "headers", fmt.Sprintf("cannot hold %.40q", h.Name), "write a name and a value of one line in ASCII"
		case slices.Contains(ours, strings.ToLower(h.Name)):
			return "headers", "hold " + h.Name, "leave it out: it is sent anyway"
		}
	}
	if w.Body != "" && (w.Method == "" || w.Method == http.MethodGet) {
		return "body", "is sent by no GET", "write method: POST"
	}
	if _, err := regexp.Compile(numbers("1", "1").Replace(w.Matches)); err != nil {
		return "matches", "is no regular expression", `write one (RE2), such as "^ok"`
	}
	for _, of := range own {
		for _, text := range [][2]string{{"is", w.Is}, {"matches", w.Matches}} {
			if strings.Contains(text[1], of) && !w.holds(of) {
				return text[0], "asks for " + of + ", which no request sends", "write " + of + " in path, headers or body as well"
			}
		}
	}
	if p := jsonpointer.Pointer(""); w.Pointer != "" && p.UnmarshalText([]byte(w.Pointer)) != nil {
		return "pointer", "is no JSON pointer", "write one such as /status"
	}
	if w.Is != "" && w.Pointer == "" {
		return "is", "has no pointer", "write pointer: where the text stands"
	}
	return "", "", ""
}

// Open implements Workload.
func (q *httpRequest) Open(cfg Config, _ *loadgen.AttemptWriter) (loadgen.Op, error) {
	if key, wrong, hint := q.Wrong(); wrong != "" {
		return nil, fmt.Errorf("open workload: %s %s: %s", key, wrong, hint)
	}
	all := []*httpRequest{q}
	if q.with.Targets != "" {
		if all = q.targets; len(all) == 0 {
			return nil, fmt.Errorf("open workload: %s has not been read", q.with.Targets)
		}
		if err := q.leads(cfg.Entry); err != nil {
			return nil, err
		}
	}
	cfg.Entry.Questions = nil
	requests := func(keep bool) (asked []request, err error) {
		for _, one := range all {
			asked = append(asked, one.asked(cfg.Entry, keep))
		}
		return asked, nil
	}
	return openHTTP(cfg, requests, q.cohorts()...)
}

// filled is the check of one request, whose number and id are put in by fill; matches is the expression without them, nil if it is none.
func (w *requestWith) filled(matches *regexp.Regexp, fill *strings.Replacer) func([]byte) error {
	if text := fill.Replace(w.Matches); text != w.Matches || matches == nil {
		var err error
		if matches, err = regexp.Compile(text); err != nil { // Wrong has seen that it is one
			return func([]byte) error { return fmt.Errorf("%w: matches is no regular expression", errWrongAnswer) }
		}
	}
	return w.check(matches, fill.Replace(w.Is))
}

// own are what each request has of its own.
var own = []string{"{seq}", "{uuid}"}

// numbers puts a request's own number and id into a text.
func numbers(seq, id string) *strings.Replacer { return strings.NewReplacer(own[0], seq, own[1], id) }

// asked is the request as it is sent to an entry, and what is expected of its answer.
func (q *httpRequest) asked(e Entry, keep bool) (r request) {
	w := q.with
	matches, err := regexp.Compile(w.Matches)
	if err != nil {
		matches = nil // it is one once it has a number and an id
	}
	r.want, r.check = cmp.Or(w.Status, e.Status, http.StatusOK), w.check(matches, w.Is)
	method, path := cmp.Or(w.Method, http.MethodGet), cmp.Or(w.Path, e.Path, "/")
	if r.wire = q.wire(e, method, path, keep, strings.NewReplacer()); w.holds(own[0]) || w.holds(own[1]) {
		r.make = func(seq uint64) ([]byte, func([]byte) error) {
			fill := filler(seq, uuid.NewString())
			return q.wire(e, method, path, keep, fill), w.filled(matches, fill)
		}
	}
	return r
}

// holds tells whether what is sent has a part that differs from one request to the next.
func (w requestWith) holds(part string) bool {
	return strings.Contains(w.Path+w.Body, part) || slices.ContainsFunc(w.Headers, func(h requestHeader) bool { return strings.Contains(h.Value, part) })
}

// filler puts what is one request's own into a text.
func filler(seq uint64, id string) *strings.Replacer {
	return numbers(strconv.FormatUint(seq, 10), id)
}

// wire is a request as it is sent.
func (q *httpRequest) wire(e Entry, method, path string, keep bool, fill *strings.Replacer) []byte {
	b := requestHead(e, method, fill.Replace(path), keep)
	for _, h := range q.with.Headers {
		b = fmt.Appendf(b, "%s: %s\r\n", h.Name, fill.Replace(h.Value))
	}
	body := fill.Replace(q.with.Body)
	if body != "" || method != http.MethodGet {
		b = fmt.Appendf(b, "Content-Length: %d\r\n", len(body))
	}
	return append(append(b, "\r\n"...), body...)
}

// check holds the body of an answer of the right status against what is expected; nil expects nothing.
func (w *requestWith) check(matches *regexp.Regexp, is string) func([]byte) error {
	if w.Pointer == "" && w.Matches == "" {
		return nil
	}
	return func(body []byte) error {
		if !matches.Match(body) {
			return fmt.Errorf("%w: the body does not match", errWrongAnswer)
		}
		if w.Pointer == "" {
			return nil
		}
		v, err := jsonpointer.Decode(body)
		text := ""
		if err == nil {
			text, err = jsonpointer.Pointer(w.Pointer).Text(v)
		}
		switch {
		case err != nil:
			return fmt.Errorf("%w: nothing can be read at %s", errWrongAnswer, w.Pointer)
		case is != "" && text != is:
			return fmt.Errorf("%w: another text stands at %s", errWrongAnswer, w.Pointer)
		}
		return nil
	}
}
