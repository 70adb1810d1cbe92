package call

import (
	"bytes"
	"context"
	"fmt"

	"blackstart/harness/host"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/targets/procs"
	"blackstart/internal/registry"
)

var _ = Calls.Add(registry.Kind[Kind]{
	Name: "exec",
	Doc: "Runs a program on this machine, or on a host of the target, without a shell, in an environment of PATH and HOME alone. Exit code 0 is done, " +
		"another refused; ended by a signal, or not in time, unknown. On a host it ends there a second before its timeout. A secret goes to its stdin, " +
		"since arguments can be read by every process there.",
	Example: "{name: queue-depth, call: exec, reads: true, timeout: 5s, fields: {depth: /depth}, with: {argv: [/usr/local/bin/queue, depth, --json]}}",
	New:     func() Kind { return &execCall{} },
})

type execCall struct{ with execWith }

type execWith struct {
	Argv  []string          `yaml:"argv" need:"yes" doc:"the program, by its whole path or its name, and its arguments"`
	On    string            `yaml:"on" doc:"the host of the target that it is run on; this machine if not written"`
	Stdin *secret.Reference `yaml:"stdin" doc:"where the secret is that it reads"`
}

// Wrong implements target.Judge.
func (w execWith) Wrong(t *target.Target, _ bool) (key, wrong, hint string) {
	h, ok := t.HostByName(w.On)
	switch {
	case len(w.Argv) == 0 || w.Argv[0] == "":
		return "argv", "is empty", "write a program and its arguments: [program, argument]"
	case w.On != "" && !ok:
		return "on", fmt.Sprintf("is no host (%q)", w.On), "name one of hosts:, or leave it out for this machine"
	case w.On != "" && h.By == "":
		return "on", w.On + " has no transport by which a program is run there", "write by: at the host, such as by: ssh"
	}
	return "", "", ""
}

// With implements registry.Parametrised.
func (e *execCall) With() any { return &e.with }

// Runs implements Running.
func (e *execCall) Runs() (on, program string) { return e.with.On, e.with.Argv[0] }

func (e *execCall) Call(ctx context.Context, around Around, _ bool) Said {
	var stdin []byte
	if e.with.Stdin != nil {
		s, err := around.Secrets(ctx, *e.with.Stdin)
		if err != nil {
			return unsent(err)
		}
		stdin = []byte(s.Reveal())
	}
	if e.with.On != "" {
		return e.there(ctx, around, stdin)
	}
	a, err := procs.Ask(ctx, procs.Question{Argv: e.with.Argv, Stdin: stdin, Most: MaxOutput})
	switch {
	case err != nil && !a.Started:
		return unsent(err)
	case err != nil:
		return over(err.Error())
	}
	return exited(a.Code, len(bytes.TrimSpace(a.Stderr)), Said{Outcome: Done, Output: a.Stdout, Over: a.Over})
}

// there runs the program on a host.
func (e *execCall) there(ctx context.Context, around Around, stdin []byte) Said {
	h, err := around.host(e.with.On)
	if err != nil {
		return unsent(err)
	}
	a, err := h.Run(ctx, host.Question{Argv: e.with.Argv, Stdin: stdin, Most: MaxOutput})
	switch {
	case err != nil && !a.Sent:
		return unsent(err)
	case err != nil:
		return over(err.Error())
	case a.ByLimit():
		return over(fmt.Sprintf("it was ended on %s at its limit or by a signal (exit code %d)", e.with.On, a.Code))
	}
	return exited(a.Code, a.Stderr, Said{Outcome: Done, Output: a.Stdout, Over: a.Over})
}

// exited ends a call whose program has ended by itself, and complained of so many bytes.
func exited(code, complaint int, s Said) Said {
	if code == 0 {
		return s
	}
	s.Outcome, s.Answered, s.Code, s.Why = Refused, true, code, fmt.Sprintf("it ended with exit code %d", code)
	if complaint > 0 {
		s.Why += fmt.Sprintf("; what it complained of (%d bytes) is not shown", complaint)
	}
	return s
}

func (e *execCall) Reach(ctx context.Context, around Around) (string, error) {
	if e.with.On == "" {
		path, err := procs.Program(e.with.Argv[0])
		return path + " is there", err
	}
	h, err := around.host(e.with.On)
	if err != nil {
		return "", err
	}
	return h.Find(ctx, e.with.Argv[0])
}

// Script implements Scripted.
func (e *execCall) Script() (on string, argv []string) {
	if e.with.Stdin != nil {
		return "", nil
	}
	return e.with.On, e.with.Argv
}
