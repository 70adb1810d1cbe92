package register

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"blackstart/evidence/seal"
)

// What a run is called that has no result.
const (
	NeverClosed   = "never-closed"
	ParkedOutcome = "parked"
)

// What a population says of itself as long as nobody else vouches for it.
const (
	SelfKept       = "self-kept: no checkpoint is stamped, or co-signed by a key that the executor does not hold"
	NotTested      = "completeness not tested: the list was not reconciled to a source outside the tool"
	afterNotPassed = " (after a run that did not pass)"
)

// Outcomes lists how a run may stand in the register, in the order of tables. All but Passed count as not passed.
var Outcomes = append(slices.Clone(Results), ParkedOutcome, NeverClosed)

// Run is what the register tells of one run.
type Run struct {
	Index            int64    `json:"index"` // of the entry that opened it
	Opened           string   `json:"opened"`
	Run              string   `json:"run"`
	Scenario         string   `json:"scenario"`
	Class            string   `json:"class"`
	Profile          string   `json:"profile"`
	By               string   `json:"by"`
	Outcome          string   `json:"outcome"`
	Exit             int      `json:"exit"` // −1: there is none
	Reason           string   `json:"reason"`
	Ended            string   `json:"ended"` // when its end was entered; "" if never
	EndedBy          string   `json:"ended_by"`
	Amendments       int      `json:"amendments"`
	PackSHA256       string   `json:"pack_sha256"`
	InputsSHA256     string   `json:"inputs_sha256"`
	ScenarioSHA256   string   `json:"scenario_sha256"`
	ObjectivesSHA256 string   `json:"objectives_sha256"` // of the lines, each with a newline
	FaultsSHA256     string   `json:"faults_sha256"`
	TargetSHA256     string   `json:"target_sha256"`
	ToolSHA256       string   `json:"tool_sha256"`
	ToolVersion      string   `json:"tool_version"`
	Changes          []string `json:"changes"` // since the run before of this scenario, class and profile

	objectives, faults []string
}

// Total counts the runs of a class by outcome.
type Total struct {
	Class   string `json:"class"`
	Outcome string `json:"outcome"`
	Runs    int    `json:"runs"`
}

// Population is the list of the runs that were opened in a period.
type Population struct {
	Origin       string   `json:"origin"`
	Key          string   `json:"key"`
	Head         int64    `json:"head"` // entries of the register
	Root         string   `json:"root"` // over them, hex
	From         string   `json:"from"` // RFC 3339; "": from the first
	To           string   `json:"to"`   // not included; "": to the last
	Passed       int      `json:"passed"`
	NotPassed    int      `json:"not_passed"`
	Totals       []Total  `json:"totals"`
	Runs         []Run    `json:"runs"`
	Misdated     []Run    `json:"misdated"`   // not counted: dated outside the period, and entered between entries that are dated in it
	Exceptions   []string `json:"exceptions"` // entries that contradict those before them
	Keeping      string   `json:"keeping"`
	Completeness string   `json:"completeness"`

	Reconciled *Reconciliation `json:"reconciled,omitempty"` // to a list from outside; nil: to none
}

// Runs are all runs of the first head entries, in the order in which they were opened. Each entry that opens one is a row of its own,
// and the first that ends it counts: what contradicts it, Misfits tells.
func (l *Log) Runs(head int64) []Run {
	runs, last := []Run{}, map[string]int{}
	at, first := map[int64]int{}, map[string]int{} // rows, by the entry that opened them and by run
	for _, n := range l.lines[:head] {
		o, ok := n.Body.(*Opened)
		if !ok {
			if i, ok := rowOf(n.Body, at, first); ok {
				runs[i].take(n)
			}
			continue
		}
		r := newRun(n, o)
		key := strings.Join([]string{o.Scenario, o.Class, o.Profile}, "\x00")
		if before, ok := last[key]; ok {
			r.since(runs[before])
		}
		if _, again := first[o.Run]; !again {
			first[o.Run] = len(runs)
		}
		at[n.Index], last[key] = len(runs), len(runs)
		runs = append(runs, r)
	}
	return runs
}

// rowOf finds the row that a later entry speaks of.
func rowOf(b Body, at map[int64]int, first map[string]int) (i int, ok bool) {
	switch b := b.(type) {
	case *Closed:
		i, ok = at[b.Opened]
	case *Parked:
		i, ok = at[b.Opened]
	case *Amended:
		i, ok = first[b.Run]
	}
	return i, ok
}

func newRun(n Line, o *Opened) Run {
	return Run{Index: n.Index, Opened: n.At, Run: o.Run, Scenario: o.Scenario, Class: o.Class, Profile: o.Profile, By: n.By, Outcome: NeverClosed, Exit: -1,
		InputsSHA256: o.InputsSHA256, ScenarioSHA256: o.ScenarioSHA256, ObjectivesSHA256: digestLines(o.Objectives), FaultsSHA256: digestLines(o.Faults),
		TargetSHA256: o.TargetSHA256, ToolSHA256: o.ToolSHA256, ToolVersion: o.ToolVersion, Changes: []string{}, objectives: o.Objectives, faults: o.Faults}
}

// take adds what a later entry tells of the run.
func (r *Run) take(n Line) {
	if r.Run != n.Body.run() || r.Outcome != NeverClosed && n.Kind != KindAmended {
		return
	}
	switch b := n.Body.(type) {
	case *Closed:
		r.Outcome, r.Exit, r.Reason, r.PackSHA256, r.Ended, r.EndedBy = b.Result, b.Exit, b.Reason, b.PackSHA256, n.At, n.By
	case *Parked:
		r.Outcome, r.Reason, r.Ended, r.EndedBy = ParkedOutcome, b.Reason, n.At, n.By
	case *Amended:
		r.Amendments++
	}
}

