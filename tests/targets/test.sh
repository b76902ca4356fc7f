#!/bin/bash
# make test-musl: hosts in C with musl. The tests are those of the usual build, which compile their programs for it, link them with
# a library that was built for it, and have them talk with the stand-in CLI of this system. Ends with one line, `test-musl: ...`.
set -euo pipefail
. "$(dirname "$0")/common.sh"
target=x86_64-unknown-linux-musl

command -v musl-gcc >/dev/null || missing test-musl "musl-gcc is missing: apt-get install musl-tools"
need_std test-musl
start=$SECONDS
cross packaging/zigbuild.sh "${strict[@]}" --lib --target "$target"
echo "test-musl: built in $((SECONDS - start)) s"

# Not those that need a C++ compiler for musl, which is not there; nor a plugin that goes away, since musl unloads nothing; nor the
# one that measures milliseconds.
start=$SECONDS
CC=musl-gcc CLAUDE_TESTS_LIBRARY_FOLDER=$root/build/targets/$target/debug CLAUDE_TESTS_CALLS=1000 "${CARGO:-cargo}" test --test dispatch -- \
    modes:: lanes:: wait:: teardown:: shutdown:: stress:: left:: places:: process:: --skip sanitizer --skip valgrind \
    --skip l2_an_unwinding --skip l2_a_callback_that_catches --skip left::a_thread_that_is_cancelled \
    --skip a_plugin_is_reloaded --skip replacing_waits_for_one_call || { echo "test-musl: FAILED ($((SECONDS - start)) s)"; exit 1; }
echo "test-musl: passed ($((SECONDS - start)) s)"
