package loadgen

import (
	"fmt"
	"regexp"
	"slices"
)

// OutcomeClass says what a reader makes of an outcome, whether or not it knows the workload that told it.
type OutcomeClass string

// The classes.
const (
	ClassOK       OutcomeClass = "ok"       // the right answer
	ClassFailed   OutcomeClass = "failed"   // no good answer, by the target's doing
	ClassWrong    OutcomeClass = "wrong"    // answered, but not rightly
	ClassUnsent   OutcomeClass = "unsent"   // never sent
	ClassShortage OutcomeClass = "shortage" // never sent for want of something on the machine of the harness
)

// OutcomeCode is one row of a record's table of outcomes: what a number in a sample means.
type OutcomeCode struct {
	Code  Outcome      `json:"code"`
	Name  string       `json:"name"`
	Class OutcomeClass `json:"class"`
}

const (
	// FirstReserved is the first code that is a workload's own; those below are the same for all of them.
	FirstReserved Outcome = 32
	// RangeSize is how many codes one workload has: from a multiple of it on.
	RangeSize = 16
	// NumOutcomes is the length of a table over all outcomes that a sample can hold.
	NumOutcomes = 256
)

// commonClasses says what the outcomes are that are not failed.
var commonClasses = map[Outcome]OutcomeClass{OK: ClassOK, WrongAnswer: ClassWrong, ForeignAnswer: ClassWrong, Unsent: ClassUnsent, LocalShortage: ClassShortage}

// CommonOutcomes are the codes that all workloads share, in order.
func CommonOutcomes() []OutcomeCode {
	var all []OutcomeCode
	for o := OK; o < numCommon; o++ {
		class, ok := commonClasses[o]
		if !ok {
			class = ClassFailed
		}
		all = append(all, OutcomeCode{o, outcomeNames[o], class})
	}
	return all
}

// reserved holds the codes of every workload of this program, by workload.
var reserved = map[string][]OutcomeCode{}

var outcomeName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Reserve gives a workload the range of codes from first on, for failures that only its own protocol knows, named in order. An
// answer that is right, wrong or was never asked for is told by a common code: so a reserved one is always a failure, and nobody who
// does not know the workload can take it for anything better. It panics if the range is another's, or a name is taken.
func Reserve(workload string, first Outcome, names ...string) bool {
	if first < FirstReserved || first%RangeSize != 0 || len(names) == 0 || len(names) > RangeSize || reserved[workload] != nil {
		panic(fmt.Sprintf("reserve outcomes of %s: %d codes from %d on; a workload has one range of at most %d, which begins at a multiple of it, from %d on",
			workload, len(names), first, RangeSize, FirstReserved))
	}
	var mine []OutcomeCode
	for n, name := range names {
		mine = append(mine, OutcomeCode{first + Outcome(n), name, ClassFailed}) //nolint:gosec // below RangeSize
	}
	table := slices.Concat(CommonOutcomes(), mine)
	for other, codes := range reserved {
		if codes[0].Code == first {
			panic(fmt.Sprintf("reserve outcomes of %s: the range from %d on is that of %s", workload, first, other))
		}
		table = append(table, codes...)
	}
	if err := CheckOutcomes(table); err != nil {
		panic(fmt.Sprintf("reserve outcomes of %s: %v", workload, err))
	}
	reserved[workload] = mine
	return true
}

// OutcomesOf is the table of outcomes of a drill with these workloads: the common ones and theirs, in order of codes.
func OutcomesOf(workloads ...string) []OutcomeCode {
	slices.Sort(workloads)
	table := CommonOutcomes()
	for _, w := range slices.Compact(workloads) {
		table = append(table, reserved[w]...)
	}
	slices.SortFunc(table, func(a, b OutcomeCode) int { return int(a.Code) - int(b.Code) })
	return table
}

// CheckOutcomes tells what is wrong with a table of outcomes: the common codes stand in it as this format says them, each other
// one is of a workload's range and failed, and no code and no name stands in it twice.
func CheckOutcomes(table []OutcomeCode) error {
	codes, names := map[Outcome]OutcomeCode{}, map[string]bool{}
	for _, c := range table {
		switch {
		case codes[c.Code].Name != "" || names[c.Name]:
			return fmt.Errorf("outcome %d, %.40q, is there twice", c.Code, c.Name)
		case len(c.Name) > 40 || !outcomeName.MatchString(c.Name):
			return fmt.Errorf("the name of outcome %d is %.40q; one is of at most 40 small letters, digits and single hyphens", c.Code, c.Name)
		case c.Code >= FirstReserved && c.Class != ClassFailed:
			return fmt.Errorf("outcome %d, %s, is a workload's own and its class is %.40q, not %s", c.Code, c.Name, c.Class, ClassFailed)
		}
		codes[c.Code], names[c.Name] = c, true
	}
	common := CommonOutcomes()
	for _, want := range common {
		if got := codes[want.Code]; got != want {
			return fmt.Errorf("outcome %d is %s, %s, in this format, not %.40q, %.40q", want.Code, want.Name, want.Class, got.Name, got.Class)
		}
		delete(codes, want.Code)
	}
	for code, c := range codes {
		if code < FirstReserved {
			return fmt.Errorf("outcome %d, %s, is no code of this format", code, c.Name)
		}
	}
	return nil
}
