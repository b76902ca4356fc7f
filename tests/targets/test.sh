#!/bin/bash
# make test-musl, make test-aarch64: hosts in C for another system. The tests are those of the usual build, which compile their
# programs for it, link them with a library that was built for it, and have them talk with the stand-in CLI of this system. Ends
# with one line, `test-TARGET: N passed, M failed (...)`.
#
#   tests/targets/test.sh musl|aarch64
#
# LONG=1: with those that an emulator takes minutes for.
set -euo pipefail
. "$(dirname "$0")/common.sh"
name=test-$1
LEFT_OUT=()
left_out() { LEFT_OUT+=("${@/#/--skip=}"); }

# Tools that bring a run-time library of their own, or that read instructions.
left_out sanitizer valgrind memory_error
calls=1000

case $1 in
musl)
    target=x86_64-unknown-linux-musl
    command -v musl-gcc >/dev/null || missing "$name" "musl-gcc is missing: apt-get install musl-tools"
    export CC=musl-gcc
    # They need a C++ compiler for musl, which is not there.
    left_out l2_an_unwinding l2_a_callback_that_catches left::a_thread_that_is_cancelled
    # musl unloads nothing.
    left_out a_plugin_is_reloaded
    # It measures milliseconds.
    left_out replacing_waits_for_one_call
    ;;
aarch64)
    target=aarch64-unknown-linux-gnu
    command -v aarch64-linux-gnu-gcc >/dev/null ||
        missing "$name" "aarch64-linux-gnu-gcc is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
    emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64) ||
        missing "$name" "qemu-aarch64 is missing: apt-get install qemu-user-static"
    export CC=aarch64-linux-gnu-gcc CLAUDE_TESTS_RUNNER="$emulator -L /usr/aarch64-linux-gnu" CLAUDE_TESTS_SLOWNESS=${CLAUDE_TESTS_SLOWNESS:-10}
    # They need a C++ compiler for ARM.
    left_out l2_an_unwinding l2_a_callback_that_catches left::a_thread_that_is_cancelled
    # The emulator copies the memory that a child should share until it runs its program: why it could not be run is not told then.
    left_out what_cannot_be_started a_missing_working_directory
    # The emulator has no objection to a limit of memory, and does not keep it.
    left_out a_callback_thread_that_cannot_be_had
    # They measure milliseconds.
    left_out replacing_waits_for_one_call a_host_goes_on_while_a_stubborn_cli
    # Hundreds of rounds, or threads that do all they can: minutes.
    if [ -z "${LONG:-}" ]; then
        calls=300
        left_out a_transport_in_c_ends_well a_plugin_is_reloaded a_line_of_200_megabytes a_connect_ends_whenever keeps_no_descriptor \
            x4_the_library_can_be_unloaded the_folder_keeps pull_mode_survives stress::no_callback_comes_late_in_thread
    fi
    ;;
*)
    echo "usage: test.sh musl|aarch64" >&2
    exit 2
    ;;
esac
need_std "$name"
start=$SECONDS
cross packaging/zigbuild.sh "${strict[@]}" --lib --target "$target"
echo "$name: built in $((SECONDS - start)) s"

export CLAUDE_TESTS_LIBRARY_FOLDER=$root/build/targets/$target/debug CLAUDE_TESTS_CALLS=$calls
# Most tests wait most of the time.
export RUST_TEST_THREADS=${TEST_THREADS:-$((2 * $(getconf _NPROCESSORS_ONLN)))}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
start=$SECONDS
result=0
programs() { # PROGRAM TESTS...
    "${CARGO:-cargo}" test --no-fail-fast --test "$1" -- "${@:2}" "${LEFT_OUT[@]}" 2>&1 | tee -a "$log" || result=1
}

programs dispatch modes:: lanes:: wait:: teardown:: shutdown:: stress:: left:: places:: process:: ends::
programs transport memory::
programs replay in_c::
programs sessions in_c:: the_folder_keeps
programs packaging examples::replay_test
read -r passed failed < <(awk '/^test result:/ { for (i = 1; i < NF; i++) {
    if ($(i + 1) ~ /^passed/) passed += $i
    if ($(i + 1) ~ /^failed/) failed += $i } } END { print passed + 0, failed + 0 }' "$log")
echo "$name: $passed passed, $failed failed ($((SECONDS - start)) s)"
[ "$result" = 0 ] && [ "$passed" -gt 0 ]
