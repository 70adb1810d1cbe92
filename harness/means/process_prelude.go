package means

// processPrelude are the words that the scripts of processes are written in. A process is written PID:start:state.
const processPrelude = `set -u
nl='
'
fail() { echo "$*" >&2; exit 1; }
nap() { sleep 0.1 2>/dev/null || sleep 1; }
clock() { read -r now _ </proc/uptime; now=${now%%.*}; }

# look PID: its state, parent, session and start. It fails where there is none, or one that has ended.
look() {
	s=
	{ IFS= read -r s <"/proc/$1/stat"; } 2>/dev/null || return 1
	s=${s##*) }
	set -- $s
	test $# -ge 20 || return 1
	st=$1 pp=$2 ses=$4 born=${20}
	case $st in [ZXx]) return 1 ;; esac
}

# tree: what descends from $root, or is in a session that it leads; itself last.
tree() {
	all= family= known=" $root "
	for d in /proc/[0-9]*; do
		p=${d#/proc/}
		if look "$p"; then all="$all $p:$pp:$ses:$born:$st"; fi
	done
	more=1
	while test "$more" = 1; do
		more=0
		for e in $all; do
			p=${e%%:*} e=${e#*:}
			q=${e%%:*} e=${e#*:}
			t=${e%%:*} e=${e#*:}
			case $known in *" $p "*) continue ;; esac
			case $known in *" $q "*) ;; *) test "$t" = "$root" || continue ;; esac
			known="$known$p " family="$family $p:$e" more=1
		done
	done
	if look "$root" && test "$born" = "$at"; then family="$family $root:$at:$st"; fi
	case $known in *" $$ "*) fail 'this shell descends from what is to be acted on: name another host' ;; esac
}

# signal NAME PROCESS...: to those of them that are still who they were.
signal() {
	name=$1 to=
	shift
	for e in "$@"; do
		p=${e%%:*} e=${e#*:}
		if look "$p" && test "$born" = "${e%%:*}"; then to="$to $p"; fi
	done
	test -z "$to" || root_do kill -s "$name" $to 2>/dev/null
}

# state: one word for it.
state() {
	word=stopped root= at= family=
	test -r /proc/1/stat || { word=hidden; return 0; }
	find_root || return 0
	tree
	run= halt=
	for e in $family; do
		case $e in *:[Tt]) halt=1 ;; *) run=1 ;; esac
	done
	case $run:$halt in
	1:) word=running ;;
	:1) word=paused ;;
	1:1) word=half ;;
	*) word=stopped ;;
	esac
}

# until_word WORD SECONDS
until_word() {
	clock
	end=$((now + $2))
	while state; test "$word" != "$1"; do
		clock
		test "$now" -lt "$end" || return 1
		nap
	done
}

# start_within SECONDS: started until it runs; again where what was started has ended, and has left nothing for five seconds: who was killed
# stands in the way of a PostgreSQL server until somebody has reaped it.
start_within() {
	clock
	end=$((now + $1)) over=
	start
	while state; test "$word" != running; do
		clock
		test "$now" -lt "$end" || return 1
		if look "$!"; then
			over=
		elif test -z "$over"; then
			over=$now
		elif test "$now" -ge "$((over + 5))"; then
			over=
			start
		fi
		nap
	done
}

# freeze: its root first, then whatever of it still runs, until nothing does.
freeze() {
	tries=0
	signal STOP "$root:$at:"
	while tree; do
		left=
		for e in $family; do
			case $e in *:[Tt]) ;; *) left="$left $e" ;; esac
		done
		test -n "$left" || return 0
		tries=$((tries + 1))
		test "$tries" -le 50 || return 1
		signal STOP $left
		test "$tries" -lt 3 || nap
	done
}

# gone_within SECONDS: whether all that was caught has ended.
gone_within() {
	clock
	end=$((now + $1))
	while :; do
		left=
		for e in $caught; do
			p=${e%%:*} e=${e#*:}
			if look "$p" && test "$born" = "${e%%:*}"; then left="$left $p:$born:$st"; fi
		done
		test -n "$left" || return 0
		clock
		test "$now" -lt "$end" || return 1
		nap
	done
}

# kill_all: frozen first, so that nothing is begun meanwhile; its root last, so that nobody has time to mourn.
kill_all() {
	freeze
	caught="$caught $family"
	signal KILL $caught
	gone_within 10 || fail "it was killed, and is still there:$left"
}

# launch WORD...: begins a program that outlives this shell and holds nothing of it open, no lock above all.
launch() {
	fresh=
	! env --default-signal=INT,QUIT true 2>/dev/null || fresh='env --default-signal=INT,QUIT'
	(
		unset LC_ALL TZ
		cd /
		exec setsid $fresh "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
	) &
}
`
