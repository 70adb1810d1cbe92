package workloads

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"blackstart/internal/jsonpointer"
	"blackstart/internal/registry"
	"blackstart/loadgen"
)

var _ = Workloads.Add(registry.Kind[Workload]{
	Name: "http.ledger",
	Doc: "Writes through the system's own interface, one request a write to its public entry, each over a connection of its own, and keeps, for each, whether it was " +
		"acknowledged (the status, and what must stand in the answer), certainly not taken (there was no connection, or a 4xx that says so), or unknown: no answer, a 5xx, " +
		"another answer. Each has a {uuid} of its own, by which it is looked up afterwards: by GET at the entry, or by SQL on each database. A look-up that does not say " +
		"yes or no makes the count inconclusive. Nothing that it wrote is removed.",
	Example: "load:\n  - {workload: http.ledger, rate: 20/s, timeout: 2s, place: outside, with: {path: /orders, body: '{\"ref\": \"{uuid}\"}', status: 201, " +
		"lookup: {path: '/orders/{uuid}', pointer: /ref}}}",
	New: func() Workload { return &httpLedger{} },
})

type httpLedger struct {
	with httpLedgerWith
	book *IDBook // of the ids that the system gives; nil: it is not kept
}

// httpLedgerWith are the parameters of http.ledger.
type httpLedgerWith struct {
	Method   string          `yaml:"method" one:"POST|PUT|PATCH" doc:"POST if not written"`
	Path     string          `yaml:"path" need:"yes" doc:"with its query, beginning with /; {uuid} is the id of the write, {seq} its number"`
	Headers  []requestHeader `yaml:"headers" doc:"headers of the request, besides those of the entry in the target file"`
	Body     string          `yaml:"body" doc:"what is sent, with {seq} and {uuid} as in path"`
	Status   int             `yaml:"status" need:"yes" min:"200" max:"299" doc:"status of the answer that acknowledges the write"`
	Pointer  string          `yaml:"pointer" doc:"JSON pointer to a value that this answer has"`
	Is       string          `yaml:"is" doc:"text that must stand at the pointer, with {seq} and {uuid} as in path"`
	Matches  string          `yaml:"matches" doc:"regular expression (RE2) that the body of this answer matches"`
	IDFrom   string          `yaml:"idFrom" doc:"where this answer has the id that the system gives to the write: a JSON pointer, or Location for the last part of that header's path. The write is looked up by it, {id}; an answer without one leaves the outcome unknown"`
	Lookup   lookupWith      `yaml:"lookup" need:"yes" doc:"how a write is looked up afterwards: path and pointer, or query"`
	Amount   loadgen.Amount  `yaml:"amount" doc:"value of one write, with the decimals of its currency; 0.00 if not written"`
	Currency string          `yaml:"currency" doc:"of the amount, by ISO 4217, such as USD; a unit that is no currency if not written"`
}

// lookupWith says how one write is looked up.
type lookupWith struct {
	Path    string `yaml:"path" doc:"what is asked of the entry by GET, with {uuid}, or {id} where idFrom is written"`
	Status  int    `yaml:"status" min:"200" max:"299" doc:"of path: status of the answer if the write is there; 200 if not written"`
	Absent  int    `yaml:"absent" min:"400" max:"499" doc:"of path: status of the answer if it is not there; 404 if not written"`
	Pointer string `yaml:"pointer" doc:"of path: JSON pointer to the id of the write in the answer"`
	Is      string `yaml:"is" doc:"of path: text that must stand at the pointer; {uuid}, or {id} with idFrom, if not written; {uuid} there shows that it is the record of this write"`
	Unused  string `yaml:"unused" doc:"of path with idFrom: an id that the system has given to nothing, in its own form, such as 0; it is looked up before the load starts. A UUID if not written"`
	Empty   string `yaml:"empty" doc:"of path: JSON pointer to a list that such an answer has, with nothing in it if the write is not there"`
	Query   string `yaml:"query" doc:"one statement that begins with SELECT, WITH, VALUES or TABLE, asked of each PostgreSQL with the id as $1; each row is a write, and its one column is the id"`
}

// entryName is what Traits call the public entry as the place where writes are looked up.
const entryName = "entry"

// With implements registry.Parametrised.
func (h *httpLedger) With() any { return &h.with }

// ledger are the parameters that all ledgers have.
func (h *httpLedger) ledger() LedgerWith {
	return LedgerWith{Amount: h.with.Amount, Currency: h.with.Currency}
}

// Traits implements Workload.
func (h *httpLedger) Traits() loadgen.Traits {
	l := h.ledger()
	t := l.traits("", "")
	t.Conns, t.LookedUp = 0, entryName
	if h.with.Lookup.Query != "" {
		t.LookedUp = "postgres"
	}
	t.Requests = h.request().changes()
	return t
}

