package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/internal/shortage"
	"blackstart/loadgen/workloads"
)

// throughEntry is the way to where the public entry leads.
var throughEntry = harness.Access{Address: harness.EntryName}

// An opener opens what a workload keeps, on one node or through the entry.
type opener func(k workloads.Keeper, a harness.Access) (workloads.LedgerStore, error)

// opening opens what is kept on the nodes of a target.
func opening(s harness.RunningTarget) opener {
	return func(k workloads.Keeper, a harness.Access) (workloads.LedgerStore, error) {
		if a.Address == throughEntry.Address {
			entry, err := loads.Entry(s)
			if err != nil {
				return nil, err
			}
			at := workloads.Config{Entry: entry}
			if to := s.Target.LoadLimits; to != nil { // looking up is bounded as loads are
				at.Rate, at.Workers = int(math.Ceil(to.Rate.PerSecond())), to.Connections
			}
			return k.Store(at)
		}
		return k.Store(workloads.Config{Database: workloads.Database{Addresses: []string{a.Address}, User: a.User, Password: a.Password, Name: a.Database, TLS: a.TLS, Auth: a.Auth, Identity: a.Identity}})
	}
}

// nodePair are the two nodes of a target that keep a ledger: the one that serves when the drill starts, and the one that follows
// it.
type nodePair struct {
	old, other harness.Component
}

// findNodePair finds the nodes of a kind; false where the target has none that serves in its primary region, or none in its
// standby region that is said to follow it.
func findNodePair(t harness.Description, kind string) (nodePair, bool) {
	node := func(role string) (harness.Component, bool) {
		c, ok := t.ComponentByRole(role, kind)
		return c, ok && c.Role == role
	}
	old, serves := node(harness.Primary)
	other, follows := node(harness.Standby)
	return nodePair{old, other}, serves && follows
}

// findKeeper finds what keeps the ledger of a scenario's loads, and the nodes it is on. Where no load keeps one, or it is looked up at
// the entry, it is what could keep one on the target: which of two nodes serves is asked all the same.
func findKeeper(all []harness.LoadSpec, t harness.Description) (workloads.Keeper, nodePair, error) {
	for _, l := range all {
		k, ok := loads.Keeper(l)
		if !ok || k.Traits().Where() == harness.EntryName {
			continue
		}
		both, ok := findNodePair(t, k.Traits().Where())
		if !ok {
			return nil, nodePair{}, fmt.Errorf("the target has no pair of %s nodes of which one follows the other", k.Traits().Where())
		}
		return k, both, nil
	}
	for _, kind := range workloads.Workloads.All() {
		if k, ok := kind.New().(workloads.Keeper); ok {
			if both, ok := findNodePair(t, k.Traits().Where()); ok {
				return k, both, nil
			}
		}
	}
	return nil, nodePair{}, errors.New("the target has no pair of nodes that could keep a ledger")
}

// atEntry tells whether the writes of these loads are looked up where the public entry leads.
func atEntry(all []harness.LoadSpec) bool {
	return slices.ContainsFunc(all, func(l harness.LoadSpec) bool {
		k, ok := loads.Keeper(l)
		return ok && k.Traits().Where() == harness.EntryName
	})
}

// Refusals refuses the loads of a scenario whose ledgers nobody could look up on a target: what was acknowledged would be
// counted as lost. A drill has one pair of nodes that is read, so all of its ledgers are of one workload.
func Refusals(all []harness.LoadSpec, t harness.Description) (refused []harness.Refusal) {
	first, where := "", ""
	for i, l := range all {
		traits, known := loads.Traits(l)
		if !known || !traits.Ledger {
			continue
		}
		at := []any{"load", i, "workload"}
		if _, ok := findNodePair(t, traits.Where()); !ok && traits.Where() != harness.EntryName {
			refused = append(refused, harness.Refusal{At: at, Err: fmt.Errorf("load %s keeps its ledger in %s, and target %s has no two nodes of it of which "+
				"one follows the other, so that nobody could look up afterwards what was acknowledged: %s", l.ID, traits.Where(), t.Name, supportedLedgers(t))})
			continue
		}
		if first == "" {
			first, where = l.Workload, traits.Where()
		}
		if l.Workload != first {
			refused = append(refused, harness.Refusal{At: at, Err: fmt.Errorf("load %s keeps its ledger by %s, and another load by %s: a drill reads back one "+
				"pair of nodes: write workload: %s, or a scenario of its own", l.ID, l.Workload, first, first)})
		} else if traits.Where() != where {
			refused = append(refused, harness.Refusal{At: []any{"load", i, "with"}, Err: fmt.Errorf("load %s looks its writes up on %s, and another load on %s: a drill "+
				"reads back one of the two: write the same kind of lookup, or a scenario of its own", l.ID, traits.Where(), where)})
		}
	}
	return refused
}

