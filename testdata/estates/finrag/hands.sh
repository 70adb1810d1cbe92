#!/usr/bin/env bash
# hands.sh DIR NAME: the hands of the estate's people. Whoever is asked for something in DIR (NNN.task.json) has it done by the
# scripts beside this one, and says so under NAME, until DIR has a file `over`. IDLE=yes: it is said to be done, and nobody does it.
. "$(dirname "$0")/lib.sh"
[[ -d ${1:-} && -n ${2:-} ]] || die "usage: hands.sh DIR NAME"
dir=$1 name=$2
says() { printf '%s\n' "$2" > "$dir/.$1" && mv "$dir/.$1" "$dir/$1"; } # whole, or not there
act() {
  [[ ${IDLE:-} != yes ]] || return 0
  case $1 in
    "cut the primary data centre off")            "$here/cut.sh" east ;;
    "let the primary data centre be reached again") "$here/heal.sh" east ;;
    *) return 1 ;;
  esac
}
while [[ ! -e $dir/over ]]; do
  for task in "$dir"/*.task.json; do
    [[ -e $task ]] || continue
    n=$(basename "$task" .task.json)
    [[ ! -e $dir/$n.done && ! -e $dir/$n.cannot ]] || continue
    says "$n.begun" "$name"
    if act "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["what"])' "$task")"; then
      says "$n.done" "$name"
    else
      says "$n.cannot" "$name: nobody here knows how, or it failed"
    fi
  done
  sleep 0.2
done
