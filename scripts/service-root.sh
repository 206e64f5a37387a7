#!/usr/bin/env bash
# Makes a root of a bare Debian 12 with systemd in it, for Tests/Service: debootstrap, and by apt what syncd's package
# depends on. It is made once and kept; the tests boot copies of it.
#
#   scripts/service-root.sh DIR    makes DIR/root, unless it is there and was made by this very script
#
# Wants to be root. Installs debootstrap and systemd-container by apt where they are missing, and says so.
set -euo pipefail

say() { printf 'root    %s\n' "$*"; }
fail() {
    printf 'root    %s\n' "$*" >&2
    exit 1
}
[ $# -eq 1 ] || fail "usage: scripts/service-root.sh DIR"
[ "$(id -u)" -eq 0 ] || fail "run this as root: it makes a root file system and boots it"

suite=bookworm
mirror=${SYNCD_DEBIAN_MIRROR:-http://deb.debian.org/debian}
# What a server has, and Python, which the tests inside are written in.
base=(ca-certificates dbus python3 systemd systemd-sysv)
# What syncd's package depends on: the booted copies have no network to fetch it by. dpkg tells if one is missing here.
depends=(libc6 libcurl4 libgcc-s1 libsqlite3-0 libssl3 libstdc++6 libxml2)

install_tools() {
    local missing=()
    command -v debootstrap >/dev/null || missing+=(debootstrap)
    command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Debian packages: installing ${missing[*]}"
    apt-get -q update
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends --no-remove "${missing[@]}"
}

make_root() {
    local root=$1 IFS=,
    debootstrap --variant=minbase --include="${base[*]},${depends[*]}" "$suite" "$root" "$mirror"
    IFS=' '
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    # Each copy is a machine of its own.
    : >"$root/etc/machine-id"
}

directory=$(realpath -m -- "$1")
stamp=$(sha256sum <"${BASH_SOURCE[0]}")
install_tools
if [ "$(cat "$directory/stamp" 2>/dev/null)" = "$stamp" ]; then
    say "Debian 12: $directory/root is there"
    exit 0
fi
say "Debian 12: making $directory/root (two minutes; the log is $directory/log)"
rm -rf "$directory/root" "$directory/stamp"
mkdir -p "$directory"
if ! make_root "$directory/root" >"$directory/log" 2>&1; then
    tail -n 20 "$directory/log" >&2
    fail "debootstrap failed; the end of its log is above"
fi
printf '%s\n' "$stamp" >"$directory/stamp"
