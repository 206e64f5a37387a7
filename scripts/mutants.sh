#!/bin/bash
# Plants the bugs of Tests/Mutants, one after the other, in a copy of the sources below .build/mutants, and sees how many
# histories the simulation needs to find each. Fails if one is never found.
#
#   scripts/mutants.sh           all of them
#   scripts/mutants.sh NAME …    these
#   SEEDS=50000 scripts/mutants.sh    as many histories at most (20,000 where nothing is said)
set -euo pipefail
cd "$(dirname "$0")/.."

copy=.build/mutants
seeds=${SEEDS:-20000}
export SWIFT_DETERMINISTIC_HASHING=1

mkdir -p "$copy"
# Files that did not change keep their times, so that little has to be built.
git ls-files Package.swift Sources Tests | while IFS= read -r file; do
    cmp -s "$file" "$copy/$file" || install -D -m 644 "$file" "$copy/$file"
done

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for patch in Tests/Mutants/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi

survivors=0
printf '| bug | histories until it was found | seen as |\n| --- | --- | --- |\n'
for name in "${names[@]}"; do
    patch=$PWD/Tests/Mutants/$name.patch
    patch --quiet --strip=1 --directory="$copy" --input="$patch"
    trap 'patch --quiet --reverse --strip=1 --directory="$copy" --input="$patch"' EXIT
    swift build -c release --package-path "$copy" --product simulate >"$copy/build.log" 2>&1 || {
        tail -n 20 "$copy/build.log" >&2
        exit 1
    }
    result=$("$copy/.build/release/simulate" --seeds "$seeds" --jobs 1 --failures 1 || true)
    what=$(head -n 1 "$patch")
    if played=$(sed -n 's/^\([0-9]*\) histories .*: 1 failed$/\1/p' <<<"$result") && [ -n "$played" ]; then
        seen=$(sed -n '1s/^seed [0-9]*: //p' <<<"$result" | cut -c 1-60)
        printf '| %s | %s | %s |\n' "$what" "$played" "$seen"
    else
        printf '| %s | not in %s | |\n' "$what" "$seeds"
        survivors=$((survivors + 1))
    fi
    patch --quiet --reverse --strip=1 --directory="$copy" --input="$patch"
    trap - EXIT
done
[ "$survivors" -eq 0 ]
