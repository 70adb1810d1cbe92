// Package workloads holds the loads a drill can put on a target, one file each:
// http.query (what users do), metronome (the steady pulse that times the edges of
// an outage), and ledgers (writes whose loss is counted), each beside the store
// that its writes go into and are looked up in.
//
// Each request is sent once. The package never re-sends, never skips the
// verification of a certificate, never asks the system's resolver, and never
// decides whether a target passed: it writes down what each client saw.
package workloads

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"blackstart/internal/pgdial"
	"blackstart/internal/registry"
	"blackstart/loadgen"
)

// Workloads holds every workload, by the name scenarios use.
var Workloads registry.Registry[Workload]

// Workload makes the operation of a load.
type Workload interface {
	// Open prepares the op for cfg. ledger receives its write attempts; a
	// workload that writes none ignores it. An op that is an io.Closer is
	// closed when its run has ended.
	Open(cfg Config, ledger *loadgen.AttemptWriter) (loadgen.Op, error)
	// Traits says what a load with these parameters is. It depends on them alone.
	Traits() loadgen.Traits
}

// Judge is a workload whose parameters have rules besides those of their tags: the key, what is wrong, and what to write instead; ""
// for nothing.
type Judge interface {
	Wrong() (key, wrong, hint string)
}

// Reader is a workload whose operations may leave nothing behind: Reads tells whether they do not, at such an entry. Whoever does not say
// so writes.
type Reader interface {
	Reads(at Entry) bool
}

// Cohort numbers the kinds of client that http.query plays. The numbers stand
// in the samples and never change.
type Cohort uint8

// The cohorts.
const (
	// Fresh opens a connection for each request and resolves the name as its
	// TTL says.
	Fresh Cohort = 0
	// Pooled keeps connections alive and resolves only when it dials.
	Pooled Cohort = 1
	// StaleResolver opens a connection for each request but keeps a resolved
	// address for Config.StaleFor, whatever its TTL.
	StaleResolver Cohort = 2
)

func (c Cohort) String() string {
	switch c {
	case Fresh:
		return "fresh"
	case Pooled:
		return "pooled"
	case StaleResolver:
		return "stale-resolver"
	}
	return fmt.Sprintf("cohort-%d", uint8(c))
}

// AllCohorts are the cohorts http.query plays unless told otherwise, in turn:
// request n belongs to cohort n mod 3. The number of each is its place.
func AllCohorts() []Cohort { return []Cohort{Fresh, Pooled, StaleResolver} }

// Defaults of a Config.
const (
	DefaultTimeout  = 2 * time.Second
	DefaultStaleFor = 8 * time.Second
	DefaultMaxConns = 32
)

// Config is the plan of one stream of load. Each workload uses its part.
type Config struct {
	Run    [16]byte      // run id
	Stream uint32        // number of the stream within the run
	Place  loadgen.Place // where its clients stand
	Host   uint8         // whose clock it reads; 0 is the machine of the drill
	Clock  loadgen.Clock

	Rate    int           // requests per second; 0 offers nothing
	Start   int64         // when request 0 is due, ns since the anchor
	Timeout time.Duration // of a request, counted from when it is sent; 0: DefaultTimeout
	Workers int           // bound of the pool; 0: loadgen.WorkersFor
	Slots   uint64        // ends by itself after so many; 0: runs until stopped

	Entry    Entry         // http.query, metronome
	StaleFor time.Duration // how long StaleResolver keeps an address; 0: DefaultStaleFor

	Database Database // ledgers
}

// Entry is the public entry point of the target.
type Entry struct {
	Scheme    string         // "https" (also when empty) or "http"
	Name      string         // host name, as in the certificate; or an IP address
	Resolver  string         // "ip:port" of the DNS server to ask; unused for an IP address
	Port      int            // of the entry
	RootCAs   *x509.CertPool // nil: the system's
	Method    string         // empty: POST
	Path      string         // empty: /query
	Body      []byte         // nil with POST: questions, answers checked
	Namespace string         // of the standing questions; empty: DefaultNamespace
	Status    int            // of a good answer to Path; 0: 200
	Headers   http.Header    // sent with each request; they may hold secrets
	TLS       *tls.Config    // in place of RootCAs, with a client certificate where the target wants one; nil: none
	Questions []Question     // http.query: asked in turn in place of the standing ones
}

// Database is where a ledger is written, or the node on which it is looked up.
type Database struct {
	Addresses            []string // "ip:port"; of several, the one that is read-write is used
	User, Password, Name string
	TLS                  *tls.Config      // nil: plain text
	Auth                 string           // methods by which it may ask for the password; "": any
	Identity             string           // of a PostgreSQL server: system identifier that each connection is held to; "": none
	Logins               map[string]Login // of addresses that are entered in another way
	MaxConns             int              // most connections in use to one address; 0: DefaultMaxConns
}

// Login is how one address of a database is entered.
type Login struct {
	User, Password, Name string
	TLS                  *tls.Config // nil: plain text
	Auth                 string      // methods by which it may ask for the password; "": any
	Identity             string      // of a PostgreSQL server; "": none
}

// login is how an address is entered.
func (d Database) login(address string) Login {
	if l, ok := d.Logins[address]; ok {
		return l
	}
	return Login{User: d.User, Password: d.Password, Name: d.Name, TLS: d.TLS, Auth: d.Auth, Identity: d.Identity}
}

