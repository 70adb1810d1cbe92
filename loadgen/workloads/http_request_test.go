package workloads

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"blackstart/loadgen"
)

// asked is what came to a service, request by request.
type asked struct {
	mu   sync.Mutex
	came []string
}

func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.came = append(a.came, strings.Join([]string{r.Method, r.URL.RequestURI(), r.Header.Get("X-Key"), r.Header.Get("X-Case"), string(body)}, " "))
	a.mu.Unlock()
	switch r.URL.Path {
	case "/moved":
		http.Redirect(w, r, "/orders", http.StatusFound)
	case "/orders":
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"state":"accepted","n":7}`)
	case "/echo":
		_, _ = io.WriteString(w, `{"of":"`+string(body)+`"}`)
	case "/old":
		_, _ = io.WriteString(w, `{"state":"of yesterday"}`)
	case "/broken":
		w.WriteHeader(http.StatusBadGateway)
	case "/endless":
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	case "/silent":
		<-r.Context().Done()
	default:
		_, _ = io.WriteString(w, "no JSON")
	}
}

// The request is the one that is written, with the headers of the target file, and an answer is good only where all that is expected of it is there.
func TestRequestsOfASystemsOwn(t *testing.T) {
	service := &asked{}
	s := httptest.NewTLSServer(service)
	defer s.Close()
	host, port := splitPort(t, s.Listener.Addr().String())
	trusted := s.Client().Transport.(*http.Transport).TLSClientConfig
	for _, c := range []struct {
		name string
		with requestWith
		tls  *tls.Config
		want loadgen.Outcome
		came string // a part of what came; "": not asked
	}{
		{"as the file says", requestWith{}, trusted, loadgen.OK, "GET /entry?x=1 s3cret  "},
		{"a write", requestWith{Method: "POST", Path: "/orders", Body: `{"n":{seq}}`, Status: 201, Pointer: "/state", Is: "accepted", Headers: []requestHeader{{"X-Case", "a"}}}, trusted, loadgen.OK, `POST /orders s3cret a {"n":3}`},
		{"another status", requestWith{Path: "/orders"}, trusted, loadgen.WrongAnswer, ""},
		{"an old answer", requestWith{Path: "/old", Pointer: "/state", Is: "accepted"}, trusted, loadgen.WrongAnswer, ""},
		{"the answer to this request", requestWith{Method: "POST", Path: "/echo", Body: "{seq}-{uuid}", Pointer: "/of", Is: "{seq}-{uuid}"}, trusted, loadgen.OK, "POST /echo s3cret  3-"},
		{"its text", requestWith{Method: "POST", Path: "/echo", Body: "{uuid}{seq}", Matches: `"{uuid}{seq}"`}, trusted, loadgen.OK, ""},
		{"the answer to another request", requestWith{Path: "/old?of={seq}", Pointer: "/state", Is: "{seq}"}, trusted, loadgen.WrongAnswer, ""},
		{"its text, of another", requestWith{Path: "/old?of={uuid}", Matches: "{uuid}"}, trusted, loadgen.WrongAnswer, ""},
		{"no JSON", requestWith{Path: "/x", Pointer: "/state"}, trusted, loadgen.WrongAnswer, ""},
		{"another text", requestWith{Path: "/x", Matches: "^yes"}, trusted, loadgen.WrongAnswer, ""},
		{"the text", requestWith{Path: "/x", Matches: "^no"}, trusted, loadgen.OK, ""},
		{"a redirect is not followed", requestWith{Path: "/moved"}, trusted, loadgen.WrongAnswer, ""},
		{"a redirect is wanted", requestWith{Path: "/moved", Status: 302}, trusted, loadgen.OK, ""},
		{"5xx", requestWith{Path: "/broken"}, trusted, loadgen.HTTP5xx, ""},
		{"a body without an end", requestWith{Path: "/endless"}, trusted, loadgen.WrongAnswer, ""},
		{"silence", requestWith{Path: "/silent"}, trusted, loadgen.Timeout, ""},
		{"an unknown issuer", requestWith{}, nil, loadgen.TLSIssuer, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := &httpRequest{with: c.with}
			if key, wrong, _ := q.Wrong(); wrong != "" {
				t.Fatalf("%s %s", key, wrong)
			}
			op, err := q.Open(Config{Timeout: time.Second, Entry: Entry{Name: host, Port: port, Path: "/entry?x=1", TLS: c.tls, Headers: http.Header{"X-Key": {"s3cret"}}}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer op.(io.Closer).Close()
			got := op.Do(t.Context(), loadgen.Slot{Seq: 3})
			if got.Outcome != c.want {
				t.Errorf("%v, want %v (%v)", got.Outcome, c.want, op.(interface{ Errors() map[string]uint64 }).Errors())
			}
			service.mu.Lock()
			defer service.mu.Unlock()
			if c.came != "" && !slices.ContainsFunc(service.came, func(s string) bool { return strings.Contains(s, c.came) }) {
				t.Errorf("%q never came: %q", c.came, service.came)
			}
		})
	}
}

// Each request has an id of its own where it is written so.
func TestEachRequestIsNew(t *testing.T) {
	service := &asked{}
	s := httptest.NewServer(service)
	defer s.Close()
	host, port := splitPort(t, s.Listener.Addr().String())
	op, err := (&httpRequest{with: requestWith{Path: "/orders?id={uuid}", Status: 201}}).Open(Config{Timeout: time.Second, Entry: Entry{Scheme: "http", Name: host, Port: port}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(2) {
		if got := op.Do(t.Context(), loadgen.Slot{Seq: seq}); got.Outcome != loadgen.OK {
			t.Errorf("%v", got.Outcome)
		}
	}
	if len(service.came) != 2 || service.came[0] == service.came[1] || strings.Contains(service.came[0], "{") {
		t.Errorf("%q", service.came)
	}
}

func splitPort(t *testing.T, address string) (host string, port int) {
	t.Helper()
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return at.Addr().String(), int(at.Port())
}
