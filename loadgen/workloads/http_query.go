package workloads

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"blackstart/internal/registry"
	"blackstart/loadgen"
)

var _ = Workloads.Add(registry.Kind[Workload]{
	Name: "http.query",
	Doc: "Asks the public entry point questions over HTTPS and checks each answer: the target's own, if their right answers " +
		"are known (what comes first must be right, and nothing may be of another namespace), else a fixed set. It plays three " +
		"kinds of client in turn: a fresh connection each time, kept connections, and a resolver that ignores the TTL for a stated time.",
	Example: "load:\n  - {workload: http.query, rate: 200/s, timeout: 2s, place: outside, with: {cohorts: [fresh, pooled, stale-resolver]}}",
	New:     func() Workload { return &httpQuery{} },
})

type httpQuery struct{ with queryWith }

// queryWith are the parameters of http.query.
type queryWith struct {
	Cohorts []string `yaml:"cohorts" one:"fresh|pooled|stale-resolver" doc:"the kinds of client that ask, in turn; all of them if not written"`
}

// With implements registry.Parametrised.
func (q *httpQuery) With() any { return &q.with }

// Traits implements Workload.
func (q *httpQuery) Traits() loadgen.Traits {
	t := loadgen.Traits{Questions: true, Requests: []string{http.MethodPost + " " + defaultPath}, Writes: 1}
	for _, c := range q.cohorts() {
		t.Cohorts = append(t.Cohorts, c.String())
	}
	return t
}

// WriteSize implements Sized: a question is a POST.
func (q *httpQuery) WriteSize() (most int) {
	for _, text := range questions {
		body, _ := json.Marshal(question{Namespace: DefaultNamespace, Text: text, K: questionK}) // strings and an int always marshal
		most = max(most, len(http.MethodPost)+len(defaultPath)+len(body))
	}
	return most
}

// cohorts are those that the load plays.
func (q *httpQuery) cohorts() []Cohort {
	if q.with.Cohorts == nil {
		return AllCohorts()
	}
	var all []Cohort
	for _, c := range AllCohorts() {
		if slices.Contains(q.with.Cohorts, c.String()) {
			all = append(all, c)
		}
	}
	return all
}

// Open implements Workload.
func (q *httpQuery) Open(cfg Config, _ *loadgen.AttemptWriter) (loadgen.Op, error) {
	return newHTTPOp(cfg, q.cohorts()...)
}

// httpOp sends request n as cohort n mod len(cohorts).
type httpOp struct {
	tally
	timeout time.Duration
	players []cohortState
}

// cohortState is one cohort.
type cohortState struct {
	cohort   Cohort
	client   *httpClient
	requests []request
}

func newHTTPOp(cfg Config, cohorts ...Cohort) (*httpOp, error) {
	return openHTTP(cfg, func(keep bool) ([]request, error) { return newRequests(cfg.Entry, keep) }, cohorts...)
}

// openHTTP plays cohorts that send requests in turn; keep asks for the connection to be kept.
func openHTTP(cfg Config, requests func(keep bool) ([]request, error), cohorts ...Cohort) (*httpOp, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	if len(cohorts) == 0 {
		return nil, errors.New("open workload: no cohorts")
	}
	fresh, err := newResolver(cfg.Entry.Name, cfg.Entry.Resolver, 0)
	if err != nil {
		return nil, err
	}
	op := &httpOp{timeout: cfg.Timeout}
	for _, cohort := range cohorts {
		r := fresh
		switch cohort {
		case Fresh, Pooled:
		case StaleResolver:
			if r, err = newResolver(cfg.Entry.Name, cfg.Entry.Resolver, cfg.StaleFor); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("open workload: unknown %s", cohort)
		}
		keep := cohort == Pooled
		client, err := newHTTPClient(cfg.Entry, r, keep)
		if err != nil {
			return nil, err
		}
		all, err := requests(keep)
		if err != nil {
			return nil, err
		}
		op.players = append(op.players, cohortState{cohort, client, all})
	}
	return op, nil
}

// Do implements loadgen.Op.
func (o *httpOp) Do(_ context.Context, slot loadgen.Slot) loadgen.Result {
	n := uint64(len(o.players))
	p := &o.players[slot.Seq%n]
	r := &p.requests[slot.Seq/n%uint64(len(p.requests))] // so that each cohort asks them all
	wire, check, want := r.wire, r.check, cmp.Or(r.want, http.StatusOK)
	if r.make != nil {
		wire, check = r.make(slot.Seq)
	}
	status, err := p.client.roundTrip(wire, time.Now().Add(o.timeout), want, check)
	if err != nil {
		o.add(err)
	}
	return loadgen.Result{Cohort: uint8(p.cohort), Status: uint16(status), Outcome: classifyHTTP(status, want, err)}
}

// classifyHTTP says which outcome an answer is, or the lack of one.
func classifyHTTP(status, want int, err error) loadgen.Outcome {
	switch {
	case err != nil:
		return classify(err)
	case status == want:
		return loadgen.OK
	case status >= 500 && status < 600:
		return loadgen.HTTP5xx
	case status >= 400 && status < 500:
		return loadgen.HTTP4xx
	}
	return loadgen.WrongAnswer
}

// Close drops the kept connections.
func (o *httpOp) Close() error {
	for _, p := range o.players {
		p.client.close()
	}
	return nil
}
