package scratch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"blackstart/internal/registry"
	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

var _ = workloads.Workloads.Add(registry.Kind[workloads.Workload]{
	Name:    "diary.ledger",
	Doc:     "Writes a line for each request into the diary of the node that leads.",
	Example: "load:\n  - {workload: diary.ledger, rate: 100/s, timeout: 1s, place: outside}",
	New:     func() workloads.Workload { return diaryLedger{} },
})

type diaryLedger struct{}

func (diaryLedger) Traits() loadgen.Traits {
	return loadgen.Traits{Ledger: true, Table: "diary", Speaks: "diary"}
}

func (d diaryLedger) Open(cfg workloads.Config, ledger *loadgen.AttemptWriter) (loadgen.Op, error) {
	return workloads.OpenLedger(cfg, workloads.LedgerWith{}, ledger, d)
}

func (diaryLedger) Store(at workloads.Config) (workloads.LedgerStore, error) {
	return diaryStore{at.Database.Addresses}, nil
}

// diaryStore keeps a ledger in files: that of a node that leads has another of the same name and .leads beside it.
type diaryStore struct{ nodes []string }

func (s diaryStore) Prepare(context.Context) error { return os.WriteFile(s.nodes[0], nil, 0o600) }
func (s diaryStore) Close() error                  { return nil }

func (s diaryStore) Serves(context.Context) (serves bool, followed int64, err error) {
	_, err = os.Stat(s.nodes[0] + ".leads")
	if errors.Is(err, os.ErrNotExist) {
		return false, 0, nil
	}
	return err == nil, 0, err
}

func (s diaryStore) Write(ctx context.Context, e workloads.LedgerEntry) (workloads.Fate, error) {
	for _, node := range s.nodes {
		if leads, _, err := (diaryStore{[]string{node}}).Serves(ctx); err != nil || !leads {
			continue
		}
		f, err := os.OpenFile(node, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = fmt.Fprintf(f, "%x %d %d\n", e.Run, e.ID, e.Key)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return workloads.Fate{Attempt: loadgen.AttemptUnknown, Sample: loadgen.Other}, err
		}
		return workloads.Fate{Attempt: loadgen.AttemptOK, Sample: loadgen.OK}, nil
	}
	return workloads.Fate{Attempt: loadgen.AttemptDefinite, Sample: loadgen.Refused}, errors.New("nobody leads")
}

func (s diaryStore) Find(_ context.Context, ids workloads.IDs) (*workloads.Found, error) {
	f, err := os.Open(s.nodes[0])
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	found := workloads.NewFound(ids)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var run string
		var id, key uint64
		if _, err := fmt.Sscan(lines.Text(), &run, &id, &key); err != nil {
			return nil, err
		}
		if run == fmt.Sprintf("%x", ids.Run) {
			found.Add(id, key)
		}
	}
	return found, nil
}
