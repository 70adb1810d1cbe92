package workloads

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/loadgen"
)

// counter is a service that numbers what is posted to it, and lies about some numbers.
type counter struct {
	mu   sync.Mutex
	kept map[int]string                                  // body by number
	next int                                             // the last number
	lie  func(n int) (keep bool, answered int, say bool) // of the n-th write: nil tells the truth
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Method == http.MethodGet {
		n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/orders/"))
		if kept, ok := c.kept[n]; err == nil && ok {
			_, _ = fmt.Fprintf(w, `{"order":{"id":%d,"body":%s}}`, n, kept)
		} else if err != nil {
			http.Error(w, "no number", http.StatusBadRequest)
		} else {
			http.NotFound(w, r)
		}
		return
	}
	body, _ := io.ReadAll(r.Body)
	c.next++
	keep, answered, say := true, c.next, true
	if c.lie != nil {
		keep, answered, say = c.lie(c.next)
	}
	if keep {
		c.kept[c.next] = string(body)
	}
	answer := map[string]any{"order": map[string]any{"id": answered}}
	if !say {
		answer = map[string]any{"order": map[string]any{}}
	} else {
		w.Header().Set("Location", fmt.Sprintf("https://elsewhere/orders/%d?x=1", answered))
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(answer)
}

func givenLedger(from string) *httpLedger {
	return &httpLedger{with: httpLedgerWith{Path: "/orders", Status: 201, Body: `{"ref":"{uuid}"}`, IDFrom: from,
		Lookup: lookupWith{Path: "/orders/{id}", Pointer: "/order/body/ref", Is: "{uuid}", Unused: "0"}}}
}

// lookedUp opens the ledger as it is opened after a drill: by what was written down of it.
func lookedUp(t *testing.T, h *httpLedger, e Entry, written []byte, run [16]byte, count uint64) (*Found, error) {
	t.Helper()
	book, err := ReadIDBook(bytes.NewReader(written))
	if err != nil {
		t.Fatal(err)
	}
	h.Keep(book)
	return opened(t, h, e).Find(t.Context(), IDs{Run: run, Streams: map[uint32]uint64{3: count}})
}

// TestIDsThatTheSystemGives: a write is looked up by the id in its answer, wherever that stands. What is acknowledged and not kept is missing; what is acknowledged without an id is
// unknown; so is one with that of another write, unless the record says by itself which write it is of: then one of them is missing.
func TestIDsThatTheSystemGives(t *testing.T) {
	const writes = 6
	for name, c := range map[string]struct {
		from     string
		is       string
		lie      func(n int) (bool, int, bool)
		outcomes string // of each write: a acknowledged, u unknown
		there    string // of each: copies
		nameless int
		err      string
	}{
		"in the body":                     {"/order/id", "", nil, "aaaaaa", "111111", 0, ""},
		"in the head":                     {"Location", "", nil, "aaaaaa", "111111", 0, ""},
		"by its own id":                   {"/order/id", "{id}", nil, "aaaaaa", "111111", 0, ""},
		"acknowledged and not kept":       {"/order/id", "", func(n int) (bool, int, bool) { return n != 3, n, true }, "aaaaaa", "110111", 0, ""},
		"acknowledged without an id":      {"/order/id", "", func(n int) (bool, int, bool) { return true, n, n != 2 }, "auaaaa", "101111", 1, ""},
		"without a Location":              {"Location", "", func(n int) (bool, int, bool) { return true, n, n > 2 }, "uuaaaa", "001111", 2, ""},
		"the id of the write before":      {"/order/id", "", func(n int) (bool, int, bool) { return n != 4, map[bool]int{true: 3, false: n}[n == 4], true }, "aaaaaa", "111011", 0, ""},
		"and its record tells no more":    {"/order/id", "{id}", func(n int) (bool, int, bool) { return n != 4, map[bool]int{true: 3, false: n}[n == 4], true }, "aaauaa", "", 0, `the system gave the id "3" to two writes`},
		"the id of somebody else's":       {"/order/id", "", func(n int) (bool, int, bool) { return n != 5, map[bool]int{true: 999, false: n}[n == 5], true }, "aaaaaa", "111101", 0, ""},
		"one that was never an id":        {"/order", "", nil, "uuuuuu", "000000", writes, ""},
		"all are acknowledged, none kept": {"Location", "", func(n int) (bool, int, bool) { return false, n, true }, "aaaaaa", "000000", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			lookPauseFor(t, time.Millisecond)
			server := httptest.NewServer(&counter{kept: map[int]string{999: `{"ref":"theirs"}`}, lie: c.lie})
			defer server.Close()
			h, run, file := givenLedger(c.from), [16]byte(uuid.New()), &bytes.Buffer{}
			if c.is != "" {
				h.with.Lookup.Pointer, h.with.Lookup.Is = "/order/id", c.is
			}
			book := NewIDBook(file)
			h.Keep(book)
			s := opened(t, h, entryOf(t, server))
			if err := s.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			outcomes := ""
			for n := range uint64(writes) {
				fate, err := write(t, s, run, n)
				outcomes += map[loadgen.AttemptOutcome]string{loadgen.AttemptOK: "a", loadgen.AttemptUnknown: "u"}[fate.Attempt]
				if (err == nil) != (fate == Fate{loadgen.AttemptOK, loadgen.OK}) || err != nil && (fate.Sample != loadgen.WrongAnswer || !strings.Contains(err.Error(), "without an id") && !strings.Contains(err.Error(), "of another write")) {
					t.Errorf("%+v, %v", fate, err)
				}
			}
			if err := book.Flush(); err != nil || outcomes != c.outcomes {
				t.Errorf("outcomes %s, want %s, %v", outcomes, c.outcomes, err)
			}
			found, err := lookedUp(t, givenAs(h), entryOf(t, server), file.Bytes(), run, writes)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			there := ""
			for n := range uint64(writes) {
				there += strconv.Itoa(found.Copies(loadgen.AttemptID(3, n)))
			}
			if there != c.there || found.Nameless != uint64(c.nameless) {
				t.Errorf("there %s, want %s; %d without an id, want %d", there, c.there, found.Nameless, c.nameless)
			}
		})
	}
}

