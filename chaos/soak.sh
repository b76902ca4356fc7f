#!/bin/bash
# `make soak`: chaos at a walking pace beside ordinary conversations, for HOURS; then the picture of docs/reliability.md.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo="${CARGO:-cargo}" hours="${HOURS:-1}" seed="${SEED:-$(date +%Y%m%d)}"
"$cargo" build -q -p claude-testkit -p claude-chaos --bins
built="$("$cargo" metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/debug"
# What each thread keeps of freed memory for its next requests (up to 236 KiB) would count as in use, and fill up for an hour.
export GLIBC_TUNABLES="glibc.malloc.tcache_count=0${GLIBC_TUNABLES:+:$GLIBC_TUNABLES}"
# Callbacks that are left cost memory for good (docs/threading.md), so none are here. Copies, so that the run and a build do not meet.
mkdir -p build/soak
cp "$built/claude-chaos" "$built/fake-claude" "$built/loopback-api" build/soak/
build/soak/claude-chaos --seed "$seed" --threads 4 --pause-ms 15 --round-seconds 150 --limit-seconds 240 --without-leaving \
    --soak-hours "$hours" --csv build/soak/soak.csv
chaos/plot.sh build/soak/soak.csv "${PICTURE:-build/soak/soak.png}"
