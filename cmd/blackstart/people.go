package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"blackstart/harness"
	"blackstart/harness/people"
)

// peopleFlag says how people are asked to do what a drill does not do itself.
func peopleFlag(cmd *cobra.Command, way *string) {
	cmd.Flags().StringVar(way, "people", "", "how people are asked for what they do themselves: terminal, dir:PATH or http://ADDRESS:PORT")
}

// withPeople adds what people can do to what a driver can. Whether they can be asked is found out by a run.
func withPeople(can []harness.ActionKind) []harness.ActionKind {
	return append(slices.Clone(can), harness.PersonAct)
}

// asksPeople tells whether a drill needs people.
func asksPeople(s harness.Scenario, plans []harness.Plan) bool {
	return slices.ContainsFunc(plans, func(p harness.Plan) bool { return p.Task() != nil }) ||
		slices.ContainsFunc(s.Recovery.Steps, func(st harness.RecoveryStep) bool { return st.Do != "" })
}

// openPeople opens the way to ask people; nil where a drill does not need them. Without a way they are asked in the terminal, if
// somebody sits at it.
func openPeople(way string, needed bool, say func(string)) (harness.People, func(), error) {
	if !needed {
		if way != "" {
			return nil, nil, usage(errors.New("--people: the scenario asks nothing of people"), "leave it out")
		}
		return nil, func() {}, nil
	}
	if way == "" {
		way = "terminal"
	}
	if way == "terminal" && !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, nil, usage(errors.New("the scenario asks people to do something, and nobody sits at a terminal"), "write --people dir:PATH or --people http://ADDRESS:PORT")
	}
	p, stop, err := people.Open(way, os.Stdin, say)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("--people: %w", err), "write terminal, dir:PATH of a directory that exists, or http://ADDRESS:PORT")
	}
	return p, stop, nil
}
