package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// sameBuild tells whether this very program made the pack: then what it wrote in words, too, can be held against what it would
// write today. Every other build compares numbers and verdicts.
func (c *checker) sameBuild() bool {
	return c.o.ToolSHA256 != "" && c.o.ToolSHA256 == c.out.Record.Tool.SHA256
}

// recompute judges again from the raw data, by the rules that the record names, and demands the same findings.
func (c *checker) recompute() {
	const name = "findings recomputed"
	again, corrections, err := measure.Corrected(c.out.Record, measure.Files(packFS{c.pack}, c.out.Record))
	c.out.Corrections = corrections
	if err != nil {
		c.check(name, FindingsFile, err)
		return
	}
	data, err := c.pack.ReadFile(RecordFile)
	if err != nil {
		c.check(name, RecordFile, err)
		return
	}
	again.Record = seal.Digest(data)
	c.out.Recomputed = &again
	err = sameFindings(c.out.Findings, &again)
	if err == nil && c.sameBuild() {
		err = c.sameWords(again)
	}
	c.check(name, FindingsFile, err)
}

// heads are how the reason of a drill may begin, and the verdicts that such a drill can have.
var heads = map[string][]harness.Verdict{
	"PASS: ":            {harness.Pass},
	"FAIL: ":            {harness.Fail},
	"INCONCLUSIVE: ":    {harness.Inconclusive},
	"INTERRUPTED":       {harness.Inconclusive},
	"ERROR: ":           {harness.Inconclusive},
	"STOPPED: ":         {harness.Inconclusive, harness.Fail},
	"UNDO INCOMPLETE: ": {harness.Inconclusive, harness.Fail},
}

// saysVerdict demands that the first words of the reason, the line that everybody reads, are those of the verdict.
func saysVerdict(v harness.Verdict, reason string) error {
	for head, may := range heads {
		if strings.HasPrefix(reason, head) && slices.Contains(may, v) {
			return nil
		}
	}
	return fmt.Errorf("the verdict is %s, the reason begins %.20q", v, reason)
}

// sameWords demands the findings byte for byte.
func (c *checker) sameWords(again harness.Findings) error {
	want, err := marshal(again)
	if err != nil {
		return err
	}
	got, err := c.pack.ReadFile(FindingsFile)
	if err == nil && !bytes.Equal(want, got) {
		err = errors.New("numbers and verdicts are the same, the words are not this build's, which made the pack")
	}
	return err
}

// sameFindings names the first number or verdict in which two findings differ. Words are not compared: a later build may find
// better ones.
func sameFindings(have, again *harness.Findings) error {
	if have == nil {
		return errors.New("the pack's findings cannot be read")
	}
	if have.Verdict != again.Verdict || have.Exit != again.Exit {
		return fmt.Errorf("the pack says %s (%s), the samples say %s (%s)", have.Verdict, have.Reason, again.Verdict, again.Reason)
	}
	return errors.Join(
		sameList("objective", have.Objectives, again.Objectives, func(f harness.Finding) string {
			return fmt.Sprintf("%s %s, %s", f.Objective.ID, number(f.Measured), f.Verdict)
		}),
		sameList("measurement", have.Measurements, again.Measurements, number),
		sameList("validity check", have.Validity, again.Validity, func(v harness.ValidityCheck) string { return fmt.Sprintf("%s %t", v.Name, v.OK) }),
		sameList("class of the ledger", have.Ledger, again.Ledger, func(k harness.Class) string { return fmt.Sprintf("%s %d %s", k.Name, k.Count, k.Amount) }),
		sameList("number of exceptions", []int{len(have.Exceptions)}, []int{len(again.Exceptions)}, func(n int) string { return fmt.Sprint(n) }))
}

// number is all of a measurement that is no prose.
func number(m harness.Measurement) string {
	s := fmt.Sprintf("%s load=%q cohort=%q channel=%q", m.Name, m.Load, m.Cohort, m.Channel)
	if !m.Known {
		return s + " unknown"
	}
	s += fmt.Sprintf(" %d to %d %s", m.Lo, m.Hi, m.Unit)
	if m.Unbounded {
		s += " or more"
	}
	if m.Unit == harness.UnitWord {
		s += " " + m.Text
	}
	return s
}

// sameList names the first entry in which two lists differ.
func sameList[T any](what string, have, again []T, text func(T) string) error {
	said := func(all []T) (words []string) {
		for _, x := range all {
			words = append(words, text(x))
		}
		return words
	}
	a, b := said(have), said(again)
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return fmt.Errorf("%s missing: the samples say %s", what, b[i])
		case i >= len(b):
			return fmt.Errorf("%s added: %s, of which the samples say nothing", what, a[i])
		case a[i] != b[i]:
			return fmt.Errorf("%s differs: the pack says %s, the samples say %s", what, a[i], b[i])
		}
	}
	return nil
}

// words compares what only the build that made a pack can: texts that later builds may word otherwise.
func (c *checker) words(name, file string, want []byte) {
	if c.sameBuild() {
		c.check(name, file, c.same(file, want))
		return
	}
	c.out.Report.Add(seal.Check{Question: seal.Integrity, Name: name, Status: seal.NotChecked, File: file,
		Detail: "written by another build of the tool, which may word it differently"})
}
