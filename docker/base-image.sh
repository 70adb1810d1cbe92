#!/bin/sh
# Makes debian:bookworm-slim with debootstrap where it cannot be pulled. Needs root and about a minute; does nothing if the
# engine has the image. MIRROR names another Debian mirror.
set -eu
image=debian:bookworm-slim
if docker image inspect "$image" >/dev/null 2>&1; then
	echo "$image is there"
	exit 0
fi
command -v debootstrap >/dev/null || { echo "error: debootstrap is missing" >&2; echo "hint: apt-get install debootstrap" >&2; exit 11; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo "making $image with debootstrap"
debootstrap --variant=minbase bookworm "$dir" ${MIRROR:+"$MIRROR"} >"$dir.log" 2>&1 || { tail -n 20 "$dir.log" >&2; exit 11; }
rm -rf "$dir.log" "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/*
tar -C "$dir" -c . | docker import - "$image" >/dev/null
echo "$image is made"
