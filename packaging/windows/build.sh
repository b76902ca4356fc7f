#!/bin/bash
# Builds the library for Windows x86_64 with MinGW and a standard library built from source, and lays it out in
# build/windows/PROFILE: claude_client.dll, its import library and its .def, the static library, the header. `testkit` adds the test
# kit and what Wine lacks.
#
#   packaging/windows/build.sh [testkit]
#
# PROFILE is release or dev. Needs gcc-mingw-w64-x86-64, and the package rust-src of exactly the version of rustc.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${PROFILE:-release}
triple=x86_64-pc-windows-gnu
work=$PWD/build/windows
out=$work/$profile
built=$work/target/$triple/${profile/#dev/debug}
if ! source=$(testkit/std-source.sh build/std); then
    echo "windows: there is no package rust-src for $(rustc --version): use a rustc that Debian's backports have" >&2
    exit 77
fi
command -v x86_64-w64-mingw32-gcc >/dev/null || { echo "windows: apt-get install gcc-mingw-w64-x86-64" >&2; exit 1; }

# Whole descriptions for debuggers would double the time of the development build.
build() {
    env RUSTC_BOOTSTRAP=1 __CARGO_TESTS_ONLY_SRC_ROOT="$source" CARGO_TARGET_DIR="$work/target" \
        CARGO_PROFILE_DEV_DEBUG="${CARGO_PROFILE_DEV_DEBUG:-line-tables-only}" \
        CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc "${CARGO:-cargo}" rustc --profile "$profile" \
        --target "$triple" -Zbuild-std=std,panic_unwind "$@"
}

mkdir -p "$out" "$work/version"
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
numbers=$(echo "${version%%[-+]*}" | tr . ,),0
sed "s/@VERSION@/$version/g; s/@NUMBERS@/$numbers/g" packaging/windows/version.rc.in >"$work/version/version.rc"
x86_64-w64-mingw32-windres "$work/version/version.rc" -O coff -o "$work/version/version.o"
build --lib -- -Clink-arg="$work/version/version.o" --print native-static-libs 2>&1 | tee "$work/version/log"
sed -n 's/.*native-static-libs: //p' "$work/version/log" | tail -1 >"$work/version/libs"
[ ! -s "$work/version/libs" ] || cp "$work/version/libs" "$out/native-static-libs.txt"
cp "$built/claude_client.dll" "$built/libclaude_client.dll.a" "$built/libclaude_client.a" "$out/"
[ "$profile" != release ] || x86_64-w64-mingw32-strip --strip-unneeded "$out/claude_client.dll"
cp include/claude_client.h include/claude_client.hpp "$out/"
{ echo "LIBRARY claude_client.dll"; echo EXPORTS; sed 's/^/    /' packaging/symbols.txt; } >"$out/claude_client.def"

# What the DLL exports, by name, is what the header declares.
exported=$(x86_64-w64-mingw32-objdump -p "$out/claude_client.dll" |
    awk '/Name Pointer. Table/ { on = 1; next } !NF { on = 0 } on { print $NF }' | sort)
if [ "$exported" != "$(sort packaging/symbols.txt)" ]; then
    echo "windows: the DLL exports something else than packaging/symbols.txt" >&2
    exit 1
fi

if [ "${1:-}" = testkit ]; then
    for program in fake-claude loopback-api; do
        build -p claude-testkit --bin "$program"
        cp "$built/$program.exe" "$out/"
    done
    x86_64-w64-mingw32-gcc -shared -o "$out/bcryptprimitives.dll" tests/windows/bcryptprimitives.c -ladvapi32
fi
