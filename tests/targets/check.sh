#!/bin/bash
# make check-targets: the library compiles for every system that docs/platforms.md names, without a warning. Ends with one line,
# `check-targets: ...`.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# A system more is a line more.
TARGETS=(
    aarch64-apple-darwin
    x86_64-apple-darwin
    x86_64-unknown-linux-musl
    aarch64-unknown-linux-gnu
    x86_64-pc-windows-gnu
)

need_std check-targets
start=$SECONDS
cross "${CARGO:-cargo}" check "${strict[@]}" --lib "${TARGETS[@]/#/--target=}"
echo "check-targets: ${#TARGETS[@]} systems, no warning: ${TARGETS[*]} ($((SECONDS - start)) s)"