// UnfencedLedgers refuses the loads whose ledgers stand on a node that the undo of a planned fault does not fence, while it fences
// others: behind such a fault both of its nodes could take writes. Loads that no pair of nodes keeps are refused by Refusals.
func UnfencedLedgers(all []harness.LoadSpec, t harness.Description, plans []harness.Plan) (refused []harness.Refusal) {
	for i, l := range all {
		traits, _ := loads.Traits(l)
		both, ok := findNodePair(t, traits.Where())
		if !ok || !traits.Ledger {
			continue
		}
		for _, p := range plans {
			if len(p.Fences) > 0 && !slices.Contains(p.Fences, both.old.Name) {
				refused = append(refused, harness.Refusal{At: []any{"load", i, "workload"}, Err: fmt.Errorf("load %s keeps its ledger on %s, and the undo of %s fences %s only: "+
					"behind it two nodes of kind %s could take writes: remove the load, or take a fault that fences %s too",
					l.ID, both.old.Name, p.Label, strings.Join(p.Fences, ", "), traits.Where(), both.old.Name)})
				break
			}
		}
	}
	return refused
}

// supportedLedgers says which ledgers can be kept on a target.
func supportedLedgers(t harness.Description) string {
	var names []string
	for _, kind := range workloads.Workloads.All() {
		if k, ok := kind.New().(workloads.Keeper); ok {
			if _, ok := findNodePair(t, k.Traits().Where()); ok {
				names = append(names, kind.Name)
			}
		}
	}
	if len(names) == 0 {
		return "no ledger can be kept there; remove the load"
	}
	return "write workload: " + strings.Join(names, " or ")
}

// errStrange says that a store holds of this run what nobody wrote: neither can its other answers be believed.
var errStrange = errors.New("holds rows of this run that no attempt of its loads wrote: it is not believed")

// group is what reads the ledgers of some loads together: those in one table of ours, and each by itself of the others.
type group struct {
	keeper  workloads.Keeper
	table   string
	streams map[uint32]uint64 // attempts by stream
}

// groups are those of the drill's ledgers.
func (e *examiner) groups() (all []group, err error) {
	for _, st := range e.rec.Streams {
		if st.Kind != "ledger" {
			continue
		}
		i := slices.IndexFunc(e.rec.Scenario.Load, func(l harness.LoadSpec) bool { return l.ID == st.Load })
		if i < 0 {
			return nil, fmt.Errorf("no load of the scenario is %s", st.Load)
		}
		k, ok := loads.Keeper(e.rec.Scenario.Load[i])
		if !ok {
			return nil, fmt.Errorf("load %s keeps no ledger that could be looked up", st.Load)
		}
		if err := e.named(k, st); err != nil {
			return nil, err
		}
		table := k.Traits().Table
		of := slices.IndexFunc(all, func(g group) bool { return table != "" && g.table == table })
		if of < 0 {
			all, of = append(all, group{k, table, map[uint32]uint64{}}), len(all)
		}
		all[of].streams[uint32(st.ID)] = uint64(st.Count) //nolint:gosec // both are small and positive
	}
	return all, nil
}

// named hands to what keeps a ledger the ids that the system gave its writes.
func (e *examiner) named(k workloads.Keeper, st harness.Stream) error {
	named, ok := k.(workloads.Named)
	if !ok || st.IDs == "" {
		return nil
	}
	f, err := os.Open(filepath.Join(e.s.DataDir, filepath.FromSlash(strings.TrimPrefix(st.IDs, "data/"))))
	if err != nil {
		return fmt.Errorf("the ids that the system gave: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was read
	book, err := workloads.ReadIDBook(f)
	if err == nil {
		named.Keep(book)
	}
	return err
}

// find reads the ledgers on a node and refuses an answer that cannot be one about these streams.
func (e *examiner) find(ctx context.Context, a harness.Access) (*workloads.Found, error) {
	all, err := e.groups()
	if err != nil {
		return nil, err
	}
	found := &workloads.Found{}
	for _, g := range all {
		of, err := e.findGroup(ctx, a, g)
		if err != nil {
			return nil, err
		}
		found.Join(of)
	}
	return found, nil
}

func (e *examiner) findGroup(ctx context.Context, a harness.Access, g group) (found *workloads.Found, err error) {
	err = askNode(e.open, g.keeper, a, func(s workloads.LedgerStore) (err error) {
		found, err = s.Find(ctx, workloads.IDs{Run: e.run, Streams: g.streams})
		return err
	})
	if err != nil {
		return nil, err
	}
	strange := found.Foreign > 0
	for id, set := range found.Streams {
		strange = strange || set.End() > g.streams[id] // 0 of a stream that is none of theirs
	}
	if strange {
		return nil, errStrange
	}
	return found, nil
}

// askNode asks a node by a store that is closed again.
func askNode(open opener, k workloads.Keeper, a harness.Access, ask func(workloads.LedgerStore) error) error {
	s, err := open(k, a)
	if err != nil {
		return err
	}
	err = ask(s)
	shortage.Note("the reconciliation", err)
	if closed := s.Close(); err == nil && closed != nil {
		err = fmt.Errorf("close ledger: %w", closed)
	}
	return err
}
