package means

import (
	"fmt"
	"strings"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "process.argv",
	Doc: "A process whose command line is exactly this, with all that it has begun: for what has neither a unit nor a pid file. It is stopped by SIGTERM, and killed " +
		"where it has not ended after 30 s; killed by SIGKILL, all at once; paused by SIGSTOP. Where several that are no children of one another have it, nothing is done. " +
		"Whoever starts it again after a kill does what life does.",
	Example: "{name: east-quotes, means: process.argv, on: [east.api], host: east-1, sudo: true, with: {argv: [/opt/orders/quotes, --region, east], user: orders, " +
		"start: [/opt/orders/quotes, --region, east]}}",
	New: func() Kind { return &processArgv{} },
})

type processArgv struct{ with argvWith }

type argvWith struct {
	Argv  []string `yaml:"argv" need:"yes" doc:"its command line, word by word, as /proc/PID/cmdline has it"`
	User  string   `yaml:"user" doc:"account that it runs as; of any if not written, and started as that of the host"`
	Start []string `yaml:"start" need:"yes" doc:"the program that starts it, by its whole path, and its arguments; it may stay, or return"`
}

// Wrong implements target.Judge.
func (w argvWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	switch {
	case len(w.Argv) == 0 || w.Argv[0] == "":
		return "argv", "is empty", "write the command line word by word, as `tr '\\0' '\\n' < /proc/PID/cmdline` prints it"
	case !prints(strings.Join(w.Argv, "")):
		return "argv", "holds a character that does not print", "find it by process.pidfile or process.systemd"
	case w.Argv[len(w.Argv)-1] == "":
		return "argv", "ends with an empty word, which is not told from none", "find it by process.pidfile or process.systemd"
	}
	return firstWrong(func() (string, string, string) { return wrongNames(keyed{"user", w.User}) },
		func() (string, string, string) { return wrongStart(w.Start) })
}

// With implements registry.Parametrised.
func (p *processArgv) With() any { return &p.with }

// Of implements Kind.
func (*processArgv) Of() Scope { return Components }

// Acts implements Kind.
func (*processArgv) Acts() []harness.ActionKind { return everyAct }

func (p *processArgv) of(on Subject) process {
	find := fmt.Sprintf("first=%s user=%s\nargv=%s\n", lease.Quote(p.with.Argv[0]), lease.Quote(p.with.User), lease.Quote(strings.Join(p.with.Argv, "\n")))
	return process{on: on, user: p.with.User, find: find + findByArgv, start: p.with.Start}
}

// Scripts implements Kind.
func (p *processArgv) Scripts(act harness.Action, on Subject) (lease.Scripts, error) {
	return p.of(on).scripts(act.Kind)
}

// Needs implements Kind.
func (p *processArgv) Needs(on Subject) Needs { return p.of(on).needs(nil) }

// findByArgv: what the shell reads of a command line begins with its first word, whatever the shell makes of NUL; so only where that fits
// is a program begun that reads the rest. Programs that write a title over it pad it with NUL: those at the end do not count.
const findByArgv = `find_root() {
	uid= fits= pids=' '
	if test -n "$user"; then uid=$(id -u "$user" 2>/dev/null) || return 1; fi
	for d in /proc/[0-9]*; do
		s=
		{ IFS= read -r s <"$d/cmdline"; } 2>/dev/null
		case $s in "$first"*) ;; *) continue ;; esac
		test "$(tr '\000\n' '\n\001' <"$d/cmdline" 2>/dev/null)" = "$argv" || continue
		if test -n "$uid"; then
			e=
			{ while read -r s _ e _ && test "$s" != Uid:; do :; done <"$d/status"; } 2>/dev/null
			test "$e" = "$uid" || continue
		fi
		if look "${d#/proc/}"; then fits="$fits ${d#/proc/}:$pp:$born" pids="$pids${d#/proc/} "; fi
	done
	for e in $fits; do
		p=${e%%:*} e=${e#*:}
		case $pids in *" ${e%%:*} "*) continue ;; esac
		if test -n "$root"; then word=several; return 1; fi
		root=$p at=${e#*:}
	done
	test -n "$root"
}
`
