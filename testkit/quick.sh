#!/bin/bash
# `make test-quick`: all tests but those that need the real CLI, a tool that slows a program down (valgrind, sanitizers), the
# library of an event loop, or more than five seconds on an idle machine. Each of them notes that it was left out.
# usage: quick.sh [ARGUMENTS OF CARGO TEST]
set -euo pipefail
cd "$(dirname "$0")/.."
left_out=$(mktemp)
trap 'rm -f "$left_out"' EXIT

result=0
CLAUDE_TESTS_QUICK=$left_out "${CARGO:-cargo}" test --workspace --lib --bins --tests "$@" || result=$?
sort -u "$left_out" | sed 's/.*: //' | sort | uniq -c | awk '{ n = $1; $1 = ""; print "left out:" $0 ": " n " tests" }'
echo "test-quick: $SECONDS s, load $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || true)"
exit "$result"
