# Blackstart: takes back what a drill has broken from here, when whoever drills falls silent. It needs a POSIX sh, and no Blackstart.
#
#   sh lease.sh status     what is in force
#   sh lease.sh abort      the drill is over: take everything back, but what a guard holds, and say how to lift that
#   sh lease.sh abort ID   take this entry back, whatever its guard says
#
# Time is the uptime of this machine, in hundredths of a second, and holds for one boot of it. What changes while a lease lives is written in place, so that a full
# disk takes nothing from an undo.
set -fu
umask 077
LC_ALL=C TZ=UTC PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL TZ PATH
root=/var/tmp/blackstart-$(id -u) dir=${0%/*}
case $0 in
/*/lease.sh) ;;
*) dir=$root/$1 && shift ;;
esac
WAS=- IS=- CODE=- SAID="" OURS="" STATE=none RUN=- HOLDER=- BY=- TTL=0 EVERY=0 DEADLINE=0 LEASE=- BEAT=0 ALIVE=no pid=0
cd / || exit 3

now() { # NOW is the uptime
	read -r up _ </proc/uptime && NOW=$((${up%.*} * 100 + 1${up#*.} - 100))
}

moment() { # MOMENT is for the record alone: uptime, and what the clock on the wall says
	now && MOMENT="$NOW $(date +%s)"
}

put() { # FILE TEXT: in place, always of one length
	{ printf '%-100s\n' "$2" 1<>"$1"; } 2>/dev/null
}

get() { # FILE into GOT
	GOT=
	{ read -r GOT <"$1"; } 2>/dev/null
	GOT=${GOT:--}
}

log() {
	moment
	echo "$MOMENT $*" 2>/dev/null >>"$dir/log"
}

# load reads the lease, whosever it is, and what has become of it.
load() {
	STATE=none RUN=-
	set -- $(cat "$dir/lease" "$dir/deadline" "$dir/holder" "$dir/beat" 2>/dev/null) # whole, since cat reads a file at once, and read does not
	[ $# = 10 ] || return 1
	RUN=$1 LEASE=$2 boot=$3 TTL=$4 EVERY=$5 BY=$6 DEADLINE=$7 HOLDER=$8 BEAT=$9
	shift 9
	pid=$1
	now
	read -r up </proc/sys/kernel/random/boot_id
	if [ -e "$dir/released" ]; then
		STATE=released
	elif [ -e "$dir/expired" ] || [ "$up" != "$boot" ] || [ "$NOW" -ge "$DEADLINE" ]; then
		STATE=expired
	elif [ -e "$dir/over/$RUN" ]; then
		STATE=over
	else
		STATE=armed
	fi
	ALIVE=no
	[ "$up" = "$boot" ] && [ $((NOW - BEAT)) -lt 400 ] && [ -d "/proc/$pid" ] && ALIVE=yes
	return 0
}

# every calls a function for each entry, from the last to the first.
every() {
	all=
	while read -r one; do
		[ -d "$dir/entries/$one" ] && all="$one $all"
	done 2>/dev/null <"$dir/order"
	for one in $all; do "$@" "$one"; done
}

# line tells of an entry what is on record. One in force that was found free since has been undone by somebody else, or has ended by itself: it is gone.
line() { # ID
	e=$dir/entries/$1
	set -- "$1" $(cat "$e/is" "$e/found" "$e/now" "$e/held" "$e/most" "$e/did" "$e/undid" 2>/dev/null)
	get "$e/free"
	if [ "${2-}" = inforce ] && within "$4" "$GOT"; then
		id=$1
		shift 2
		set -- "$id" gone "$@"
	fi
	echo "entry $*"
}

ask() { # ID: how what is in force is now
	get "$dir/entries/$1/is"
	case $GOT in
	undone | refused | left) ;;
	*) word "$1" && put "$dir/entries/$1/now" "$WORD" ;;
	esac
}

# answer says how it went, and how everything is, and ends.
answer() { # OUTCOME WHY…
	echo "blackstart-lease 1"
	echo "outcome $1"
	shift
	[ $# -gt 0 ] && echo "why $*"
	load
	moment
	held=no && [ "$HOLDER" = "$holder" ] && held=yes
	echo "lease $STATE $RUN $held $BY $((DEADLINE - NOW)) $TTL $EVERY $ALIVE $BEAT"
	echo "moment $MOMENT"
	echo "result $WAS $IS $CODE"
	[ -n "$OURS" ] && echo "ours $OURS"
	[ -n "$SAID" ] && echo "said $SAID"
	every line
	echo end
	exit 0
}

# lock waits for whoever acts, as long as it may. It is let go of when this shell has ended, and the last act that it began. It is opened for reading, which works on
# a disk that has turned read-only, too.
lock() { # SECONDS
	[ -r "$dir/lock" ] || return 1
	exec 9<"$dir/lock"
	now
	end=$((NOW + 100 * $1))
	until flock -n 9; do
		now
		[ "$NOW" -lt "$end" ] || return 1
		sleep 0.1 2>/dev/null || sleep 1
	done
}

room() { # DIR
	df -Pk "$1" 2>/dev/null | { read -r _ && read -r _ size used free _ && echo "of the disk of $1, $free KiB are free"; }
}

# runs runs a script in a session of its own, for at most so many seconds. OUT is the end of what it says on stdout (1) or stderr (2), CODE how it ended. A lock stays
# held until it has ended, even if we are gone by then, but what it leaves running does not hold it, and is not waited for.
runs() { # FILE SECONDS 1|2
	pipe=$dir/pipe.$$
	[ -p "$pipe" ] || mkfifo "$pipe" 2>/dev/null || pipe=/dev/null
	OUT=$(
		exec 2>/dev/null
		[ "$3" = 1 ] && exec 9>&-
		case $3$pipe in
		1/dev/null) begin='exec 9>&-; exec sh "$1"' ;; # no pipe can be made
		1*) begin='exec 9>&- >"$2"; exec sh "$1"' ;;
		*) begin='exec 9>&- >/dev/null 2>"$2"; exec sh "$1"' ;;
		esac
		exec 3>&1 </dev/null
		[ "$pipe" = /dev/null ] || exec >/dev/null
		setsid timeout -k 2 "$2" sh -c "$begin" sh "$1" "$pipe" 3>&- &
		p=$! t=
		[ "$pipe" = /dev/null ] || { tail -c 200 <"$pipe" >&3 9>&- & t=$!; }
		wait "$p"
		c=$?
		case $c in 124 | 137 | 143) c=124 && kill -9 "-$p" ;; esac
		if [ -n "$t" ]; then
			{ sleep 1 && kill "$t"; } 3>&- 9>&- &
			wait "$t"
			kill $!
		fi
		echo "x$c" >&3
	)
	rm -f "$dir/pipe.$$"
	CODE=${OUT##*x}
	OUT=${OUT%x*}
}

