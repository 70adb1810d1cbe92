package means

import (
	"fmt"
	"strings"

	"blackstart/harness"
	"blackstart/harness/lease"
)

// Words of State for a process.
const (
	isRunning = "running"
	isStopped = "stopped"
	isPaused  = "paused"
	isHalf    = "half" // a part of it is paused
)

// Seconds that the parts of an act may take.
const (
	stopGrace  = 30 // before what does not end by itself is killed, as managers of services do
	startGrace = 40
	mostStart  = 60
	mostPause  = 25
)

// process is one process with all that it has begun: how it is found, and how it is begun again.
//
// Who it is, is a PID and a start time, looked at right before each signal. What it has begun is what descends from it, and what is in a
// session that it leads: a PostgreSQL server puts each of its children into a session of its own, so its process group holds none of them.
type process struct {
	on    Subject
	user  string // account that it runs as, "" for that of the executor
	find  string // sh: find_root sets root and at; or fails, with word where it is not stopped
	start []string
	stop  []string // empty: SIGTERM
}

// scripts builds an act. A kill is a moment: whoever starts it again in the meantime does what life does, so it is not held.
func (p process) scripts(kind harness.ActionKind) (lease.Scripts, error) {
	begin := p.prelude()
	s := lease.Scripts{State: begin + "state\necho \"$word\"\n", Free: []string{isRunning}}
	switch kind {
	case harness.ComponentStop:
		s.Do = begin + mustRun + p.end() + fmt.Sprintf("gone_within %d || kill_all\n", stopGrace)
		s.Undo, s.Held, s.Most = begin+p.again(), true, mostStart
		s.Ours = []string{isStopped, isPaused, isHalf}
	case harness.ComponentKill:
		s.Do = begin + mustRun + "kill_all\n"
		s.Undo, s.Most = begin+p.again(), mostStart
		s.Ours = []string{isStopped, isPaused, isHalf}
	case harness.ComponentPause:
		s.Do = begin + mustRun + "freeze || fail 'a part of it does not stop: it may wait for a disk'\n"
		s.Undo, s.Held, s.Most = begin+"state\n"+thaw, true, mostPause
		s.Ours = []string{isPaused, isHalf}
	default:
		return s, fmt.Errorf("build scripts: a process is not taken by %s: stop, kill or pause it", kind)
	}
	return s, nil
}

const (
	mustRun = "state\ntest \"$word\" = running || fail \"it is $word, and not running\"\ncaught=$family\n"
	thaw    = `case $word in
paused | half) signal CONT $family; until_word running 15 || fail "it is $word, and was to go on" ;;
running) ;;
*) fail "it is $word: that is not how a pause left it" ;;
esac
`
)

// end asks it to end.
func (p process) end() string {
	if len(p.stop) == 0 {
		return "signal TERM \"$root:$at:\"\n"
	}
	return p.launch(p.stop)
}

// again begins it again, where it does not run.
func (p process) again() string {
	return "start() {\n" + p.launch(p.start) + "}\nstate\nif test \"$word\" = stopped; then\n" +
		fmt.Sprintf("start_within %d || fail \"it was started, and is $word\"\nelse\n%sfi\n", startGrace, thaw)
}

// launch begins a program that outlives us, as the account that it is to run as.
func (p process) launch(argv []string) string {
	words := quoted(argv)
	switch {
	case p.user == "" || p.on.Sudo:
		return "launch " + p.root() + words + "\n"
	default: // the account is that one, or root
		return fmt.Sprintf("if test \"$(id -un)\" = %s; then launch %s; else launch su -s /bin/sh %s -c %s; fi\n",
			lease.Quote(p.user), words, lease.Quote(p.user), lease.Quote("exec "+words))
	}
}

// root is what stands before a command that only root, or the account that it runs as, may run.
func (p process) root() string { return rootAs(p.on, p.user) }

func rootAs(on Subject, user string) string {
	if on.Sudo && user != "" {
		return "sudo -n -u " + lease.Quote(user) + " -- "
	}
	return on.Root()
}

func (p process) prelude() string {
	return "root_do() { " + p.root() + "\"$@\"; }\n" + processPrelude + p.find
}

// needs says what every means of processes needs; looks are its own commands.
func (p process) needs(programs []string, looks ...string) Needs {
	n := Needs{
		Programs: append([]string{"env", "id", "readlink", "setsid", "sleep", "tr"}, programs...),
		Ticket:   "the account reads /proc of every process there (no hidepid)",
		Reboot:   "a pause is over with the boot; what was stopped or killed is started by its undo, or by the boot itself, if it is one of what starts then",
	}
	for _, argv := range [][]string{p.start, p.stop} {
		if len(argv) > 0 {
			n.Programs = append(n.Programs, argv[0])
		}
	}
	try := p.prelude() + programsThere(n.Programs)
	if p.on.Sudo {
		n.Programs = append(n.Programs, "sudo", "kill")
		lines := append([]string{"/usr/bin/kill"}, looks...)
		for _, argv := range [][]string{p.start, p.stop} {
			if len(argv) > 0 {
				lines = append(lines, sudoers(argv...))
				try += mayRun(p.on, p.user, argv...)
			}
		}
		for _, l := range lines {
			n.Root = append(n.Root, asAccount(p.user)+l)
		}
		try += mayRun(p.on, p.user, "kill")
	} else if p.user != "" {
		n.Programs = append(n.Programs, "su")
		try += programsThere([]string{"su"})
		try += fmt.Sprintf("case $(id -un) in root | %s) ;; *) fail %s ;; esac\n", lease.Quote(p.user),
			lease.Quote("the account is neither "+p.user+" nor root: let it run commands as "+p.user+", and write sudo: true"))
	}
	n.Try = try + "state\n" + tryWords
	return n
}

// tryWords end a Try: how the process is says whether it can be looked at, and signal 0 whether it may be signalled.
const tryWords = `case $word in
running | paused | half) root_do kill -s 0 "$root" 2>/dev/null || fail "the account may not signal process $root" ;;
stopped) ;;
hidden) fail 'processes of others are hidden from the account (hidepid)' ;;
several) fail 'several processes that are no children of one another have exactly that argv' ;;
unreadable) fail 'its pid file cannot be read, or holds no PID' ;;
*) fail "it is $word" ;;
esac
`

func asAccount(user string) string {
	if user == "" {
		return ""
	}
	return "(" + user + ") "
}

func quoted(argv []string) string {
	all := make([]string, len(argv))
	for i, w := range argv {
		all[i] = lease.Quote(w)
	}
	return strings.Join(all, " ")
}
