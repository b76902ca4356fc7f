#!/bin/bash
# The tests of the library for Windows, under Wine: programs of tests/c, the examples and a program in C++, compiled with MinGW, beside
# the stand-in and the real CLI for Windows. Ends with what `cargo test` counts. Everything is set up below build/windows.
#
# Needs gcc-mingw-w64-x86-64, g++-mingw-w64-x86-64-posix, wine64, wine, python3 and npm, and the package rust-src of exactly the version of rustc.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$PWD/build/windows

skip() { # WHAT
    if [ "${CLAUDE_TESTS_NO_SKIP:-}" = 1 ]; then
        echo "test-windows: FAILED: $1, and CLAUDE_TESTS_NO_SKIP=1"
        exit 1
    fi
    echo "SKIPPED test-windows: $1"
    exit 0
}

command -v wine >/dev/null || skip "wine is missing: apt-get install wine64 wine"
command -v x86_64-w64-mingw32-gcc-posix >/dev/null || skip "MinGW is missing: apt-get install gcc-mingw-w64-x86-64"
command -v x86_64-w64-mingw32-g++-posix >/dev/null || skip "MinGW for C++ is missing: apt-get install g++-mingw-w64-x86-64-posix"
start=$SECONDS
result=0
PROFILE=dev packaging/windows/build.sh testkit || result=$?
# Without the source of std nothing here can be done: the one reason for which a machine may leave it out.
if [ "$result" = 77 ]; then
    echo "SKIPPED test-windows: there is no package rust-src for $(rustc --version)"
    exit 0
fi
[ "$result" = 0 ] || exit "$result"

# The real CLI as npm has it for Windows.
version=$(cat testkit/CLI_VERSION)
cli=$work/cli-$version
if [ ! -f "$cli/package/claude.exe" ]; then
    rm -rf "$work"/cli-*
    mkdir -p "$cli"
    (cd "$cli" && npm pack --silent "@anthropic-ai/claude-code-win32-x64@$version" >/dev/null && tar xzf ./*.tgz && rm ./*.tgz)
fi
cp "$work/dev/bcryptprimitives.dll" "$cli/package/"

. tests/windows/wine.sh
trap stop_wine EXIT
start_wine "$work" || { echo "test-windows: FAILED: Wine does not start"; exit 1; }

# So many at once: Wine does all that its programs ask of the system in one process.
export RUST_TEST_THREADS=${WINDOWS_TEST_THREADS:-2}
export CLAUDE_TESTS_RUNNER=wine CC=x86_64-w64-mingw32-gcc-posix CLAUDE_TESTS_CFLAGS=-D__USE_MINGW_ANSI_STDIO=1
export CLAUDE_TESTS_WINDOWS=$work/dev CLAUDE_TESTKIT_CLI=$cli/package/claude.exe
echo "test-windows: set up in $((SECONDS - start)) s"

tests() { # PROGRAM FILTER...
    "${CARGO:-cargo}" test --test "$1" --no-fail-fast -- "${@:2}" --skip valgrind --skip sanitizer || result=$?
}

# The conversations of every binding with the header for C++, told as cargo tells tests. Not the hundred clients, which take a minute;
# the real CLI is in the tests above.
cpp_cases() {
    x86_64-w64-mingw32-g++-posix -std=c++17 -O1 -Wall -Wextra -pedantic -Wconversion -Wshadow -Wold-style-cast -Werror -Iinclude \
        bindings/cpp/conformance.cpp "$work/dev/libclaude_client.dll.a" -static -o "$work/dev/conformance.exe" || return
    "${wine_env[@]}" python3 bindings/conformance/run.py C++ --testkit "$work/dev" --no-memory --but clients --root Z:/ --cli /none \
        -- wine "$work/dev/conformance.exe" |
        awk '/^SKIPPED/ { next }
             !/^C\+\+ +(ok|FAIL) / { print; next }
             { name = substr($0, 20, 50); sub(/ +$/, "", name); failed += $2 == "FAIL"; passed += $2 == "ok"
               print "test cpp: " name " ... " ($2 == "ok" ? "ok" : "FAILED") }
             END { print "\ntest result: " (failed ? "FAILED" : "ok") ". " passed + 0 " passed; " failed + 0 " failed; 0 ignored" }'
}

tests dispatch modes:: ends:: lanes:: real::
# One at a time: they ask by number whether a CLI is gone, and Wine may give the number to another program's.
RUST_TEST_THREADS=1 tests dispatch teardown::
tests transport a_transport_in_c_ends_well
tests replay in_c::a_conversation_is_recorded
tests sessions in_c::a_session_is_found
tests packaging stand_in::
cpp_cases || result=$?
wine_has_lasted || { echo "test-windows: FAILED: Wine's server has ended, or is not the only one"; result=1; }
echo "test-windows: $((SECONDS - start)) s"
exit "$result"