# word asks how the thing of an entry is: WORD, or what begins with ! where there is none.
word() { # ID
	kept=$CODE
	runs "$dir/entries/$1/state" 10 1
	WORD=${OUT%%
*}
	case $CODE in 0) ;; 124) WORD='!late' ;; *) WORD='!failed' ;; esac
	[ ${#WORD} -gt 100 ] && WORD='!long'
	case $WORD in '') WORD='!silent' ;; *[![:graph:]]*) WORD='!unclear' ;; esac
	CODE=$kept
}

within() { # WORD LIST
	case " $2 " in *" $1 "*) return 0 ;; esac
	return 1
}

# settles asks until the word is in a list, for two seconds.
settles() { # ID free|ours
	for pause in 0 1 1; do
		sleep $pause
		word "$1"
		get "$dir/entries/$1/$2"
		within "$WORD" "$GOT" && return 0
	done
	return 1
}

# undo takes one entry back, under the lock: OUTCOME. It acts on what is ours, and on nothing else.
undo() { # ID
	e=$dir/entries/$1
	OUTCOME=ok WAS=- IS=- CODE=- SAID="" OURS=""
	[ -e "$e/undo" ] || { OUTCOME=absent && return; }
	get "$e/is"
	case $GOT in refused | left) return ;; undone) [ -e "$e/late" ] || return ;; esac
	word "$1"
	WAS=$WORD IS=$WORD
	get "$e/ours"
	OURS=$GOT
	get "$e/free"
	if within "$WAS" "$GOT"; then
		OUTCOME=ok
	elif within "$WAS" "$OURS"; then
		log undo "$1"
		get "$e/most"
		runs "$e/undo" "$GOT" 2
		complaint
		settles "$1" free || OUTCOME=failed
		IS=$WORD
	else
		OUTCOME=changed
	fi
	put "$e/now" "$IS"
	case $OUTCOME in ok) mark "$1" undone ;; failed) mark "$1" failed ;; changed) mark "$1" other ;; esac
}

