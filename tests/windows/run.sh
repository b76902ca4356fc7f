#!/bin/bash
# The tests of the library for Windows, under Wine: programs of tests/c, compiled with MinGW, beside the stand-in and the real CLI
# for Windows. Ends with what `cargo test` counts. Everything is set up below build/windows.
#
# Needs gcc-mingw-w64-x86-64, wine64, wine and npm, and the package rust-src of exactly the version of rustc.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$PWD/build/windows

skip() { # WHAT
    if [ "${CLAUDE_TESTS_NO_SKIP:-}" = 1 ]; then
        echo "windows: FAILED: $1, and CLAUDE_TESTS_NO_SKIP=1"
        exit 1
    fi
    echo "SKIPPED windows: $1"
    exit 0
}

command -v wine >/dev/null || skip "wine is missing: apt-get install wine64 wine"
command -v x86_64-w64-mingw32-gcc-posix >/dev/null || skip "MinGW is missing: apt-get install gcc-mingw-w64-x86-64"
start=$SECONDS
result=0
PROFILE=dev packaging/windows/build.sh testkit || result=$?
[ "$result" != 77 ] || skip "there is no package rust-src for $(rustc --version)"
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

export WINEPREFIX=$work/wine WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
trap 'wineserver -k 2>/dev/null || true' EXIT
if [ ! -f "$work/wine/ready" ]; then
    rm -rf "$work/wine"
    wine wineboot -i >/dev/null 2>&1
    # A crash gives its own exit code, and no debugger starts.
    key='HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug'
    wine reg add "$key" /v Debugger /t REG_SZ /d '' /f >/dev/null
    wine reg add "$key" /v Auto /t REG_SZ /d 0 /f >/dev/null
    touch "$work/wine/ready"
fi
# One server for all: the first program of a test would start it otherwise, and lend it its own output.
wineserver -k 2>/dev/null || true
wineserver -w
wineserver -p >/dev/null 2>&1

# So many at once: Wine does all that its programs ask of the system in one process.
export RUST_TEST_THREADS=${WINDOWS_TEST_THREADS:-2}
export CLAUDE_TESTS_RUNNER=wine CC=x86_64-w64-mingw32-gcc-posix CLAUDE_TESTS_CFLAGS=-D__USE_MINGW_ANSI_STDIO=1
export CLAUDE_TESTS_WINDOWS=$work/dev CLAUDE_TESTKIT_CLI=$cli/package/claude.exe
echo "windows: set up in $((SECONDS - start)) s"
"${CARGO:-cargo}" test --test dispatch --no-fail-fast -- modes:: ends:: lanes:: teardown:: real:: --skip valgrind --skip sanitizer ||
    result=$?
echo "windows: $((SECONDS - start)) s"
exit "$result"
