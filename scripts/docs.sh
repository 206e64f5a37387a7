#!/usr/bin/env bash
# Builds the library's documentation into .build/docs/S3API.doccarchive. A link that leads nowhere fails it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

place=.build/docs
graphs=$PWD/$place/graphs
# The compiler writes them when it compiles, and not when nothing has changed.
[ -e "$graphs/S3API.symbols.json" ] || rm -rf "$place"
mkdir -p "$graphs"
# A build of its own: other flags would have the everyday one begin anew.
swift build --scratch-path "$place" --target S3API \
    -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$graphs" \
    -Xswiftc -symbol-graph-minimum-access-level -Xswiftc public
find "$graphs" -name '*.symbols.json' ! -name 'S3API*' -delete
docc convert Sources/S3API/S3API.docc --additional-symbol-graph-dir "$graphs" --output-path "$place/S3API.doccarchive" \
    --fallback-display-name S3API --fallback-bundle-identifier S3API --warnings-as-errors
printf 'docs    %s\n' "$place/S3API.doccarchive"