mark() { # ID IS
	get "$dir/entries/$1/is"
	[ "$GOT" = "$2" ] && return
	log "$2" "$1" "$WAS" "$IS" "$CODE"
	if [ "$2" = undone ]; then put "$dir/entries/$1/undid" "$MOMENT"; fi
	put "$dir/entries/$1/is" "$2"
}

complaint() { # SAID is the last line of OUT
	SAID=$(printf '%s' "$OUT" | tr -c ' -~\n' '?' | tail -n 1)
}

# guarded takes an entry back unless its guard holds it.
guarded() { # ID
	get "$dir/entries/$1/is"
	case $GOT in undone | refused | left) return ;; esac
	if [ -s "$dir/entries/$1/guard" ]; then
		get "$dir/entries/$1/most"
		runs "$dir/entries/$1/guard" "$GOT" 2
		if [ "$CODE" != 0 ]; then
			complaint
			WAS=- IS=-
			mark "$1" held
			return
		fi
	fi
	undo "$1"
}

# hold writes how to lift what is still in force, and ends with 1 if anything is.
hold() {
	text=$(every holds)
	[ -z "$text" ] && { rm -f "$dir/HOLD" && return 0; }
	{ echo "$text" >"$dir/HOLD.new" && mv "$dir/HOLD.new" "$dir/HOLD"; } 2>/dev/null
	return 1
}

holds() { # ID
	e=$dir/entries/$1
	get "$e/is"
	case $GOT in undone | refused | left) return ;; esac
	is=$GOT
	get "$e/found"
	found=$GOT
	get "$e/now"
	case $is in
	held) echo "$1 of the drill $RUN stays in force: its guard does not let it be undone." ;;
	other) echo "$1 of the drill $RUN was $found before, is $GOT now, and the drill has not made it so: nothing was changed. Look, and set it right by hand." ;;
	*) echo "$1 of the drill $RUN was $found before, is $GOT now, and could not be undone yet." ;;
	esac
	[ -s "$e/hold" ] && cat "$e/hold" && echo
	echo "  sh $dir/lease.sh abort $1"
}

# bury makes sure that nothing is done any more in a run, or under a name. Where there is no room for a tombstone, nothing is done in the run.
bury() { # RUN|- ID|-
	if [ "$2" = - ]; then
		rm -f "$dir/open" 2>/dev/null
		grave "$1"
	else
		{ mkdir -p "$dir/entries/$2" && true >"$dir/entries/$2/tombstone"; } 2>/dev/null || rm -f "$dir/open" 2>/dev/null
	fi
}

expire() {
	lock 660 || return 1
	load && [ "$LEASE" = "$1" ] && [ "$STATE" = expired ] || return 1
	if ! [ -e "$dir/expired" ]; then
		log expired
		{ echo "$MOMENT" >"$dir/expired"; } 2>/dev/null
		bury "$RUN" -
	fi
	every guarded
	hold
}

# watch ends when its lease has, and not because it could not be read once.
watch() { # LEASE
	rest=0 again=0
	while [ -e "$dir/lease" ]; do
		if load; then
			[ "$LEASE" = "$1" ] && [ "$STATE" != released ] || break
			put "$dir/beat" "$NOW $$"
			rest=$((rest - 1))
			if [ "$STATE" = expired ] && [ $rest -lt 0 ]; then
				(expire "$1") && break
				[ $again -lt 5 ] && again=$((again + 1))
				rest=$again
			fi
		fi
		sleep 1
	done
	exit 0
}

