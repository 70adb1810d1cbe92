package workloads

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/loadgen"
)

func TestWriteOutcomes(t *testing.T) {
	server := func(severity, code string) error {
		return &pgconn.PgError{SeverityUnlocalized: severity, Code: code}
	}
	for _, c := range []struct {
		name    string
		err     error
		warning string
		attempt loadgen.AttemptOutcome
		sample  loadgen.Outcome
	}{
		{"ok", nil, "", loadgen.AttemptOK, loadgen.OK},
		{"not replicated", nil, "canceling wait for synchronous replication due to user request", loadgen.AttemptUnknown, loadgen.NotReplicated},
		{"duplicate key", server("ERROR", "23505"), "", loadgen.AttemptDefinite, loadgen.HTTP4xx},
		{"read-only", server("ERROR", "25006"), "", loadgen.AttemptDefinite, loadgen.HTTP5xx},
		{"serialization", server("ERROR", "40001"), "", loadgen.AttemptDefinite, loadgen.HTTP4xx},
		{"deadlock", server("ERROR", "40P01"), "", loadgen.AttemptDefinite, loadgen.HTTP4xx},
		{"no table", server("ERROR", "42P01"), "", loadgen.AttemptDefinite, loadgen.HTTP4xx},
		{"disk full", server("ERROR", "53100"), "", loadgen.AttemptDefinite, loadgen.HTTP5xx},
		{"completion unknown", server("ERROR", "40003"), "", loadgen.AttemptUnknown, loadgen.HTTP4xx},
		{"cancelled", server("ERROR", "57014"), "", loadgen.AttemptUnknown, loadgen.HTTP5xx},
		{"terminated", server("FATAL", "57P01"), "", loadgen.AttemptUnknown, loadgen.HTTP5xx},
		{"crash", server("FATAL", "57P02"), "", loadgen.AttemptUnknown, loadgen.HTTP5xx},
		{"fatal of a definite class", server("FATAL", "25006"), "", loadgen.AttemptUnknown, loadgen.HTTP5xx},
		{"rejected, but with a warning", server("ERROR", "25006"), "w", loadgen.AttemptUnknown, loadgen.HTTP5xx},
		{"internal", server("ERROR", "XX000"), "", loadgen.AttemptUnknown, loadgen.HTTP5xx},
		{"no code", server("ERROR", ""), "", loadgen.AttemptUnknown, loadgen.Other},
		{"connection", server("FATAL", "08006"), "", loadgen.AttemptUnknown, loadgen.HTTP5xx},
		{"end of file", io.ErrUnexpectedEOF, "", loadgen.AttemptUnknown, loadgen.Reset},
		{"timeout", fmt.Errorf("receive: %w", os.ErrDeadlineExceeded), "", loadgen.AttemptUnknown, loadgen.Timeout},
		{"never left", neverLeft{}, "", loadgen.AttemptDefinite, loadgen.Other},
		{"no primary found", fmt.Errorf("%w: connect: %w", errNoPrimary, pgconn.ErrReadOnlyConnection), "", loadgen.AttemptUnknown, loadgen.HTTP5xx},
		{"anything", errors.New("?"), "", loadgen.AttemptUnknown, loadgen.Other},
	} {
		fate, err := classifyWrite(c.err, c.warning)
		if fate.Attempt != c.attempt || fate.Sample != c.sample || (err == nil) != (c.name == "ok") {
			t.Errorf("%s: %s, %s, %v; want %s, %s", c.name, fate.Attempt, fate.Sample, err, c.attempt, c.sample)
		}
	}
}

type neverLeft struct{}

func (neverLeft) Error() string     { return "busy" }
func (neverLeft) SafeToRetry() bool { return true }

// What a load writes, and in what, is its parameters' word; without an amount nothing has a value.
func TestTraitsOfALedgerNameTableAndCurrency(t *testing.T) {
	for _, c := range []struct {
		with map[string]any
		want loadgen.Traits
	}{
		{map[string]any{"amount": "100.00", "currency": "USD"}, loadgen.Traits{Valued: true, Currency: "USD", Exponent: 2}},
		{map[string]any{"amount": "100", "currency": "JPY"}, loadgen.Traits{Valued: true, Currency: "JPY"}},
		{map[string]any{"amount": "0.00000001"}, loadgen.Traits{Valued: true, Exponent: 8}},
		{nil, loadgen.Traits{Exponent: 2}},
	} {
		k, _ := Workloads.Get("postgres.ledger")
		w, err := k.Make(c.with)
		if err != nil {
			t.Fatal(err)
		}
		got := w.Traits()
		if got.Valued != c.want.Valued || got.Currency != c.want.Currency || got.Exponent != c.want.Exponent || !got.Ledger || got.Table != LedgerTable {
			t.Errorf("%v: %+v", c.with, got)
		}
	}
}
