#!/bin/bash
# ThreadSanitizer over the library, with a standard library that is instrumented as well: without that, it takes what std orders
# for races. Everything is set up below build/tsan. Ends with one line, `tsan: ...`.
#
#   tests/races/tsan.sh [chaos]
#
# CHAOS_SECONDS and SEED are those of its chaos; `chaos` runs nothing else, and is what `make chaos SANITIZE=thread` calls.
#
# Needs clang-19, libclang-rt-19-dev and lld-19 for the programs in C (older runtimes do not know what the compiler calls), and the
# package rust-src of exactly the version of rustc.
set -euo pipefail
. "$(dirname "$0")/../targets/common.sh"
how=${1:-all}
work=$root/build/tsan
triple=x86_64-unknown-linux-gnu
chaos_seconds=${CHAOS_SECONDS:-30}
seed=${SEED:-20261130}
clang=${TSAN_CLANG:-clang-19}
mkdir -p "$work"
TESTS=${TSAN_TESTS:-modes lanes wait teardown shutdown stress}

[ "$(uname -sm)" = "Linux x86_64" ] || missing tsan "this is not Linux on x86_64: run it there"
command -v "$clang" >/dev/null || missing tsan "$clang is missing: apt-get install clang-19 libclang-rt-19-dev lld-19 llvm-19"
need_std tsan

# An instrumented build, apart from all others.
instrumented() {
    env RUSTC_BOOTSTRAP=1 __CARGO_TESTS_ONLY_SRC_ROOT="$std" CARGO_TARGET_DIR="$work/target" \
        RUSTFLAGS="-Zsanitizer=thread" cargo "$1" --target "$triple" -Zbuild-std=std,panic_unwind "${@:2}"
}
built=$work/target/$triple/debug
"$clang" -O1 -fPIC -c tests/races/clone.c -o "$work/clone.o"

# The driver of chaos, instrumented; the stand-in CLI as it is, since it is not what is looked at.
build_chaos() {
    cargo build -q -p claude-testkit --bins
    instrumented rustc -p claude-chaos --bin claude-chaos -- "-Clink-arg=$work/clone.o" -Clink-arg=-Wl,--wrap=clone,--wrap=_exit
    local plain
    plain="$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/debug"
    mkdir -p "$work/chaos"
    cp "$built/claude-chaos" "$plain/fake-claude" "$plain/loopback-api" "$work/chaos/"
}

build_programs() {
    instrumented build --lib
    instrumented build --manifest-path tests/races/planted/Cargo.toml
    library=$work/library
    mkdir -p "$library"
    # The shared library is linked here, for the sake of clone.c.
    "$clang" -shared -fuse-ld=lld -Wl,-soname,libclaude_client.so.0 -Wl,--wrap=clone,--wrap=_exit -o "$library/libclaude_client.so" \
        "$work/clone.o" -Wl,--whole-archive "$built/libclaude_client.a" -Wl,--no-whole-archive \
        -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
}

# Without one the reports have addresses only.
symbolizer=$(command -v llvm-symbolizer-19 || command -v llvm-symbolizer-22 || command -v llvm-symbolizer || true)

# Reports go to files of their own, so that no test that reads a program's output meets them.
rm -rf "$work/reports" && mkdir "$work/reports"
export TSAN_OPTIONS=
options() { # NAME
    TSAN_OPTIONS="log_path=$work/reports/$1 suppressions=$root/tests/races/suppressions.txt exitcode=66 history_size=4 \
second_deadlock_stack=1 die_after_fork=0${symbolizer:+ external_symbolizer_path=$symbolizer}"
}
# Races and the like, and ends of the sanitizer itself.
reports() { # NAME
    cat "$work/reports/$1"* 2>/dev/null | grep -cE '^WARNING: ThreadSanitizer|ThreadSanitizer: (CHECK|DEADLYSIGNAL)' || true
}

failed=()
# Tests of the usual build, whose programs in C are compiled for this and load the instrumented library.
programs() { # MODULE ARGUMENTS...
    local test=dispatch_$1
    shift
    options "$test"
    CC=$clang CXX=${clang/clang/clang++} CLAUDE_TESTS_CALLS=1000 CLAUDE_TESTS_CFLAGS="-fsanitize=thread" CLAUDE_TESTS_LIBRARY_FOLDER=$library \
        cargo test --quiet --test dispatch -- "$@" || failed+=("$test")
}

# What is planted must be found, in both languages; what is ordered must not.
planted() {
    local found
    options planted-ordered
    "$built/planted-race" ordered >/dev/null || failed+=("an ordered program was reported")
    options planted-raced
    ! "$built/planted-race" >/dev/null || failed+=("the race planted in Rust was not found")
    [ "$(reports planted-raced)" = 1 ] || failed+=("the race planted in Rust was not reported once")
    rm -f "$work/reports/planted-raced".*
    programs races --exact races::what_a_callback_has_written_can_be_read_behind_receive_response
    found=${#failed[@]}
    programs races --exact races::without_a_call_in_between_a_host_sees_a_callback_by_chance >"$work/planted.log" 2>&1
    if [ "${#failed[@]}" = "$found" ] || ! grep -q on_message "$work/reports/dispatch_races".*; then
        cat "$work/planted.log"
        failed+=("the race planted in C was not found")
    else
        unset "failed[-1]"
    fi
    rm -f "$work/reports/dispatch_races".*
}

chaos() {
    local log=$work/chaos/seed-$seed.log
    options chaos
    if ! "$work/chaos/claude-chaos" --seed "$seed" --seconds "$chaos_seconds" --limit-seconds 300 >"$log" 2>&1; then
        head -c 20000 "$log"
        failed+=("chaos with seed $seed; all of it is in $log")
    fi
    grep '^chaos: seed' "$log" || true
}

start=$SECONDS
build_chaos
if [ "$how" != chaos ]; then
    build_programs
    echo "tsan: built in $((SECONDS - start)) s"
    start=$SECONDS
    planted
    # Without those of its tests that bring a sanitizer of their own.
    for test in $TESTS; do programs "$test" "$test::" --skip sanitizer --skip valgrind; done
fi
chaos

total=$(reports "")
if [ "$total" != 0 ] || [ ${#failed[@]} != 0 ]; then
    cat "$work/reports"/* 2>/dev/null || true
    printf '%s\n' "${failed[@]}"
    echo "tsan: FAILED: $total reports, ${#failed[@]} groups failed ($how, $((SECONDS - start)) s)"
    exit 1
fi
[ "$how" = chaos ] || races=", the planted races found"
echo "tsan: 0 reports${races:-} ($how, $((SECONDS - start)) s)"
