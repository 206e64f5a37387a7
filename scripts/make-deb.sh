#!/usr/bin/env bash
# Makes a Debian package of a release build: dist/syncd_VERSION_ARCHITECTURE.deb.
#
#   scripts/make-deb.sh SYNCD    SYNCD is the binary, such as .build/release/syncd
#
# It depends on what dpkg-shlibdeps finds the binary to need; Swift's runtime must be in it. From one commit and one
# binary the same package comes out, byte for byte.
set -euo pipefail

fail() {
    printf 'make-deb: %s\n' "$*" >&2
    exit 1
}
[ $# -eq 1 ] || fail "usage: scripts/make-deb.sh SYNCD"
syncd=$(realpath -- "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -x "$syncd" ] || fail "$syncd is not there: make release"
command -v dpkg-shlibdeps >/dev/null || fail "no dpkg-shlibdeps: apt-get install dpkg-dev"

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/stage
umask 022
version=$("$syncd" --version)
version=${version#syncd }
architecture=$(dpkg --print-architecture)
maintainer=$(sed -n 's/^Maintainer: //p' packaging/control.in)

DESTDIR=$stage PREFIX=/usr scripts/install.sh install "$syncd"
if ldd "$stage/usr/bin/syncd" | grep -q libswift; then
    fail "$syncd needs Swift's libraries: build it by make release, which puts them inside"
fi
install -D -m 644 Config.example.json "$stage/etc/syncd/config.json.example"
install -D -m 644 packaging/copyright "$stage/usr/share/doc/syncd/copyright"
gzip -9nc CHANGELOG.md >"$stage/usr/share/doc/syncd/CHANGELOG.md.gz"
gzip -9n >"$stage/usr/share/doc/syncd/changelog.gz" <<EOF
syncd ($version) unstable; urgency=medium

  * What has changed is told by CHANGELOG.md.gz.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
EOF

# dpkg-shlibdeps wants to find a source package around it, and to know a package's directory by this name in it.
mkdir -p "$work/source/debian" "$stage/DEBIAN"
printf 'Source: syncd\n\nPackage: syncd\nArchitecture: any\n' >"$work/source/debian/control"
depends=$(cd "$work/source" && dpkg-shlibdeps -O -e"$stage/usr/bin/syncd")
depends=${depends#shlibs:Depends=}

(cd "$stage" && find etc usr -type f -print0 | sort -z | xargs -0 md5sum) >"$stage/DEBIAN/md5sums"
sed -e "s|@VERSION@|$version|" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@DEPENDS@|$depends|" \
    -e "s|@SIZE@|$(du -sk --exclude=DEBIAN "$stage" | cut -f1)|" packaging/control.in >"$stage/DEBIAN/control"
install -m 644 packaging/conffiles "$stage/DEBIAN/conffiles"
install -m 755 packaging/postinst packaging/prerm packaging/postrm "$stage/DEBIAN/"
find "$stage" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

mkdir -p dist
package=dist/syncd_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$stage" "$package"
printf 'make-deb: %s, %s bytes; depends on %s\n' "$package" "$(stat -c %s "$package")" "$depends"
