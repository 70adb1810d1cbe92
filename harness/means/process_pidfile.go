package means

import (
	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "process.pidfile",
	Doc: "A process whose PID stands in the first line of a file, with all that it has begun. It is stopped by a program or by SIGTERM, and killed where it has not " +
		"ended after 30 s; killed by SIGKILL, all at once; paused by SIGSTOP. A PID that another program has by now is never signalled. " +
		"Whoever starts it again after a kill does what life does.",
	Example: "{name: east-db, means: process.pidfile, on: [east.db], host: east-1, sudo: true, with: {pidfile: /var/lib/postgresql/15/main/postmaster.pid, " +
		"program: /usr/lib/postgresql/15/bin/postgres, user: postgres, start: [/usr/bin/pg_ctlcluster, \"15\", main, start], stop: [/usr/bin/pg_ctlcluster, -m, fast, \"15\", main, stop]}}",
	New: func() Kind { return &processPidfile{} },
})

type processPidfile struct{ with pidfileWith }

type pidfileWith struct {
	Pidfile string   `yaml:"pidfile" need:"yes" doc:"path of the file whose first line begins with the PID"`
	Program string   `yaml:"program" need:"yes" doc:"whole path of the program that has that PID: as /proc/PID/exe leads to it, or as its first argument"`
	User    string   `yaml:"user" doc:"account that it runs as; that of the host if not written"`
	Start   []string `yaml:"start" need:"yes" doc:"the program that starts it, by its whole path, and its arguments; it may stay, or return"`
	Stop    []string `yaml:"stop" doc:"the program that stops it; SIGTERM if not written"`
}

// Wrong implements target.Judge.
func (w pidfileWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	return firstWrong(
		func() (string, string, string) {
			return wrongPaths(keyed{"pidfile", w.Pidfile}, keyed{"program", w.Program})
		},
		func() (string, string, string) { return wrongNames(keyed{"user", w.User}) },
		func() (string, string, string) { return wrongStart(w.Start) },
		func() (string, string, string) { return wrongArgv("stop", w.Stop) })
}

// wrongStart finds what starts nothing.
func wrongStart(argv []string) (key, wrong, hint string) {
	if len(argv) == 0 {
		return "start", "is empty", "write the program that starts it: [/usr/bin/program, argument]"
	}
	return wrongArgv("start", argv)
}

// With implements registry.Parametrised.
func (p *processPidfile) With() any { return &p.with }

// Of implements Kind.
func (*processPidfile) Of() Scope { return Components }

// Acts implements Kind.
func (*processPidfile) Acts() []harness.ActionKind { return everyAct }

func (p *processPidfile) of(on Subject) process {
	find := "pidfile=" + lease.Quote(p.with.Pidfile) + " program=" + lease.Quote(p.with.Program) + "\n" + findByPidfile
	return process{on: on, user: p.with.User, find: find, start: p.with.Start, stop: p.with.Stop}
}

// Scripts implements Kind.
func (p *processPidfile) Scripts(act harness.Action, on Subject) (lease.Scripts, error) {
	return p.of(on).scripts(act.Kind)
}

// Needs implements Kind.
func (p *processPidfile) Needs(on Subject) Needs {
	return p.of(on).needs([]string{"cat"}, sudoers("cat", p.with.Pidfile), "/usr/bin/readlink /proc/[0-9]*/exe")
}

// findByPidfile: a file that is not there means that nothing runs; one that cannot be read means nothing. A program that was replaced by a
// newer one while it runs is still itself.
const findByPidfile = `find_root() {
	if ! got=$(root_do cat "$pidfile" 2>&1); then
		case $got in *'No such file or directory'*) ;; *) word=unreadable ;; esac
		return 1
	fi
	set -f
	set -- $got
	set +f
	case ${1-} in '' | *[!0-9]* | 0* | 1) word=unreadable; return 1 ;; esac
	look "$1" || return 1
	at=$born
	exe=$(readlink "/proc/$1/exe" 2>/dev/null) || exe=$(root_do readlink "/proc/$1/exe" 2>/dev/null) || exe=
	if test "${exe% (deleted)}" != "$program" && test "$exe" != "$(readlink -f "$program" 2>/dev/null || echo "$program")"; then
		exe=$(tr '\000\n' '\n\001' <"/proc/$1/cmdline" 2>/dev/null)
		case ${exe%%"$nl"*} in "$program" | "$program "*) ;; *) return 1 ;; esac
	fi
	look "$1" && test "$born" = "$at" || return 1
	root=$1
}
`
