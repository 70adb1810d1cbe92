package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"blackstart/harness"
	"blackstart/loadgen"
)

// quietScenario is a drill without a fault, which ends after quietEnd; quietBaseline of that is the steady state.
const (
	quietScenario = "testdata/scenarios/quiet.yaml"
	quietBaseline = harness.Stamp(time.Second)
	quietEnd      = harness.Stamp(4 * time.Second)
)

// quiet tells a drill without a fault to its end: every write was answered and is found once.
func (b *bagged) quiet() error {
	r := b.rec
	r.Baseline = harness.Interval{Lo: r.Anchor, Hi: r.Anchor + quietBaseline}
	r.Observation = harness.Interval{Lo: r.Baseline.Hi, Hi: r.Anchor + quietEnd}
	r.Clock = []harness.ClockReading{{At: r.Anchor, Synchronised: true}, {At: r.Anchor + quietEnd, Synchronised: true}}
	id := uint32(1 + slices.Index(b.loads, "ledger"))
	run, err := uuid.Parse(r.RunID)
	if err != nil {
		return err
	}
	h := loadgen.Header{Run: run, Stream: id, Anchor: int64(r.Anchor)}
	c := harness.CopiesFile{Stream: int(id), Load: "ledger", Node: "east.db", Reading: harness.AfterHeal,
		File: "data/ledger/ledger.copies-east.db-after-heal.bin", Count: fixtureSamples}
	r.Ledger = harness.LedgerRecord{Read: true, Primary: c.Node, OldPrimary: "west.db", OldDetail: "it never served", Copies: []harness.CopiesFile{c}}
	held := harness.Event{Kind: "steady.held", At: r.Baseline, Phase: "baseline", Text: "held"}
	return errors.Join(b.journal.Append(held), b.create("data/ledger/ledger.bin", func(f *os.File) error {
		w, err := loadgen.NewAttemptWriter(f, h)
		if err != nil {
			return err
		}
		for n := range uint64(fixtureSamples) {
			s := b.sample("ledger", n)
			err = errors.Join(err, w.Write(loadgen.Attempt{ID: loadgen.AttemptID(id, n), Sent: s.Sent, Done: s.Done, Amount: 10_000, Outcome: loadgen.AttemptOK}))
		}
		return errors.Join(err, w.Close())
	}), b.create(c.File, func(f *os.File) error {
		_, err := loadgen.WriteCopies(f, h, slices.Values(slices.Repeat([]int{1}, fixtureSamples)))
		return err
	}))
}

// create writes one file of the bag.
func (b *bagged) create(name string, fill func(*os.File) error) error {
	path := filepath.Join(b.bag(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), f.Close())
}