# sound makes sure that a directory is ours alone. It says what is wrong.
sound() { # DIR
	[ -L "$1" ] || ! [ -d "$1" ] && echo "$1 is no directory: remove it" && return
	[ -O "$1" ] || { echo "$1 is another account's: remove it, or run this as its owner" && return; }
	case $(ls -ldn "$1") in drwx------*) ;; *) echo "others may look into $1: chmod 700 $1" ;; esac
}

# home finds the directory, or with a word makes it, and says what is wrong with it.
home() {
	case $(ls -ldn "${root%/*}") in d???????w[!tT]*) echo "anybody may remove what is another's in ${root%/*}: chmod +t ${root%/*}" && return ;; esac
	for d in "$root" "$dir"; do
		if [ -n "${1-}" ] && ! [ -e "$d" ] && ! [ -L "$d" ]; then
			mkdir "$d" 2>/dev/null || [ -d "$d" ] || { echo "$d cannot be made: $(room "${root%/*}")" && return; }
		fi
		if [ -e "$d" ] || [ -L "$d" ]; then
			wrong=$(sound "$d")
			[ -z "$wrong" ] || { echo "$wrong" && return; }
		fi
	done
	[ -z "${1-}" ] || { true >>"$dir/lock"; } 2>/dev/null || echo "$dir cannot be written to: $(room "$dir")"
}

# grave keeps a run that is over from being armed here.
grave() { # RUN
	{ mkdir -p "$dir/over" && true >"$dir/over/$1"; } 2>/dev/null
}

# mine answers unless the lease is of this run, and held by whoever asks. With a word, whoever asks takes it over once its holder has been silent for two renewals: then
# nothing more is done in the run.
mine() {
	load && [ "$RUN" = "$run" ] || {
		[ -n "${1-}" ] && [ -d "$dir" ] && grave "$run"
		[ "$STATE" = none ] && answer none "no lease is armed here"
		answer other-run "the lease here is of the run $RUN"
	}
	[ "$HOLDER" = "$holder" ] && return
	case $STATE in armed | over)
		[ -n "${1-}" ] && [ $((NOW - DEADLINE + TTL)) -ge $((2 * EVERY)) ] || answer busy "the run $RUN is held by $BY"
		;;
	esac
	[ -n "${1-}" ] || answer busy "the run $RUN has been taken over"
}

# live answers unless something may still be done in this run.
live() {
	mine
	[ "$STATE" = armed ] || answer "$STATE" "nothing is done in this run any more"
}

arm() { # TTL EVERY
	lock 30 || answer locked "somebody else acts here"
	[ -e "$dir/over/$run" ] && answer over "the run $run is over"
	if load; then
		[ "$RUN $HOLDER $STATE" = "$run $holder armed" ] && answer ok
		case $STATE in armed | over) answer busy "the run $RUN is held by $BY" ;; esac
	fi
	[ -z "$(every holds)" ] || answer in-force "the run $RUN has ended with something in force: take it back with blackstart undo where it ran, or here by sh $dir/lease.sh abort"
	(cd "$dir" && set +f && rm -rf lease entries order open expired released deadline holder beat HOLD lease.* pipe.*)
	[ -f "$dir/log" ] && [ "$(wc -c <"$dir/log")" -gt 1000000 ] && mv "$dir/log" "$dir/log.old"
	now && read -r boot </proc/sys/kernel/random/boot_id
	LEASE=$run.$NOW
	{
		cat >"$dir/lease.sh" && [ "$(tail -n 1 "$dir/lease.sh")" = '# the end' ] && mkdir -p "$dir/entries" "$dir/over" && true >"$dir/order" && true >"$dir/open" &&
			put "$dir/beat" "0 0" && put "$dir/holder" "$holder" && put "$dir/deadline" $((NOW + $1)) &&
			echo "$run $LEASE $boot $1 $2 $by" >"$dir/lease.new" && mv "$dir/lease.new" "$dir/lease" && timeout 20 sync "$dir/lease.sh" "$dir/lease" 9>&-
	} 2>/dev/null || {
		rm -f "$dir/lease" "$dir/lease.sh"
		answer nospace "the lease cannot be written: $(room "$dir")"
	}
	log armed "$run" "$by"
	setsid sh "$dir/lease.sh" watch "$LEASE" </dev/null >/dev/null 2>&1 9>&- &
	answer ok
}

renew() {
	load || true
	lock $((TTL / 100 + 5)) || answer locked "somebody else acts here"
	live
	put "$dir/deadline" $((NOW + TTL)) || answer failed "the lease cannot be written: $(room "$dir")"
	answer ok
}

fields="most held state do undo guard hold free ours"

# stores puts an entry on the disk: what would undo it, and room for what will be said of it.
stores() { # ID FIELD…
	mkdir -p "$e" 2>/dev/null
	for field in $fields; do
		shift
		[ -z "$1" ] || { printf '%s\n' "$1" >"$e/$field"; } 2>/dev/null || return 1
	done
	put "$e/found" - && put "$e/now" - && put "$e/did" "- -" && put "$e/undid" "- -" && put "$e/is" begun || return 1
	timeout 20 sync "$e/state" "$e/undo" "$e/is" "$e" 2>/dev/null 9>&- || return 1
	{ echo "$id" >>"$dir/order"; } 2>/dev/null || return 1
	timeout 20 sync "$dir/order" 2>/dev/null 9>&-
}

# refuse answers that nothing of an entry has been done.
refuse() { # OUTCOME WHY
	if [ -e "$e/is" ]; then mark "$id" refused; fi
	answer "$@"
}

# allowed answers unless the entry may be done now.
allowed() { # SECONDS
	load
	[ -e "$e/tombstone" ] && refuse tombstone "$id has been undone"
	[ "$STATE" = armed ] && [ -e "$dir/open" ] || refuse over "nothing is done in this run any more"
	[ "$ALIVE" = yes ] || refuse dead "the watchdog does not run: nobody would undo it"
	[ $((DEADLINE - NOW)) -ge $((2 * EVERY + 100 * $1)) ] || refuse short "the lease ends too soon: renew it first"
}

# act does what an entry is there to do, once everything that would undo it is on the disk.
act() { # ID MOST HELD STATE DO UNDO GUARD HOLD FREE OURS
	lock 30 || answer locked "somebody else acts here"
	live
	id=$1 e=$dir/entries/$1 most=$2
	[ -e "$e/tombstone" ] && answer tombstone "$id has been undone"
	[ -e "$e/is" ] && answer used "there is an entry $id already"
	allowed "$most"
	stores "$@" || {
		for field in $fields is found now did undid; do rm -f "$e/$field"; done
		rmdir "$e" 2>/dev/null
		answer nospace "what would undo it cannot be written, so nothing was done: $(room "$dir")"
	}
	word "$id"
	WAS=$WORD IS=$WORD
	put "$e/found" "$WAS"
	get "$e/free" && free=$GOT
	within "$WAS" "$free" || refuse not-free "$id is $WAS, and is begun from $free"
	allowed "$most"
	log do "$id"
	put "$e/did" "$MOMENT"
	runs "$e/do" "$most" 2
	[ "$CODE" = 0 ] || complaint
	if [ "$CODE" = 124 ]; then true >"$e/late"; fi
	if settles "$id" ours; then
		IS=$WORD
		mark "$id" inforce
		put "$e/now" "$IS"
		answer ok
	fi
	IS=$WORD
	put "$e/now" "$IS"
	within "$IS" "$free" || mark "$id" other
	get "$e/ours" && OURS=$GOT
	answer not-ours "$id is $IS after it was done, and should be $OURS"
}

# back undoes one entry. Its tombstone comes first, so that a Do that comes late finds it.
back() { # ID
	mine takeover
	bury - "$1"
	lock 660 || answer locked "somebody else acts here"
	mine takeover
	[ "$HOLDER" = "$holder" ] || { rm -f "$dir/open" && put "$dir/holder" "$holder" && log holder "$by"; }
	undo "$1"
	[ -e "$dir/HOLD" ] && hold
	case $OUTCOME in
	failed) answer failed "$1 was undone and is $IS all the same" ;;
	changed) answer changed "$1 was found otherwise: nothing was changed" ;;
	esac
	answer "$OUTCOME"
}

# leave has nobody undo an entry by itself any more: whoever says so knows why it must stay as it is.
leave() { # ID
	mine takeover
	bury - "$1"
	lock 60 || answer locked "somebody else acts here"
	mine takeover
	[ "$HOLDER" = "$holder" ] || { rm -f "$dir/open" && put "$dir/holder" "$holder" && log holder "$by"; }
	mark "$1" left
	answer ok
}

again() { # ID
	[ -e "$dir/entries/$1/late" ] && undo "$1"
}

# finish ends a run in which everything is undone.
finish() {
	mine takeover
	lock 660 || answer locked "somebody else acts here"
	mine takeover
	[ "$STATE" = released ] && answer ok
	bury "$RUN" -
	every again
	[ -z "$(every holds)" ] || answer in-force "something is still in force"
	{ true >"$dir/released"; } 2>/dev/null || rm -f "$dir/lease"
	rm -f "$dir/HOLD"
	log released
	answer ok
}

# abort is for people who stand here.
abort() { # [ID]
	wrong=$(home)
	[ -z "$wrong" ] || { echo "$wrong" && exit 1; }
	load || [ -s "$dir/order" ] || { echo "no lease is armed here" && exit 0; }
	if [ $# = 0 ]; then bury "$RUN" -; else bury - "$1"; fi
	lock 600 || { echo "somebody else acts here: try again" && exit 1; }
	log abort "$@"
	if [ $# = 0 ]; then every guarded; else undo "$1"; fi
	hold && { echo "everything is undone" && exit 0; }
	cat "$dir/HOLD" || every holds
	exit 1
}

# try changes nothing that stays. Its last line says what is missing.
try() {
	for program in $programs; do
		command -v "$program" >/dev/null || { echo "there is no program $program" >&2 && exit 1; }
	done
	now && read -r up </proc/sys/kernel/random/boot_id || { echo "/proc/uptime and /proc/sys/kernel/random/boot_id cannot be read" >&2 && exit 1; }
	had=0
	for d in "$root" "$dir"; do [ -d "$d" ] && had=$((had + 1)); done
	locked=0
	[ -e "$dir/lock" ] && locked=1
	wrong=$(home make)
	if [ -z "$wrong" ]; then
		f=$dir/try.$$
		{ echo a >"$f"; } 2>/dev/null && exec 8<"$f" && timeout 5 flock -n 8 && ! flock -n "$f" sleep 0 && setsid sleep 0 && timeout 20 sync "$f" || wrong="flock, setsid, sync or timeout does not do what it should in $dir"
		rm -f "$f"
	fi
	[ $locked = 1 ] || rm -f "$dir/lock"
	case $had in 0) rmdir "$dir" "$root" ;; 1) rmdir "$dir" ;; esac 2>/dev/null
	[ -z "$wrong" ] || { echo "$wrong" >&2 && exit 1; }
}

programs="sh flock setsid timeout sync mkfifo mkdir rmdir mv rm cat ls tail tr wc df id date sleep"
verb=${1-status}
[ $# -gt 0 ] && shift
case $verb in
watch) watch "$1" ;;
abort) abort "$@" ;;
try) try && exit 0 ;;
esac
run=${1--} holder=${2--} by=${3--}
[ $# -lt 3 ] && set -- - - -
shift 3
case $verb in status | look | over | release | undo | leave) wrong=$(home) ;; *) wrong=$(home make) ;; esac
[ -z "$wrong" ] || answer unfit "$wrong"
case $verb in
status) answer ok ;;
look) every ask ;;
arm) arm "$@" ;;
renew) renew ;;
do) act "$@" ;;
undo) back "$1" ;;
leave) leave "$1" ;;
over) mine takeover && bury "$RUN" - ;;
release) finish ;;
*) exit 3 ;;
esac
answer ok
# the end