// request is the write as http.request sends one.
func (h *httpLedger) request() *httpRequest { return &httpRequest{with: h.with.request()} }

// WriteSize implements Sized.
func (h *httpLedger) WriteSize() int { return h.request().WriteSize() }

// asksOnly is how a statement begins that reads; the transaction holds the rest to it.
var asksOnly = regexp.MustCompile(`(?i)^[\s(]*(select|with|values|table)\b`)

// Wrong implements Judge.
func (h *httpLedger) Wrong() (key, wrong, hint string) {
	q, l := h.request(), h.with.Lookup
	if !q.with.holds(own[1]) && !h.GivenIDs() {
		return "path", "sends no {uuid}, nor do headers and body, so that no write could be told from another", `write it where the system keeps it, such as body: '{"ref": "{uuid}"}'`
	}
	if key, wrong, hint := q.Wrong(); wrong != "" {
		return key, wrong, hint
	}
	if key, wrong, hint := h.with.wrongGiven(); wrong != "" {
		return key, wrong, hint
	}
	switch byPath := l.Path != ""; {
	case byPath == (l.Query != ""):
		return "lookup", "needs one way", "write path: and pointer:, or query:"
	case !byPath && (l.Pointer != "" || l.Is != "" || l.Empty != "" || l.Status != 0 || l.Absent != 0):
		return "lookup", "asks a database, and says what an answer of the entry holds", "leave out pointer, is, empty, status and absent"
	case !byPath && (!asksOnly.MatchString(l.Query) || !strings.Contains(l.Query, "$1")):
		return "lookup", "has a query that may do more than look one id up", `write one such as SELECT ref FROM orders WHERE ref = $1`
	case !byPath:
		return "", "", ""
	}
	return l.wrong(h.GivenIDs())
}

// wrong judges how a write is looked up at the entry, by an id that the system gives or by ours.
func (l lookupWith) wrong(given bool) (key, wrong, hint string) {
	asked := httpRequest{with: requestWith{Path: strings.ReplaceAll(l.Path, givenID, "1"), Pointer: l.Pointer, Is: numbers("1", "1").Replace(l.Is)}}
	if key, wrong, hint := asked.Wrong(); wrong != "" {
		return "lookup", "has a " + key + " that " + wrong, hint
	}
	switch p := jsonpointer.Pointer(""); {
	case l.Empty != "" && p.UnmarshalText([]byte(l.Empty)) != nil:
		return "lookup", "has in empty what is no JSON pointer", "write one such as /orders"
	case !given && !strings.Contains(l.Path, "{uuid}"):
		return "lookup", "asks for no {uuid} by its path", "write one such as /orders/{uuid}"
	case l.Pointer == "":
		return "lookup", "has no pointer: any answer would do, that of another write, too", "write pointer: where the id of the write stands in the answer"
	case l.Is != "" && !strings.Contains(l.Is, "{uuid}") && !(given && strings.Contains(l.Is, givenID)):
		return "lookup", "is content with what does not hold the {uuid}", "leave is: out, or write it with {uuid}"
	}
	return "", "", ""
}

// Open implements Workload.
func (h *httpLedger) Open(cfg Config, ledger *loadgen.AttemptWriter) (loadgen.Op, error) {
	return OpenLedger(cfg, h.ledger(), ledger, h)
}

// Store implements Keeper.
func (h *httpLedger) Store(at Config) (LedgerStore, error) {
	if key, wrong, hint := h.Wrong(); wrong != "" {
		return nil, errors.New(key + " " + wrong + ": " + hint)
	}
	if h.with.Lookup.Query != "" && len(at.Database.Addresses) > 0 {
		if err := at.Database.check(); err != nil {
			return nil, err
		}
		return &httpStore{with: h.with, db: &postgresStore{db: at.Database}}, nil
	}
	r, err := newResolver(at.Entry.Name, at.Entry.Resolver, 0)
	if err != nil {
		return nil, err
	}
	client, err := newHTTPClient(at.Entry, r, false)
	if err != nil {
		return nil, err
	}
	return &httpStore{with: h.with, book: h.book, request: h.request(), entry: at.Entry, client: client, rate: at.Rate, conns: at.Workers}, nil
}

// httpStore is what a system keeps of the writes that it took by its own interface: written and looked up at its entry, or, where db
// is set, looked up on one database.
type httpStore struct {
	with    httpLedgerWith
	book    *IDBook
	request *httpRequest
	entry   Entry
	client  *httpClient
	db      *postgresStore
	rate    int // look-ups a second at the entry at most; 0: as they come
	conns   int // connections for them at most; 0: as many as there are lookers
}

