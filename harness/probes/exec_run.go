package probes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"blackstart/harness"
	"blackstart/harness/secret"
	"blackstart/harness/targets/procs"
	"blackstart/internal/registry"
)

const runName = "exec.run"

var _ = Probes.Add(registry.Kind[Factory]{
	Name: runName,
	Doc: "Runs a program on this machine, without a shell, in an environment of PATH and HOME alone, for as long as it is given: OK is exit code 0 " +
		"and a number on its stdout, the value. Every process here can read its arguments: no secret stands among them.",
	Example: "{id: queue-depth, probe: exec.run, every: 5s, with: {argv: [/usr/local/bin/queue, depth]}}",
	New:     func() Factory { return &runFactory{} },
})

// Limits of a program.
const (
	mostOutput  = 4 << 10 // bytes of its stdout: a number is short
	mostRunTime = 30 * time.Second
)

type runFactory struct{ with runWith }

type runWith struct {
	Argv   []string         `yaml:"argv" need:"yes" doc:"the program, by its whole path or its name, and its arguments"`
	Within harness.Duration `yaml:"within" doc:"how long it may take, 100ms to 30s; 1s if not written"`
	Unit   string           `yaml:"unit" one:"count|bytes|seconds|milliseconds|share|age" doc:"what the number is; count if not written. A share is 0 to 1; an age is counted from a moment, which is RFC 3339 or seconds since 1970"`
}

// With implements registry.Parametrised.
func (f *runFactory) With() any { return &f.with }

// Every is the pace of questions.
func (*runFactory) Every() time.Duration { return 5 * time.Second }

// Traits: it stands on this machine, and may do there what it likes.
func (f *runFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Listed: true, Local: true, Fastest: time.Second, Unit: traitUnit(f.with.Unit)}
}

func (f *runFactory) within() time.Duration {
	if f.with.Within == 0 {
		return askTimeout
	}
	return f.with.Within.D()
}

// Wrong implements Judge.
func (f *runFactory) Wrong() (key, wrong, hint string) {
	switch d := f.within(); {
	case len(f.with.Argv) == 0:
		return "argv", "is empty", "write a program and its arguments: [program, argument]"
	case secret.Command(f.with.Argv) != "" || holdsSecret(f.with.Argv):
		return "argv", "holds a secret, which every process here could then read", "let the program find it by itself"
	case d < 100*time.Millisecond || d > mostRunTime:
		return "within", fmt.Sprintf("is %s", d), "write 100ms to 30s"
	}
	return "", "", ""
}

func holdsSecret(argv []string) bool {
	for _, a := range argv {
		if secret.Literal(a) != "" {
			return true
		}
	}
	return false
}

// Open looks for the program.
func (f *runFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	if err := checked(config, false); err != nil {
		return nil, err
	}
	if key, wrong, _ := f.Wrong(); wrong != "" {
		return nil, fmt.Errorf("%s %s", key, wrong)
	}
	if _, err := procs.Program(f.with.Argv[0]); err != nil {
		return nil, err
	}
	ask := func(ctx context.Context) (reply, error) {
		ctx, cancel := context.WithTimeout(ctx, f.within())
		defer cancel()
		a, err := procs.Ask(ctx, procs.Question{Argv: f.with.Argv, Most: mostOutput})
		if err != nil {
			return reply{}, err
		}
		got, err := f.judge(a, config.Clock.Now().Time())
		if err != nil {
			return reply{}, no(err)
		}
		return got, nil
	}
	return &asking{clock: config.Clock, kind: runName, on: config.On, unit: traitUnit(f.with.Unit), ask: ask}, nil
}

// judge reads what a program said. What it complained of is not shown: it may hold anything.
func (f *runFactory) judge(a procs.Answer, now time.Time) (reply, error) {
	switch {
	case a.Code != 0:
		return reply{}, fmt.Errorf("exit code %d", a.Code)
	case a.Over:
		return reply{}, errors.New("it says more than a number")
	}
	value, err := number(string(a.Stdout), f.with.Unit, now)
	return reply{value, "exit code 0"}, err
}
