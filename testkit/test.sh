#!/bin/bash
# `make test`: all tests. Builds them all, then runs so many test programs at once that what is left of one, a few tests that wait,
# does not leave processors idle. What each prints is shown when it has ended, as cargo prints it.
# usage: test.sh [--no-fail-fast], or test.sh ARGUMENTS OF CARGO TEST, which go to cargo as they are
set -euo pipefail
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
at_once=${TEST_PROGRAMS:-2}

case ${*:-} in
    "" | --no-fail-fast) ;;
    *) exec "$cargo" test --workspace "$@" ;;
esac

# Those that take longest go first.
programs=(faults packaging dispatch options requests transport field)
for source in tests/*.rs tests/*/main.rs testkit/tests/*.rs; do
    name=${source%/main.rs}
    name=$(basename "$name" .rs)
    case " ${programs[*]} " in *" $name "*) ;; *) programs+=("$name") ;; esac
done
shares=("${programs[@]/#/--test }" "--lib --bins" --doc)

"$cargo" test --workspace --no-run
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

# One share of the tests, unless one before has failed and nobody wants to see the rest.
run() { # SHARE KEEP_GOING
    [ -z "$2" ] && [ -e "$work/failed" ] && return
    local log
    log=$(mktemp "$work/XXXXXX")
    # shellcheck disable=SC2086 # several arguments
    "$cargo" test --workspace $1 >"$log" 2>&1 </dev/null || echo "$1" >>"$work/failed"
    flock "$work" cat "$log"
}

for share in "${shares[@]}"; do
    # Its status says nothing: what failed is in the folder, and it has one of its own when nothing is left to wait for.
    while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do wait -n || true; done
    { run "$share" "${1:-}" || echo "$share" >>"$work/failed"; } &
done
wait
if [ -e "$work/failed" ]; then
    printf 'failed: %s\n' "$(paste -sd, "$work/failed")" >&2
    exit 1
fi
