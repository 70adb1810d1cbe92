package workloads

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"blackstart/loadgen"
)

// LedgerStore is where the writes of a load go, and where they are looked up afterwards. For a load it is opened on every
// address that may take its writes; to be asked about one node it is opened on that node alone.
type LedgerStore interface {
	// Prepare makes what the ledger needs on the node, where that is not there yet. It may be called again.
	Prepare(ctx context.Context) error
	// Write makes one attempt on whichever node takes writes, exactly once, and returns by the deadline of ctx. The error says
	// why it was not acknowledged; it is nil for AttemptOK alone.
	Write(ctx context.Context, e LedgerEntry) (Fate, error)
	// Find tells what the node holds of these attempts: of all of them, or it is an error.
	Find(ctx context.Context, ids IDs) (*Found, error)
	// Serves tells whether the node takes writes, and the time of the last one that it got from another node, in ns since
	// 1970; 0 where it got none or does not know.
	Serves(ctx context.Context) (serves bool, followed int64, err error)
	// Close ends its connections. No Write may be under way.
	Close() error
}

// Keeper is a workload that keeps a ledger: one whose Traits say Ledger, and no other. Nodes of the kind that its Traits
// name are where the ledger is looked up.
type Keeper interface {
	Workload
	// Store opens the ledger where at says: at its Database, its Entry, or both, as the workload needs. It dials nobody yet.
	Store(at Config) (LedgerStore, error)
}

// LedgerEntry is one write attempt as a store writes it.
type LedgerEntry struct {
	Run    [16]byte
	Stream uint32
	ID     uint64 // loadgen.AttemptID
	Key    uint64 // of the business: the ID of the first attempt at the same thing
	Amount loadgen.Amount
}

// Fate is what the client knows of one attempt: for the ledger, and for the sample of its request.
type Fate struct {
	Attempt loadgen.AttemptOutcome
	Sample  loadgen.Outcome
}

// IDs are the attempts of one run to look up: how many each stream made, by its number.
type IDs struct {
	Run     [16]byte
	Streams map[uint32]uint64
}

// Found is what a node's ledger holds of one run. Memory: one bit per attempt and one per business key.
type Found struct {
	Streams map[uint32]*loadgen.IDSet // attempt numbers, by stream
	Rows    uint64                    // all rows of the run
	Foreign uint64                    // rows whose id no attempt can have; must be 0
	// Nameless is how many attempts have no id by which they could be looked up: they are neither there nor absent.
	Nameless uint64
	// RepeatedKeys is how many business keys have more than one row: one payment booked twice. Retries share the key of their
	// first attempt.
	RepeatedKeys uint64

	keys   map[uint32]*loadgen.IDSet
	wanted map[uint32]uint64 // attempts by stream; nil: not known
}

// NewFound is what is found of these ids: a row of any other is foreign, and takes no memory, whatever number it has.
func NewFound(ids IDs) *Found { return &Found{wanted: ids.Streams} }

// Add counts one row, by the id of its attempt and its business key.
func (f *Found) Add(id, key uint64) {
	if f.Streams == nil {
		f.Streams, f.keys = map[uint32]*loadgen.IDSet{}, map[uint32]*loadgen.IDSet{}
	}
	f.Rows++
	_, known := f.addID(f.Streams, id)
	copies, keyed := f.addID(f.keys, key)
	if !known || !keyed {
		f.Foreign++
	}
	if copies == 2 {
		f.RepeatedKeys++
	}
}

// addID adds an attempt's number to the set of its stream, and tells how often it is there now; not ok of one that is not wanted.
func (f *Found) addID(sets map[uint32]*loadgen.IDSet, id uint64) (copies int, ok bool) {
	stream, n, ok := loadgen.SplitAttemptID(id)
	if !ok || f.wanted != nil && n >= f.wanted[stream] {
		return 0, false
	}
	set := sets[stream]
	if set == nil {
		set = new(loadgen.IDSet)
		sets[stream] = set
	}
	ok = set.Add(n)
	return set.Copies(n), ok
}

