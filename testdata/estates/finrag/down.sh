#!/usr/bin/env bash
# Takes the estate down, whatever state it is in, and removes all of it. What cannot be removed is named, with exit 1.
. "$(dirname "$0")/lib.sh"
[[ $(id -u) = 0 ]] || die "network namespaces need root"
empty() { [[ -z $(ip netns pids "$(ns "$1")") ]]; }
for at in router east west outside; do
  if ip netns list | grep -q "^$(ns "$at")\b"; then
    for signal in INT KILL; do # INT is PostgreSQL's fast shutdown: it does not wait for its clients
      mapfile -t pids < <(ip netns pids "$(ns "$at")")
      ((${#pids[@]})) || break
      kill -"$signal" "${pids[@]}" 2>/dev/null || true
      until_ok 5 empty "$at" || true
    done
    ip netns del "$(ns "$at")"
  fi
done
ip link del fr-desk 2>/dev/null || true
if [[ -e $ESTATE ]]; then
  [[ -e $ESTATE/.finrag-estate ]] || die "$ESTATE was not made by up.sh: it stays"
  rm -rf "$ESTATE"
fi
left=$(ip netns list | grep '^finrag-' || true)
[[ -z $left && ! -e $ESTATE ]] || die "left behind: $left $ESTATE"
say "down"
