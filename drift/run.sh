#!/bin/bash
# `make drift` and `make drift-check`: builds what drift.py needs, and runs it. Everything lies below build/drift.
# TESTS=no leaves out the tests with the real CLI.
# usage: run.sh check | report [VERSION] | write [VERSION]
set -euo pipefail
cd "$(dirname "$0")/.."
cargo="${CARGO:-cargo}"

missing() { # PROGRAM PACKAGES
    command -v "$1" >/dev/null && return 1
    echo "SKIPPED drift: $1 is missing: apt-get install $2" >&2
    [ "${CLAUDE_TESTS_NO_SKIP:-}" != 1 ] || exit 1
}
! missing python3 "python3 python3-venv" || exit 0
! missing npm "nodejs npm" || exit 0

"$cargo" build -q -p claude-client -p claude-testkit --lib --bins
programs="$("$cargo" metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/debug"
case "$(uname -s)" in Darwin) suffix=dylib ;; *) suffix=so ;; esac
export LIBRARY="$programs/libclaude_client.$suffix" LOOPBACK="$programs/loopback-api"
export PYTHONDONTWRITEBYTECODE=1

result=0
python3 drift/drift.py "$@" || result=$?
[ "$1" = report ] && [ "${TESTS:-yes}" = yes ] || exit "$result"

# The tests with the real CLI, with this one.
cli=$(cat build/drift/under-test)
mapfile -t groups < <(python3 drift/real_tests.py tests | cut -f1 | sort -u)
mapfile -t names < <(python3 drift/real_tests.py tests | cut -f2 | sort -u)
log=build/drift/tests.txt
# Most of a test is waiting for the CLI.
export RUST_TEST_THREADS=${TEST_THREADS:-$((2 * $(getconf _NPROCESSORS_ONLN)))}
if CLAUDE_TESTKIT_CLI="$cli" "$cargo" test --no-fail-fast "${groups[@]/#/--test=}" -- "${names[@]}" >"$log" 2>&1; then
    echo "drift: the tests with the real CLI pass with this one"
else
    result=1
    grep -E '^test .* FAILED$|^error(\[|: could not)' "$log" || tail -20 "$log"
    echo "drift: tests with the real CLI failed with this one: $log"
fi
exit "$result"
