package means

import (
	"fmt"
	"regexp"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "process.systemd",
	Doc: "A unit of systemd, with every process of its control group. It is stopped as systemctl stop does, which systemd does not take back; killed by SIGKILL to all " +
		"of it, after which systemd does what Restart= says, as in life; paused by SIGSTOP to all of it, which WatchdogSec= may answer by a restart.",
	Example: "{name: east-db, means: process.systemd, on: [east.db], host: east-1, sudo: true, with: {unit: postgresql@15-main.service}}",
	New:     func() Kind { return &processSystemd{} },
})

type processSystemd struct{ with systemdWith }

type systemdWith struct {
	Unit string `yaml:"unit" need:"yes" doc:"name of the unit that has the processes, with its type: redis-server.service"`
}

// unitForm is the form of the name of a unit that has processes.
var unitForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,246}\.(service|scope)$`)

// Wrong implements target.Judge.
func (w systemdWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	if !unitForm.MatchString(w.Unit) {
		return "unit", "is no service or scope", "write its whole name, such as redis-server.service"
	}
	return "", "", ""
}

// With implements registry.Parametrised.
func (p *processSystemd) With() any { return &p.with }

// Of implements Kind.
func (*processSystemd) Of() Scope { return Components }

// Acts implements Kind.
func (*processSystemd) Acts() []harness.ActionKind { return everyAct }

// Seconds that systemd may take to stop a unit, 90 if its file says nothing, and to start it.
const mostUnit = 120

// Scripts implements Kind. What systemd does with a unit that was killed is its own: it is not held.
func (p *processSystemd) Scripts(act harness.Action, on Subject) (lease.Scripts, error) {
	begin := p.prelude(on)
	s := lease.Scripts{State: begin + "unit_state\necho \"$word\"\n", Free: []string{isRunning}, Undo: begin + unitAgain, Most: mostUnit}
	must := begin + "unit_state\ntest \"$word\" = running || fail \"it is $word, and not running\"\n"
	switch act.Kind {
	case harness.ComponentStop:
		s.Do, s.Held = must+"root_do systemctl stop \"$unit\"\n", true
		s.Ours = []string{isStopped, "failed", "stopping"}
	case harness.ComponentKill:
		s.Do = must + "caught=$family\nroot_do systemctl kill -s KILL \"$unit\" || fail 'systemctl does not kill it'\n" +
			"gone_within 10 || fail \"it was killed, and is still there:$left\"\n"
		s.Ours = []string{isStopped, "failed", "stopping", "starting"}
	case harness.ComponentPause:
		s.Do = must + "root_do systemctl kill -s STOP \"$unit\" || fail 'systemctl does not stop it'\n" +
			"until_unit paused 15 || fail 'a part of it does not stop: it may wait for a disk'\n"
		s.Undo, s.Held, s.Most = begin+unitThaw, true, mostPause
		s.Ours = []string{isPaused, isHalf}
	default:
		return s, fmt.Errorf("build scripts: a unit is not taken by %s: stop, kill or pause it", act.Kind)
	}
	return s, nil
}

func (p *processSystemd) prelude(on Subject) string {
	return "root_do() { " + on.Root() + "\"$@\"; }\nunit=" + lease.Quote(p.with.Unit) + "\n" + processPrelude + systemdPrelude
}

// Needs implements Kind.
func (p *processSystemd) Needs(on Subject) Needs {
	n := Needs{
		Programs: []string{"id", "sleep", "systemctl"},
		Ticket:   "systemd as the first process of that host",
		Reboot:   "a pause is over with the boot; what was stopped or killed is started by its undo, and by the boot where the unit is enabled",
	}
	try := p.prelude(on) + programsThere(n.Programs)
	for _, argv := range [][]string{{"systemctl", "stop", p.with.Unit}, {"systemctl", "start", p.with.Unit}, {"systemctl", "reset-failed", p.with.Unit},
		{"systemctl", "kill", "-s", "KILL", p.with.Unit}, {"systemctl", "kill", "-s", "STOP", p.with.Unit}, {"systemctl", "kill", "-s", "CONT", p.with.Unit}} {
		if on.Sudo {
			n.Root = append(n.Root, sudoers(argv...))
			try += mayRun(on, "", argv...)
		}
	}
	if on.Sudo {
		n.Programs = append(n.Programs, "sudo")
	} else {
		try += "test \"$(id -u)\" = 0 || fail 'the account is not root: let it run systemctl as root, and write sudo: true'\n"
	}
	n.Try = try + systemdTry
	return n
}

// systemdPrelude: a unit without a process of its own, such as postgresql.service of Debian, is no unit that can be broken.
const systemdPrelude = `find_root() {
	at= root=$(value MainPID)
	case $root in '' | 0 | 1 | *[!0-9]*) root=; word=empty; return 1 ;; esac
	look "$root" || return 1
	at=$born
}
value() {
	case $got in *"$nl$1="*) ;; *) return 0 ;; esac
	v=${got#*"$nl$1="}
	echo "${v%%"$nl"*}"
}
unit_state() {
	root= family=
	if ! got=$(systemctl show -p LoadState -p ActiveState -p FreezerState -p MainPID "$unit" 2>/dev/null); then word=unknown; return 0; fi
	got=$nl$got$nl
	if test "$(value LoadState)" != loaded; then word=absent; return 0; fi
	case $(value ActiveState) in
	active | reloading) if test "$(value FreezerState)" = frozen; then word=frozen; else state; fi ;;
	inactive) word=stopped ;;
	failed) word=failed ;;
	activating) word=starting ;;
	deactivating) word=stopping ;;
	*) word=unknown ;;
	esac
}
until_unit() {
	clock
	end=$((now + $2))
	while unit_state; test "$word" != "$1"; do
		clock
		test "$now" -lt "$end" || return 1
		nap
	done
}
`

const unitThaw = `unit_state
case $word in
paused | half) root_do systemctl kill -s CONT "$unit" || fail 'systemctl does not let it go on' ;;
running) ;;
*) fail "it is $word: that is not how a pause left it" ;;
esac
until_unit running 15 || fail "it is $word, and was to go on"
`

const unitAgain = `unit_state
case $word in
failed) root_do systemctl reset-failed "$unit" && root_do systemctl start "$unit" || fail 'systemctl does not start it' ;;
stopped | stopping | starting) root_do systemctl start "$unit" || fail 'systemctl does not start it' ;;
running) ;;
*) fail "it is $word: that is not how a stop or a kill left it" ;;
esac
until_unit running 15 || fail "it was started, and is $word"
`

const systemdTry = `unit_state
case $word in
running | stopped | failed | starting | stopping) ;;
absent) fail "there is no unit $unit" ;;
empty) fail "$unit has no process of its own: name the unit that has it" ;;
hidden) fail 'processes of others are hidden from the account (hidepid)' ;;
unknown) fail 'systemctl does not tell: systemd does not run there' ;;
*) fail "it is $word" ;;
esac
`