// Join takes over what was found of other streams on the same node.
func (f *Found) Join(other *Found) {
	if f.Streams == nil {
		f.Streams = map[uint32]*loadgen.IDSet{}
	}
	maps.Copy(f.Streams, other.Streams)
	f.Rows, f.Foreign, f.RepeatedKeys = f.Rows+other.Rows, f.Foreign+other.Foreign, f.RepeatedKeys+other.RepeatedKeys
	f.Nameless += other.Nameless
}

// Copies returns how many rows hold the attempt id.
func (f *Found) Copies(id uint64) int {
	stream, n, ok := loadgen.SplitAttemptID(id)
	if set := f.Streams[stream]; ok && set != nil {
		return set.Copies(n)
	}
	return 0
}

// LedgerWith are the parameters of every workload that keeps a ledger.
type LedgerWith struct {
	Amount   loadgen.Amount `yaml:"amount" doc:"value of one write, with the decimals of its currency; 0.00 if not written"`
	Currency string         `yaml:"currency" doc:"of the amount, by ISO 4217, such as USD; a unit that is no currency if not written"`
	Retries  int            `yaml:"retries" min:"0" max:"10" doc:"new attempts after one that did not succeed, within the timeout; 0 if not written"`
}

// With implements registry.Parametrised.
func (w *LedgerWith) With() any { return w }

// amount is that of one write: 0.00 if none was written.
func (w *LedgerWith) amount() loadgen.Amount {
	if w.Amount == (loadgen.Amount{}) {
		return loadgen.Amount{Exponent: 2}
	}
	return w.Amount
}

// traits are those of a ledger on components of a kind, in a table of theirs if they have such.
func (w *LedgerWith) traits(kind, table string) loadgen.Traits {
	amount := w.amount()
	return loadgen.Traits{Ledger: true, Table: table, Valued: amount.Minor > 0, Currency: w.Currency, Exponent: amount.Exponent,
		Speaks: kind, Conns: DefaultMaxConns, Writes: 1 + w.Retries}
}

// ledgerOp makes one write attempt a request, and more only if Retries says so.
type ledgerOp struct {
	tally
	cfg      Config
	with     LedgerWith
	ledger   *loadgen.AttemptWriter
	store    LedgerStore
	attempts atomic.Uint64
}

// OpenLedger makes the op of a load that writes into what k keeps, and writes each attempt down in ledger.
func OpenLedger(cfg Config, with LedgerWith, ledger *loadgen.AttemptWriter, k Keeper) (loadgen.Op, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	if ledger == nil {
		return nil, errors.New("open workload: it has no file for its attempts")
	}
	if cfg.Stream > loadgen.MaxLedgerStream {
		return nil, fmt.Errorf("open workload: ledger stream %d exceeds %d", cfg.Stream, loadgen.MaxLedgerStream)
	}
	store, err := k.Store(cfg)
	if err != nil {
		return nil, fmt.Errorf("open workload: %w", err)
	}
	return &ledgerOp{cfg: cfg, with: with, ledger: ledger, store: store}, nil
}

// Do implements loadgen.Op.
func (o *ledgerOp) Do(ctx context.Context, slot loadgen.Slot) loadgen.Result {
	ctx, cancel := context.WithTimeout(ctx, o.cfg.Timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	e := LedgerEntry{Run: o.cfg.Run, Stream: o.cfg.Stream, Amount: o.with.amount()}
	sent, previous := slot.Sent, uint64(0)
	for try := 0; ; try++ {
		e.ID = loadgen.AttemptID(o.cfg.Stream, o.attempts.Add(1)-1)
		if try == 0 {
			e.Key = e.ID
		}
		fate, err := o.store.Write(ctx, e)
		if err != nil {
			o.add(err)
		}
		done := o.cfg.Clock.Now()
		err = o.ledger.Write(loadgen.Attempt{ID: e.ID, RetryOf: previous, Sent: sent, Done: done, Amount: e.Amount.Minor,
			Outcome: fate.Attempt, Place: o.cfg.Place, Worker: slot.Worker})
		if err != nil {
			o.add(err) // the writer keeps the error: the stream's Wait returns it
		}
		sent, previous = done, e.ID
		if fate.Attempt == loadgen.AttemptOK || try >= o.with.Retries || !time.Now().Before(deadline) {
			return loadgen.Result{Outcome: fate.Sample}
		}
	}
}

// Close ends all connections.
func (o *ledgerOp) Close() error { return o.store.Close() }