func digestLines(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return seal.Digest([]byte(b.String()))
}

// since tells what changed since the run before, objectives and faults in words.
func (r *Run) since(before Run) {
	after := ""
	if before.Outcome != Passed {
		after = afterNotPassed
	}
	for _, c := range []struct{ what, was, is string }{{"scenario", before.ScenarioSHA256, r.ScenarioSHA256},
		{"target", before.TargetSHA256, r.TargetSHA256}, {"tool", before.ToolSHA256, r.ToolSHA256}} {
		if c.was != c.is {
			r.Changes = append(r.Changes, fmt.Sprintf("%s: %.12s, was %.12s%s", c.what, c.is, c.was, after))
		}
	}
	for _, c := range []struct {
		what    string
		was, is []string
	}{{"objective", before.objectives, r.objectives}, {"fault", before.faults, r.faults}} {
		for _, line := range c.was {
			if !slices.Contains(c.is, line) {
				r.Changes = append(r.Changes, c.what+" gone: "+line+after)
			}
		}
		for _, line := range c.is {
			if !slices.Contains(c.was, line) {
				r.Changes = append(r.Changes, c.what+" new: "+line+after)
			}
		}
	}
}

// Population lists the runs of the first head entries that were opened from one moment up to, and without, another; the zero time is
// no bound.
func (l *Log) Population(head int64, from, to time.Time) (Population, error) {
	root, err := l.Root(head)
	if err != nil {
		return Population{}, err
	}
	p := Population{Origin: l.Origin, Key: l.Key, Head: head, Root: fmt.Sprintf("%x", root[:]), Runs: []Run{}, Misdated: []Run{},
		Exceptions: append([]string{}, l.Misfits(head)...), Keeping: SelfKept, Completeness: NotTested}
	bound := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	p.From, p.To = bound(from), bound(to)
	inside := func(n Line) bool { return !n.Time().Before(from) && (to.IsZero() || n.Time().Before(to)) }
	first := int64(slices.IndexFunc(l.lines[:head], inside))
	last := head - 1
	for last > first && !inside(l.lines[last]) {
		last--
	}
	counts := map[string]map[string]int{}
	for _, r := range l.Runs(head) {
		if !inside(l.lines[r.Index]) {
			if first >= 0 && first < r.Index && r.Index < last {
				p.Misdated = append(p.Misdated, r)
			}
			continue
		}
		p.Runs = append(p.Runs, r)
		if r.Outcome == Passed {
			p.Passed++
		} else {
			p.NotPassed++
		}
		if counts[r.Class] == nil {
			counts[r.Class] = map[string]int{}
		}
		counts[r.Class][r.Outcome]++
	}
	p.Totals = totals(counts)
	return p, nil
}

// totals lists what was counted by class and outcome, in the order of tables.
func totals(counts map[string]map[string]int) []Total {
	all := []Total{}
	for class, byOutcome := range counts {
		for outcome, n := range byOutcome {
			all = append(all, Total{class, outcome, n})
		}
	}
	slices.SortFunc(all, func(a, b Total) int {
		if c := strings.Compare(a.Class, b.Class); c != 0 {
			return c
		}
		return slices.Index(Outcomes, a.Outcome) - slices.Index(Outcomes, b.Outcome)
	})
	return all
}

// Sample is what an auditor looks into: all runs that did not pass, and some of those that did.
type Sample struct {
	Origin string `json:"origin"`
	Key    string `json:"key"`
	Head   int64  `json:"head"`
	Root   string `json:"root"`
	Seed   string `json:"seed"`
	Drawn  []Run  `json:"drawn"` // of the runs that passed, in the order of their ranks
	Of     int    `json:"of"`    // runs that passed
	Apart  []Run  `json:"apart"` // all runs that did not, in their order

	Exceptions []string `json:"exceptions"` // entries that contradict those before them
}

// Sample ranks the runs that passed, of the first head entries, by SHA-256(root ‖ seed ‖ index), where root has 32 bytes and
// index 8, big-endian; the lowest size are drawn. Only a seed that was given after the head was fixed makes it fair.
func (l *Log) Sample(head int64, seed string, size int) (Sample, error) {
	root, err := l.Root(head)
	if err != nil {
		return Sample{}, err
	}
	s := Sample{Origin: l.Origin, Key: l.Key, Head: head, Root: fmt.Sprintf("%x", root[:]), Seed: seed, Drawn: []Run{}, Apart: []Run{},
		Exceptions: append([]string{}, l.Misfits(head)...)}
	for _, r := range l.Runs(head) {
		if r.Outcome == Passed {
			s.Drawn = append(s.Drawn, r)
		} else {
			s.Apart = append(s.Apart, r)
		}
	}
	s.Of = len(s.Drawn)
	slices.SortFunc(s.Drawn, func(a, b Run) int {
		return bytes.Compare(rank(root, seed, a.Index), rank(root, seed, b.Index))
	})
	s.Drawn = s.Drawn[:min(size, s.Of)]
	return s, nil
}

func rank(root seal.Hash, seed string, index int64) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(append(root[:], seed...), uint64(index))) //nolint:gosec // never negative
	return sum[:]
}