// params are what a connection to an address is made from.
func (d Database) params(address string) pgdial.Params {
	l := d.login(address)
	return pgdial.Params{Address: address, User: l.User, Password: l.Password, Database: l.Name, TLS: l.TLS, Auth: l.Auth, Identity: l.Identity}
}

// check refuses addresses that cannot be dialled.
func (d Database) check() error {
	if len(d.Addresses) == 0 {
		return errors.New("the database has no address")
	}
	for _, addr := range d.Addresses {
		if _, _, err := pgdial.Split(addr); err != nil {
			return err
		}
	}
	return nil
}

// Files is where a stream is written: empty files, owned by the caller, who
// closes them after Wait.
type Files struct {
	Samples io.WriteSeeker // nil keeps none
	Ledger  io.WriteSeeker // needed by ledgers
}

func (c *Config) fill() error {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.StaleFor == 0 {
		c.StaleFor = DefaultStaleFor
	}
	if c.Database.MaxConns == 0 {
		c.Database.MaxConns = DefaultMaxConns
	}
	if c.Rate < 0 || c.Timeout < 0 || c.StaleFor < 0 || c.Database.MaxConns < 0 {
		return errors.New("check workload: a negative rate, timeout, staleFor or maxConns")
	}
	return nil
}

// Running is a stream of load at work.
type Running struct {
	run     *loadgen.Run
	op      loadgen.Op
	samples *loadgen.SampleWriter  // nil: none are kept
	ledger  *loadgen.AttemptWriter // nil: it keeps none
	done    chan struct{}
	stats   loadgen.Stats
	err     error
}

// Start opens w and begins its load, which goes on until Stop is called, ctx
// ends or Slots is reached. The caller must then call Wait.
func Start(ctx context.Context, w Workload, cfg Config, files Files) (*Running, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	header := loadgen.Header{Run: cfg.Run, Stream: cfg.Stream, Place: cfg.Place, Host: cfg.Host, Anchor: cfg.Clock.Anchor.UnixNano()}
	r := &Running{done: make(chan struct{})}
	var err error
	if files.Ledger != nil {
		if r.ledger, err = loadgen.NewAttemptWriter(files.Ledger, header); err != nil {
			return nil, err
		}
	}
	if files.Samples != nil {
		if r.samples, err = loadgen.NewSampleWriter(files.Samples, header); err != nil {
			return nil, err
		}
	}
	if r.op, err = w.Open(cfg, r.ledger); err != nil {
		return nil, err
	}
	r.run, err = loadgen.Start(ctx, loadgen.Config{
		Clock: cfg.Clock, Schedule: loadgen.Every(cfg.Rate, cfg.Start), Op: r.op,
		Timeout: cfg.Timeout, Workers: cfg.Workers, Slots: cfg.Slots, Samples: r.samples,
	})
	if err != nil {
		return nil, errors.Join(err, r.closeOp())
	}
	go r.finish()
	return r, nil
}

func (r *Running) closeOp() error {
	if c, ok := r.op.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// ledgerFlush is how often write attempts go to the operating system.
const ledgerFlush = 50 * time.Millisecond

func (r *Running) finish() {
	defer close(r.done)
	var ledgerErr error
	tick := time.NewTicker(ledgerFlush)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-r.run.Done():
			running = false
		case <-tick.C:
			if r.ledger != nil && ledgerErr == nil {
				if ledgerErr = r.ledger.Flush(); ledgerErr != nil {
					r.run.Stop()
				}
			}
		}
	}
	stats, err := r.run.Wait()
	if r.ledger != nil && ledgerErr == nil {
		ledgerErr = r.ledger.Close()
	}
	r.stats, r.err = stats, errors.Join(err, ledgerErr, r.closeOp())
	if r.err != nil {
		r.stats.Closed = false
	}
}

// Stop ends the load at this instant; requests in flight keep their timeout.
func (r *Running) Stop() { r.run.Stop() }

// Written says how far one file of a load has come.
type Written struct {
	Records uint64 // in the file, in order
	Waiting int    // held back because one before them is still under way
}

// Flush hands to the operating system what can be written, and says how far the samples and the ledger have come. It may be
// called at any time; a load without a ledger has none.
func (r *Running) Flush() (samples, ledger Written, err error) {
	if r.samples != nil {
		err = r.samples.Flush()
		samples.Records, samples.Waiting = r.samples.Written()
	}
	if r.ledger != nil {
		err = errors.Join(err, r.ledger.Flush())
		ledger.Records, ledger.Waiting = r.ledger.Written()
	}
	return samples, ledger, err
}

// Live returns what the last seconds looked like.
func (r *Running) Live() loadgen.Live { return r.run.Live() }

// Wait returns when the load has ended and its files are closed. An error is a
// harness problem, never the target's.
func (r *Running) Wait() (loadgen.Stats, error) {
	<-r.done
	return r.stats, r.err
}

// Errors returns how often each kind of failure was seen, by its normalised
// text; it is for people who ask why, not for verdicts.
func (r *Running) Errors() map[string]uint64 {
	if e, ok := r.op.(interface{ Errors() map[string]uint64 }); ok {
		return e.Errors()
	}
	return nil
}