// givenAs is the same workload, made once more.
func givenAs(h *httpLedger) *httpLedger { return &httpLedger{with: h.with} }

// What was not kept, or is no file of ids, is no reading.
func TestIDsThatWereNotKept(t *testing.T) {
	server := httptest.NewServer(&counter{kept: map[int]string{}})
	defer server.Close()
	if _, err := opened(t, givenLedger("/order/id"), entryOf(t, server)).Find(t.Context(), IDs{Streams: map[uint32]uint64{3: 1}}); err == nil || !strings.Contains(err.Error(), "were not kept") {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"{\"attempt\":1,\"id\":\"a\"}\n{\"attempt\":1,\"id\":\"b\"}\n": "line 2",
		"nonsense\n": "line 1", strings.Repeat("x", maxIDLine+1): "too long",
	} {
		if _, err := ReadIDBook(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", text, err)
		}
	}
	long := strings.Repeat("\u2028", maxGivenID/3) // as long as may be, and written as six letters each
	file := &bytes.Buffer{}
	book := NewIDBook(file)
	if _, err := book.put(1, long); errors.Join(err, book.Flush()) != nil {
		t.Fatal(err)
	}
	if again, err := ReadIDBook(file); err != nil {
		t.Error(err)
	} else if id, ok := again.Of(1); !ok || id != long {
		t.Errorf("%q", id)
	}
	if fate, err := write(t, opened(t, givenLedger("/order/id"), entryOf(t, server)), [16]byte{}, 0); fate.Attempt == loadgen.AttemptOK || err == nil {
		t.Errorf("a write whose id nobody keeps: %+v, %v", fate, err)
	}
}

// Bad parameters are named with what to write instead.
func TestWrongIDsThatTheSystemGives(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*httpLedgerWith)
		key    string
		wrong  string
	}{
		"no place":             {func(w *httpLedgerWith) { w.IDFrom = "order.id" }, "idFrom", "is no place"},
		"another header":       {func(w *httpLedgerWith) { w.IDFrom = "X-Order" }, "idFrom", "is no place"},
		"not written":          {func(w *httpLedgerWith) { w.IDFrom = "" }, "lookup", "nothing says where an answer has it"},
		"by SQL":               {func(w *httpLedgerWith) { w.Lookup = lookupWith{Query: "SELECT id FROM orders WHERE id = $1"} }, "lookup", "would be called absent on both sides"},
		"by ours":              {func(w *httpLedgerWith) { w.Lookup.Path = "/orders/{uuid}" }, "lookup", "asks for no {id}"},
		"a uuid never sent":    {func(w *httpLedgerWith) { w.Body = "{}" }, "lookup", "{uuid} that no request sends"},
		"content with nothing": {func(w *httpLedgerWith) { w.Lookup.Is = "ok" }, "lookup", "is content with"},
		"no pointer":           {func(w *httpLedgerWith) { w.Lookup.Pointer, w.Lookup.Is = "", "" }, "lookup", "has no pointer"},
		"as it should be":      {func(w *httpLedgerWith) { w.Body, w.Lookup.Is = "{}", "" }, "", ""},
	} {
		h := givenLedger("/order/id")
		c.change(&h.with)
		if key, wrong, hint := h.Wrong(); key != c.key || !strings.Contains(wrong, c.wrong) || (hint == "") != (key == "") {
			t.Errorf("%s: %s %s: %s", name, key, wrong, hint)
		}
	}
}
