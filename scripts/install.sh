#!/usr/bin/env bash
# Puts syncd where a system looks for it: the binary, the units, the man pages, the completions.
#
#   scripts/install.sh install SYNCD    SYNCD is the binary, such as .build/release/syncd
#   scripts/install.sh uninstall        removes these files again, and neither configuration nor state
#
# PREFIX is where to (/usr/local), DESTDIR a directory that stands for the root of the system.
set -euo pipefail

fail() {
    printf 'install: %s\n' "$*" >&2
    exit 1
}
[ $# -ge 1 ] || fail "usage: scripts/install.sh install SYNCD | uninstall"
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=${PREFIX:-/usr/local}
[[ $prefix = /* ]] || fail "PREFIX $prefix is not absolute"
to=${DESTDIR:-}$prefix
zsh=site-functions
# Debian's packages have a directory of their own.
[ "$prefix" != /usr ] || zsh=vendor-completions

files=(
    bin/syncd
    lib/systemd/system/syncd.service
    lib/systemd/system/syncd-once.service
    lib/systemd/system/syncd-once.timer
    lib/sysusers.d/syncd.conf
    share/man/man1/syncd.1.gz
    share/man/man5/syncd.json.5.gz
    share/bash-completion/completions/syncd
    "share/zsh/$zsh/_syncd"
    share/fish/vendor_completions.d/syncd.fish
    share/doc/syncd/examples/Config.example.json
    share/doc/syncd/examples/folders.conf
    share/doc/syncd/examples/read-all.conf
)

# place MODE PATH: what comes in by standard input, as a file below the prefix.
place() {
    mkdir -p "$(dirname "$to/$2")"
    cat >"$to/$2.new"
    chmod "$1" "$to/$2.new"
    mv "$to/$2.new" "$to/$2"
}

install_all() {
    local syncd=$1 unit shell
    [ -x "$syncd" ] || fail "$syncd is not there: make release"
    umask 022
    # Without its symbols it is two thirds as large.
    mkdir -p "$to/bin"
    install -s -m 755 "$syncd" "$to/bin/syncd.new"
    mv "$to/bin/syncd.new" "$to/bin/syncd"
    for unit in syncd.service syncd-once.service syncd-once.timer; do
        sed -e "s|/usr/bin/syncd|$prefix/bin/syncd|" -e "s|/usr/share/doc|$prefix/share/doc|" \
            "$source/systemd/$unit" | place 644 "lib/systemd/system/$unit"
    done
    place 644 lib/sysusers.d/syncd.conf <"$source/packaging/syncd.sysusers"
    "$source/scripts/man-page.py" "$syncd" | gzip -9n | place 644 share/man/man1/syncd.1.gz
    gzip -9nc "$source/docs/man/syncd.json.5" | place 644 share/man/man5/syncd.json.5.gz
    for shell in bash zsh fish; do
        local path=share/bash-completion/completions/syncd
        case $shell in
        zsh) path=share/zsh/$zsh/_syncd ;;
        fish) path=share/fish/vendor_completions.d/syncd.fish ;;
        esac
        # It is read, not run: without its first line that says by what.
        "$syncd" --generate-completion-script "$shell" | sed '1{/^#!/d}' | place 644 "$path"
    done
    place 644 share/doc/syncd/examples/Config.example.json <"$source/Config.example.json"
    for unit in folders.conf read-all.conf; do
        place 644 "share/doc/syncd/examples/$unit" <"$source/systemd/examples/$unit"
    done
}

case $1 in
install)
    [ $# -eq 2 ] || fail "usage: scripts/install.sh install SYNCD"
    install_all "$2"
    if [ -z "${DESTDIR:-}" ]; then
        printf 'install: %s is there. For the service: systemd-sysusers syncd.conf && systemctl daemon-reload\n' \
            "$to/bin/syncd"
    fi
    ;;
uninstall)
    for file in "${files[@]}"; do rm -f "$to/$file"; done
    rmdir --ignore-fail-on-non-empty "$to/share/doc/syncd/examples" "$to/share/doc/syncd" 2>/dev/null || true
    ;;
*) fail "usage: scripts/install.sh install SYNCD | uninstall" ;;
esac
