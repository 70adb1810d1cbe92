#!/bin/sh
# Reads rule sets from stdin, one a line with \n between rules, and makes each the only one in force in this network
# namespace, all its rules at once. Answers every line with one: ok, or what went wrong.
while IFS= read -r rules; do
	if out=$(printf '*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n%bCOMMIT\n' "$rules" | iptables-restore 2>&1); then
		echo ok
	else
		echo "failed: $(printf '%s' "$out" | tr '\n' ' ')"
	fi
done
