package workloads

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"blackstart/internal/registry"
	"blackstart/loadgen"
)

var _ = Workloads.Add(registry.Kind[Workload]{
	Name: "postgres.ledger",
	Doc: "Writes one row a request into blackstart.ledger and keeps, for each attempt, whether it was acknowledged, " +
		"certainly not applied, or unknown. Needs the table: see CreateLedger.",
	Example: "load:\n  - {workload: postgres.ledger, rate: 200/s, timeout: 1s, place: outside, with: {amount: \"100.00\"}}",
	New:     func() Workload { return &postgresLedger{} },
})

type postgresLedger struct{ with ledgerWith }

// ledgerWith are the parameters of postgres.ledger.
type ledgerWith struct {
	Amount   loadgen.Amount `yaml:"amount" doc:"value of one write, with the decimals of its currency; 0.00 if not written"`
	Currency string         `yaml:"currency" doc:"of the amount, by ISO 4217, such as USD; a unit that is no currency if not written"`
	Retries  int            `yaml:"retries" min:"0" max:"10" doc:"new attempts after one that did not succeed, within the timeout; 0 if not written"`
}

// With implements registry.Parametrised.
func (p *postgresLedger) With() any { return &p.with }

// Traits implements Workload.
func (p *postgresLedger) Traits() loadgen.Traits {
	amount := p.with.amount()
	return loadgen.Traits{Ledger: true, Table: LedgerTable, Valued: amount.Minor > 0, Currency: p.with.Currency, Exponent: amount.Exponent,
		Speaks: "postgres", Conns: DefaultMaxConns}
}

// amount is that of one write: 0.00 if none was written.
func (w ledgerWith) amount() loadgen.Amount {
	if w.Amount == (loadgen.Amount{}) {
		return loadgen.Amount{Exponent: 2}
	}
	return w.Amount
}

// Open implements Workload.
func (p *postgresLedger) Open(cfg Config, ledger *loadgen.AttemptWriter) (loadgen.Op, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	if ledger == nil {
		return nil, errors.New("open workload: postgres.ledger has no file for its attempts")
	}
	if cfg.Stream > loadgen.MaxLedgerStream {
		return nil, fmt.Errorf("open workload: ledger stream %d exceeds %d", cfg.Stream, loadgen.MaxLedgerStream)
	}
	sessions, err := newSessions(cfg.Database)
	if err != nil {
		return nil, err
	}
	return &ledgerOp{cfg: cfg, with: p.with, ledger: ledger, sessions: sessions, amount: []byte(p.with.amount().String())}, nil
}

// insertLedger is one implicit transaction: its end is the commit.
const insertLedger = `INSERT INTO ` + LedgerTable + ` (run, id, business_key, stream, amount) VALUES ($1, $2, $3, $4, $5)`

// PostgreSQL's type numbers of insertLedger's parameters, and their formats: all
// binary but the amount, which is text.
var (
	insertTypes   = []uint32{2950, 20, 20, 23, 1700} // uuid, int8, int8, int4, numeric
	insertFormats = []int16{1, 1, 1, 1, 0}
)

// ledgerOp makes one write attempt a request, and more only if Retries says so.
type ledgerOp struct {
	tally
	cfg      Config
	with     ledgerWith
	ledger   *loadgen.AttemptWriter
	sessions *sessions
	amount   []byte
	attempts atomic.Uint64
}

// Do implements loadgen.Op.
func (o *ledgerOp) Do(_ context.Context, slot loadgen.Slot) loadgen.Result {
	deadline := time.Now().Add(o.cfg.Timeout)
	var first, previous uint64
	for try := 0; ; try++ {
		id := loadgen.AttemptID(o.cfg.Stream, o.attempts.Add(1)-1)
		if try == 0 {
			first = id
		}
		a := loadgen.Attempt{
			ID: id, RetryOf: previous, Sent: o.cfg.Clock.Now(), Amount: o.with.Amount.Minor, Place: o.cfg.Place, Worker: slot.Worker,
		}
		if try == 0 {
			a.Sent = slot.Sent
		}
		res := o.write(id, first, deadline)
		a.Done = o.cfg.Clock.Now()
		a.Outcome = res.attempt
		if res.err != nil {
			o.add(res.err)
		}
		if err := o.ledger.Write(a); err != nil {
			o.add(err) // the writer keeps the error: the stream's Wait returns it
		}
		previous = id
		if res.attempt == loadgen.AttemptOK || try >= o.with.Retries || !time.Now().Before(deadline) {
			return loadgen.Result{Outcome: res.sample}
		}
	}
}

// write sends one attempt, exactly once.
func (o *ledgerOp) write(id, key uint64, deadline time.Time) writeResult {
	s, err := o.sessions.take(deadline)
	if err != nil {
		// There was no connection, so nothing of this attempt has left.
		return writeResult{loadgen.AttemptDefinite, classifyPG(err), err}
	}
	err = s.exec(deadline, insertLedger, [][]byte{
		o.cfg.Run[:],
		binary.BigEndian.AppendUint64(nil, id),
		binary.BigEndian.AppendUint64(nil, key),
		binary.BigEndian.AppendUint32(nil, o.cfg.Stream),
		o.amount,
	})
	res := classifyWrite(err, s.warning)
	o.sessions.giveBack(s, err != nil && (res.attempt == loadgen.AttemptUnknown || isReadOnly(err)), err)
	return res
}

// Close ends all connections.
func (o *ledgerOp) Close() error {
	o.sessions.close()
	return nil
}
