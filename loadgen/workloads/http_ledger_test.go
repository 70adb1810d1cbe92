package workloads

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/loadgen"
)

// orders is a service that keeps what is posted to it, and lies as it is told to.
type orders struct {
	mu   sync.Mutex
	kept map[string]string // body by ref
	post func(w http.ResponseWriter, ref string) (keep bool)
	get  http.HandlerFunc // in place of its own; nil: none
	asks map[string]int   // GETs by path
}

func (o *orders) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.Method == http.MethodGet {
		o.asks[r.URL.Path]++
		kept, ok := o.kept[strings.TrimPrefix(r.URL.Path, "/orders/")]
		switch {
		case o.get != nil:
			o.get(w, r)
		case !ok:
			http.NotFound(w, r)
		default:
			_, _ = io.WriteString(w, kept)
		}
		return
	}
	body, _ := io.ReadAll(r.Body)
	var order struct{ Ref string }
	_ = json.Unmarshal(body, &order)
	if o.post == nil || o.post(w, order.Ref) {
		o.kept[order.Ref] = string(body)
	}
	if o.post == nil {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	}
}

// lookPauseFor shortens the time between two questions.
func lookPauseFor(t *testing.T, d time.Duration) {
	was := lookPause
	lookPause = d
	t.Cleanup(func() { lookPause = was })
}

func orderLedger() *httpLedger {
	return &httpLedger{with: httpLedgerWith{Path: "/orders", Status: 201, Pointer: "/ref", Is: "{uuid}", Body: `{"ref":"{uuid}","n":{seq}}`,
		Headers: []requestHeader{{"Idempotency-Key", "{uuid}"}}, Lookup: lookupWith{Path: "/orders/{uuid}", Pointer: "/ref"}}}
}

// entryOf is the entry where a server listens.
func entryOf(t *testing.T, s *httptest.Server) Entry {
	host, port := splitPort(t, s.Listener.Addr().String())
	return Entry{Scheme: "http", Name: host, Port: port}
}

func opened(t *testing.T, h *httpLedger, e Entry) LedgerStore {
	t.Helper()
	if key, wrong, hint := h.Wrong(); wrong != "" {
		t.Fatalf("%s %s: %s", key, wrong, hint)
	}
	s, err := h.Store(Config{Entry: e})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func write(t *testing.T, s LedgerStore, run [16]byte, n uint64) (Fate, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	return s.Write(ctx, LedgerEntry{Run: run, Stream: 3, ID: loadgen.AttemptID(3, n)})
}

// answering answers a write with a status and a body, and keeps it or not.
func answering(status int, body string, keep bool) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, ref string) bool {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "REF", ref))
		return keep
	}
}

// TestWhatTheAnswerToAWriteSays: acknowledged is what is answered as it must be, for this write and no other; what certainly was not
// taken is a short list; whatever else is unknown.
func TestWhatTheAnswerToAWriteSays(t *testing.T) {
	for name, c := range map[string]struct {
		post    func(http.ResponseWriter, string) bool
		want    loadgen.AttemptOutcome
		outcome loadgen.Outcome
	}{
		"it is taken":                {nil, loadgen.AttemptOK, loadgen.OK},
		"an answer of another":       {answering(201, `{"ref":"a"}`, true), loadgen.AttemptUnknown, loadgen.WrongAnswer},
		"an answer without a body":   {answering(201, ``, true), loadgen.AttemptUnknown, loadgen.WrongAnswer},
		"another status":             {answering(202, `{"ref":"REF"}`, true), loadgen.AttemptUnknown, loadgen.WrongAnswer},
		"moved":                      {answering(307, ``, false), loadgen.AttemptUnknown, loadgen.WrongAnswer},
		"a conflict":                 {answering(409, ``, true), loadgen.AttemptUnknown, loadgen.HTTP4xx},
		"the server waited too long": {answering(408, ``, true), loadgen.AttemptUnknown, loadgen.HTTP4xx},
		"refused":                    {answering(422, ``, false), loadgen.AttemptDefinite, loadgen.HTTP4xx},
		"too many":                   {answering(429, ``, false), loadgen.AttemptDefinite, loadgen.HTTP4xx},
		"5xx":                        {answering(503, ``, true), loadgen.AttemptUnknown, loadgen.HTTP5xx},
		"reset":                      {func(http.ResponseWriter, string) bool { panic(http.ErrAbortHandler) }, loadgen.AttemptUnknown, loadgen.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			o := &orders{kept: map[string]string{}, post: c.post}
			server := httptest.NewServer(o)
			defer server.Close()
			fate, err := write(t, opened(t, orderLedger(), entryOf(t, server)), uuid.New(), 0)
			if fate.Attempt != c.want || fate.Sample != c.outcome || (err == nil) != (c.want == loadgen.AttemptOK) {
				t.Errorf("%v, %v, %v", fate.Attempt, fate.Sample, err)
			}
		})
	}
}

