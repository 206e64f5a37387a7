#!/bin/bash
# Plays random histories of a folder in simulation (Tests/Simulation), in a release build.
#
#   scripts/simulate.sh [SEEDS]              SEEDS of them, 20,000 where nothing is said
#   SEED=7 scripts/simulate.sh               the one that seed 7 makes, with each call and each edit
#   FIRST=20001 scripts/simulate.sh SEEDS    as many, from that seed on
set -euo pipefail
cd "$(dirname "$0")/.."

# The same way as `make release` does, so that neither builds anew what the other has built.
swift build -c release --static-swift-stdlib --product simulate
# Swift draws the order of sets anew in each process; a seed is to make the same history in every one.
export SWIFT_DETERMINISTIC_HASHING=1
if [ -n "${SEED:-}" ]; then
    exec .build/release/simulate --first "$SEED" --seeds 1 --trace
fi
exec .build/release/simulate --first "${FIRST:-1}" --seeds "${1:-20000}"
