#!/bin/bash
# make link-macos: a shared library for macOS, which exports what the header declares, and the C examples linked with it. Nothing is
# run: there is no such machine here. Ends with one line, `link-macos: ...`.
set -euo pipefail
. "$(dirname "$0")/common.sh"
target=aarch64-apple-darwin
llvm=${LLVM_SUFFIX--19}

command -v "llvm-nm$llvm" >/dev/null || missing link-macos "llvm-nm$llvm is missing: apt-get install llvm$llvm"
need_std link-macos
start=$SECONDS
cross packaging/zigbuild.sh "${strict[@]}" --lib --target "$target"

library=$root/build/targets/$target/debug/libclaude_client.dylib
out=$root/build/targets/macos
mkdir -p "$out"
export LC_ALL=C ZIG_GLOBAL_CACHE_DIR=$root/build/zig/cache
fail() { echo "link-macos: FAILED: $1"; exit 1; }

# zig's linker does not know the list of what is to be exported, so everything is; Apple's knows it.
"llvm-nm$llvm" --defined-only --extern-only --format=just-symbols "$library" | sed 's/^_//' | sort >"$out/exports"
absent=$(sort packaging/symbols.txt | comm -13 "$out/exports" -)
[ -z "$absent" ] || fail "not exported: $absent"
name=$("llvm-objdump$llvm" --macho --dylib-id "$library" | tail -1)
number=$(sed -n 's/^const SONAME_VERSION: u32 = \(.*\);/\1/p' build.rs)
[ "$name" = "@rpath/libclaude_client.$number.dylib" ] || fail "the library calls itself $name"

count=0
for source in examples-c/*.c; do
    # What is made for Linux, and what needs other libraries.
    case $source in */epoll.c | */sdl_loop.c | */store_sqlite.c | */store_postgres.c) continue ;; esac
    "$root/build/zig/bin/python-zig" cc -target aarch64-macos -std=c99 -Wall -Wextra -Werror -pedantic -Iinclude "$source" "$library" \
        -o "$out/$(basename "$source" .c)" || fail "$source"
    count=$((count + 1))
done
echo "link-macos: $(wc -l <packaging/symbols.txt) functions exported, $count examples linked, none run ($((SECONDS - start)) s)"
