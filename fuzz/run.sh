#!/bin/sh
# run.sh fuzz|fuzz-check SECONDS [TARGET…]: builds the fuzzers and runs each for so long, one after the other. `fuzz-check`
# looks with AddressSanitizer, `fuzz` without, which is faster (SANITIZER=address: with it too). FAST=1 leaves the tracing of
# comparisons out, which finds less with one input and runs five times as many; what both find is in one corpus. New inputs go
# to build/fuzz; `fuzz/minimise.sh` makes the committed corpus of them. Prints executions; a fault leaves its input in
# fuzz/artifacts.
set -eu
cd "$(dirname "$0")/.."
mode=$1 seconds=$2
shift 2
[ $# -gt 0 ] || set -- stdout answers options pointer record transport calls sessions
version=0.13.2
case $mode in
# The check does the same each time; what is new is for the long form.
fuzz-check) sanitizer=${SANITIZER:-address} seed=1 ;;
*) sanitizer=${SANITIZER:-none} seed=0 ;;
esac

length=2048 trace= entropic=1 built=fuzz/target/$sanitizer
[ -z "${FAST:-}" ] || { length=256 trace=--no-trace-compares entropic=0 built=$built-fast; }

skip() {
	[ -z "${CLAUDE_TESTS_NO_SKIP:-}" ] || { echo "$mode: $1" >&2; exit 1; }
	echo "SKIPPED: $mode: $1" >&2
	exit 0
}

command -v c++ >/dev/null || skip "a C++ compiler is missing; install it with: apt-get install -y g++"
tools=$PWD/build/tools
if ! "$tools/bin/cargo-fuzz" --version 2>/dev/null | grep -qF "$version"; then
	cargo install --locked cargo-fuzz --version "$version" --root "$tools" ||
		skip "cargo-fuzz is missing; install it with: cargo install --locked cargo-fuzz --version $version"
fi
# Coverage and sanitizers are unstable flags.
RUSTC_BOOTSTRAP=1
PATH=$tools/bin:$PATH
export RUSTC_BOOTSTRAP PATH
# A fault is told by its text; a trace of each takes seconds.
RUST_BACKTRACE=${RUST_BACKTRACE:-0}
export RUST_BACKTRACE

# What is built stands in the lock file; the build would write a stale one anew without a word.
cargo tree --locked -q --manifest-path fuzz/Cargo.toml >/dev/null

for target; do
	# shellcheck disable=SC2086 # no argument at all when empty
	cargo fuzz build --sanitizer "$sanitizer" $trace --target-dir "$built" "$target"
done
triple=$(rustc -vV | sed -n 's/^host: //p')
all=0 failed=
for target; do
	mkdir -p "build/fuzz/$target" "fuzz/artifacts/$target"
	log=build/fuzz/$target.log
	code=0
	# Leaks are looked for by the targets themselves: threads of the library live on.
	ASAN_OPTIONS=detect_leaks=0 nice "$built/$triple/release/$target" \
		"build/fuzz/$target" "fuzz/corpus/$target" ${DICT-$([ ! -f "fuzz/dict/$target.dict" ] || echo "-dict=fuzz/dict/$target.dict")} \
		-artifact_prefix="fuzz/artifacts/$target/" -seed="$seed" -max_total_time="$seconds" -max_len="$length" -entropic="$entropic" -timeout=100 -rss_limit_mb=4096 \
		-print_final_stats=1 >"$log" 2>&1 || code=$?
	ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
	echo "$mode: $target: ${ran:-0} executions"
	all=$((all + ${ran:-0}))
	if [ "$code" -ne 0 ]; then
		failed="$failed $target"
		grep -v '^#' "$log" | tail -n 40 >&2
		echo "$mode: $target found a fault; again with: $built/$triple/release/$target INPUT" >&2
	fi
done
[ -z "$failed" ] || { echo "$mode: FAILED:$failed ($all executions)"; exit 1; }
echo "$mode: $# targets, $all executions, no fault"
