package loadgen

import (
	"slices"
	"strings"
	"testing"
)

// spare is a workload of its own for these tests.
var _ = Reserve("test.spare", 240, "queue-full", "no-such-queue")

func TestATableOfOutcomesNamesEachCode(t *testing.T) {
	table := OutcomesOf("http.query", "test.spare", "test.spare")
	if err := CheckOutcomes(table); err != nil {
		t.Fatal(err)
	}
	if len(table) != int(numCommon)-1+2 || table[len(table)-1] != (OutcomeCode{241, "no-such-queue", ClassFailed}) {
		t.Errorf("%+v", table)
	}
	if got := OutcomesOf("http.query"); len(got) != int(numCommon)-1 {
		t.Errorf("a drill without the workload names its codes: %+v", got)
	}
	if Outcome(240).String() != "outcome-240" || Outcome(40).Possible() != true || Outcome(numCommon).Possible() || None.Possible() {
		t.Error("a code below the ranges that no version has is possible, or a reserved one is not")
	}
	for name, spoil := range map[string]func(t []OutcomeCode) []OutcomeCode{
		"is there twice":   func(t []OutcomeCode) []OutcomeCode { return append(t, OutcomeCode{250, "ok", ClassFailed}) },
		"241, \"other-q":   func(t []OutcomeCode) []OutcomeCode { return append(t, OutcomeCode{241, "other-queue", ClassFailed}) },
		"class is \"ok\"":  func(t []OutcomeCode) []OutcomeCode { return append(t, OutcomeCode{250, "fine", ClassOK}) },
		"is no code":       func(t []OutcomeCode) []OutcomeCode { return append(t, OutcomeCode{31, "fine", ClassFailed}) },
		"the name of":      func(t []OutcomeCode) []OutcomeCode { return append(t, OutcomeCode{250, "\x1b[2J", ClassFailed}) },
		"2 is timeout":     func(t []OutcomeCode) []OutcomeCode { t[1].Class = ClassOK; return t },
		"17 is not-replic": func(t []OutcomeCode) []OutcomeCode { return slices.Delete(t, 16, 17) },
	} {
		if err := CheckOutcomes(spoil(slices.Clone(table))); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARangeOfOutcomesIsOneWorkloads(t *testing.T) {
	for name, take := range map[string]func(){
		"the range from 240 on is that of test.spare": func() { Reserve("test.other", 240, "lost") },
		"a workload has one range":                    func() { Reserve("test.spare", 224, "lost") },
		"which begins at a multiple of it":            func() { Reserve("test.other", 33, "lost") },
		"1 codes from 16 on":                          func() { Reserve("test.other", 16, "lost") },
		"0 codes":                                     func() { Reserve("test.other", 224) },
		"is there twice":                              func() { Reserve("test.other", 224, "timeout") },
	} {
		func() {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, name) {
					t.Errorf("%s: %q", name, said)
				}
			}()
			take()
		}()
	}
}
