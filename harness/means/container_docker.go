package means

import (
	"fmt"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "container.docker",
	Doc: "A container, by the docker program of the host that the engine runs on. It is stopped by its own signal, and killed where it has not ended after 30 s; killed; " +
		"or paused. The engine takes both for stopped by hand, and its restart policy starts it no more. A container that is removed when it ends is not touched by them.",
	Example: "{name: east-db, means: container.docker, on: [east.db], host: docker-1, with: {container: orders-db-1}}",
	New:     func() Kind { return &containerDocker{} },
})

type containerDocker struct{ with dockerWith }

type dockerWith struct {
	Container string `yaml:"container" need:"yes" doc:"name or ID of the container"`
	Context   string `yaml:"context" doc:"docker context; the one in use if not written"`
	Program   string `yaml:"program" doc:"whole path of the program; docker if not written"`
}

// Wrong implements target.Judge.
func (w dockerWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	return firstWrong(
		func() (string, string, string) {
			return wrongNames(keyed{"container", w.Container}, keyed{"context", w.Context})
		},
		func() (string, string, string) { return wrongPaths(keyed{"program", w.Program}) })
}

// With implements registry.Parametrised.
func (d *containerDocker) With() any { return &d.with }

// Of implements Kind.
func (*containerDocker) Of() Scope { return Components }

// Acts implements Kind.
func (*containerDocker) Acts() []harness.ActionKind { return everyAct }

func (d *containerDocker) argv(words ...string) []string {
	argv := []string{"docker"}
	if d.with.Program != "" {
		argv[0] = d.with.Program
	}
	if d.with.Context != "" {
		argv = append(argv, "--context", d.with.Context)
	}
	return append(argv, words...)
}

// Seconds that an act on a container may take.
const mostContainer = 60

// Scripts implements Kind.
func (d *containerDocker) Scripts(act harness.Action, on Subject) (lease.Scripts, error) {
	begin := d.prelude(on)
	s := lease.Scripts{State: begin + "state\necho \"$word\"\n", Free: []string{isRunning}, Undo: begin + containerAgain, Most: mostContainer}
	must := begin + "state\ntest \"$word\" = running || fail \"it is $word, and not running\"\n"
	ends := must + "test \"$removed\" != true || fail 'it is removed as soon as it ends, and could not be started again'\n"
	switch act.Kind {
	case harness.ComponentStop:
		s.Do, s.Ours, s.Held = ends+fmt.Sprintf("engine stop -t %d \"$container\" >/dev/null\n", stopGrace), []string{"exited"}, true
	case harness.ComponentKill:
		s.Do, s.Ours = ends+"engine kill \"$container\" >/dev/null\n", []string{"exited"}
	case harness.ComponentPause:
		s.Do, s.Ours, s.Held = must+"engine pause \"$container\" >/dev/null\n", []string{isPaused}, true
		s.Undo = begin + containerThaw
	default:
		return s, fmt.Errorf("build scripts: a container is not taken by %s: stop, kill or pause it", act.Kind)
	}
	return s, nil
}

func (d *containerDocker) prelude(on Subject) string {
	return tryPrelude + "engine() { " + on.Root() + quoted(d.argv()) + " \"$@\"; }\ncontainer=" + lease.Quote(d.with.Container) + "\n" + dockerPrelude
}

// Needs implements Kind.
func (d *containerDocker) Needs(on Subject) Needs {
	n := Needs{
		Programs: []string{d.argv()[0]},
		Ticket:   "the engine, for the account of that host: whoever may speak to it is root there",
		Reboot: "what was stopped, killed or paused does not run; its undo starts what was stopped or killed. The engine starts it with the host where its restart policy is " +
			"always; one that was paused and does not run is nobody's undo",
	}
	try := d.prelude(on) + programsThere(n.Programs)
	if on.Sudo {
		n.Programs = append(n.Programs, "sudo")
		format := []string{"container", "inspect", "-f", inspectFormat, d.with.Container}
		for _, words := range [][]string{format, {"stop", "-t", fmt.Sprint(stopGrace), d.with.Container}, {"kill", d.with.Container}, {"pause", d.with.Container},
			{"unpause", d.with.Container}, {"start", d.with.Container}} {
			n.Root = append(n.Root, sudoers(d.argv(words...)...))
			try += mayRun(on, "", d.argv(words...)...)
		}
	}
	n.Try = try + dockerTry
	return n
}

const inspectFormat = `{{.State.Status}} {{.HostConfig.AutoRemove}}`

const dockerPrelude = `state() {
	removed=
	if ! got=$(engine container inspect -f '` + inspectFormat + `' "$container" 2>&1); then
		case $got in *'No such container'*) word=absent ;; *) word=unknown ;; esac
		return 0
	fi
	word=${got%% *} removed=${got##* }
}
`

const containerAgain = `state
case $word in
exited) engine start "$container" >/dev/null || fail 'the engine does not start it' ;;
running) ;;
*) fail "it is $word: that is not how a stop or a kill left it" ;;
esac
state
test "$word" = running || fail "it was started, and is $word"
`

const containerThaw = `state
case $word in
paused) engine unpause "$container" >/dev/null || fail 'the engine does not let it go on' ;;
running) ;;
*) fail "it is $word: that is not how a pause left it" ;;
esac
`

const dockerTry = `state
case $word in
absent) fail "there is no container $container" ;;
unknown) fail 'the engine does not tell: it does not run, or the account may not speak to it' ;;
esac
test "$removed" != true || fail "container $container is removed as soon as it ends (--rm): it can be paused, and neither stopped nor killed"
`