// Nothing of a write has left where there is no connection; of one that is swallowed nobody knows.
func TestAWriteWithoutAnAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port := splitPort(t, l.Addr().String())
	s := opened(t, orderLedger(), Entry{Scheme: "http", Name: host, Port: port})
	if fate, err := write(t, s, uuid.New(), 0); fate != (Fate{loadgen.AttemptUnknown, loadgen.Timeout}) || err == nil {
		t.Errorf("silence: %v, %v", fate, err)
	}
	_ = l.Close()
	if fate, err := write(t, s, uuid.New(), 0); fate != (Fate{loadgen.AttemptDefinite, loadgen.Refused}) || err == nil {
		t.Errorf("nobody there: %v, %v", fate, err)
	}
}

// TestLookingUpAtTheEntry: there is what is answered as this write and no other; not there is what is said not to be; and where an
// answer says neither, nothing at all is told.
func TestLookingUpAtTheEntry(t *testing.T) {
	run := [16]byte(uuid.New())
	mine := writeUUID(run, loadgen.AttemptID(3, 0))
	say := func(status int, body string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	good := fmt.Sprintf(`{"ref":%q,"list":[1]}`, mine)
	for name, c := range map[string]struct {
		get    http.HandlerFunc
		lookup func(*lookupWith)
		want   int
		err    string
	}{
		"there":                   {say(200, good), nil, 1, ""},
		"not there":               {say(404, ""), nil, 0, ""},
		"gone is not 404":         {say(410, ""), nil, 0, "status 410"},
		"gone":                    {say(410, ""), func(l *lookupWith) { l.Absent = 410 }, 0, ""},
		"another's":               {say(200, `{"ref":"4f1c"}`), nil, 0, "that of another write"},
		"no id":                   {say(200, `{}`), nil, 0, "nothing can be read"},
		"no JSON":                 {say(200, `<html>`), nil, 0, "not JSON"},
		"a page for everything":   {say(200, `welcome`), nil, 0, "not JSON"},
		"5xx":                     {say(503, ""), nil, 0, "status 503"},
		"moved":                   {say(302, "", "Location", "/"), nil, 0, "status 302"},
		"kept by somebody":        {say(200, good, "Age", "7"), nil, 0, "from a cache"},
		"kept that it was not":    {say(404, "", "X-Cache", "HIT from edge"), nil, 0, "from a cache"},
		"kept, as it is said now": {say(200, good, "Cache-Status", "edge; hit; ttl=10"), nil, 0, "from a cache"},
		"through a cache":         {say(200, good, "Age", "0", "X-Cache", "MISS"), nil, 1, ""},
		"an empty list":           {say(200, `{"list":[]}`), func(l *lookupWith) { l.Empty = "/list" }, 0, ""},
		"a list with it":          {say(200, good), func(l *lookupWith) { l.Empty = "/list" }, 1, ""},
		"no list":                 {say(200, `{"list":{}}`), func(l *lookupWith) { l.Empty = "/list" }, 0, "no list stands"},
		"too long":                {say(200, strings.Repeat(" ", maxBody)+good), nil, 0, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			lookPauseFor(t, time.Millisecond)
			server := httptest.NewServer(&orders{get: c.get, asks: map[string]int{}})
			defer server.Close()
			h := orderLedger()
			if c.lookup != nil {
				c.lookup(&h.with.Lookup)
			}
			found, err := opened(t, h, entryOf(t, server)).Find(t.Context(), IDs{Run: run, Streams: map[uint32]uint64{3: 1}})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || found != nil {
					t.Errorf("%v, %v", found, err)
				}
				return
			}
			if err != nil || found.Copies(loadgen.AttemptID(3, 0)) != c.want || found.Foreign != 0 {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
}

// TestAServiceThatAcknowledgesAndLoses: what it did not keep is counted, write by write.
func TestAServiceThatAcknowledgesAndLoses(t *testing.T) {
	n := 0
	o := &orders{kept: map[string]string{}, asks: map[string]int{}, post: func(w http.ResponseWriter, ref string) bool {
		n++
		return answering(201, `{"ref":"REF"}`, n%3 != 0)(w, ref)
	}}
	server := httptest.NewServer(o)
	defer server.Close()
	s, run := opened(t, orderLedger(), entryOf(t, server)), [16]byte(uuid.New())
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(30) {
		if fate, err := write(t, s, run, i); fate.Attempt != loadgen.AttemptOK {
			t.Fatal(fate, err)
		}
	}
	found, err := s.Find(t.Context(), IDs{Run: run, Streams: map[uint32]uint64{3: 31}})
	if err != nil || found.Rows != 20 || found.RepeatedKeys != 0 || found.Copies(loadgen.AttemptID(3, 2)) != 0 || found.Copies(loadgen.AttemptID(3, 3)) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	if again, err := s.Find(t.Context(), IDs{Run: [16]byte(uuid.New()), Streams: map[uint32]uint64{3: 30}}); err != nil || again.Rows != 0 {
		t.Errorf("another drill finds %+v, %v", again, err)
	}
}

// A look-up that answers for what nobody wrote, or does not answer at all, is of no use: the drill does not begin.
func TestALookUpThatCannotSayNo(t *testing.T) {
	lookPauseFor(t, time.Millisecond)
	for want, get := range map[string]http.HandlerFunc{
		"status 500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"finds a write that nobody made": func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"ref":%q}`, strings.TrimPrefix(r.URL.Path, "/orders/"))
		},
	} {
		server := httptest.NewServer(&orders{get: get, asks: map[string]int{}})
		if err := opened(t, orderLedger(), entryOf(t, server)).Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		server.Close()
	}
}

// An answer that comes at last is an answer: a moment of trouble does not make a count inconclusive.
func TestALookUpIsRepeated(t *testing.T) {
	lookPauseFor(t, time.Millisecond)
	o := &orders{asks: map[string]int{}}
	o.get = func(w http.ResponseWriter, r *http.Request) {
		if o.asks[r.URL.Path] < lookTries {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		http.NotFound(w, r)
	}
	server := httptest.NewServer(o)
	defer server.Close()
	found, err := opened(t, orderLedger(), entryOf(t, server)).Find(t.Context(), IDs{Run: uuid.New(), Streams: map[uint32]uint64{3: 10}})
	if err != nil || found.Rows != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// Behind an entry there may be copies that follow: what is not there yet is asked for once more, and only what stays away is gone.
func TestWhatIsNotThereIsAskedForOnceMore(t *testing.T) {
	lookPauseFor(t, time.Millisecond)
	run := [16]byte(uuid.New())
	late := "/orders/" + writeUUID(run, loadgen.AttemptID(3, 1))
	o := &orders{asks: map[string]int{}}
	o.get = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != late || o.asks[late] == 1 {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprintf(w, `{"ref":%q}`, strings.TrimPrefix(late, "/orders/"))
	}
	server := httptest.NewServer(o)
	defer server.Close()
	found, err := opened(t, orderLedger(), entryOf(t, server)).Find(t.Context(), IDs{Run: run, Streams: map[uint32]uint64{3: 3}})
	if err != nil || found.Rows != 1 || found.Copies(loadgen.AttemptID(3, 1)) != 1 || o.asks[late] != 2 {
		t.Errorf("%+v, %v, asked %v", found, err, o.asks)
	}
}

// TestWhatHTTPLedgerRefuses goes through its rules.
func TestWhatHTTPLedgerRefuses(t *testing.T) {
	for want, change := range map[string]func(*httpLedgerWith){
		"path is no path":       func(w *httpLedgerWith) { w.Path = "orders" },
		"path sends no {uuid}":  func(w *httpLedgerWith) { w.Body, w.Headers = "{}", nil },
		"lookup needs one way":  func(w *httpLedgerWith) { w.Lookup = lookupWith{} },
		"lookup needs one way:": func(w *httpLedgerWith) { w.Lookup.Query = "SELECT ref FROM orders WHERE ref = $1" },
		"lookup asks a database, and": func(w *httpLedgerWith) {
			w.Lookup = lookupWith{Query: "SELECT ref FROM o WHERE ref = $1", Pointer: "/a"}
		},
		"lookup has a query that may do more":        func(w *httpLedgerWith) { w.Lookup = lookupWith{Query: "DELETE FROM o WHERE ref = $1"} },
		"lookup has a query that may do more than":   func(w *httpLedgerWith) { w.Lookup = lookupWith{Query: "SELECT ref FROM o"} },
		"lookup has a path that is no path":          func(w *httpLedgerWith) { w.Lookup.Path = "{uuid}" },
		"lookup has a pointer that is no JSON":       func(w *httpLedgerWith) { w.Lookup.Pointer = "ref" },
		"lookup has in empty what is no":             func(w *httpLedgerWith) { w.Lookup.Empty = "list" },
		"lookup asks for no {uuid}":                  func(w *httpLedgerWith) { w.Lookup.Path = "/orders/{seq}" },
		"lookup has no pointer: any answer would do": func(w *httpLedgerWith) { w.Lookup.Pointer = "" },
		"lookup is content with":                     func(w *httpLedgerWith) { w.Lookup.Is = "{seq}" },
	} {
		h := orderLedger()
		change(&h.with)
		if key, wrong, hint := h.Wrong(); !strings.HasPrefix(key+" "+wrong+": "+hint, strings.TrimSuffix(want, ":")) || hint == "" {
			t.Errorf("%s: %s %s: %s", want, key, wrong, hint)
		}
		if _, err := h.Store(Config{}); err == nil {
			t.Errorf("%s: it is opened", want)
		}
	}
	if traits := orderLedger().Traits(); traits.Where() != entryName || traits.Requests[0] != "POST /orders" || traits.Speaks != "" || !traits.Ledger {
		t.Errorf("%+v", traits)
	}
}