// writeUUID is the id that a write goes by in the system: the same for the same attempt of a run, and that of no other.
func writeUUID(run [16]byte, id uint64) string {
	return uuid.NewSHA1(run, binary.BigEndian.AppendUint64(nil, id)).String()
}

// filled puts what is one attempt's own into a text.
func filled(run [16]byte, id uint64) *strings.Replacer {
	_, n, _ := loadgen.SplitAttemptID(id)
	return filler(n, writeUUID(run, id))
}

// Write implements LedgerStore.
func (s *httpStore) Write(ctx context.Context, e LedgerEntry) (Fate, error) {
	if s.client == nil {
		return Fate{loadgen.AttemptDefinite, loadgen.Other}, errors.New("a database that is asked takes no writes")
	}
	deadline, _ := ctx.Deadline()
	fill := filled(e.Run, e.ID)
	conn, err := s.client.open(deadline)
	if err != nil {
		// There was no connection, so nothing of this attempt has left.
		return Fate{loadgen.AttemptDefinite, classify(err)}, err
	}
	w := s.request.with
	status, err := s.client.exchange(conn, s.request.wire(s.entry, w.Method, w.Path, false, fill), w.Status, s.answered(e, w.filled(nil, fill)))
	fate := Fate{loadgen.AttemptUnknown, classifyHTTP(status, w.Status, err)}
	switch {
	case err == nil && status == w.Status:
		fate.Attempt = loadgen.AttemptOK
	case err == nil && slices.Contains(notTaken, status):
		fate.Attempt = loadgen.AttemptDefinite
	}
	if err == nil && fate.Attempt != loadgen.AttemptOK {
		err = fmt.Errorf("the write was answered with status %d", status)
	}
	return fate, err
}

// notTaken are the answers that say that a request was not carried out. It is a closed list: after any other, 408, 409 and 5xx above
// all, nobody knows what became of the write.
var notTaken = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
	http.StatusGone, http.StatusLengthRequired, http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusUnsupportedMediaType,
	http.StatusUnprocessableEntity, http.StatusLocked, http.StatusTooEarly, http.StatusUpgradeRequired, http.StatusPreconditionRequired, http.StatusTooManyRequests,
	http.StatusRequestHeaderFieldsTooLarge,
}

// nobody is an id that no attempt has.
const nobody = 0

// Prepare implements LedgerStore: a write that nobody made is looked up. Where that does not say that it is not there, no look-up
// would ever say so of a write that was lost.
func (s *httpStore) Prepare(ctx context.Context) error {
	run := [16]byte(uuid.New())
	copies, err := s.look(ctx, run, []uint64{nobody})
	switch {
	case err != nil:
		return err
	case copies[0] > 0:
		return errors.New("the look-up finds a write that nobody made")
	}
	return nil
}

// Find implements LedgerStore. Each attempt is looked up, whatever is known of it, if it has an id.
func (s *httpStore) Find(ctx context.Context, ids IDs) (*Found, error) {
	found := NewFound(ids)
	var all []uint64
	if err := s.askable(); err != nil {
		return nil, err
	}
	for stream, count := range ids.Streams {
		for n := range count {
			id := loadgen.AttemptID(stream, n)
			if _, ok := s.idOf(ids.Run, id); !ok { // nobody can ask for it
				found.Nameless++
				continue
			}
			all = append(all, id)
		}
	}
	slices.Sort(all)
	copies, err := s.look(ctx, ids.Run, all)
	if err != nil {
		return nil, err
	}
	for i, id := range all {
		for range copies[i] {
			found.Add(id, id)
		}
	}
	return found, nil
}

// look tells how often each attempt is there, until lookLimit is over.
func (s *httpStore) look(ctx context.Context, run [16]byte, ids []uint64) ([]int, error) {
	limit := lookLimit
	if s.rate > 0 {
		limit += time.Duration(2*len(ids)/s.rate) * time.Second // what is not there is asked for twice
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if s.db != nil {
		return s.lookSQL(ctx, run, ids)
	}
	return s.lookHTTP(ctx, run, ids)
}

// lookLimit bounds the looking up of all attempts, besides what the pace of questions takes.
const lookLimit = 10 * time.Minute

// Serves implements LedgerStore: a database says it; the entry leads to whoever serves, and does not tell who that is.
func (s *httpStore) Serves(ctx context.Context) (serves bool, followed int64, err error) {
	if s.db == nil {
		return false, 0, errors.New("the entry does not say who serves")
	}
	return s.db.Serves(ctx)
}

// Close implements LedgerStore.
func (s *httpStore) Close() error {
	if s.db != nil {
		return s.db.Close()
	}
	s.client.close()
	return nil
}
