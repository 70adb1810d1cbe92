package call

import (
	"bytes"
	"context"
	"fmt"

	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/targets/procs"
	"blackstart/internal/registry"
)

var _ = Calls.Add(registry.Kind[Kind]{
	Name: "exec",
	Doc: "Runs a program on this machine, without a shell, in an environment of PATH and HOME alone. Exit code 0 is done, another refused; ended " +
		"by a signal, or not in time, unknown. A secret goes to its stdin, since arguments can be read by every process here.",
	Example: "{name: queue-depth, call: exec, reads: true, timeout: 5s, fields: {depth: /depth}, with: {argv: [/usr/local/bin/queue, depth, --json]}}",
	New:     func() Kind { return &execCall{} },
})

type execCall struct{ with execWith }

type execWith struct {
	Argv  []string          `yaml:"argv" need:"yes" doc:"the program, by its whole path or its name, and its arguments"`
	Stdin *secret.Reference `yaml:"stdin" doc:"where the secret is that it reads"`
}

// Wrong implements target.Judge.
func (w execWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	if len(w.Argv) == 0 {
		return "argv", "is empty", "write a program and its arguments: [program, argument]"
	}
	return "", "", ""
}

// With implements registry.Parametrised.
func (e *execCall) With() any { return &e.with }

func (e *execCall) Call(ctx context.Context, around Around, _ bool) Said {
	var stdin []byte
	if e.with.Stdin != nil {
		s, err := around.Secrets(ctx, *e.with.Stdin)
		if err != nil {
			return unsent(err)
		}
		stdin = []byte(s.Reveal())
	}
	a, err := procs.Ask(ctx, procs.Question{Argv: e.with.Argv, Stdin: stdin, Most: MaxOutput})
	switch {
	case err != nil && !a.Started:
		return unsent(err)
	case err != nil:
		return over(err.Error())
	case a.Code != 0:
		why := fmt.Sprintf("it ended with exit code %d", a.Code)
		if n := len(bytes.TrimSpace(a.Stderr)); n > 0 {
			why += fmt.Sprintf("; what it complained of (%d bytes) is not shown", n)
		}
		return Said{Outcome: Refused, Why: why, Output: a.Stdout, Over: a.Over, Answered: true}
	}
	return Said{Outcome: Done, Output: a.Stdout, Over: a.Over}
}

func (e *execCall) Reach(context.Context, Around) (string, error) {
	path, err := procs.Program(e.with.Argv[0])
	return path + " is there", err
}
