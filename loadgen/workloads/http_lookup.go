package workloads

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/internal/jsonpointer"
)

// Limits of looking up.
const (
	lookers   = 4 // questions at a time at the entry
	lookTries = 5 // questions about one write whose answer says neither yes nor no

	lookBatch = 500 // writes asked about in one round trip to a database
)

// lookPause is the time between two questions about one write.
var lookPause = time.Second

// errNeither is an answer that says neither that a write is there nor that it is not.
var errNeither = errors.New("it is not known")

// errAnother is an answer that tells of another write.
var errAnother = errors.New("the answer is that of another write")

// lookHTTP asks the entry for each attempt. One that is not there is asked for once more when all have been: behind an entry there may be
// copies that follow, and only what stays away is gone. Where one answer says neither yes nor no, however often it is asked for, nothing is
// known of the rest: it is an error.
func (s *httpStore) lookHTTP(ctx context.Context, run [16]byte, ids []uint64) ([]int, error) {
	copies, which := make([]int, len(ids)), make([]int, len(ids))
	for i := range ids {
		which[i] = i
	}
	if err := s.askAll(ctx, run, ids, copies, which); err != nil {
		return nil, err
	}
	which = slices.DeleteFunc(which, func(i int) bool { return copies[i] > 0 })
	if len(which) == 0 {
		return copies, nil
	}
	select {
	case <-time.After(lookPause):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return copies, s.askAll(ctx, run, ids, copies, which)
}

// askAll asks for some of the attempts, several at a time, and notes how often each is there.
func (s *httpStore) askAll(ctx context.Context, run [16]byte, ids []uint64, copies, which []int) error {
	client := s.lookClient()
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var all sync.WaitGroup
	for range min(s.lookers(), len(which)) {
		all.Go(func() {
			for n := range next {
				i := which[n]
				found, err := s.ask(ctx, client, run, ids[i])
				if err != nil {
					cancel(fmt.Errorf("look up write %d: %w", ids[i], err))
					return
				}
				copies[i] = found
			}
		})
	}
	s.hand(ctx, next, len(which))
	close(next)
	all.Wait()
	return context.Cause(ctx)
}

// hand hands out numbers below n, no faster than the target's file lets a load be.
func (s *httpStore) hand(ctx context.Context, to chan<- int, n int) {
	var pace <-chan time.Time
	if s.rate > 0 {
		ticker := time.NewTicker(time.Second / time.Duration(s.rate))
		defer ticker.Stop()
		pace = ticker.C
	}
	for i := range n {
		if pace != nil {
			select {
			case <-pace:
			case <-ctx.Done():
				return
			}
		}
		select {
		case to <- i:
		case <-ctx.Done():
			return
		}
	}
}

// lookers is how many questions are asked at a time.
func (s *httpStore) lookers() int {
	if s.conns > 0 {
		return min(lookers, s.conns)
	}
	return lookers
}

// lookClient asks as the clients of the load do: the same name and resolver, the same trust; no proxy, no redirect.
func (s *httpStore) lookClient() *http.Client {
	c := s.client
	return &http.Client{
		Timeout: askLimit,
		Transport: &http.Transport{
			Proxy: nil, TLSClientConfig: c.tls.Clone(), MaxConnsPerHost: s.lookers(), DisableCompression: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				deadline, ok := ctx.Deadline()
				if !ok {
					deadline = time.Now().Add(askLimit)
				}
				addr, err := c.resolver.lookup(deadline)
				if err != nil {
					return nil, err
				}
				return c.dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, c.port).String())
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask looks one attempt up, again where that is needed.
func (s *httpStore) ask(ctx context.Context, client *http.Client, run [16]byte, id uint64) (copies int, err error) {
	for try := range lookTries {
		if try > 0 {
			select {
			case <-time.After(lookPause):
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		}
		if copies, err = s.askOnce(ctx, client, run, id); err == nil {
			return copies, nil
		}
	}
	return 0, err
}

func (s *httpStore) askOnce(ctx context.Context, client *http.Client, run [16]byte, id uint64) (int, error) {
	l, fill := s.with.Lookup, filled(run, id)
	given, ok := s.idOf(run, id)
	if !ok {
		return 0, fmt.Errorf("%w: it was given no id", errNeither)
	}
	// What the system gave is put in last: nothing in it is looked for.
	path := strings.ReplaceAll(fill.Replace(l.Path), givenID, url.PathEscape(given))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(path), nil)
	if err != nil {
		return 0, err
	}
	for name, values := range s.entry.Headers {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("User-Agent", "blackstart")
	req.Header.Set("Cache-Control", "no-cache, no-store")
	req.Header.Set("Pragma", "no-cache")
	resp, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errNeither, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", errNeither, err)
	case fromCache(resp.Header):
		return 0, fmt.Errorf("%w: the answer is from a cache, and tells of the past", errNeither)
	case resp.StatusCode == cmp.Or(l.Absent, http.StatusNotFound):
		return 0, nil
	case resp.StatusCode != cmp.Or(l.Status, http.StatusOK):
		return 0, fmt.Errorf("%w: the answer has status %d", errNeither, resp.StatusCode)
	case len(body) > maxBody:
		return 0, fmt.Errorf("%w: the answer is longer than %d bytes", errNeither, maxBody)
	}
	is := own[1]
	if s.with.IDFrom != "" {
		is = givenID
	}
	copies, err := l.read(body, strings.ReplaceAll(fill.Replace(cmp.Or(l.Is, is)), givenID, given))
	if errors.Is(err, errAnother) && s.with.tellsApart() && id != nobody {
		return 0, nil
	}
	return copies, err
}

// read tells how often a write is there by the body of an answer of the right status; is must stand at the pointer.
func (l lookupWith) read(body []byte, is string) (int, error) {
	v, err := jsonpointer.Decode(body)
	if err != nil {
		return 0, fmt.Errorf("%w: the answer: %w", errNeither, err)
	}
	if l.Empty != "" {
		list, err := jsonpointer.Pointer(l.Empty).In(v)
		switch all, ok := list.([]any); {
		case err != nil || !ok:
			return 0, fmt.Errorf("%w: no list stands at %s of the answer", errNeither, l.Empty)
		case len(all) == 0:
			return 0, nil
		}
	}
	switch got, err := jsonpointer.Pointer(l.Pointer).Text(v); {
	case err != nil:
		return 0, fmt.Errorf("%w: nothing can be read at %s of the answer", errNeither, l.Pointer)
	case got != is:
		return 0, fmt.Errorf("%w: %w, by its %s", errNeither, errAnother, l.Pointer)
	}
	return 1, nil
}

// url is what is asked for at the entry.
func (s *httpStore) url(path string) string {
	return cmp.Or(s.entry.Scheme, "https") + "://" + s.entry.host() + path
}

// fromCache tells whether an answer says of itself that somebody had kept it (RFC 9111, RFC 9211, and what was written before them).
func fromCache(h http.Header) bool {
	age, err := strconv.Atoi(h.Get("Age"))
	status, older := strings.ToLower(h.Get("Cache-Status")), strings.ToLower(h.Get("X-Cache"))
	return h.Get("Age") != "" && (err != nil || age > 0) || strings.Contains(status, "hit") || strings.Contains(older, "hit") && !strings.Contains(older, "miss")
}

// lookSQL asks a database for each attempt, in one read-only transaction that is taken back: all answers are of one moment.
func (s *httpStore) lookSQL(ctx context.Context, run [16]byte, ids []uint64) (copies []int, err error) {
	copies = make([]int, len(ids))
	err = s.db.ask(ctx, func(c *pgx.Conn) error {
		pg := c.PgConn()
		if _, err := pg.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").ReadAll(); err != nil {
			return fmt.Errorf("look up writes: %w", err)
		}
		d, err := pg.Prepare(ctx, "lookup", s.with.Lookup.Query, nil)
		switch {
		case err != nil:
			return fmt.Errorf("look up writes: %w", err)
		case len(d.ParamOIDs) != 1 || len(d.Fields) != 1:
			return fmt.Errorf("look up writes: the query takes %d parameters and gives %d columns: it must take the id, and give the column that holds it", len(d.ParamOIDs), len(d.Fields))
		}
		for from := 0; from < len(ids); from += lookBatch {
			to := min(from+lookBatch, len(ids))
			if err := lookRows(ctx, pg, run, ids[from:to], copies[from:to]); err != nil {
				return fmt.Errorf("look up writes: %w", err)
			}
		}
		_, err = pg.Exec(ctx, "ROLLBACK").ReadAll()
		return err
	})
	if err != nil {
		return nil, err
	}
	return copies, nil
}

// lookRows counts the rows of these attempts.
func lookRows(ctx context.Context, pg *pgconn.PgConn, run [16]byte, ids []uint64, copies []int) error {
	batch := &pgconn.Batch{}
	for _, id := range ids {
		batch.ExecPrepared("lookup", [][]byte{[]byte(writeUUID(run, id))}, nil, nil)
	}
	results := pg.ExecBatch(ctx, batch)
	var strange error
	for n := 0; results.NextResult(); {
		rows := results.ResultReader()
		for rows.NextRow() {
			if n < len(ids) && string(rows.Values()[0]) == writeUUID(run, ids[n]) {
				copies[n]++
			} else {
				strange = fmt.Errorf("the query gives %.40q where the id should stand: select the column that holds it", rows.Values()[0])
			}
		}
		if _, err := rows.Close(); err == nil {
			n++
		}
	}
	return errors.Join(results.Close(), strange)
}
